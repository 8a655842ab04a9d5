"""Clips for the checks that need more than a picture and a sound: writing, voices, given pictures.

Voices are synthesised by Debian's espeak-ng and flite where they are found; writing is drawn.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.defects.corpus import RATE, Clip, Half
from bench.defects.plant import Defect
from rushes.media import read_audio_at

LINES = 240
"""Small clips are scaled up before something is written: letters need pixels."""
SENTENCES = (
    "The red ball bounces on the grey floor.",
    "Welcome to the spring launch, everybody.",
    "I have never seen the river so quiet.",
    "Please close the door behind you tonight.",
)
OTHERS = (
    "Seven hundred people waited for the train.",
    "My brother cooks rice with a little butter.",
    "Nobody told me about the old machine.",
    "Yesterday morning it rained in London.",
)
VOICES: dict[Half, tuple[str, ...]] = {
    "tuning": ("flite_cmu_us_slt", "flite_cmu_us_awb", "espeak-ng:en-us"),
    "first held-out": ("flite_cmu_us_rms", "flite_cmu_us_kal16", "espeak-ng:en-gb-scotland"),
    "held-out": (
        "flite_cmu_us_kal", "espeak-ng:en-us+m4", "espeak-ng:en-us+m1", "espeak-ng:en-us+f4",
        "espeak-ng:en-gb+m7", "espeak-ng:en-gb+f1", "espeak-ng:en-gb-x-rp+m5",
        "espeak-ng:en-us+klatt4", "espeak-ng:en-029+f3", "espeak-ng:en-gb-x-gbclan",
    ),
}  # fmt: skip
SHOUT = "HOT DEALS TODAY"


def write_subtitle(clip: Clip, height: float, text: str = "and then she said") -> Clip:
    """Letters of so many shares of the picture's height, white with a dark rim, below."""
    return clip.change(frames=[_write(f, height, text) for f in _enlarge(clip.frames)])


def write_garbled(clip: Clip, height: float) -> Clip:
    """The same, bent until it is no word, as generators write."""
    text = clip.change(frames=[_write(f, height, SHOUT, rows=0.55) for f in _enlarge(clip.frames)])
    plain = _enlarge(clip.frames)
    rng = np.random.default_rng(5)
    rows, columns = plain[0].shape[:2]
    bend = max(1.5, 0.2 * height * rows)
    shape = (max(2, rows // 12), max(2, columns // 12))
    ways = [
        cv2.resize(rng.normal(0, bend, shape).astype(np.float32), (columns, rows),
                   interpolation=cv2.INTER_CUBIC)
        for _ in range(2)
    ]  # fmt: skip
    ys, xs = np.indices((rows, columns)).astype(np.float32)
    frames = []
    for written, bare in zip(text.frames, plain, strict=True):
        ink = (written != bare).any(axis=2).astype(np.float32)
        bent = cv2.remap(written, xs + ways[0], ys + ways[1], cv2.INTER_LINEAR)
        where = cv2.remap(ink, xs + ways[0], ys + ways[1], cv2.INTER_LINEAR)[..., None]
        frames.append((bent * where + bare * (1 - where)).astype(np.uint8))
    return clip.change(frames=frames)


def write_asked(clip: Clip, height: float) -> Clip:
    """Clean: what is written is what the prompt quotes."""
    frames = [_write(f, height, SHOUT, rows=0.55) for f in _enlarge(clip.frames)]
    return clip.change(frames=frames, prompt=f'a shop with a sign that says "{SHOUT}"')


def _enlarge(frames: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    scale = max(1.0, LINES / min(frames[0].shape[:2]))
    size = (round(frames[0].shape[1] * scale), round(frames[0].shape[0] * scale))
    return [cv2.resize(f, size, interpolation=cv2.INTER_CUBIC) for f in frames]


def _write(
    frame: NDArray[np.uint8], height: float, text: str, rows: float = 0.88
) -> NDArray[np.uint8]:
    font, made = cv2.FONT_HERSHEY_SIMPLEX, frame.copy()
    scale = height * frame.shape[0] / cv2.getTextSize("M", font, 1.0, 1)[0][1]
    wide = cv2.getTextSize(text, font, scale, 1)[0][0]
    scale *= min(1.0, 0.95 * frame.shape[1] / wide)
    wide = cv2.getTextSize(text, font, scale, 1)[0][0]
    at = ((frame.shape[1] - wide) // 2, round(rows * frame.shape[0]))
    for colour, pen in (((10, 10, 10), 3), ((250, 250, 250), 1)):
        cv2.putText(made, text, at, font, scale, colour, pen, cv2.LINE_AA)
    return made


def list_spoken(half: Half, roots: Sequence[Path]) -> Iterator[Clip]:
    """Clean clips in which a voice says what the prompt quotes."""
    for voice in VOICES[half]:
        for number, sentence in enumerate(SENTENCES):
            wave = _speak(voice, sentence, roots)
            if wave is None:
                return
            prompt = f'a woman at a table says: "{sentence}"'
            still = [np.full((64, 64, 3), 90, np.uint8)] * round(len(wave) / RATE * 16)
            yield Clip(f"{voice}-{number}", "spoken", still, wave, prompt=prompt)


def say_else(clip: Clip, share: float) -> Clip:
    """The prompt quotes other words in place of so many of them."""
    number = int(clip.name.rpartition("-")[2])
    said, other = SENTENCES[number].split(), OTHERS[number].split()
    count = round(share * len(said))
    quoted = " ".join([*other[:count], *said[count:]])
    return clip.change(prompt=f'a woman at a table says: "{quoted}"')


def add_noise(clip: Clip, decibels: float) -> Clip:
    """White noise so many decibels above the voice; nothing is quoted."""
    assert clip.wave is not None
    level = float(np.sqrt(np.mean(clip.wave**2))) * 10 ** (decibels / 20)
    noise = np.random.default_rng(7).normal(0, level, (len(clip.wave), 1)).astype(np.float32)
    return clip.change(wave=np.clip(clip.wave + noise, -1, 1), prompt="a woman at a table speaks")


def _speak(voice: str, text: str, roots: Sequence[Path]) -> NDArray[np.float32] | None:
    """(n, 2) float32 at 16 kHz; None where the synthesiser is not found."""
    program, _, accent = voice.partition(":")
    root = next((r for r in roots if (r / "usr/bin" / program).is_file()), None)
    if root is None:
        return None
    libraries = root / "usr/lib/x86_64-linux-gnu"
    data = libraries / "espeak-ng-data"
    settings = {"LD_LIBRARY_PATH": str(libraries), "ESPEAK_DATA_PATH": str(data)}
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        output = ["-v", accent, "-w", file.name, text] if accent else ["-t", text, "-o", file.name]
        command = [str(root / "usr/bin" / program), *output]
        subprocess.run(command, env={**os.environ, **settings}, check=True)
        wave = np.concatenate(list(read_audio_at(file.name, RATE, 2)))
    return np.asarray(0.5 * wave / max(1e-6, float(np.abs(wave).max())), np.float32)


def give_first(clip: Clip) -> Clip:
    """Clean: the picture that was given is the first frame; the clip is as soft as a decoder's."""
    soft = [cv2.GaussianBlur(f, (0, 0), 0.7) for f in clip.frames]
    return clip.change(frames=soft, picture=clip.frames[0])


def give_other(clip: Clip, share: float) -> Clip:
    """The picture that was given shows something else, mixed into the first frame by ``share``."""
    first = clip.frames[0]
    other = cv2.rotate(255 - first, cv2.ROTATE_180)
    return clip.change(picture=cv2.addWeighted(first, 1 - share, other, share, 0))


ASKED = (
    Defect("text", "subtitle", "of height", (0.03, 0.05, 0.08, 0.12), 0.08, write_subtitle),
    Defect("text", "garbled", "of height", (0.05, 0.08, 0.12, 0.16), 0.12, write_garbled),
    Defect("speech", "other words", "share", (0.25, 0.5, 0.75, 1.0), 0.75, say_else),
    Defect("speech", "noise", "dB over it", (-20, -10, 0, 5), 0, add_noise),
    Defect("reference", "other picture", "mix", (0.1, 0.25, 0.5, 1.0), 0.5, give_other),
)
CLEAN: dict[str, Callable[[Clip], Clip]] = {
    "text": lambda clip: write_asked(clip, 0.1),
    "speech": lambda clip: clip,
    "reference": give_first,
}
"""What is clean to each of these checks beside the clips that have nothing to do with it."""
