"""From outcomes and stored results to what a build gives back."""

from __future__ import annotations

from collections.abc import Mapping

from rushes.errors import Refused, RushesError
from rushes.plan.nodes import FilmPlan, Node, Plan, ShotPlan, find_verdict
from rushes.run.execute import Outcome
from rushes.run.place import OUT_FOLDER
from rushes.run.result import ClipResult, ErrorInfo, StageResult, Status
from rushes.store.index import Result
from rushes.types import Key


def gather_shots(plan: Plan, results: Mapping[Key, Result], outcome: Outcome) -> list[ClipResult]:
    """What became of every shot, in file order."""
    checks = {shot.shot.name: shot.kept.verdict for shot in plan.shots}
    return [
        _shot_result(shot, [checks[name] for name in _bases(shot, plan)], results, outcome)
        for shot in plan.shots
    ]


def _bases(shot: ShotPlan, plan: Plan) -> list[str]:
    """Shots that one is made from, directly or not."""
    known = {other.shot.name: other.shot.conditions.shots for other in plan.shots}
    found: list[str] = []
    pending = list(known[shot.shot.name])
    while pending:
        found.append(pending.pop())
        pending += known[found[-1]]
    return found


def gather_films(plan: Plan, results: Mapping[Key, Result], outcome: Outcome) -> list[ClipResult]:
    """What became of every film, in file order."""
    checks = {shot.shot.name: shot.kept.verdict for shot in plan.shots}
    return [
        _film_result(film, [checks[name] for name in film.film.shots], results, outcome)
        for film in plan.films
    ]


def clip_name(name: str, node: Node) -> str:
    """The file of a shot or film in ``out/``."""
    return f"{name}.{node.params.container}"  # type: ignore[attr-defined]


def find_error(node: Node, outcome: Outcome, results: Mapping[Key, Result]) -> RushesError | None:
    """Why a node cannot have a result in this run, or None."""
    if not outcome.broken:
        return None
    pending, seen = [node], {node}
    while pending:
        last = pending.pop()
        if last.key in results:
            continue
        if last.key in outcome.broken:
            return outcome.broken[last.key][1]
        fresh = [before for _, before in last.inputs if before not in seen]
        seen.update(fresh)
        pending += fresh[::-1]
    return None


def _shot_result(
    plan: ShotPlan, before: list[Node], results: Mapping[Key, Result], outcome: Outcome
) -> ClipResult:
    shot, kept = plan.shot, plan.kept
    return _clip_result(
        name=shot.name,
        clip=kept.nodes["export"],
        nodes=kept.nodes,
        attempt=kept.attempt,
        seed=kept.seed,
        attempts=len(plan.takes),
        stopped=plan.stopped,
        repairs=len(kept.mends),
        shape=(kept.shot.shape.frames, kept.shot.shape.fps, kept.shot.shape.size),
        before=before if not plan.ready else [],
        results=results,
        outcome=outcome,
    )


def _film_result(
    plan: FilmPlan, before: list[Node], results: Mapping[Key, Result], outcome: Outcome
) -> ClipResult:
    params = plan.nodes["check"].params
    size = f"{params.width}x{params.height}"  # type: ignore[attr-defined]
    return _clip_result(
        name=plan.film.name,
        clip=plan.nodes["assemble"],
        nodes=plan.nodes,
        attempt=0,
        seed=None,
        attempts=1,
        shape=(params.frames, params.fps, size),  # type: ignore[attr-defined]
        before=before if not plan.settled else [],
        results=results,
        outcome=outcome,
    )


def _clip_result(
    *,
    name: str,
    clip: Node,
    nodes: Mapping[str, Node],
    attempt: int,
    seed: int | None,
    attempts: int,
    shape: tuple[int, float, str],
    before: list[Node],
    results: Mapping[Key, Result],
    outcome: Outcome,
    stopped: str = "",
    repairs: int = 0,
) -> ClipResult:
    """``before``: verdicts that it waits for; where one is an error, so is this."""
    check = find_verdict(nodes)
    errors = [find_error(node, outcome, results) for node in (check, *before)]
    error = next((error for error in errors if error is not None), None)
    verdict = results.get(check.key) if check.key is not None else None
    facts = verdict.facts if verdict is not None else {}
    status: Status = "passed" if facts.get("passed") else "failed"
    if error is not None:
        status = "refused" if isinstance(error, Refused) else "error"
    made = clip.key in results and error is None
    return ClipResult(
        name=name,
        status=status,
        path=f"{OUT_FOLDER}/{clip_name(name, clip)}" if made else None,
        seed=seed,
        attempts=attempts,
        frames=shape[0],
        fps=shape[1],
        size=shape[2],
        stages=[
            row
            for node in nodes.values()
            if (row := _stage_result(node, attempt, results, outcome)) is not None
        ],
        checks=facts.get("verdicts", []),  # type: ignore[arg-type]
        error=None if error is None else ErrorInfo(**error.to_dict()),  # type: ignore[arg-type]
        stopped=stopped,
        repairs=repairs,
    )


def _stage_result(
    node: Node, attempt: int, results: Mapping[Key, Result], outcome: Outcome
) -> StageResult | None:
    """How this run came by a node; None where it has no result.

    A node whose result is gone but was not needed counts as a hit: it was not computed.
    """
    assert node.key is not None
    if node.key in outcome.finished and outcome.finished[node.key][1].ran:
        event = outcome.finished[node.key][1]
        return StageResult(node.stage, node.key, "ran", event.seconds, event.peak_bytes, attempt)
    if find_error(node, outcome, results) is not None:
        return None
    peak = results[node.key].peak_bytes if node.key in results else 0
    return StageResult(node.stage, node.key, "hit", 0.0, peak, attempt)
