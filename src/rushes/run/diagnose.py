"""What ``rushes doctor`` looks at."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import msgspec

import rushes
from rushes.catalogue.load import find_model, find_reader_entry, model_names, reader_names
from rushes.catalogue.reader import Entry
from rushes.catalogue.source import PackageSource
from rushes.errors import LockRefused, PaidUnavailable, RushesError, WeightsMissing
from rushes.hub import find_checkpoint, list_files, pin_model
from rushes.lock import (
    check_toolchain,
    check_weights,
    read_lock,
)
from rushes.needs import (
    needed_checkpoints,
)
from rushes.paid.environment import find_python
from rushes.spec.read import PROJECT_FILE
from rushes.spec.resolve import load_project
from rushes.store.store import Store, find_store

LOW_DISK_BYTES = 1_000_000_000


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at."""

    name: str
    ok: bool
    detail: str
    hint: str | None = None


def diagnose(folder: Path) -> list[Finding]:
    """Look at the installation, and at the project if the folder holds one."""
    looks: list[tuple[str, Callable[[], str]]] = [
        ("rushes", lambda: f"{rushes.__version__}, Python {platform.python_version()}"),
        ("packages", _look_at_packages),
        ("processor", _look_at_processor),
        ("media", _look_at_media),
        ("weights", _look_at_weights),
        ("readers", _look_at_readers),
        ("paid calls", _look_at_litellm),
        ("disk", lambda: _look_at_disk(folder)),
    ]
    if (folder / PROJECT_FILE).exists():
        looks += [
            ("project", lambda: _look_at_project(folder)),
            ("lock", lambda: _look_at_lock(folder)),
        ]
    return [_look(name, function) for name, function in looks]


def _look_at_litellm() -> str:
    """Not to have it is no fault: nothing paid is on by default."""
    try:
        return f"LiteLLM with {find_python().parent.parent.name}"
    except PaidUnavailable:
        return "none: LiteLLM is not installed (rushes doctor --install-litellm)"


def _look(name: str, function: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, function())
    except RushesError as exc:
        where = f"{exc.where}: " if exc.where else ""
        return Finding(name, False, f"{where}{exc.message}", exc.hint)


def _look_at_packages() -> str:
    found = []
    for package in ("torch", "diffusers", "transformers", "av", "numpy"):
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError as exc:
            raise RushesError(f"{package} is not installed", hint=f"pip install {package}") from exc
    return ", ".join(found)


def _look_at_processor() -> str:
    gpu = "an NVIDIA GPU" if os.path.exists("/dev/nvidia0") else "no GPU; models run on the CPU"
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {gpu}"


def _look_at_media() -> str:
    from rushes.media import ffmpeg_versions

    return "FFmpeg: " + ", ".join(f"{name} {v}" for name, v in sorted(ffmpeg_versions().items()))


def _look_at_weights() -> str:
    found = []
    for name in model_names():
        model = find_model(name)
        try:
            found.append(_measure_weights(model))
        except WeightsMissing:
            if isinstance(model.source, PackageSource):
                raise
    return ", ".join(found)


def _look_at_readers() -> str:
    """A project builds without a reader, so it is no fault that the embedded one is missing."""
    found = []
    for name in reader_names():
        entry = find_reader_entry(name)
        try:
            found.append(_measure_weights(entry))
        except LockRefused:
            if isinstance(entry.source, PackageSource):
                found.append(f"{name}: its weights are not here")
    return ", ".join(found)


def _measure_weights(entry: Entry) -> str:
    entry = pin_model(entry)
    folder = find_checkpoint(entry)
    nbytes = sum((folder / file).stat().st_size for file in list_files(folder))
    return f"{entry.name} {entry.source.revision[:12]}: {nbytes / 1e6:.1f} MB"


def _look_at_disk(folder: Path) -> str:
    store = find_store(folder)
    place = next(p for p in (store, *store.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    if free < LOW_DISK_BYTES:
        raise RushesError(f"{free / 1e9:.2f} GB free", hint="rushes cache gc")
    if not os.access(place, os.W_OK):
        raise RushesError(f"{place} cannot be written", hint="set RUSHES_STORE to another folder")
    return f"{free / 1e9:.0f} GB free, store in {store}"


def _look_at_project(folder: Path) -> str:
    project = load_project(folder)
    return f"{project.name}: {len(project.shots)} shots, {len(project.films)} films"


def _look_at_lock(folder: Path) -> str:
    project, lock = load_project(folder), read_lock(folder)
    store = Store(find_store(folder), read_only=True)
    check_weights(needed_checkpoints(project), lock, store, remember=False)
    check_toolchain(lock.toolchains, lock)
    if not lock.models:
        return "not written yet; make will write it"
    return "weights and toolchain are the locked ones"
