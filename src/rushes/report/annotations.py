"""What GitHub Actions shows beside the lines of rushes.toml, and in a job's summary.

Workflow commands and their escapes as in GitHub's documentation, "Workflow commands for GitHub
Actions": https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rushes.report.text import show_number
from rushes.report.verdicts import CheckRow, read_verdicts
from rushes.run.result import ClipResult, RunResult
from rushes.spec.locate import find_line
from rushes.spec.project import Project


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether this runs in GitHub Actions."""
    return environment.get("GITHUB_ACTIONS") == "true"


def list_annotations(result: RunResult, project: Project, root: Path) -> list[str]:
    """One workflow command for every check that failed and every clip that could not be made.

    Args:
        root: the checked-out repository, which paths are relative to.
    """
    source = project.source
    lines = []
    for clip in result.clips:
        group = "shots" if clip.name in project.shots else "films"
        line = find_line(source.text, (group, clip.name)) or 1
        place = {"file": _relative(project.folder / source.name, root), "line": str(line)}
        if clip.error is not None:
            hint = f" ({clip.error.hint})" if clip.error.hint else ""
            message = f"{clip.error.message}{hint}"
            lines.append(_command(place | {"title": clip.name}, message))
        lines += [
            _command(place | {"title": f"{clip.name}: {check.check}"}, _describe(check))
            for check in read_verdicts(clip)
            if check.refuses
        ]
        lines += [
            _command(place | {"title": f"{clip.name}: {check.check}"}, _describe(check), "warning")
            for check in read_verdicts(clip)
            if not check.passed and not check.refuses
        ]
    return lines


def make_summary(result: RunResult, project: str) -> str:
    """The build as a table in Markdown, for ``GITHUB_STEP_SUMMARY``."""
    rows = [
        f"| {clip.name} | {clip.status} | {_list_failures(clip)} | {clip.attempts} | {_ran(clip)} |"
        for clip in result.clips
    ]
    head = ["| clip | status | failed checks | takes | stages run |", "|---|---|---|---|---|"]
    passed = sum(clip.status == "passed" for clip in result.clips)
    title = f"### {project}: {passed} of {len(result.clips)} passed"
    return "\n".join([title, "", *head, *rows, ""])


def write_summary(text: str, environment: Mapping[str, str]) -> None:
    """Append to the job's summary, where the environment names its file."""
    path = environment.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)


def _relative(path: Path, root: Path) -> str:
    return os.path.relpath(path.resolve(), root.resolve())


def _describe(check: CheckRow) -> str:
    spans = ", ".join(
        f"{show_number(s.start_seconds)}-{show_number(s.end_seconds)} s" for s in check.spans
    )
    score = "" if check.score is None or check.threshold is None else (
        f" (score {show_number(check.score)}, needs {show_number(check.threshold)})"
    )  # fmt: skip
    return f"{check.message or 'did not pass'}{score}{f' at {spans}' if spans else ''}"


def _command(properties: Mapping[str, str], message: str, kind: str = "error") -> str:
    said = ",".join(f"{name}={_escape_property(value)}" for name, value in properties.items())
    return f"::{kind} {said}::{_escape(message)}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def _list_failures(clip: ClipResult) -> str:
    if clip.error is not None:
        return clip.error.type
    return ", ".join(check.check for check in read_verdicts(clip) if check.refuses) or "—"


def _ran(clip: ClipResult) -> int:
    return sum(stage.result == "ran" for stage in clip.stages)
