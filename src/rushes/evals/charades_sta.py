"""Charades-STA: sentences and when in a video they happen.

The text files to which github.com/jiyanggao/TALL links (charades_sta_test.txt), a line each:
"[video name] [start time] [end time]##[sentence]". Videos are those of Charades, ``NAME``.mp4.
"""

from __future__ import annotations

import re
from pathlib import Path

from rushes.errors import UsageError
from rushes.evals.published import make_suite
from rushes.evals.suite import Case, Expected, Suite

SOURCE = "Charades-STA, github.com/jiyanggao/TALL"
QUESTION = 'When does this happen in the video: "{}"? Answer as "from 1.0 to 2.5 seconds".'
_LINE = re.compile(r"(?P<video>\S+) (?P<start>\d+(?:\.\d+)?) (?P<end>\d+(?:\.\d+)?)##(?P<text>.+)")


def read_file(path: Path) -> Suite:
    """A suite of all its sentences.

    Raises:
        UsageError: a line is not of the form.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path} cannot be read", where=str(path)) from exc
    cases = [
        _read_line(line, f"{path}:{number}")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    kept = [case for case in cases if case is not None]
    return make_suite("Charades-STA", SOURCE, kept, str(path))


def _read_line(line: str, where: str) -> Case | None:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        form = "VIDEO START END##SENTENCE"
        raise UsageError("the line is none of Charades-STA's", where=where, hint=f"as {form}")
    start, end = float(found["start"]), float(found["end"])
    if not start < end:
        return None  # the owners' files have a few of these; nothing overlaps them
    return Case(
        video=found["video"],
        question=QUESTION.format(found["text"].strip()),
        expect=Expected(interval=(start, end)),
        id=where.rsplit(":", 1)[1],
    )
