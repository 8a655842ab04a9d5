"""Two clips side by side: what every check says of each, how like they are, and why they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rushes.checks.likeness import Likeness, measure_likeness
from rushes.checks.registry import check_file
from rushes.errors import MediaError, UsageError
from rushes.plan.explain import GraphRecord, compare_graphs, record_environments, record_nodes
from rushes.plan.nodes import Plan, ShotPlan, Take
from rushes.run.build import BuildOptions
from rushes.run.checking import find_target
from rushes.run.history import plan_at_revision
from rushes.run.inspect import View, inspect_project
from rushes.spec.read import PROJECT_FILE
from rushes.stages.check import to_row
from rushes.store.store import Store, find_store

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two clips.

    Args:
        said: as the user named it.
        rows: verdicts that are stored; None for a file, which is judged now.
        graph: of the take; None for a file.
        repairs: what was made again of the seed's take, in words.
    """

    said: str
    path: Path
    rows: list[dict[str, Any]] | None = None
    graph: GraphRecord | None = None
    seed: int | None = None
    repairs: tuple[str, ...] = ()


class CheckPair(msgspec.Struct, frozen=True):
    """One check of both; None where a side was not judged by it."""

    check: str
    scores: tuple[float | None, float | None]
    passed: tuple[bool | None, bool | None]
    difference: float | None
    messages: tuple[str, str]


class LikenessRow(msgspec.Struct, frozen=True):
    """How like the pictures and sounds are; seconds are of the first clip."""

    frames: tuple[int, int]
    sizes: tuple[str, str]
    worst_ssim: float | None
    mean_ssim: float | None
    worst_psnr_db: float | None
    worst_seconds: float | None
    worst_sound_db: float | None
    same: bool


class ComparisonRow(msgspec.Struct, frozen=True):
    """The document of ``compare --json``."""

    first: str
    second: str
    seeds: tuple[int | None, int | None]
    reasons: list[str]
    checks: list[CheckPair]
    likeness: LikenessRow


@dataclass(frozen=True, slots=True)
class Compared:
    """The document, and what a page is drawn from."""

    row: ComparisonRow
    sides: tuple[Side, Side]
    likeness: Likeness


def compare_targets(folder: Path, first: str, second: str, checks: Sequence[str]) -> Compared:
    """Compare two clips.

    Args:
        first, second: a file, a shot or film, ``SHOT#2`` (a take), ``REV:SHOT`` (at a revision).
        checks: what files are judged by.

    Raises:
        UsageError: there is no such thing, or its clip is not stored.
    """
    finder = _Finder(folder)
    sides = finder.find(first), finder.find(second)
    try:
        if any(side.rows is None for side in sides):
            judged = [[to_row(v) for v in check_file(side.path, checks)] for side in sides]
        else:
            judged = [side.rows or [] for side in sides]
        likeness = measure_likeness(sides[0].path, sides[1].path)
    except MediaError as exc:
        raise UsageError(exc.message, where=exc.where, hint=exc.hint) from exc
    row = ComparisonRow(
        first=first,
        second=second,
        seeds=(sides[0].seed, sides[1].seed),
        reasons=_list_reasons(*sides),
        checks=pair_checks(*judged),
        likeness=_describe(likeness),
    )
    return Compared(row, sides, likeness)


def pair_checks(one: Sequence[Row], two: Sequence[Row]) -> list[CheckPair]:
    """Rows of both by check, the largest difference first."""
    a, b = ({str(row["check"]): row for row in rows} for rows in (one, two))
    pairs = [_pair(name, a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b])]
    return sorted(pairs, key=lambda pair: -abs(pair.difference or 0.0))


def _pair(name: str, one: Row | None, two: Row | None) -> CheckPair:
    scores = tuple(None if row is None else float(row["score"]) for row in (one, two))
    passed = tuple(None if row is None else bool(row["passed"]) for row in (one, two))
    messages = tuple("" if row is None else str(row.get("message", "")) for row in (one, two))
    both = scores[0] is not None and scores[1] is not None
    gap = round((scores[1] or 0.0) - (scores[0] or 0.0), 6) if both else None
    return CheckPair(
        name, (scores[0], scores[1]), (passed[0], passed[1]), gap, (messages[0], messages[1])
    )


def _describe(likeness: Likeness) -> LikenessRow:
    worst, frames = likeness.worst, likeness.frames
    return LikenessRow(
        frames=likeness.counts,
        sizes=likeness.sizes,
        worst_ssim=None if worst is None else round(worst.ssim, 6),
        mean_ssim=round(sum(f.ssim for f in frames) / len(frames), 6) if frames else None,
        worst_psnr_db=None if worst is None else round(worst.psnr_db, 3),
        worst_seconds=None if worst is None else worst.seconds,
        worst_sound_db=round(max(likeness.sound_db), 4) if likeness.sound_db else None,
        same=likeness.picture_score == 1.0 and likeness.sound_score == 1.0,
    )


def _list_reasons(one: Side, two: Side) -> list[str]:
    """Why they differ, by their graphs; of a file nothing is known."""
    if one.graph is None or two.graph is None:
        return []
    found = [f"repaired: {said}" for said in two.repairs if said not in one.repairs]
    found += [f"without the repair: {said}" for said in one.repairs if said not in two.repairs]
    found += [
        f"{change.stage}: {change.describe()}" if change.stage else change.describe()
        for change in compare_graphs(one.graph, two.graph)
        if (reasons := [text for text in change.reasons if not _only_follows(text)])
        and (reasons != ["new"] or not found)
    ]
    return found or ["nothing differs: the two have the same keys"]


def _only_follows(reason: str) -> bool:
    """Whether it says no more than that another node is read."""
    return " clip:" in reason


def _say_mends(take: Take) -> tuple[str, ...]:
    fps = take.shot.shape.fps
    return tuple(
        f"{mend.part} of {low / fps:.2f} to {high / fps:.2f} s, seed {mend.seed}"
        for mend in take.mends
        for low, high in mend.spans
    )


class _Finder:
    """Finds clips by what a user calls them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(find_store(folder), read_only=True)
        self._view: View | None = None

    @property
    def view(self) -> View:
        if self._view is None:
            self._view = inspect_project(self.folder, BuildOptions())
        return self._view

    def find(self, said: str) -> Side:
        path = self.folder / said
        if path.is_file():
            return Side(said, path)
        if not (self.folder / PROJECT_FILE).is_file():
            raise UsageError(f"there is no file {said}", where=said)
        revision, colon, name = said.rpartition(":")
        if colon:
            plan, _ = plan_at_revision(self.folder, revision, self.view.lock)
        else:
            plan = self.view.plan
        name, _, number = name.partition("#")
        return self._find_clip(said, plan, name, number)

    def _find_clip(self, said: str, plan: Plan, name: str, number: str) -> Side:
        shot = next((shot for shot in plan.shots if shot.shot.name == name), None)
        if shot is not None:
            take = _pick_take(said, shot, number)
            graph = _graph_of(plan, take)
            return self._make_side(said, take, graph)
        if name in plan.project.films and said == name:
            return Side(said, find_target(said, self.folder))
        known = ", ".join([*plan.project.shots, *plan.project.films][:12])
        hint = f"there is: {known}; takes are SHOT#2, revisions HEAD~1:SHOT"
        raise UsageError(f"there is no file, shot or film {said!r}", hint=hint)

    def _make_side(self, said: str, take: Take, graph: GraphRecord) -> Side:
        keys = [key for node in (take.nodes["export"], take.verdict) if (key := node.key)]
        results = self.store.index.get_many(keys)
        clip, verdict = (results.get(key) for key in keys) if len(keys) == 2 else (None, None)
        if clip is None or verdict is None:
            raise UsageError(f"the clip of {said!r} is not in the store", hint="rushes make")
        path = self.store.objects.read(clip.outputs["clip"].digest)
        rows = msgspec.convert(verdict.facts["verdicts"], list[dict[str, Any]])
        return Side(said, path, rows, graph, take.seed, _say_mends(take))


def _pick_take(said: str, shot: ShotPlan, number: str) -> Take:
    if not number:
        return shot.kept
    if number.isdigit() and 1 <= int(number) <= len(shot.takes):
        return shot.takes[int(number) - 1]
    raise UsageError(f"there is no take {said!r}", hint=f"it has takes 1 to {len(shot.takes)}")


def _graph_of(plan: Plan, take: Take) -> GraphRecord:
    """The take's graph; of one name, so that those of two shots can be compared."""
    return GraphRecord({"clip": record_nodes("clip", take)}, record_environments(plan))
