"""What the benchmark of wordings asks, and how it counts."""

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("cv2")

from bench.sprite.wordings import PLAIN, WORDINGS, compare, draw_scenes, list_cases, say
from training.sprite.prompts import write_plain

SCENES = draw_scenes(12)


def test_every_wording_asks_for_the_same_scenes_with_the_same_noise() -> None:
    cases = list_cases(SCENES)
    assert len({case.prompt for case in cases}) == len(cases)
    for k in range(len(SCENES)):
        same = cases[k :: len(SCENES)]
        assert len(same) == len(WORDINGS)
        assert len({(c.seed, c.colour, c.shape, c.motion, c.background) for c in same}) == 1


def test_the_plain_wording_is_that_of_users() -> None:
    assert [say(PLAIN, scene) for scene in SCENES] == [write_plain(scene) for scene in SCENES]


def test_a_wording_is_compared_with_the_plain_one_scene_by_scene() -> None:
    rows = [
        {"asked": {"colour": "red", "shape": "ball", "motion": "blinks", "background": "grey"}}
        for _ in range(2 * len(WORDINGS))
    ]
    for k, row in enumerate(rows):
        row["seen"] = row["asked"] | ({"shape": "cross"} if k in (1, 2) else {})
    found = compare(rows, 2)
    assert (found["plain"]["right"]["right"], found["plain"]["lost"]) == (1, 0)
    other = found[list(WORDINGS)[1]]
    assert (other["right"]["right"], other["lost"], other["won"]) == (1, 1, 1)
    assert other["within_goal"]
    assert found[list(WORDINGS)[2]]["won"] == 1
