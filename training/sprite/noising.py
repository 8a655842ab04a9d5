"""What is noised and what is given: the tasks that one transformer learns.

Most batches are text to video with sound, a few clips of them with one modality given whole or
with a noise level of its own. The other batches give some tokens: a beginning (image to video, and
what extends a clip), pictures at single moments (keyframes, the last frame), or all but a span.
"""

from dataclasses import dataclass

import numpy as np
import torch

PLAIN, BEGINNING, SPAN = 0.78, 0.10, 0.05  # shares of the batches; the rest are keyframes
# log-normal sigmas: where a shift of 4 puts the sampler's steps, and what moves is decided
SIGMA_MEAN, SIGMA_DEVIATION = 0.9, 1.2
FRAMES_A_LATENT, FPS, AUDIO_A_SECOND = 4, 16, 25


@dataclass(frozen=True)
class Task:
    """Noise levels of one batch.

    Args:
        video, audio: (B,) of each modality, 0 where it is given whole.
        video_tokens, audio_tokens: (B,) or (B, tokens), 0 where a token is given.
        first: the first latent frame that is there; 1 for the middle of a longer clip.
        keyframes: numbers of the frames that are given as pictures of their own.
    """

    video: torch.Tensor
    audio: torch.Tensor
    video_tokens: torch.Tensor
    audio_tokens: torch.Tensor
    first: int = 0
    keyframes: tuple[int, ...] = ()


def draw_task(
    rng: np.random.Generator, batch: int, frames: int, area: int, audio_frames: int
) -> Task:
    """A task for `frames` latent frames of `area` tokens and `audio_frames` audio tokens."""
    sigma = 1 / (1 + np.exp(-rng.normal(SIGMA_MEAN, SIGMA_DEVIATION, batch)))
    kind = rng.random()
    if kind < PLAIN:
        return _draw_plain(rng, sigma)
    if kind < PLAIN + BEGINNING:
        return _draw_beginning(rng, sigma, frames, area, audio_frames)
    if kind < PLAIN + BEGINNING + SPAN:
        return _draw_span(rng, sigma, frames, area, audio_frames)
    return _draw_keyframes(rng, sigma, frames, area)


def _draw_plain(rng: np.random.Generator, sigma: np.ndarray) -> Task:
    video, audio = sigma.copy(), sigma.copy()
    kind = rng.random(len(sigma))
    apart = kind < 0.04
    audio[apart] = rng.random(apart.sum())
    audio[(kind >= 0.04) & (kind < 0.09)] = 0.0
    video[(kind >= 0.09) & (kind < 0.12)] = 0.0
    v, a = _tensor(video), _tensor(audio)
    return Task(v, a, v, a)


def _draw_beginning(
    rng: np.random.Generator, sigma: np.ndarray, frames: int, area: int, audio_frames: int
) -> Task:
    """Given: the first picture, or the first latents, with or without their sound."""
    first = int(rng.random() < 0.5)
    given = rng.choice((1, 1, 2, 3, 4, 4, 5), len(sigma)) if first else rng.choice((1, 1, 1, 3))
    given = np.broadcast_to(given, len(sigma))
    noised = np.arange(first, frames)[None] >= first + given[:, None]
    seconds = ((first + given - 1) * FRAMES_A_LATENT + 1) / FPS
    heard = seconds * AUDIO_A_SECOND * (rng.random(len(sigma)) < (0.8 if first else 0.3))
    sounds = np.arange(audio_frames)[None] >= np.floor(heard[:, None] + 1e-6)
    return _mask(sigma, noised, sounds, area, first)


def _draw_span(
    rng: np.random.Generator, sigma: np.ndarray, frames: int, area: int, audio_frames: int
) -> Task:
    """Given: all but a span; in a third of the clips picture alone, or sound alone, is noised."""
    width = rng.integers(2, frames - 2, len(sigma))
    start = (rng.random(len(sigma)) * (frames - width + 1)).astype(int)
    place = np.arange(frames)[None]
    noised = (place >= start[:, None]) & (place < (start + width)[:, None])
    scale = FRAMES_A_LATENT / FPS * AUDIO_A_SECOND
    sound = np.arange(audio_frames)[None] / scale
    sounds = (sound >= start[:, None] - 0.75) & (sound < (start + width)[:, None] - 0.75)
    which = rng.random(len(sigma))
    noised[which < 0.17] = False
    sounds[(which >= 0.17) & (which < 0.34)] = False
    return _mask(sigma, noised, sounds, area)


def _draw_keyframes(rng: np.random.Generator, sigma: np.ndarray, frames: int, area: int) -> Task:
    """Given: pictures at one or two moments, the last frame half of the time, besides the clip."""
    last = (frames - 1) * FRAMES_A_LATENT
    picks = {last if rng.random() < 0.5 else int(rng.integers(1, last))}
    if rng.random() < 0.4:
        picks.add(int(rng.integers(1, last)))
    noised = np.ones((len(sigma), frames), bool)
    noised[:, 0] = rng.random(len(sigma)) < 0.5
    video = sigma[:, None] * noised.repeat(area, 1)
    extra = np.zeros((len(sigma), area * len(picks)))
    v, a = _tensor(sigma), _tensor(sigma)
    return Task(v, a, _tensor(np.concatenate([video, extra], 1)), a, keyframes=tuple(sorted(picks)))


def _mask(
    sigma: np.ndarray, noised: np.ndarray, sounds: np.ndarray, area: int, first: int = 0
) -> Task:
    return Task(
        _tensor(sigma * noised.any(1)),
        _tensor(sigma * sounds.any(1)),
        _tensor(sigma[:, None] * noised.repeat(area, 1)),
        _tensor(sigma[:, None] * sounds),
        first,
    )


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).float()
