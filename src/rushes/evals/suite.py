"""A suite: questions about videos, with the answers that are expected; one TOML file.

``rushes eval`` reads it, ``rushes models choose --suite`` writes one to fill in. What published
benchmarks distribute becomes the same (:mod:`rushes.evals.published`).
"""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import tomli_w
from msgspec import Meta, Struct

from rushes.errors import UsageError

MAX_OPTIONS = 26
"""Options are named by letters."""
INTERVAL_OVERLAP = 0.5
"""An interval counts as right from this IoU on, the middle one of what is reported."""

Kind = Literal["choice", "text", "interval", "number", "unknown"]
Text = Annotated[str, Meta(min_length=1, max_length=20_000, pattern=r"\S")]
Moment = Annotated[float, Meta(ge=0)]


class Expected(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the answer has to be: exactly one of these.

    Args:
        choice: the letter of one of the case's options, or the option itself.
        text: one of these, whatever its case and punctuation; ``yes`` and ``no`` by how the answer
            begins.
        interval: start and end in seconds of the file.
        number: a number, give or take ``tolerance``.
        unknown: that it cannot be told from the video.
    """

    choice: str | None = None
    text: list[str] | None = None
    interval: tuple[Moment, Moment] | None = None
    number: float | None = None
    tolerance: Annotated[float, Meta(ge=0)] = 0.0
    unknown: bool = False

    @property
    def kind(self) -> Kind:
        """Which of them it is."""
        if self.unknown:
            return "unknown"
        kinds: tuple[Kind, ...] = ("choice", "text", "interval", "number")
        return next(kind for kind in kinds if getattr(self, kind) is not None)


class Case(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One question.

    Args:
        video: a video file or a picture, relative to the suite's ``videos``.
        options: of a choice, in the order of their letters.
        start: from where the video is looked at, in seconds; ``end``: to where.
        closing: words after the options.
        group: what results are also listed by: a task, a length, a camera.
        id: by which results name it; by default its number in the file, from 1.
    """

    video: Text
    question: Text
    expect: Expected
    options: Annotated[list[Text], Meta(max_length=MAX_OPTIONS)] = []
    start: Moment | None = None
    end: Moment | None = None
    closing: str = ""
    group: str = ""
    id: str = ""


class Suite(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A suite.

    Args:
        models: who is asked, where nobody else is named.
        videos: the folder of the videos, relative to the suite's own.
        plain: ask questions as they stand: nothing is said of the form of an answer, nor that
            "unknown" is one.
        source: where the questions come from, with their terms.
    """

    name: Text
    cases: Annotated[list[Case], Meta(min_length=1)]
    models: list[str] = []
    videos: str = "."
    plain: bool = False
    source: str = ""


def write_suite(suite: Suite, head: str = "") -> str:
    """A suite as TOML; :func:`read_suite` gives the same back.

    Args:
        head: comment lines before it.
    """
    return head + tomli_w.dumps(msgspec.to_builtins(suite))


def read_suite(path: Path) -> Suite:
    """A suite out of a TOML file.

    Raises:
        UsageError: it cannot be read, or a case of it is wrong.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"the suite {path} cannot be read", hint="is it a TOML file?") from exc
    return parse_suite(text, str(path))


def parse_suite(text: str, where: str) -> Suite:
    """A suite out of TOML.

    Raises:
        UsageError: a case is wrong.
    """
    try:
        suite = msgspec.convert(tomllib.loads(text), Suite)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        hint = "a case has video, question and expect = { choice | text | interval | number = … }"
        raise UsageError(f"the suite is wrong: {exc}", where=where, hint=hint) from exc
    return finish_suite(suite, where)


def finish_suite(suite: Suite, where: str) -> Suite:
    """The suite with every case named and its choice a letter.

    Raises:
        UsageError: a case contradicts itself, or two have one name.
    """
    cases = [_finish(case, number, where) for number, case in enumerate(suite.cases, start=1)]
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise UsageError(f"two cases are named {case.id!r}", where=where)
        seen.add(case.id)
    return msgspec.structs.replace(suite, cases=cases)


def _finish(case: Case, number: int, where: str) -> Case:
    name, expect = case.id or str(number), case.expect
    place = f"{where}: case {name}"
    values = [expect.choice, expect.text, expect.interval, expect.number]
    if sum(value is not None for value in values) + expect.unknown != 1:
        hint = "give one of choice, text, interval, number, or unknown = true"
        raise UsageError("a case expects exactly one thing", where=place, hint=hint)
    if expect.kind == "choice":
        expect = msgspec.structs.replace(expect, choice=_find_letter(case, place))
    if expect.text is not None and not any(text.strip() for text in expect.text):
        raise UsageError("a text that is expected is empty", where=place)
    for first, last in (expect.interval, (case.start, case.end)) if expect.interval else (
        (case.start, case.end),
    ):  # fmt: skip
        if first is not None and last is not None and not first < last:
            raise UsageError(f"{last:g} s is not after {first:g} s", where=place)
    if expect.number is not None and not math.isfinite(expect.number):
        raise UsageError("a number that is expected is none", where=place)
    return msgspec.structs.replace(case, id=name, expect=expect)


def _find_letter(case: Case, where: str) -> str:
    said = str(case.expect.choice).strip()
    if len(case.options) < 2:
        raise UsageError("a choice needs two options or more", where=where)
    letters = list_letters(len(case.options))
    if case.options.count(said) == 1:
        return letters[case.options.index(said)]
    if said.upper() in letters:
        return said.upper()
    raise UsageError(f"{said!r} is none of the options", where=where)


def list_letters(count: int) -> list[str]:
    """A, B, C, …"""
    return [chr(ord("A") + number) for number in range(count)]


def find_video(suite: Suite, folder: Path, case: Case) -> Path:
    """Where a case's video lies.

    Args:
        folder: the suite's.
    """
    return folder / suite.videos / case.video
