"""What a refinement, an upsampling and a control are about, in the quantities of footprints."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.catalogue.device import find_device
from rushes.catalogue.footprint import StageWork, read_footprint
from rushes.errors import ProjectError
from rushes.models.tiling import lay_tiles
from rushes.plan.memory.fit import Target
from rushes.plan.memory.quantities import describe_node
from rushes.plan.memory.standard import plan_shots
from rushes.stages.refine import RefineParams
from tests.plan.test_plan_conditions import plan

LTX = """\
[project]
name = "p"
model = "ltx-2"
[shots.one]
prompt = "a red ball"
frames = 9
upscale = 2
"""


@pytest.mark.parametrize(("size", "tiled"), [("1536x1024", False), ("3840x2176", True)])
def test_a_refinement_is_counted_by_its_tiles(size: str, tiled: bool, tmp_path: Path) -> None:
    made = plan(tmp_path, LTX + f'size = "{size}"\n')
    shot = made.shots[0]
    node = shot.kept.nodes["refine"]
    assert isinstance(node.params, RefineParams)
    ((about,), passes) = describe_node(node, shot.shot.model, StageWork({}))
    width, height = (int(side) // 32 for side in size.split("x"))
    if not tiled:
        assert (about["cells"], about["whole"], passes) == (2 * width * height, 0, 3)
        return
    tall, wide = node.params.tile
    count = len(lay_tiles(height, width, (tall, wide), node.params.overlap))
    assert count > 1
    assert (about["cells"], about["whole"]) == (2 * tall * wide, 2 * width * height)
    assert passes == 3 * count


def test_an_upsampling_is_counted_by_what_goes_in(tmp_path: Path) -> None:
    shot = plan(tmp_path, LTX + 'size = "1536x1024"\n').shots[0]
    ((about,), passes) = describe_node(
        shot.kept.nodes["upsample"], shot.shot.model, StageWork({})
    )  # fmt: skip
    assert (about["cells"], about["edge"], passes) == (2 * 24 * 16, 24 + 16, 1.0)


@pytest.mark.parametrize("name", ["wan-2.1-1.3b", "wan-2.1-14b", "wan-2.2-a14b"])
def test_wans_tiles_need_the_same_whatever_the_picture_and_the_length(name: str) -> None:
    footprint = read_footprint(name)
    assert footprint is not None
    law = footprint.stages["decode_video"].tiled["vae"].cuda
    small, large = (
        law.value({"frames": n, "span": 4 * n - 3, "area": area, "edge": 200})
        for n, area in ((3, 60 * 104), (21, 90 * 160))
    )
    assert small == pytest.approx(large, rel=0.01)
    whole = footprint.stages["decode_video"].parts["vae"].cuda
    assert small < whole.value({"frames": 21, "span": 81, "area": 6240, "edge": 164}) / 5


FOUR_K = """\
[project]
name = "p"
model = "{model}"
[shots.one]
prompt = "a red ball"
upscale = 4
size = "{size}"
fps = 50
frames = {frames}
"""


@pytest.mark.parametrize("model", ["ltx-2", "ltx-2.3", "ltx-2.5"])
def test_4k_at_50_fps_is_planned_for_a_consumer_card(model: str, tmp_path: Path) -> None:
    """Refined and decoded in tiles: decoding takes the same at five seconds and at ten."""
    peaks = []
    for frames in (241, 481):
        text = FOUR_K.format(model=model, size="3840x2176", frames=frames)
        shot = plan(tmp_path, text).shots[0].shot
        memory = plan_shots([shot], Target(find_device("rtx4090")))
        assert not memory.misfits
        assert not memory.untraced
        assert memory.numerics[model]["vae"] == "tiled"
        peaks.append({node.stage: c.taken.prediction.work for node, c in memory.choices.items()})
    assert set(peaks[0]) >= {"denoise", "upsample", "refine", "decode_video", "decode_audio"}
    assert peaks[0]["decode_video"] == peaks[1]["decode_video"]


def test_4k_is_a_multiple_of_what_the_latents_are(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="like 3840x2048 or 3840x2176, not 3840x2160"):
        plan(tmp_path, FOUR_K.format(model="ltx-2", size="3840x2160", frames=121))
