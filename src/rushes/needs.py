"""What a project needs of a machine: checkpoints, stages, and packages of single checks."""

from __future__ import annotations

from rushes.catalogue.load import find_reader_entry
from rushes.catalogue.model import Model
from rushes.catalogue.reader import DEFAULT_READER, Entry
from rushes.checks.registry import asking_checks, list_packages, require_extras
from rushes.errors import UsageError
from rushes.models.base import find_family
from rushes.spec.licence import check_licence
from rushes.spec.project import Project
from rushes.spec.read import PROJECT_FILE
from rushes.stages.base import Stage
from rushes.stages.encode_given import encodes_together
from rushes.stages.registry import STAGES
from rushes.stages.repair import mends_spans

READING_STAGES = ("cuts", "sample", "read", "ask_server")
"""Stages of readings, which are in no build: what they depend on is in their keys alone."""


def needed_checkpoints(project: Project) -> list[Entry]:
    """The models of a project's shots, then the reader, where a check asks one.

    Raises:
        LicenceRefused: the policy does not list the reader's licence.
    """
    found: list[Entry] = list(project.models)
    if _asks_reader(project):
        found.append(find_reader_entry(DEFAULT_READER))
        check_licence(project, found[-1])
    return found


def needed_instances(project: Project) -> dict[str, Entry]:
    """The same by what nodes call them: once for each of the numerics that shots state."""
    readers = [entry for entry in needed_checkpoints(project) if not isinstance(entry, Model)]
    found: list[Entry] = [*project.instances, *readers]
    return {entry.instance: entry for entry in found}


def _asks_reader(project: Project) -> bool:
    for checks in {shot.checks for shot in project.shots.values()}:
        try:
            if asking_checks(checks):
                return True
        except UsageError:
            continue  # planning says where the unknown check stands
    return False


def needed_stages(project: Project) -> list[Stage]:
    """The stages that a project's shots and films go through."""
    shots = [shot for shot in project.shots.values() if shot.remote is None]
    families = {shot.name: find_family(shot.model.family) for shot in shots}
    together = [s for s in shots if encodes_together(families[s.name], s.conditions)]
    apart = [s for s in shots if families[s.name].reads_given == "apart" and s.conditions.files]
    sounds = {shot.sound if isinstance(shot.sound, str) else "track" for shot in shots}
    used = {
        "assemble": bool(project.films),
        "encode_condition": bool(apart),
        "encode_given": bool(together),
        "decode_audio": "model" in sounds,
        "cut_track": "track" in sounds,
        "upsample": any(shot.upscale > 1 for shot in shots),
        "refine": any(shot.upscale > 1 for shot in shots),
        "ask": _asks_reader(project),
        "repair": any(mends_spans(shot) for shot in shots),
        "golden": any(shot.golden is not None for shot in shots),
        "gate": any(shot.gate or shot.golden is not None for shot in shots)
        or any(film.gate for film in project.films.values()),
        "generate": project.makes_remotely,
        **dict.fromkeys(READING_STAGES, False),
    }
    if not shots:
        used |= dict.fromkeys(("encode_text", "denoise", "decode_video"), False)
    unused = {name for name, needed in used.items() if not needed}
    return [stage for name, stage in STAGES.items() if name not in unused]


def check_entry(check: str) -> str:
    """What rushes.lock calls the packages of one check."""
    return f"check.{check}"


def needed_toolchains(project: Project) -> dict[str, tuple[str, ...]]:
    """Distributions of all that the project runs: by stage, and by check that needs some more.

    A check's own packages are no part of the stage ``check``: so what one shot's check needs does
    not touch the keys of the others.
    """
    found = {stage.name: stage.packages for stage in needed_stages(project)}
    named = {shot.checks for shot in project.shots.values()}
    for checks in sorted(named | {film.checks for film in project.films.values()}):
        try:
            needed = list_packages(checks)
        except UsageError:
            continue  # planning says where the unknown check stands
        found.update({check_entry(name): packages for name, packages in needed.items()})
    return found


def require_check_packages(project: Project) -> None:
    """Refuse checks that shots or films name and whose packages are not installed.

    Raises:
        PackageMissing: names the shot or film, and says what to install.
    """
    shots = {f"shots.{name}": shot.checks for name, shot in project.shots.items()}
    films = {f"films.{name}": film.checks for name, film in project.films.items()}
    seen: set[tuple[str, ...]] = set()
    for place, checks in {**shots, **films}.items():
        if checks in seen:
            continue
        seen.add(checks)
        try:
            require_extras(checks, f"{PROJECT_FILE}:{place}.checks")
        except UsageError:
            continue  # planning says where the unknown check stands
