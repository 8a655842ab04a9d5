"""Finding checks by name, and running any number of them over one decode.

Neither numpy nor FFmpeg is loaded until a file is checked: planning only asks for names and
versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rushes.checks.base import Check, DamageWatcher, Expectation, Verdict
from rushes.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from rushes.media import Damage

BUILT_IN = ("container", "black", "frozen", "flicker", "silence", "clipping")
"""One module of this package each."""

PROFILES: Mapping[str, tuple[str, ...]] = {"default": BUILT_IN}
"""Names that stand for several checks."""

ENTRY_POINTS = "rushes.checks"


def check_names() -> list[str]:
    """Every check that can be named: the built-in ones, then plug-ins by name."""
    return [*BUILT_IN, *sorted(set(_plug_ins()) - set(BUILT_IN))]


def find_check(name: str) -> Check:
    """The check of a name; a plug-in cannot take a built-in one's.

    Raises:
        UsageError: no such check, or a plug-in that cannot be loaded.
    """
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

    Raises:
        UsageError: an unknown name, with the nearest known one.
    """
    known = set(check_names())
    found: dict[str, None] = {}
    for name in names:
        for member in PROFILES.get(name, (name,)):
            if member not in known:
                raise _unknown(member)
            found[member] = None
    return list(found)


def check_file(
    path: str | Path, names: Sequence[str], expect: Expectation | None = None
) -> list[Verdict]:
    """Judge a media file by checks and profiles, in one decode and constant memory.

    A file that breaks midway is judged on what could be read; ``container`` says what was lost.

    Raises:
        MediaError: not a media file at all.
        UsageError: an unknown check.
    """
    from rushes.media import FrameItem, probe, read_both

    checks = [find_check(name) for name in expand_checks(names)]
    info = probe(path)
    judges = [check.judge(info, expect) for check in checks]
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
    return [judge.give_verdict() for judge in judges]


@cache
def _plug_ins() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _unknown(name: str) -> UsageError:
    known = [*PROFILES, *check_names()]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return UsageError(f"there is no check {name!r}", hint=hint)
