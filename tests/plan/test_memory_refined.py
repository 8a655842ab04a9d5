"""What a refinement, an upsampling and a control are about, in the quantities of footprints."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.catalogue.footprint import StageWork, read_footprint
from rushes.models.tiling import lay_tiles
from rushes.plan.memory.quantities import describe_node
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
