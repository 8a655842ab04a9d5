"""Finding checks by name, and running any number of them over one decode.

Neither numpy nor FFmpeg is loaded until a file is checked: planning only asks for names and
versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rushes.checks.base import (
    Answered,
    AnswerJudge,
    AskingCheck,
    Check,
    DamageWatcher,
    Expectation,
    Judge,
    PictureComparer,
    PromptReader,
    Verdict,
)
from rushes.checks.own import is_own, load_own
from rushes.checks.packages import packages_of, require_packages
from rushes.checks.question import QuestionCheck, is_question
from rushes.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from rushes.media import Damage

DEFAULT = (
    "container",
    "black",
    "frozen",
    "flicker",
    "cut",
    "jump",
    "drift",
    "seam",
    "silence",
    "clipping",
    "sync",
)
"""What every clip can be judged by, whatever it shows."""

BUILT_IN = (
    *DEFAULT,
    "sharpness",
    "banding",
    "loudness",
    "r128",
    "streaming",
    "peak",
    "hum",
    "click",
    "text",
    "speech",
    "nudity",
    "reference",
    "prompt",
)
"""One module of this package each."""

PROFILES: Mapping[str, tuple[str, ...]] = {
    "default": DEFAULT,
    "strict": (*DEFAULT, "sharpness", "banding", "loudness", "hum", "click"),
    "social": (*DEFAULT, "streaming", "peak"),
    "broadcast": (*DEFAULT, "r128", "peak"),
}
"""Names that stand for several checks."""

ENTRY_POINTS = "rushes.checks"


def check_names() -> list[str]:
    """Every check that can be named: the built-in ones, then plug-ins by name."""
    return [*BUILT_IN, *sorted(set(_plug_ins()) - set(BUILT_IN))]


def find_check(name: str) -> Check:
    """The check of a name, of a file's path, or of a question with its answer.

    A plug-in cannot take a built-in one's name.

    Raises:
        UsageError: no such check, or a plug-in that cannot be loaded.
    """
    if is_own(name):
        return load_own(Path(name))
    if is_question(name):
        return QuestionCheck(name)
    if name in BUILT_IN:
        return cast(Check, import_module(f"rushes.checks.{name}").CHECK)
    plug_in = _plug_ins().get(name)
    if plug_in is None:
        raise _unknown(name)
    try:
        loaded = plug_in.load()
        return cast(Check, loaded() if isinstance(loaded, type) else loaded)
    except Exception as exc:
        raise UsageError(
            f"the check {name!r} ({plug_in.value}) cannot be loaded: {exc}",
            hint="update or remove the package that brings it",
        ) from exc


def expand_checks(names: Iterable[str]) -> list[str]:
    """Names with profiles replaced by their checks, each once, in the order of first mention.

    The path of a check's file stays as it is; whether it is there shows when it is read.

    Raises:
        UsageError: an unknown name, with the nearest known one.
    """
    known = set(check_names())
    found: dict[str, None] = {}
    for name in names:
        for member in PROFILES.get(name, (name,)):
            if member not in known and not is_own(member) and not is_question(member):
                raise _unknown(member)
            found[member] = None
    return list(found)


def asking_checks(names: Iterable[str]) -> list[str]:
    """Those of the checks and profiles that have a reader asked about the clip.

    Raises:
        UsageError: an unknown name, or a plug-in that cannot be loaded.
    """
    named = [name for name in expand_checks(names) if not is_own(name)]
    return [name for name in named if isinstance(find_check(name), AskingCheck)]


def make_questions(names: Iterable[str], prompt: str) -> tuple[tuple[str, str], ...]:
    """What asking checks want to know of a clip made from this prompt: (check, question)."""
    return tuple(
        (name, question)
        for name in asking_checks(names)
        for question in cast(AskingCheck, find_check(name)).make_questions(prompt)
    )


def list_packages(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For those of the checks that need packages of their own: which, by the check's name."""
    named = [name for name in expand_checks(names) if not is_own(name)]
    needed = {name: packages_of(find_check(name)) for name in named}
    return {name: packages for name, packages in needed.items() if packages}


def require_extras(names: Iterable[str], where: str | None = None) -> None:
    """Refuse checks whose packages are not installed.

    Raises:
        PackageMissing: with what to install.
    """
    named = [name for name in expand_checks(names) if not is_own(name)]
    require_packages([find_check(name) for name in named], where)


def reads_prompt(names: Iterable[str]) -> bool:
    """Whether one of the checks and profiles reads the prompt itself."""
    named = [name for name in expand_checks(names) if not is_own(name)]
    return any(isinstance(find_check(name), PromptReader) for name in named)


def comparing_checks(names: Iterable[str]) -> list[str]:
    """Those that compare the clip with pictures that its shot was given."""
    named = [name for name in expand_checks(names) if not is_own(name)]
    return [name for name in named if isinstance(find_check(name), PictureComparer)]


def require_pictures(names: Iterable[str], given: bool, where: str | None = None) -> None:
    """Refuse checks that compare with given pictures, where there are none.

    Raises:
        UsageError: names the check.
    """
    for name in comparing_checks(names) if not given else ():
        raise UsageError(
            f"the check {name!r} compares with a picture, and none is given",
            where=where,
            hint="check shots by it that have a first, last or reference picture",
        )


def check_file(
    path: str | Path,
    names: Sequence[str],
    expect: Expectation | None = None,
    answers: Mapping[str, Sequence[Answered]] | None = None,
) -> list[Verdict]:
    """Judge a media file by checks and profiles, in one decode and constant memory.

    A file that breaks midway is judged on what could be read; ``container`` says what was lost.

    Args:
        answers: what a reader said, by asking check; None where nobody was asked.

    Raises:
        MediaError: not a media file at all.
        UsageError: an unknown check, or one that asks about a prompt where there is none.
        PackageMissing: a check needs an extra that is not installed.
    """
    from rushes.media import FrameItem, probe, read_both

    checks = {name: find_check(name) for name in expand_checks(names)}
    require_packages(checks.values(), str(path))
    require_pictures(names, expect is not None and bool(expect.pictures), str(path))
    if answers is None:
        require_no_prompt(names, str(path))
    info = probe(path)
    judges = [check.judge(info, expect) for check in checks.values()]
    _tell_answers(dict(zip(checks, judges, strict=True)), answers or {})
    watchers = [judge for judge in judges if isinstance(judge, DamageWatcher)]

    def tell_damage(damage: Damage) -> None:
        for watcher in watchers:
            watcher.see_damage(damage.seconds, f"{damage.stream}: {damage.reason}")

    for item in read_both(path, on_damage=tell_damage):
        for judge in judges:
            if isinstance(item, FrameItem):
                judge.see_frame(item.seconds, item.pixels)
            else:
                judge.hear_samples(item.seconds, item.samples, item.rate)
    return [
        replace(judge.give_verdict(), check=check.name)  # what gates and reports know it by
        for check, judge in zip(checks.values(), judges, strict=True)
    ]


def require_no_prompt(names: Iterable[str], where: str | None = None) -> None:
    """Refuse checks that ask about a prompt, where there is none: of a film, or of any file.

    Raises:
        UsageError: names the check.
    """
    for name in asking_checks(names):
        raise UsageError(
            f"the check {name!r} has a reader asked, so it needs a shot",
            where=where,
            hint='check shots by it; of anything else, ask yourself: rushes ask FILE "QUESTION"',
        )


def _tell_answers(judges: Mapping[str, Judge], answers: Mapping[str, Sequence[Answered]]) -> None:
    for name, judge in judges.items():
        if isinstance(judge, AnswerJudge):
            judge.see_answers(answers.get(name, ()))


@cache
def _plug_ins() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _unknown(name: str) -> UsageError:
    known = [*PROFILES, *check_names()]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return UsageError(f"there is no check {name!r}", hint=hint)
