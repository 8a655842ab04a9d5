"""rushes route."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

LOUD = ("--task", "generate", "--sound", "--revenue", "20M", "--seconds", "5")


def test_a_project(project: Path, run: Run) -> None:
    ran = run("route", "-C", project, "--json")
    assert ran.code == 0
    assert [request["name"] for request in ran.json["requests"]] == ["one", "two"]
    first = ran.json["requests"][0]["options"][0]
    assert set(first) == {"model", "kind", "usd", "seconds", "time", "why"}
    assert (first["model"], first["kind"], first["usd"]) == ("sprite", "open", 0)
    assert run("route", "one", "-C", project).out.startswith("one (generate, ")


def test_nothing_may_do_it(run: Run) -> None:
    ran = run("route", *LOUD)
    assert ran.code == 3
    assert "nothing may do it" in ran.out


def test_with_consent(run: Run) -> None:
    consent = ("--paid", "ask", "--provider", "google", "--budget-usd", "3")
    ran = run("route", *LOUD, *consent, "--json")
    assert ran.code == 0
    assert [o["usd"] for o in ran.json["requests"][0]["options"]] == [0.75, 2]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("nothing",), "no shot"),
        (("--revenue", "5M"), "--revenue goes with --task"),
        (("one", "--task", "code"), "a shot is named"),
    ],
)
def test_one_clear_error(args: tuple[str, ...], words: str, project: Path, run: Run) -> None:
    ran = run("route", *args, "-C", project)
    assert ran.code == 2
    assert words in ran.err
