"""Which reader is asked, whether it may be, and what decides its answers."""

from __future__ import annotations

from pathlib import Path

from rushes.catalogue.reader import ReaderEntry
from rushes.catalogue.server import ServedReader
from rushes.hub import find_checkpoint
from rushes.lock import check_weights, installed_toolchain, lock_model, read_lock
from rushes.plan.nodes import Environment
from rushes.plan.reading import Asked
from rushes.readers.base import ReaderSettings, find_reader
from rushes.readers.openai import make_settings
from rushes.spec.licence import (
    check_licence,
)
from rushes.spec.project import Project
from rushes.spec.read import PROJECT_FILE
from rushes.spec.resolve import (
    load_project,
)
from rushes.spec.servers import check_server
from rushes.stages.registry import STAGES
from rushes.store.store import Store


def find_server(reader: str, project: Project | None) -> ServedReader | None:
    """A reader of the project's own; None for one of the catalogue."""
    return None if project is None else project.readers.get(reader)


def find_policy(folder: Path) -> Project | None:
    """The project whose policy holds in a folder; None outside of one.

    Raises:
        ProjectError: there is one, and it is wrong: what it allows is not known.
    """
    return load_project(folder, needs_shots=False) if (folder / PROJECT_FILE).is_file() else None


def check_reader(entry: ReaderEntry, server: ServedReader | None, project: Project | None) -> None:
    """Refuse a reader that the policy does not allow.

    Raises:
        LicenceRefused: its licence is not listed.
        PolicyRefused: its server is not.
    """
    if project is not None:
        check_licence(project, entry)
        if server is not None:
            check_server(project, server)


def find_asked(
    entry: ReaderEntry, server: ServedReader | None, project: Project | None, store: Store
) -> Asked:
    """Who answers, with what is in the keys of answers.

    Raises:
        LockRefused: the weights are not here, or not those that rushes.lock has.
    """
    environments = {
        stage: Environment(STAGES[stage].version, {}, _toolchain(stage), {})
        for stage in ("cuts", "sample")
    }
    if server is not None:
        version, toolchain = STAGES["ask_server"].version, _toolchain("ask_server")
        environments["ask_server"] = Environment(version, {}, toolchain, {})
        return Asked(entry, server, environments)
    find_checkpoint(entry)
    if project is not None:
        check_weights([entry], read_lock(project.folder), store)
    locked = lock_model(entry, store)
    files = {name: str(file.sha256) for name, file in locked.files.items()}
    version, toolchain = STAGES["read"].version, _toolchain("read")
    environments["read"] = Environment(version, files, toolchain, {"dtype": locked.dtype})
    return Asked(entry, None, environments)


def _toolchain(stage: str) -> dict[str, str]:
    return installed_toolchain(STAGES[stage].packages)


def find_settings(asked: Asked) -> ReaderSettings:
    """How a reader looks: its own files say so, or the catalogue for a server; loads no weights."""
    if asked.server is not None:
        return make_settings(asked.server)
    entry = asked.entry
    return find_reader(entry.family).open(find_checkpoint(entry), "cpu").settings
