"""Clean clips: rendered ones, sprite's own, and cuts of real footage where a package has it.

Halves by source: checks are tuned on one, and figures are reported of the other alone. Rendered
and panned clips differ by the seed that everything of them is drawn from, footage by the film it is
cut from, sprite's by the parity of the prompt's number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from rushes.media import probe, read_audio_at, read_frames
from training.sprite import world

RATE = 16_000
SECONDS = 2.0625
LINES = 180

Half = Literal["tuning", "first held-out", "held-out"]
SEEDS: dict[Half, tuple[int, int]] = {
    "tuning": (11, 12),
    "first held-out": (21, 22),
    "held-out": (31, 32),
}
"""Of rendered and of panned clips. The first held-out ones were looked at, clip by clip, when
``jump``, ``clipping``, ``sync`` and ``speech`` were made better, and are for tuning since."""

# Files of Debian packages (apt-get download; dpkg -x), whose copyright files say their licences:
# python3-imageio, forensics-samples-files (CC BY-SA 4.0), opencv-doc
IMAGEIO = "usr/lib/python3/dist-packages/imageio/resources/images"
SAMPLES = "usr/share/forensics-samples/original-files"
OPENCV = "usr/share/doc/opencv-doc/examples/data"
FOOTAGE: dict[str, tuple[str, ...]] = {
    "tuning": (
        f"{IMAGEIO}/cockatoo.mp4", f"{SAMPLES}/movie2/movie-hello.mp4", f"{OPENCV}/vtest.avi",
    ),
    "held-out": (
        f"{IMAGEIO}/realshort.mp4",
        f"{SAMPLES}/movie1/VID_20191220_170832.mp4",
        f"{OPENCV}/tree.avi",
    ),
}  # fmt: skip
SHORTEST = 1.1
"""Seconds; a film that is shorter than a cut is taken whole if it has so many."""


@dataclass(frozen=True)
class Clip:
    """Frames (H, W, 3) uint8 RGB, and sound (n, 2) float32 at 16 kHz or None.

    ``kind`` is rendered, panned, sprite or footage; ``motion`` what the rendered ones do. The check
    is told the ``prompt``, and that the first frame has to show the ``picture``.
    """

    name: str
    kind: str
    frames: list[NDArray[np.uint8]]
    wave: NDArray[np.float32] | None
    fps: float = 16.0
    motion: str = ""
    prompt: str = ""
    picture: NDArray[np.uint8] | None = None

    def change(self, **changes: object) -> Clip:
        return replace(self, **changes)  # type: ignore[arg-type]


def list_clean(half: Half, rendered: int, roots: list[Path], sprite: list[Path]) -> Iterator[Clip]:
    """All clean clips of a half; those whose files are not there are left out."""
    yield from render_clips(rendered, SEEDS[half][0])
    yield from pan_clips(max(4, rendered // 6), SEEDS[half][1])
    for path in sprite:
        clip = read_clip(path)
        yield clip.change(kind="sprite")
    for place in FOOTAGE["tuning" if half == "tuning" else "held-out"]:
        found = next((root / place for root in roots if (root / place).is_file()), None)
        if found is not None:
            yield from cut_footage(found)


def render_clips(count: int, seed: int) -> Iterator[Clip]:
    rng = np.random.default_rng(seed)
    motions = list(world.MOTIONS)
    for n in range(count):
        scene = world.sample_scene(rng, motion=motions[n % len(motions)], silent=False)
        size = 128 if n % 6 == 5 else 64
        wave = np.ascontiguousarray(world.render_audio(scene).T)
        frames = list(world.render_video(scene, size=size))
        yield Clip(f"{scene.motion}-{n}", "rendered", frames, wave, motion=scene.motion)


def pan_clips(count: int, seed: int) -> Iterator[Clip]:
    """A camera over a textured scene, with a disc that goes its own way; a tone."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(SECONDS * RATE)) / RATE
    for n in range(count):
        wide = rng.integers(20, 235, (16, 48, 3)).astype(np.uint8)
        wide = cv2.resize(wide, (480, 96), interpolation=cv2.INTER_CUBIC)
        pace = float(rng.uniform(0.5, 8))
        frames = []
        for k in range(33):
            frame = wide[:, round(pace * k) : round(pace * k) + 160].copy()
            cv2.circle(frame, (30 + 3 * k, 48), 9, (230, 40, 40), -1, cv2.LINE_AA)
            frames.append(frame)
        tone = 0.2 * np.sin(2 * np.pi * rng.uniform(200, 900) * t)
        wave = tone[:, None].repeat(2, 1).astype(np.float32)
        yield Clip(f"pan-{n}", "panned", frames, wave, motion="pans")


def read_clip(path: Path) -> Clip:
    frames = [pixels for _, pixels in read_frames(path)]
    wave = None
    if probe(path).audio is not None:
        wave = np.concatenate(list(read_audio_at(path, RATE, 2)))
    return Clip(path.stem, "file", frames, wave, probe(path).fps)


def cut_footage(path: Path, most: int = 30) -> Iterator[Clip]:
    """Cuts of two seconds, made small; sound only where it can be heard."""
    info = probe(path)
    count = round(SECONDS * info.fps)
    wave = None
    if info.audio is not None:
        wave = np.concatenate(list(read_audio_at(path, RATE, 2)))
        wave = wave if np.abs(wave).max() > 0.01 else None
    scale = min(1.0, LINES / min(info.width, info.height))
    size = (2 * round(info.width * scale / 2), 2 * round(info.height * scale / 2))
    source = (pixels for _, pixels in read_frames(path))
    for n in range(most):
        frames = [cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in islice(source, count)]
        if len(frames) < count and (n or len(frames) < SHORTEST * info.fps):
            return
        start = round(n * count / info.fps * RATE)
        sound = None if wave is None else wave[start : start + round(count / info.fps * RATE)]
        yield Clip(f"{path.stem}-{n}", "footage", frames, sound, info.fps, "footage")
