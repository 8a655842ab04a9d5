"""Checks on files, inside or outside a project."""

from __future__ import annotations

from pathlib import Path

from rushes.checks.base import Expectation
from rushes.checks.own import is_own
from rushes.checks.registry import check_file
from rushes.errors import MediaError, UsageError
from rushes.lock import read_lock
from rushes.media import probe
from rushes.plan.gates import list_rules
from rushes.plan.joins import list_joins
from rushes.plan.judging import fill_prompts, list_given
from rushes.run.asking import ask_prompt
from rushes.run.place import OUT_FOLDER
from rushes.spec.project import Shot
from rushes.spec.read import PROJECT_FILE
from rushes.spec.resolve import load_project
from rushes.stages.check import to_row
from rushes.stages.gate import GateRule, decide_rows, sum_up_rows


def check_target(target: str, folder: Path, names: list[str]) -> dict[str, object]:
    """The ``check --json`` document of a file, or of the clip of a shot or film.

    Raises:
        UsageError: there is neither such a file nor such a clip, or it is not a video.
    """
    path = find_target(target, folder)
    names = [str(folder / name) if is_own(name) else name for name in names]
    shot = _find_shot(target, path, folder)
    try:
        answers = None if shot is None else ask_prompt(path, shot, names, folder)
        expect = _expect_shot(shot, path) if shot else _expect_film(path, target, folder)
        verdicts = check_file(path, names, expect, answers)
    except MediaError as exc:
        raise UsageError(exc.message, where=exc.where or target, hint=exc.hint) from exc
    rows = decide_rows([to_row(verdict) for verdict in verdicts], _find_rules(target, path, folder))
    return {"file": target, "passed": sum_up_rows(rows)["passed"], "checks": rows}


def _find_rules(target: str, path: Path, folder: Path) -> dict[str, GateRule]:
    """What the project asks of a shot's or film's checks; nothing of any other file."""
    if path == folder / target:
        return {}
    project = load_project(folder)
    asked = project.shots.get(target) or project.films[target]
    return dict(list_rules(read_lock(folder), asked))


def _find_shot(target: str, path: Path, folder: Path) -> Shot | None:
    """The shot that a target means, whose prompt can be asked about."""
    if path == folder / target:
        return None
    return load_project(folder).shots.get(target)


def _expect_film(path: Path, target: str, folder: Path) -> Expectation | None:
    """What a film that a target means must be: its cuts are meant; None for all else."""
    if path == folder / target:
        return None
    project = load_project(folder)
    film = project.films.get(target)
    if film is None:
        return None
    shapes = [project.shots[name].shape for name in film.shots]
    joins = list_joins([shape.frames for shape in shapes], shapes[0].fps, film.crossfade)
    first, overlap = shapes[0], round(film.crossfade * shapes[0].fps) * (len(shapes) - 1)
    frames = sum(shape.frames for shape in shapes) - overlap
    sound = probe(path).audio is not None
    prompts = fill_prompts(project.shots[name] for name in film.shots)
    return Expectation(frames, first.width, first.height, first.fps, sound, joins, prompts=prompts)


def _expect_shot(shot: Shot, path: Path) -> Expectation:
    """What the clip of a shot must be, and what it was made from."""
    shape, sound = shot.shape, probe(path).audio is not None
    return Expectation(
        shape.frames, shape.width, shape.height, shape.fps, sound,
        prompts=fill_prompts([shot]),
        pictures=tuple((frame, file.path) for frame, _, file in list_given(shot)),
    )  # fmt: skip


def find_target(target: str, folder: Path) -> Path:
    """The file that a target of ``rushes check`` means."""
    path = folder / target
    if path.is_file():
        return path
    if "/" in target or "." in target or not (folder / PROJECT_FILE).is_file():
        raise UsageError(f"there is no file {target}", where=target)
    project = load_project(folder)
    if target in project.shots:
        export = project.shots[target].export
    elif target in project.films:
        export = project.films[target].export
    else:
        raise UsageError(f"there is no file, shot or film {target!r}", where=target)
    clip = folder / OUT_FOLDER / f"{target}.{export.container}"
    if not clip.is_file():
        raise UsageError(f"{target!r} is not built yet", hint=f"rushes make {target}")
    return clip
