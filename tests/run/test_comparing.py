"""Two files side by side: likeness, checks, the document and the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rushes.checks.likeness import SAME_DB, measure_likeness
from rushes.cli.main import main
from rushes.errors import UsageError
from rushes.report.compare_page import render_comparison
from rushes.run.comparing import compare_targets, pair_checks
from rushes.stages.golden import THRESHOLD, judge_golden
from rushes.types import VideoShape
from tests.report.conftest import draw_clip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two equal clips, one of another colour, one shorter and larger, one without sound."""
    folder = tmp_path_factory.mktemp("clips")
    draw_clip(folder / "a.mp4")
    (folder / "same.mp4").write_bytes((folder / "a.mp4").read_bytes())
    draw_clip(folder / "other.mp4", hue=1)
    draw_clip(folder / "short.mp4", VideoShape(9, 96, 96, 16))
    draw_clip(folder / "silent.mp4", sound=False)
    return folder


def test_a_clip_is_like_itself(clips: Path) -> None:
    like = measure_likeness(clips / "a.mp4", clips / "same.mp4")
    assert like.counts == (17, 17)
    assert (like.picture_score, like.sound_score) == (1.0, 1.0)
    assert {pair.psnr_db for pair in like.frames} == {SAME_DB}


def test_another_clip_is_less_like_and_says_where(clips: Path) -> None:
    like = measure_likeness(clips / "a.mp4", clips / "other.mp4")
    assert like.worst is not None
    assert like.picture_score == like.worst.ssim < 1
    assert like.sound_score > 0.99
    assert like.worst.psnr_db < 60


def test_other_lengths_and_sizes_are_paired_by_time_and_score_nothing(clips: Path) -> None:
    like = measure_likeness(clips / "a.mp4", clips / "short.mp4")
    assert like.counts == (17, 9)
    assert like.sizes == ("64x64", "96x96")
    assert len(like.frames) == 17
    assert like.picture_score == 0.0
    assert measure_likeness(clips / "a.mp4", clips / "silent.mp4").sound_score == 0.0


def test_the_golden_take_says_what_is_plainly_another(clips: Path) -> None:
    same = judge_golden(clips / "a.mp4", clips / "same.mp4")
    assert same.passed
    assert same.score == 1.0
    for name, word in (("short", "frames"), ("silent", "no sound")):
        found = judge_golden(clips / "a.mp4", clips / f"{name}.mp4")
        assert found.score == 0.0 < THRESHOLD
        assert word in found.message


def test_the_document_and_the_page_of_two_files(
    clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", "a.mp4", "other.mp4", "-C", str(clips), "--checks", "black,silence"]
    assert main([*words, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert [pair["check"] for pair in row["checks"]] == ["black", "silence"]
    assert row["reasons"] == []
    assert row["likeness"]["same"] is False
    page = render_comparison(compare_targets(clips, "a.mp4", "other.mp4", ["black"])).decode()
    assert page.count("<video") == 2
    assert page.count("data:image/png") == 3
    assert "http" not in page.replace("http-equiv", "")
    assert main(words) == 0
    assert "SSIM" in capsys.readouterr().out


def test_what_is_not_there_is_a_usage_error(clips: Path) -> None:
    with pytest.raises(UsageError, match="nothing"):
        compare_targets(clips, "a.mp4", "nothing.mp4", ["black"])


def test_checks_of_one_side_alone_are_not_compared() -> None:
    one = {"check": "black", "score": 0.5, "passed": False, "message": "dark"}
    two = {"check": "black", "score": 0.75, "passed": True, "message": ""}
    extra = {"check": "click", "score": 1.0, "passed": True}
    pairs = pair_checks([one], [extra, two])
    assert [pair.difference for pair in pairs] == [0.25, None]
    assert pairs[1].scores == (None, 1.0)
