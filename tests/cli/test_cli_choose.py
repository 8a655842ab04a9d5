"""rushes models choose, and a policy that refuses in plan and make."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

ALL = (
    "--data-stays", "--fine-tune", "--vram", "24GB", "--gpus", "1", "--licences", "apache-2.0,mit",
    "--revenue", "5M", "--users", "2000", "--territory", "EU", "--max-seconds", "5",
    "--volume", "40000/month",
)  # fmt: skip


def test_json_is_the_contract(run: Run, tmp_path: Path) -> None:
    ran = run("models", "choose", "--task", "generate", *ALL, "-C", tmp_path, "--json",
              "--html", "sheet.html", "--suite", "trial/rushes.toml")  # fmt: skip
    assert ran.code == 0
    assert set(ran.json) == {"candidates", "excluded", "try"}
    assert all(set(c) == {"model", "why"} for c in ran.json["candidates"])
    assert all(set(e) == {"model", "reason", "clause"} for e in ran.json["excluded"])
    assert ran.json["try"] == [c["model"] for c in ran.json["candidates"]][:2]
    assert len(ran.json["try"]) == 2
    assert (tmp_path / "sheet.html").read_text().startswith("<!doctype html>")
    assert "[shots." in (tmp_path / "trial" / "rushes.toml").read_text()


@pytest.mark.parametrize("task", ["generate", "understand", "reason", "code"])
def test_text_says_once_that_it_is_no_advice(task: str, run: Run) -> None:
    ran = run("models", "choose", "--task", task, "--vram", "24GB")
    assert ran.code == 0
    assert ran.out.count("No legal advice") == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--revenue", "much"], "no amount"),
        (["--volume", "5/year"], "no volume"),
        (["--volume", "0/month"], "at least 1"),
        (["--territory", "Mars"], "no territory"),
        (["--licences", "apache"], "no licence"),
        (["--device", "rtx4091"], "rtx4090"),
        (["--vram", "lots"], "no size"),
        (["--suite", "/proc/x/y.toml"], "cannot be written"),
    ],
)
def test_one_clear_error(args: list[str], words: str, run: Run) -> None:
    ran = run("models", "choose", "--task", "generate", *args)
    assert ran.code == 2
    assert words in ran.err


@pytest.mark.parametrize("command", ["plan", "make"])
def test_plan_and_make_refuse_with_the_clause(command: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "rushes.toml").write_text(
        '[project]\nname = "p"\nmodel = "ltx-2"\n[policy]\nrevenue_usd = 12e6\n'
        '[shots.one]\nprompt = "a ball"\n'
    )
    ran = run(command, "-C", tmp_path, "--json")
    assert ran.code == 3
    assert ran.json["error"]["type"] == "LicenceRefused"
    assert "10 million USD" in ran.json["error"]["message"]
    assert ran.json["error"]["where"] == "rushes.toml:policy.revenue_usd"
