"""A tiny random Qwen3-VL as a folder in the hub's layout, and clips to ask it about."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from rushes.readers.base import Frames
from training.spotter.export import write_folder
from training.spotter.model import Spotter
from training.spotter.tokenizer import train_tokenizer

_FOLDER = TemporaryDirectory(prefix="spotter-")
SPOTTER = Path(_FOLDER.name)
"""Spotter's own files, with weights that are not trained."""
write_folder(Spotter(train_tokenizer()), SPOTTER)


def write_checkpoint(folder: Path) -> Path:
    """Spotter's own files with the weights of a smaller, untrained model."""
    import shutil

    import torch
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    for path in SPOTTER.iterdir():
        if path.suffix in (".json", ".jinja"):
            shutil.copyfile(path, folder / path.name)
    config = Qwen3VLConfig.from_pretrained(SPOTTER)
    config.text_config.num_hidden_layers = 2
    config.vision_config.depth = 2
    torch.manual_seed(5)
    model = Qwen3VLForConditionalGeneration(config)
    for name, p in model.named_parameters():
        if "norm" not in name:  # of a size at which answers differ from question to question
            torch.nn.init.normal_(p, std=0.15)
    model.save_pretrained(folder)
    return folder


def make_frames(count: int = 7, height: int = 60, width: int = 80, seed: int = 0) -> Frames:
    """Noise with a bright square that moves, sampled at 8 fps."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 90, (count, height, width, 3)).astype(np.uint8)
    for k in range(count):
        pixels[k, 10:30, 5 * k : 5 * k + 20] = 250
    return Frames(tuple(pixels), tuple(k / 8 for k in range(count)), "clip.mp4")


def write_clip(to: Path, times: list[Fraction], height: int = 48, width: int = 64) -> Path:
    """H.264 with frames at exactly these times; frame k is grey level 20 + 5 k, from 20 again
    after 44 of them."""
    base = Fraction(1, 90_000)
    with av.open(str(to), "w") as box:
        stream = box.add_stream("libx264", rate=30, options={"crf": "4", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = base
        for k, time in enumerate(times):
            level = np.full((height, width, 3), 20 + 5 * (k % 44), np.uint8)
            frame = av.VideoFrame.from_ndarray(level, format="rgb24")
            frame.pts, frame.time_base = int(time / base), base
            box.mux(stream.encode(frame))
        box.mux(stream.encode())
    return to
