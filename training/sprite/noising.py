"""Which piece of a clip, what of it is noised and what is given: the tasks that one model learns.

Most batches are text to video with sound, some clips of them with one modality given whole or with
a noise level of its own. The other batches give some tokens: a beginning (image to video, and what
extends a clip), pictures at single moments (keyframes, the last frame), or all but a span.
"""

from dataclasses import dataclass

import numpy as np
import torch

from rushes.catalogue.load import find_model
from rushes.plan.windows import Timeline, Window
from training.sprite import world

PLAIN, BEGINNING, SPAN = 0.74, 0.12, 0.06  # shares of the batches; the rest are keyframes
APART, SOUND_GIVEN, PICTURE_GIVEN = 0.03, 0.09, 0.06  # shares of the clips of plain batches
# log-normal sigmas: where a shift of 4 puts the sampler's steps, and what moves is decided
SIGMA_MEAN, SIGMA_DEVIATION = 0.9, 1.2
# the rest: where the frame is decided in which something comes, after the latent frame was
FINE, FINE_MEAN = 0.25, -0.4
TIME = Timeline(find_model("sprite"), float(world.FPS))
DEFAULT = TIME.latents_of(world.FRAMES)  # latents of the usual length
SHORTEST = 5


@dataclass(frozen=True)
class Task:
    """Noise levels of one batch.

    Args:
        video, audio: (B,) of each modality, 0 where it is given whole.
        video_tokens, audio_tokens: (B,) or (B, tokens), 0 where a token is given.
        keyframes: numbers of the frames of the piece that are given as pictures of their own.
    """

    video: torch.Tensor
    audio: torch.Tensor
    video_tokens: torch.Tensor
    audio_tokens: torch.Tensor
    keyframes: tuple[int, ...] = ()


def draw_piece(rng: np.random.Generator, total: int) -> Window:
    """A piece of a clip of `total` latents: mostly the usual length from its beginning, else
    another length, or the middle of a longer clip."""
    kind = rng.random()
    if kind < 0.55:
        first, latents = 0, DEFAULT
    elif kind < 0.8:
        first, latents = 0, int(rng.integers(SHORTEST, total + 1))
    else:
        latents = int(rng.integers(DEFAULT - 1, total))
        first = int(rng.integers(1, total - latents + 1))
    shift = max(first - 1, 0) * TIME.step
    low, high = TIME.audio_at(shift), TIME.audio_at(TIME.frames_of(first + latents))
    return Window(first, latents, 0, low, high - low, 0)


def draw_task(rng: np.random.Generator, batch: int, piece: Window, area: int, kind: float) -> Task:
    """A task for a piece whose latent frames have `area` tokens; `kind` in [0, 1) says which."""
    mean = np.where(rng.random(batch) < FINE, FINE_MEAN, SIGMA_MEAN)
    sigma = 1 / (1 + np.exp(-rng.normal(mean, SIGMA_DEVIATION, batch)))
    if kind < PLAIN:
        return _draw_plain(rng, sigma)
    if kind < PLAIN + BEGINNING:
        return _draw_beginning(rng, sigma, piece, area)
    if kind < PLAIN + BEGINNING + SPAN:
        return _draw_span(rng, sigma, piece, area)
    return _draw_keyframes(rng, sigma, piece, area)


def _draw_plain(rng: np.random.Generator, sigma: np.ndarray) -> Task:
    video, audio = sigma.copy(), sigma.copy()
    kind = rng.random(len(sigma))
    apart = kind < APART
    audio[apart] = rng.random(apart.sum())
    audio[(kind >= APART) & (kind < APART + SOUND_GIVEN)] = 0.0
    given = APART + SOUND_GIVEN
    video[(kind >= given) & (kind < given + PICTURE_GIVEN)] = 0.0
    v, a = _tensor(video), _tensor(audio)
    return Task(v, a, v, a)


def _draw_beginning(rng: np.random.Generator, sigma: np.ndarray, piece: Window, area: int) -> Task:
    """Given: the first picture, or the first latents, with or without their sound."""
    middle = piece.first > 0
    counts = (1, 2, 3, 4, 4, 4, 4, 5, 7, 10) if middle else (1, 1, 1, 3)
    given = rng.choice(counts, len(sigma)) if middle else rng.choice(counts)
    given = np.minimum(given, piece.latents - 1)
    given = np.broadcast_to(given, len(sigma))
    noised = np.arange(piece.latents)[None] >= given[:, None]
    heard = _audio_until(piece, given) * (rng.random(len(sigma)) < (0.85 if middle else 0.3))
    sounds = np.arange(piece.audio_latents)[None] >= heard[:, None]
    return _mask(sigma, noised, sounds, area)


def _audio_until(piece: Window, latents: np.ndarray) -> np.ndarray:
    """Audio latents of the piece that go with its first video latents."""
    frames = [TIME.frames_of(piece.first + int(n)) for n in latents]
    return np.array([TIME.audio_at(f) - piece.audio_first for f in frames])


def _draw_span(rng: np.random.Generator, sigma: np.ndarray, piece: Window, area: int) -> Task:
    """Given: all but a span; in a third of the clips picture alone, or sound alone, is noised."""
    width = rng.integers(2, piece.latents - 1, len(sigma))
    start = (rng.random(len(sigma)) * (piece.latents - width + 1)).astype(int)
    place = np.arange(piece.latents)[None]
    noised = (place >= start[:, None]) & (place < (start + width)[:, None])
    low, high = _audio_until(piece, start), _audio_until(piece, start + width)
    sound = np.arange(piece.audio_latents)[None]
    sounds = (sound >= low[:, None]) & (sound < high[:, None])
    which = rng.random(len(sigma))
    noised[which < 0.17] = False
    sounds[(which >= 0.17) & (which < 0.34)] = False
    return _mask(sigma, noised, sounds, area)


def _draw_keyframes(rng: np.random.Generator, sigma: np.ndarray, piece: Window, area: int) -> Task:
    """Given: pictures at one or two moments, the last frame half of the time, besides the clip."""
    last = TIME.frames_of(piece.end) - 1 - TIME.shift_of(piece)
    first = 1 if piece.first == 0 else 0
    picks = {last if rng.random() < 0.5 else int(rng.integers(first + 1, last))}
    if rng.random() < 0.4:
        picks.add(int(rng.integers(first + 1, last)))
    noised = np.ones((len(sigma), piece.latents), bool)
    if piece.first == 0:
        noised[:, 0] = rng.random(len(sigma)) < 0.5
    video = sigma[:, None] * noised.repeat(area, 1)
    extra = np.zeros((len(sigma), area * len(picks)))
    v, a = _tensor(sigma), _tensor(sigma)
    return Task(v, a, _tensor(np.concatenate([video, extra], 1)), a, tuple(sorted(picks)))


def _mask(sigma: np.ndarray, noised: np.ndarray, sounds: np.ndarray, area: int) -> Task:
    return Task(
        _tensor(sigma * noised.any(1)),
        _tensor(sigma * sounds.any(1)),
        _tensor(sigma[:, None] * noised.repeat(area, 1)),
        _tensor(sigma[:, None] * sounds),
    )


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).float()
