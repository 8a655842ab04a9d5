"""Rushes: a build system for generated video.

The public names are imported when they are first used: neither torch nor a web framework comes
with ``import rushes``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "load_project": "rushes.spec.resolve",
    "read_lock": "rushes.lock",
    "build_plan": "rushes.plan.build",
    "build_project": "rushes.run.build",
    "BuildOptions": "rushes.run.build",
    "open_ledger": "rushes.run.retention",
    "Store": "rushes.store.store",
    "find_store": "rushes.store.store",
    "check_file": "rushes.checks.registry",
    "RushesError": "rushes.errors",
}
__all__ = [
    "BuildOptions",
    "RushesError",
    "Store",
    "__version__",
    "build_plan",
    "build_project",
    "check_file",
    "find_store",
    "load_project",
    "open_ledger",
    "read_lock",
]

if TYPE_CHECKING:
    from rushes.checks.registry import check_file
    from rushes.errors import RushesError
    from rushes.lock import read_lock
    from rushes.plan.build import build_plan
    from rushes.run.build import BuildOptions, build_project
    from rushes.run.retention import open_ledger
    from rushes.spec.resolve import load_project
    from rushes.store.store import Store, find_store


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
