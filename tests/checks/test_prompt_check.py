"""The check prompt: a verdict from a reader's answers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from planted import CLEAN, SIZE, make_clip, make_tone

from rushes.checks.base import Answered, Verdict
from rushes.checks.registry import check_file
from rushes.errors import UsageError
from rushes.stages import check
from rushes.stages.base import Job
from rushes.stages.check import CheckParams

QUESTIONS = ("is there a red ball?", "does the red ball bounce?", "is the background grey?")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("prompt"), next(iter(CLEAN.values())), make_tone())


def judge(clip: Path, *answers: str) -> Verdict:
    said = [Answered(q, a) for q, a in zip(QUESTIONS, answers, strict=False)]
    (verdict,) = check_file(clip, ["prompt"], None, {"prompt": said, "other": [Answered("q", "")]})
    return verdict


@pytest.mark.parametrize("yes", ["yes", "Yes.", " yes, it is", "**Yes**"])
def test_all_that_holds_passes(clip: Path, yes: str) -> None:
    verdict = judge(clip, yes, yes, yes)
    assert verdict.passed
    assert verdict.score == 1.0
    assert verdict.evidence == {"statements": 3, "held": 3, "failed": ""}


@pytest.mark.parametrize("no", ["no", "", "not in this clip", "yesterday", "eyes", "a blue ball"])
def test_one_statement_that_fails_is_named(clip: Path, no: str) -> None:
    verdict = judge(clip, "yes", no, "yes")
    assert not verdict.passed
    assert verdict.score == pytest.approx(2 / 3)
    assert verdict.evidence["failed"] == f"does the red ball bounce? {no}".strip()
    assert "does the red ball bounce?" in verdict.message
    assert not verdict.message.endswith(".")


def test_a_reader_that_goes_on_and_on_does_not_fill_the_report(clip: Path) -> None:
    verdict = judge(clip, "yes", "no, it\nblinks " * 90, "yes")
    assert len(str(verdict.evidence["failed"])) < 100
    assert "\n" not in str(verdict.evidence["failed"])


def test_a_file_without_a_prompt_is_a_usage_error(clip: Path) -> None:
    with pytest.raises(UsageError, match="needs a shot") as caught:
        check_file(clip, ["default", "prompt"])
    assert "rushes ask" in str(caught.value.hint)


def test_the_stage_reads_answers_beside_the_clip(clip: Path, tmp_path: Path) -> None:
    row = {"spans": [], "frames": [0.0], "model": "spotter", "tokens": 9, "check": "prompt"}
    rows = [
        {**row, "question": question, "answer": answer}
        for question, answer in zip(QUESTIONS, ("yes", "no", "yes"), strict=True)
    ]
    rows.append({**row, "check": "of_a_plug_in", "question": "what?", "answer": "a ball"})
    path = tmp_path / "answers.json"
    path.write_bytes(msgspec.json.encode(rows))
    params = CheckParams((("container", 1), ("prompt", 1)), 33, SIZE, SIZE, 16.0)
    inputs = {"clip": {"clip": clip}, "answers": {"answers": path}}
    made = check.run(Job(params, inputs, tmp_path, lambda done, total: None))
    names = [verdict["check"] for verdict in made.facts["verdicts"]]  # type: ignore[attr-defined]
    assert names == ["container", "prompt"]
    assert made.facts["passed"] is False
    assert made.facts["verdicts"][1]["evidence"]["held"] == 2  # type: ignore[index]
