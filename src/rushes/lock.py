"""rushes.lock: every weight file by SHA-256, and the toolchain of every stage.

The lock decides keys, so planning needs neither the weights nor torch. ``make`` adds what is
missing, changes nothing, and refuses to run where weights or toolchain are other than locked.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
import tomli_w

from rushes.accepted import AcceptedTake
from rushes.catalogue.model import Numerics
from rushes.catalogue.reader import Entry
from rushes.catalogue.source import FilesSource, HubSource
from rushes.checks.registry import list_packages
from rushes.errors import LockRefused, ProjectError, UsageError, WeightsMissing
from rushes.hub import find_checkpoint, list_files, locate_file, pin_model
from rushes.needs import needed_checkpoints, needed_toolchains, require_check_packages
from rushes.spec.project import Project
from rushes.stages.registry import STAGES
from rushes.store.files import write_durable
from rushes.store.store import Store
from rushes.types import Digest

E = TypeVar("E", bound=Entry)

LOCK_FILE = "rushes.lock"
VERSION = 2
LIBRARY = "ffmpeg-"
"""Prefix of FFmpeg's libraries among the versions of a toolchain."""
HEADER = "# Written by `rushes lock`. Commit it: with it the same project gives the same bytes.\n"


class LockedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a checkpoint."""

    sha256: Digest
    nbytes: int


class LockedModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One checkpoint. Files by their path in it.

    Args:
        revision: the commit, for weights of the hub.
        others: commits of further repositories that parts come from.
        numerics: by part, where it does not compute as it is stored; part of the keys.
    """

    revision: str
    source: str
    dtype: str
    files: dict[str, LockedFile]
    others: dict[str, str] = {}
    numerics: dict[str, Numerics] = {}


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The file.

    Args:
        models: checkpoints by name, of generators and of readers.
        toolchains: by stage, or ``check.NAME`` for a check that needs packages of its own, the
            version of each distribution it depends on.
        accepted: by shot, the take that was accepted; a file that has some is of version 2.
        auto: by shot, the model that was chosen where the project says "auto".
    """

    version: int = 1
    models: dict[str, LockedModel] = {}
    toolchains: dict[str, dict[str, str]] = {}
    accepted: dict[str, AcceptedTake] = {}
    auto: dict[str, str] = {}


class LockChange(msgspec.Struct, frozen=True):
    """One difference between the lock and what is installed; ``before`` None where it is new."""

    what: str
    before: str | None
    after: str | None


def read_lock(folder: Path) -> Lock:
    """The lock of a project's folder; an empty one where there is no file.

    Raises:
        ProjectError: the file is not one that ``rushes lock`` wrote.
    """
    path = folder / LOCK_FILE
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        _check_version(raw.get("version"))
        return msgspec.convert(raw, Lock)
    except FileNotFoundError:
        return Lock()
    except (OSError, ValueError, RecursionError, msgspec.ValidationError) as exc:
        raise ProjectError(
            f"{LOCK_FILE} cannot be read: {exc}",
            where=LOCK_FILE,
            hint="take it from version control, or remove it and run: rushes lock",
        ) from exc


def _check_version(version: object) -> None:
    if isinstance(version, int) and version > VERSION:
        raise ProjectError(
            f"{LOCK_FILE} has version {version}; this Rushes reads up to {VERSION}",
            where=LOCK_FILE,
            hint="use the Rushes that wrote it, or remove it and run: rushes lock",
        )


def write_lock(folder: Path, lock: Lock) -> None:
    """Write rushes.lock whole or not at all."""
    data = msgspec.to_builtins(
        Lock(
            models=dict(sorted(lock.models.items())),
            toolchains=dict(sorted(lock.toolchains.items())),
            accepted=dict(sorted(lock.accepted.items())),
            auto=dict(sorted(lock.auto.items())),
        )
    )
    data = {"version": VERSION if lock.accepted else 1, **data}
    write_durable(folder / LOCK_FILE, (HEADER + tomli_w.dumps(data)).encode())


def lock_model(model: Entry, store: Store, *, remember: bool = True) -> LockedModel:
    """Hash a checkpoint as it lies on the disk; unchanged files are not read twice.

    Raises:
        WeightsMissing: it is not on this machine.
    """
    model = pin_model(model)
    checkpoint = find_checkpoint(model)
    paths = {name: locate_file(checkpoint, name) for name in list_files(checkpoint)}
    digests = store.digest_files(paths.values(), remember=remember)
    elsewhere = {p.source.repo: p.source.revision for p in model.parts if p.source is not None}
    if (hub := _hub_of(model)) is not None:
        elsewhere.pop(hub.repo, None)
    return LockedModel(
        revision=model.source.revision,
        source=model.source.label,
        dtype=model.dtype,
        files={
            name: LockedFile(digests[path.absolute()], path.stat().st_size)
            for name, path in paths.items()
        },
        others={} if hub is None else elsewhere,
    )


def _hub_of(model: Entry) -> HubSource | None:
    """Where on the hub a model is, or the rest of one that has files of its own."""
    source = model.source.base if isinstance(model.source, FilesSource) else model.source
    return source if isinstance(source, HubSource) else None


def pin_locked(model: E, locked: LockedModel | None) -> E:
    """The entry at the commits that rushes.lock says, for weights of the hub."""
    hub = _hub_of(model)
    if locked is None or hub is None:
        return model
    return pin_model(model, {**locked.others, hub.repo: locked.revision})


def _packages_of(entry: str) -> tuple[str, ...]:
    """The distributions of a stage, or of a check as :func:`check_entry` calls it."""
    if entry in STAGES:
        return STAGES[entry].packages
    try:
        return list_packages([entry.partition(".")[2]]).get(entry.partition(".")[2], ())
    except UsageError:
        return ()  # a check that is no longer there; planning says so where it is named


def installed_toolchain(packages: Iterable[str], *, libraries: bool = True) -> dict[str, str]:
    """Versions of distributions as installed; PyAV's with those of its FFmpeg libraries."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
        if libraries and package == "av" and found[package] != "not installed":
            from rushes.media import ffmpeg_versions

            found.update({f"{LIBRARY}{name}": v for name, v in sorted(ffmpeg_versions().items())})
    return found


def complete_lock(
    project: Project,
    lock: Lock,
    store: Store,
    *,
    update: bool = False,
    numerics: Mapping[str, Mapping[str, Numerics]] = MappingProxyType({}),
) -> tuple[Lock, list[LockChange]]:
    """The lock with what the project needs and it lacks.

    Args:
        update: also take over what is installed where it differs.
        numerics: by model, for those that are locked anew.

    Returns:
        The new lock, and what changed in it; differences that ``update=False`` leaves alone are
        not listed, see :func:`check_lock`.
    """
    require_check_packages(project)
    models, toolchains = dict(lock.models), dict(lock.toolchains)
    changes: list[LockChange] = []
    for model in needed_checkpoints(project):
        before = lock.models.get(model.id)
        if before is None or update:
            fresh = lock_model(model, store)
            chosen = dict(numerics.get(model.id, {}))
            models[model.id] = msgspec.structs.replace(fresh, numerics=chosen)
            changes += _compare_model(model.id, before, models[model.id], numerics=True)
    for name, packages in needed_toolchains(project).items():
        if name not in lock.toolchains or update:
            toolchains[name] = installed_toolchain(packages)
            old = lock.toolchains.get(name)
            changes += _compare_toolchain(name, old, toolchains[name])
    chosen_now = {s.name: s.model.name for s in project.shots.values() if s.auto}
    changes += [
        LockChange(f"auto.{shot}", lock.auto.get(shot), model)
        for shot, model in chosen_now.items()
        if lock.auto.get(shot) != model
    ]
    auto = {**lock.auto, **chosen_now}
    return msgspec.structs.replace(lock, models=models, toolchains=toolchains, auto=auto), changes


def decided_numerics(project: Project, lock: Lock) -> dict[str, dict[str, Numerics]]:
    """Numerics of every model, by instance, that the project states or that are locked."""
    found: dict[str, dict[str, Numerics]] = {}
    for model in project.instances:
        if model.stated is not None:
            found[model.instance] = model.stated.numerics
        elif model.id in lock.models:
            found[model.instance] = lock.models[model.id].numerics
    return found


def missing_entries(project: Project, lock: Lock) -> list[str]:
    """What the project needs and the lock lacks."""
    needed = needed_checkpoints(project)
    models = [f"models.{m.id}" for m in needed if m.id not in lock.models]
    entries = [name for name in needed_toolchains(project) if name not in lock.toolchains]
    chosen = [
        f"auto.{s.name}" for s in project.shots.values() if s.auto and s.name not in lock.auto
    ]
    return models + [f"toolchains.{name}" for name in entries] + chosen


def check_weights(
    models: Iterable[Entry],
    lock: Lock,
    store: Store,
    *,
    remember: bool = True,
    needed: bool = True,
) -> None:
    """Refuse weights that are not the locked ones.

    Args:
        remember: keep the digests of files for the next time; False writes nothing.
        needed: False passes over what is not on this machine: planning does without.

    Raises:
        LockRefused: names the first file that differs.
    """
    for model in models:
        locked = lock.models.get(model.id)
        if locked is None:
            continue
        try:
            found = lock_model(pin_locked(model, locked), store, remember=remember)
        except WeightsMissing:
            if needed:
                raise
            continue
        for change in _compare_model(model.id, locked, found):
            raise LockRefused(
                f"the weights of {model.id} are not the locked ones: {change.what}",
                where=f"{LOCK_FILE}:models.{model.id}",
                hint="restore the file, or accept the new weights with: rushes lock --update",
            )


def check_toolchain(entries: Iterable[str], lock: Lock, *, libraries: bool = True) -> None:
    """Refuse to work with another toolchain than the locked one.

    Args:
        entries: stages, and checks as :func:`check_entry` calls them.
        libraries: also compare PyAV's FFmpeg libraries, which loads them.

    Raises:
        LockRefused: with the command that restores it.
    """
    for name in entries:
        locked = lock.toolchains.get(name, {})
        if not libraries:
            locked = {p: v for p, v in locked.items() if not p.startswith(LIBRARY)}
        found = installed_toolchain(_packages_of(name), libraries=libraries)
        if locked == found:
            continue
        odd = [
            f"{p} {found.get(p)} ({v} is locked)" for p, v in locked.items() if found.get(p) != v
        ]
        odd += [f"{p} {v} (not in the lock)" for p, v in found.items() if p not in locked]
        restore = {p: v for p, v in locked.items() if not p.startswith(LIBRARY)}
        pins = " ".join(f"{p}=={v.partition('+')[0]}" for p, v in restore.items())
        raise LockRefused(
            f"{name} would run with {', '.join(odd)}",
            where=f"{LOCK_FILE}:toolchains.{name}",
            hint=f"restore with: pip install {pins} — or accept with: rushes lock --update",
        )


def _compare_model(
    name: str, old: LockedModel | None, new: LockedModel, *, numerics: bool = False
) -> list[LockChange]:
    if old is None:
        said = [f"{part} in {kind}" for part, kind in sorted(new.numerics.items())]
        what = ", ".join([new.revision, f"{len(new.files)} files", *said])
        return [LockChange(f"models.{name}", None, what)]
    changes = []
    for field in ("revision", "source", "dtype", "others"):
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            changes.append(LockChange(f"{field} of {name}", str(before), str(after)))
    for part in sorted(old.numerics.keys() | new.numerics.keys()) if numerics else ():
        kinds = old.numerics.get(part, "as stored"), new.numerics.get(part, "as stored")
        if kinds[0] != kinds[1]:
            changes.append(LockChange(f"{part} of {name}", *kinds))
    for path in sorted(old.files.keys() | new.files.keys()):
        was, now = old.files.get(path), new.files.get(path)
        if was != now:
            state = "is missing" if now is None else "is new" if was is None else "differs"
            sums = [file.sha256[:12] if file else None for file in (was, now)]
            changes.append(LockChange(f"{path} {state}", sums[0], sums[1]))
    return changes


def _compare_toolchain(
    stage: str, old: Mapping[str, str] | None, new: Mapping[str, Any]
) -> list[LockChange]:
    if old is None:
        return [
            LockChange(f"toolchains.{stage}", None, ", ".join(f"{p} {v}" for p, v in new.items()))
        ]
    return [
        LockChange(f"{package} of {stage}", old.get(package), new.get(package))
        for package in sorted(old.keys() | new.keys())
        if old.get(package) != new.get(package)
    ]
