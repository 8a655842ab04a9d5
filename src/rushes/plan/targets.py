"""Which shots and films a command is about."""

from __future__ import annotations

from rushes.errors import UsageError
from rushes.spec.project import Film, Project, Shot


def choose_targets(project: Project, targets: list[str]) -> tuple[list[Shot], list[Film]]:
    """The shots and films that are named, with the shots that these are made of; all, where none
    is.

    Raises:
        UsageError: there is no such shot or film.
    """
    for name in targets:
        if name not in project.shots and name not in project.films:
            known = ", ".join([*project.shots, *project.films][:12])
            raise UsageError(f"there is no shot or film {name!r}", hint=f"there is: {known}")
    if not targets:
        return list(project.shots.values()), list(project.films.values())
    films = [film for name, film in project.films.items() if name in targets]
    wanted: set[str] = set()
    pending = [*targets, *(shot for film in films for shot in film.shots)]
    while pending:
        name = pending.pop()
        if name in project.shots and name not in wanted:
            wanted.add(name)
            pending += project.shots[name].conditions.shots
    return [shot for name, shot in project.shots.items() if name in wanted], films
