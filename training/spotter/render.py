"""Draws a clip, disturbs it as its `Look` says, and passes it through H.264."""

import io
from pathlib import Path

import av
import cv2
import numpy as np

from rushes.readers.base import Sampling
from rushes.readers.sampling import pick_even
from training.spotter.scenes import Clip, locate
from training.sprite import world


def draw_clip(clip: Clip) -> np.ndarray:
    """(frames, height, width, 3) uint8, before compression."""
    t = np.arange(clip.frames, dtype=np.float32) / clip.rate
    look, scale = clip.look, np.float32(clip.scale)
    ground = np.array(world.BACKGROUNDS[clip.background], np.float32) + look.tint[0]
    shape = (clip.frames, clip.height, clip.width, 3)
    picture = np.broadcast_to(np.asarray(ground, np.float32), shape).copy()
    across = ((np.arange(clip.width, dtype=np.float32) + 0.5) / scale)[None, None, :]
    down = ((np.arange(clip.height, dtype=np.float32) + 0.5) / scale)[None, :, None]
    for actor, tint in zip(clip.actors, look.tint[1:], strict=False):
        x, y, r, on = (v[:, None, None].astype(np.float32) for v in locate(clip, actor, t))
        distance = world._distance(actor.scene.shape, across - x, down - y, r)
        alpha = (np.clip(0.5 - distance * scale, 0, 1) * on)[..., None]
        colour = np.asarray(np.array(world.COLOURS[actor.scene.colour]) + tint, np.float32)
        picture += alpha * (colour - picture)
    return _disturb(picture, clip)


def _disturb(picture: np.ndarray, clip: Clip) -> np.ndarray:
    look = clip.look
    if look.blur:
        sigma = look.blur * clip.scale
        picture = np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in picture])
    picture = picture * np.float32(look.gain) + np.float32(look.lift)
    if look.noise:
        rng = np.random.default_rng(look.seed)
        picture += look.noise * rng.standard_normal(picture.shape, np.float32)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def write_mp4(to: str | Path | io.BytesIO, frames: np.ndarray, rate: int, crf: int) -> None:
    """`frames` (F, H, W, 3) uint8 as H.264, sides even."""
    file = to if isinstance(to, io.BytesIO) else str(to)
    with av.open(file, "w", format="mp4") as box:
        stream = box.add_stream("libx264", rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        options = {"crf": str(crf), "preset": "veryfast"}
        stream.options = options | {"x264-params": "mbtree=0:threads=1"}
        for image in frames:
            box.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        box.mux(stream.encode())


def pass_codec(frames: np.ndarray, rate: int, crf: int) -> np.ndarray:
    """The frames as they come back out of an H.264 file."""
    file = io.BytesIO()
    write_mp4(file, frames, rate, crf)
    file.seek(0)
    with av.open(file) as box:
        return np.stack([f.to_ndarray(format="rgb24") for f in box.decode(video=0)])


def show_clip(clip: Clip) -> np.ndarray:
    """(frames, height, width, 3) uint8 as a viewer gets them."""
    frames = draw_clip(clip)
    return frames if clip.look.crf is None else pass_codec(frames, clip.rate, clip.look.crf)


def pick_frames(clip: Clip, sampling: Sampling) -> list[int]:
    """Which frames the reader would sample of the clip's file."""
    stream = ((k / clip.rate, k) for k in range(clip.frames))
    return [k for _, k in pick_even(stream, sampling, clip.seconds, lambda k: k)]
