"""Pixels, grids and timestamps: by hand, and against the class where torchvision imports."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import UsageError
from rushes.readers.base import Frames
from rushes.readers.qwen3vl_settings import VideoSettings, make_settings, read_settings
from rushes.readers.qwen3vl_video import (
    average_times,
    choose_size,
    prepare_pixels,
    write_blocks,
)
from tests.readers.checkpoints import SPOTTER, make_frames

torch = pytest.importorskip("torch")

LARGE = {  # as Qwen3-VL's checkpoints have it
    "size": {"shortest_edge": 4096, "longest_edge": 25_165_824},
    "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2,
    "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
}  # fmt: skip


def by_hand(frames: Frames, size: tuple[int, int], patch: int, merge: int) -> np.ndarray:
    """The same patches, pixel by pixel in plain loops; no resizing."""
    clip = np.stack(frames.pixels).astype(np.float32) / 255
    clip = (clip - 0.5) / 0.5
    if len(clip) % 2:
        clip = np.concatenate([clip, clip[-1:]])
    height, width = size
    rows = []
    for t in range(len(clip) // 2):
        for block_row in range(height // patch // merge):
            for block_column in range(width // patch // merge):
                for r in range(merge):
                    for c in range(merge):
                        y = (block_row * merge + r) * patch
                        x = (block_column * merge + c) * patch
                        piece = clip[2 * t : 2 * t + 2, y : y + patch, x : x + patch]
                        rows.append(piece.transpose(3, 0, 1, 2).reshape(-1))
    return np.array(rows)


@pytest.mark.parametrize(("count", "patch"), [(6, 8), (7, 16), (1, 8)])
def test_patches_lie_as_the_class_lays_them(count: int, patch: int) -> None:
    frames = make_frames(count, 64, 96)
    settings = make_settings(LARGE | {"patch_size": patch, "size": {
        "shortest_edge": 64, "longest_edge": 10**8}}, "here")  # fmt: skip
    pixels = prepare_pixels(frames, settings)
    expected = by_hand(frames, (64, 96), patch, 2)
    assert pixels.grid == ((count + 1) // 2, 64 // patch, 96 // patch)
    assert pixels.values.shape == expected.shape
    np.testing.assert_allclose(pixels.values.numpy(), expected, atol=2e-6)


@given(
    frames=st.integers(2, 768), height=st.integers(16, 2200), width=st.integers(16, 2200),
    large=st.booleans(),
)  # fmt: skip
def test_sizes_are_whole_tokens_within_the_budget(
    frames: int, height: int, width: int, large: bool
) -> None:
    settings = make_settings(LARGE, "here") if large else read_settings(SPOTTER)
    rows, columns = choose_size(settings, frames, height, width)
    factor = settings.factor
    assert rows % factor == columns % factor == 0
    assert min(rows, columns) >= factor
    if max(height, width) <= 8 * min(height, width) and min(rows, columns) > factor:
        most = settings.longest_edge
        if not large:
            most = min(most, frames * settings.max_video_tokens * factor**2)
        assert (frames // 2 * 2) * rows * columns <= most
        ratio = (rows / columns) / (height / width)
        assert 1 / 3 < ratio < 3


def test_spotter_sees_every_square_clip_at_64_pixels() -> None:
    settings = read_settings(SPOTTER)
    for side in (*range(56, 161, 2), 720):
        for frames in (4, 17, 33):
            assert choose_size(settings, frames, side, side) == (64, 64), side


def test_a_bright_picture_is_resized_without_leaving_its_range() -> None:
    pixels = np.zeros((130, 130, 3), np.uint8)
    pixels[:, 65:] = 255
    frames = Frames((pixels,) * 4, (0.0, 0.125, 0.25, 0.375), "clip.mp4")
    values = prepare_pixels(frames, read_settings(SPOTTER)).values
    assert float(values.min()) == pytest.approx(-1)
    assert float(values.max()) == pytest.approx(1)


def test_a_time_stands_for_both_frames_of_a_patch() -> None:
    assert average_times([0.0, 0.5, 1.0, 1.5], 2) == [0.25, 1.25]
    assert average_times([0.0, 0.5, 1.0], 2) == [0.25, 1.0]
    assert write_blocks([0.25, 1.25], 2, "#", "(", ")") == "<0.2 seconds>(##)<1.2 seconds>(##)"


def test_settings_come_from_the_nearest_file(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"patch_size": 8}))
    assert read_settings(tmp_path).patch_size == 8
    (tmp_path / "video_preprocessor_config.json").write_text(json.dumps({"patch_size": 14}))
    (tmp_path / "processor_config.json").write_text(json.dumps({"processor_class": "X"}))
    assert read_settings(tmp_path).patch_size == 14
    nested = {"video_processor": {"patch_size": 12, "size": {"shortest_edge": 5}}}
    (tmp_path / "processor_config.json").write_text(json.dumps(nested))
    settings = read_settings(tmp_path)
    assert (settings.patch_size, settings.shortest_edge) == (12, 5)
    assert settings.longest_edge == VideoSettings().longest_edge


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "cannot read"), ("[]", "table"), ('{"do_resize": false}', "do_resize"),
     ('{"resample": 0}', "filter 0")],
)  # fmt: skip
def test_settings_that_cannot_be_kept_are_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "video_preprocessor_config.json").write_text(content)
    with pytest.raises(UsageError, match=message):
        read_settings(tmp_path)


def test_a_folder_without_settings_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="video processor"):
        read_settings(tmp_path)


@pytest.mark.parametrize(("count", "height", "width"), [(7, 60, 80), (16, 64, 64), (4, 150, 101)])
@pytest.mark.parametrize("which", ["spotter", "large"])
def test_the_class_gives_the_same(count: int, height: int, width: int, which: str) -> None:
    """Pixels to the last bit, and the text with its timestamps."""
    pytest.importorskip("torchvision", exc_type=ImportError)
    from transformers import AutoTokenizer, Qwen3VLProcessor
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor
    from transformers.video_utils import VideoMetadata

    document = json.loads((SPOTTER / "video_preprocessor_config.json").read_text())
    if which == "large":
        document |= LARGE | {"cap_pixels_per_frame": False}
    theirs = Qwen3VLVideoProcessor(**document)
    settings = make_settings(document, "here")
    frames = make_frames(count, height, width)
    tokenizer = AutoTokenizer.from_pretrained(SPOTTER)
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    processor = Qwen3VLProcessor(Qwen2VLImageProcessorPil(), tokenizer, theirs)
    metadata = VideoMetadata(
        total_num_frames=count, fps=8.0, frames_indices=list(range(count)), duration=count / 8
    )
    prompt = "<|im_start|>user\n<|vision_start|><|video_pad|><|vision_end|>what?<|im_end|>"
    out = processor(
        text=[prompt], videos=[np.stack(frames.pixels)], video_metadata=[metadata],
        do_sample_frames=False, return_tensors="pt",
    )  # fmt: skip
    mine = prepare_pixels(frames, settings)
    assert out["video_grid_thw"].tolist() == [list(mine.grid)]
    assert torch.equal(out["pixel_values_videos"], mine.values)
    blocks = write_blocks(
        average_times(frames.seconds, 2), mine.grid[1] * mine.grid[2] // 4,
        "<|video_pad|>", "<|vision_start|>", "<|vision_end|>",
    )  # fmt: skip
    text = prompt.replace("<|video_pad|>", blocks)
    assert out["input_ids"][0].tolist() == tokenizer(text)["input_ids"]
