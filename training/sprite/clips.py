"""Writes frames and sound to an MP4 (H.264, AAC), for the oracle's tests and the benchmarks."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from training.sprite import world


def write_mp4(path: str | Path, frames: np.ndarray, wave: np.ndarray, crf: int = 12) -> None:
    """`frames` (F, H, W, 3) uint8 at 16 fps, `wave` (2, N) float32 in [-1, 1] at 16 kHz."""
    with av.open(str(path), "w") as box:
        video = box.add_stream("libx264", rate=world.FPS)
        video.height, video.width = frames.shape[1:3]
        video.pix_fmt = "yuv420p"
        video.options = {"crf": str(crf), "preset": "fast", "x264-params": "mbtree=0:threads=1"}
        audio = box.add_stream("aac", rate=world.SAMPLE_RATE, layout="stereo")
        for image in frames:
            box.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        box.mux(video.encode())
        for start in range(0, wave.shape[1], 1024):
            piece = np.ascontiguousarray(wave[:, start : start + 1024], dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = world.SAMPLE_RATE, start
            frame.time_base = Fraction(1, world.SAMPLE_RATE)
            box.mux(audio.encode(frame))
        box.mux(audio.encode())
