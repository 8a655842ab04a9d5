"""Draw docs/images/hello.png: frames and waveform of the clips that `make clip` built."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rushes.media import encode_image, read_audio, read_frames

CLIPS = ("opening", "second", "closing")
FRAMES, SCALE, GAP, WAVE = 8, 2, 4, 48
PAPER, INK = (246, 243, 236), (196, 112, 32)

Image = NDArray[np.uint8]


def draw_frames(path: Path) -> Image:
    """``FRAMES`` pictures, evenly spaced, enlarged and side by side: (H, W, 3) uint8."""
    frames = [frame for _, frame in read_frames(path)]
    picks = np.linspace(0, len(frames) - 1, FRAMES).round().astype(int)
    large = [frames[n].repeat(SCALE, axis=0).repeat(SCALE, axis=1) for n in picks]
    gap = np.full((large[0].shape[0], GAP, 3), PAPER, np.uint8)
    row: list[Image] = []
    for picture in large:
        row += [picture, gap]
    return np.concatenate(row[:-1], axis=1)


def draw_wave(path: Path, width: int) -> Image:
    """Peaks of the sound over ``width`` columns, full scale from top to bottom."""
    sound = np.concatenate([np.abs(samples).max(axis=1) for _, samples, _ in read_audio(path)])
    columns = [part.max(initial=0.0) for part in np.array_split(sound, width)]
    image = np.full((WAVE, width, 3), PAPER, np.uint8)
    for x, peak in enumerate(columns):
        half = max(1, round(min(float(peak), 1.0) * WAVE / 2))
        image[WAVE // 2 - half : WAVE // 2 + half, x] = INK
    return image


def main() -> None:
    """One block a clip, one under the other."""
    rows: list[Image] = []
    for name in CLIPS:
        path = Path("examples/hello/out", f"{name}.mp4")
        frames = draw_frames(path)
        gap = np.full((GAP, frames.shape[1], 3), PAPER, np.uint8)
        rows += [frames, gap, draw_wave(path, frames.shape[1]), gap]
    image = np.concatenate(rows[:-1])
    framed = np.full((image.shape[0] + 4 * GAP, image.shape[1] + 4 * GAP, 3), PAPER, np.uint8)
    framed[2 * GAP : -2 * GAP, 2 * GAP : -2 * GAP] = image
    target = Path("docs/images/hello.png")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(encode_image(framed, "png"))


if __name__ == "__main__":
    main()
