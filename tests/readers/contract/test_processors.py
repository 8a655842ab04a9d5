"""What a family makes of frames is what transformers' own processor makes of them.

transformers' processors of these families import torchvision, so these run only beside one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rushes.readers.base import Frames, find_reader
from tests.readers.checkpoints import make_frames

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from tests.readers.contract.checkpoints import TINY  # noqa: E402

SIZES = [(6, 60, 80), (7, 32, 32), (4, 150, 101)]


def open_tiny(family: str, folder: Path) -> Any:
    return find_reader(family).open(TINY[family].write(folder / family), "cpu")


def run_class(processor: Any, frames: Frames, prompt: str) -> Any:
    from transformers.video_utils import VideoMetadata

    count = len(frames.pixels)
    metadata = VideoMetadata(
        total_num_frames=count, fps=8.0, frames_indices=list(range(count)), duration=count / 8
    )
    return processor(
        text=[prompt], videos=[np.stack(frames.pixels)], video_metadata=[metadata],
        do_sample_frames=False, return_tensors="pt",
    )  # fmt: skip


@pytest.mark.parametrize(("count", "height", "width"), SIZES)
def test_qwen25(count: int, height: int, width: int, tmp_path: Path) -> None:
    pytest.importorskip("torchvision", exc_type=ImportError)
    from transformers import Qwen2_5_VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    reader, frames = open_tiny("qwen2_5vl", tmp_path), make_frames(count, height, width)
    said = json.loads((reader.folder / "preprocessor_config.json").read_text())
    theirs = Qwen2VLVideoProcessor(**said, cap_pixels_per_frame=True)
    processor = Qwen2_5_VLProcessor(Qwen2VLImageProcessorPil(), reader.part("tokenizer"), theirs)
    out = run_class(processor, frames, "<|vision_start|><|video_pad|><|vision_end|>what?")
    clip = reader.make_clip(frames)
    assert out["video_grid_thw"].tolist() == [list(clip.grid)]
    assert torch.equal(out["pixel_values_videos"], clip.inputs["pixel_values_videos"])
    text = f"<|vision_start|>{clip.text}<|vision_end|>what?"
    assert out["input_ids"][0].tolist() == reader.part("tokenizer")(text)["input_ids"]


@pytest.mark.parametrize(("count", "height", "width"), SIZES)
def test_internvl(count: int, height: int, width: int, tmp_path: Path) -> None:
    pytest.importorskip("torchvision", exc_type=ImportError)
    from transformers import InternVLProcessor
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
    from transformers.models.internvl.video_processing_internvl import InternVLVideoProcessor

    reader, frames = open_tiny("internvl", tmp_path), make_frames(count, height, width)
    said = json.loads((reader.folder / "preprocessor_config.json").read_text())
    tokens = said.pop("image_seq_length")
    processor = InternVLProcessor(
        GotOcr2ImageProcessorPil(), reader.part("tokenizer"), InternVLVideoProcessor(**said),
        image_seq_length=tokens,
    )  # fmt: skip
    out = run_class(processor, frames, "<video>\nwhat?")
    clip = reader.make_clip(frames)
    assert torch.equal(out["pixel_values"], clip.inputs["pixel_values"])
    assert out["input_ids"][0].tolist() == reader._encode(f"{clip.text}\nwhat?")


@pytest.mark.parametrize(("count", "height", "width"), SIZES)
def test_onevision(count: int, height: int, width: int, tmp_path: Path) -> None:
    pytest.importorskip("torchvision", exc_type=ImportError)
    from transformers import LlavaOnevisionProcessor
    from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
        LlavaOnevisionImageProcessorPil,
    )
    from transformers.models.llava_onevision.video_processing_llava_onevision import (
        LlavaOnevisionVideoProcessor,
    )

    reader, frames = open_tiny("llava_onevision", tmp_path), make_frames(count, height, width)
    said = json.loads((reader.folder / "preprocessor_config.json").read_text())
    tokens = said.pop("num_image_tokens")
    processor = LlavaOnevisionProcessor(
        LlavaOnevisionImageProcessorPil(), reader.part("tokenizer"),
        LlavaOnevisionVideoProcessor(**said), num_image_tokens=tokens,
    )  # fmt: skip
    out = run_class(processor, frames, "<video>\nwhat?")
    clip = reader.make_clip(frames)
    assert torch.equal(out["pixel_values_videos"], clip.inputs["pixel_values_videos"])
    assert out["input_ids"][0].tolist() == reader._encode(f"{clip.text}\nwhat?")


@pytest.mark.parametrize(("count", "height", "width"), SIZES)
def test_pixtral(count: int, height: int, width: int, tmp_path: Path) -> None:
    pytest.importorskip("torchvision", exc_type=ImportError)
    from transformers import PixtralProcessor
    from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil

    reader, frames = open_tiny("pixtral", tmp_path), make_frames(count, height, width)
    said = json.loads((reader.folder / "preprocessor_config.json").read_text())
    processor = PixtralProcessor(
        PixtralImageProcessorPil(**said), reader.part("tokenizer"), patch_size=8
    )
    prompt = "".join(f"{seconds:.1f} seconds:[IMG]\n" for seconds in frames.seconds)
    out = processor(text=[prompt], images=[list(frames.pixels)], return_tensors="pt")
    clip = reader.make_clip(frames)
    assert torch.equal(out["pixel_values"], clip.inputs["pixel_values"])
    assert out["input_ids"][0].tolist() == reader._encode(clip.text)
