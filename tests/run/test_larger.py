"""A clip that is made larger than it is denoised, through plan, workers and export."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
import torch

from rushes.catalogue.load import find_model
from rushes.catalogue.model import Sampling, Upscale
from rushes.errors import ProjectError
from rushes.hub import find_checkpoint
from rushes.media import probe
from rushes.run.build import BuildOptions, build_project
from rushes.run.execute import SilentObserver
from rushes.run.retention import open_ledger
from rushes.spec import choosing, own
from rushes.spec.resolve import load_project
from rushes.store.store import Store
from tests.models.contract.kit import save_lora_of

REFINING = Sampling(
    steps=2, sigmas=[0.8, 0.4], guidance=1.0, audio_guidance=1.0, lora="distilled_lora"
)
LARGER = msgspec.structs.replace(
    find_model("sprite"), upscale=Upscale([2, 4], REFINING, 240 * 240, 48)
)
TEXT = """\
[project]
name = "larger"
model = "mine"
[models.mine]
like = "sprite"
path = "weights"
[defaults]
steps = 2
frames = 17
checks = ["container"]
[shots.one]
prompt = "a red ball bounces on a grey background"
size = "192x192"
upscale = 2
[shots.two]
prompt = "a red ball bounces on a grey background"
upscale = 4
"""


@pytest.fixture(autouse=True)
def enlarges(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (choosing, own):
        monkeypatch.setattr(module, "find_model", lambda name: LARGER)


def write(folder: Path, text: str = TEXT) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "weights").mkdir(exist_ok=True)
    (folder / "rushes.toml").write_text(text)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    from diffusers import LTX2VideoTransformer3DModel
    from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel

    folder = write(tmp_path / "p")
    weights = folder / "weights"
    shutil.copytree(find_checkpoint(find_model("sprite")), weights, dirs_exist_ok=True)
    torch.manual_seed(1)
    upsampler = LTX2LatentUpsamplerModel(in_channels=64, mid_channels=32, num_blocks_per_stage=1)
    upsampler.save_pretrained(weights / "latent_upsampler")
    transformer = LTX2VideoTransformer3DModel.from_pretrained(weights / "transformer")
    (weights / "distilled_lora").mkdir()
    save_lora_of(transformer, weights / "distilled_lora" / "a.safetensors", ["to_q"])
    return folder


@pytest.mark.slow
def test_a_clip_is_made_twice_and_four_times_as_large(project: Path) -> None:
    store = Store(project / ".rushes")
    ran: list[str] = []
    for _ in range(2):
        build = build_project(
            load_project(project), store, open_ledger(store), BuildOptions(), SilentObserver()
        )
        ran.append(str([s.stage for s in build.result.shots[1].stages if s.result == "ran"]))
        assert [shot.status for shot in build.result.shots] == ["passed", "passed"]
    sizes = [probe(project / "out" / f"{name}.mp4").video for name in ("one", "two")]
    assert [(video.width, video.height) for video in sizes if video is not None] == [
        (192, 192), (384, 384),
    ]  # fmt: skip
    two = [stage.stage for stage in build.result.shots[1].stages]
    assert [name for name in two if name in ("denoise", "upsample", "refine")] == [
        "denoise", "upsample", "refine", "upsample", "refine",
    ]  # fmt: skip
    keys = [{s.key for s in shot.stages if s.stage == "denoise"} for shot in build.result.shots]
    assert keys[0] == keys[1], "both are denoised at 96x96"
    assert ran[1] == "[]"
    plan = build.plan.shots[1].kept.nodes
    assert plan["refine"].params.tile == (0, 0)
    assert plan["refine.2"].params.tile != (0, 0), "384x384 is refined in tiles"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("upscale = 2", "upscale = 3", "cannot make a clip 3 times larger"),
        ("192x192", "96x96", "makes 192x192, not 96x96"),
        ("upscale = 4", 'upscale = 2\nextend = "one"', "is made from 'one'"),
    ],
)
def test_what_cannot_be_made_larger_is_refused(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ProjectError, match=said):
        load_project(write(tmp_path / "p", TEXT.replace(old, new)))
