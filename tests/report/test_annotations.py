"""What GitHub Actions is told: the right line, escaped, and a table in Markdown."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rushes.report.annotations import (
    _command,
    is_wanted,
    list_annotations,
    make_summary,
    write_summary,
)
from rushes.spec.read import Source

TEXT = '[project]\nname = "a"\n\n[shots.opening]\nprompt = "x"\n\n[shots.closing]\nprompt = "y"\n'


def test_a_failed_check_stands_beside_its_shot(builder: Any, wanted: Any) -> None:
    build = builder.build([wanted("opening", ran=True), wanted("closing", status="failed")])
    project = replace(build.plan.project, source=Source("rushes.toml", TEXT))
    lines = list_annotations(build.result, project, builder.folder.parent)
    failed = [row for row in build.result.shots[1].checks if not row["passed"]]
    assert len(lines) == len(failed) > 0
    for line in lines:
        assert line.startswith("::error file=project/rushes.toml,line=7,title=closing%3A ")
        assert "needs" in line
        assert "\n" not in line


def test_a_clip_that_could_not_be_made_stands_there_too(builder: Any, wanted: Any) -> None:
    build = builder.build([wanted("opening", status="error")])
    project = replace(build.plan.project, source=Source("rushes.toml", TEXT))
    (line,) = list_annotations(build.result, project, builder.folder)
    assert line.startswith("::error file=rushes.toml,line=4,title=opening::cannot read")


def test_the_summary_is_a_table(builder: Any, wanted: Any, tmp_path: Path) -> None:
    build = builder.build([wanted("opening", ran=True), wanted("closing", status="failed")])
    text = make_summary(build.result, "spring")
    assert text.startswith("### spring: 1 of 2 passed\n")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    write_summary(text, {"GITHUB_STEP_SUMMARY": str(path)})
    assert path.read_text() == "before\n" + text
    write_summary(text, {})


def test_nobody_else_gets_them() -> None:
    assert is_wanted({"GITHUB_ACTIONS": "true"})
    assert not is_wanted({})


@given(st.text(), st.text())
def test_no_text_ends_a_command_or_a_property(title: str, message: str) -> None:
    line = _command({"title": title}, message)
    assert not re.search(r"[\r\n]", line)
    said, _, rest = line.removeprefix("::error title=").partition("::")
    assert "," not in said
    assert ":" not in said
    unescape = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
    back = re.sub("%(0D|0A|3A|2C|25)", lambda m: unescape[m[0]], said)
    assert back == title
    assert re.sub("%(0D|0A|25)", lambda m: unescape[m[0]], rest) == message
