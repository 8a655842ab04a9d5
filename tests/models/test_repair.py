"""A repair by sprite itself: what it was not asked for is the take's, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from rushes.catalogue.load import find_model
from rushes.models.ltx2 import LoadedLTX2
from rushes.plan.mending import repair_params
from rushes.plan.windows import Timeline
from rushes.spec.given import RetakePart
from rushes.spec.project import Mend
from rushes.stages.base import Job
from rushes.stages.checkpoint import NoCheckpoint
from rushes.stages.denoise import DenoiseParams
from rushes.stages.repair import run

FRAMES, FPS = 33, 16.0


@pytest.fixture(scope="module")
def inputs(sprite: LoadedLTX2, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Embeddings of a prompt, and latents that stand for a take."""
    folder = tmp_path_factory.mktemp("repair")
    embeds = sprite.encode_text("a red ball bounces on a grey background", "")
    save_file(embeds, folder / "embeds.safetensors")
    grid = sprite.model.latents
    assert grid.audio is not None
    generator = torch.Generator().manual_seed(5)
    take = {
        "video": torch.randn(grid.video_channels, 9, 4, 4, generator=generator),
        "audio": torch.randn(grid.audio.channels, 52, grid.audio.mel_bins, generator=generator),
    }
    save_file(take, folder / "take.safetensors")
    return {name: folder / f"{name}.safetensors" for name in ("embeds", "take")}


@pytest.mark.parametrize("part", ["picture", "sound", "both"])
def test_only_the_span_is_new(
    part: RetakePart, sprite: LoadedLTX2, inputs: dict[str, Path], tmp_path: Path
) -> None:
    time = Timeline(find_model("sprite"), FPS)
    whole = time.first_window(FRAMES)
    base = DenoiseParams(
        seed=1, first=0, latents=whole.latents, audio_offset=0.0,
        audio_latents=whole.audio_latents, height=96, width=96, fps=FPS, steps=2, guidance=1.0,
    )  # fmt: skip
    params = repair_params(base, time, whole, Mend(((17, 21),), part, 11))
    paths = {"embeds": {"embeds": inputs["embeds"]}, "take": {"latents": inputs["take"]}}
    job = Job(
        params, paths, tmp_path, lambda done, total: None, model=sprite, checkpoint=NoCheckpoint()
    )
    made, take = load_file(run(job).files["latents"]), load_file(inputs["take"])
    video = [n for n in range(9) if not torch.equal(made["video"][:, n], take["video"][:, n])]
    audio = [n for n in range(52) if not torch.equal(made["audio"][:, n], take["audio"][:, n])]
    assert video == ([] if part == "sound" else [5])
    assert audio == ([] if part == "picture" else list(range(26, 33)))
    assert all(bool(value.isfinite().all()) for value in made.values())
