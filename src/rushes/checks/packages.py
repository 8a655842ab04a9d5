"""Packages that some checks need and Rushes does not install by itself: are they there?

Asked of the installed distributions, without an import, so that planning stays fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from rushes.checks.base import Check, PackagedCheck
from rushes.errors import PackageMissing


@cache
def is_installed(package: str) -> bool:
    """Whether a distribution of this name is installed."""
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def packages_of(check: Check) -> tuple[str, ...]:
    """Distributions that the check needs beside those of every check."""
    return check.packages if isinstance(check, PackagedCheck) else ()


def require_packages(checks: Iterable[Check], where: str | None = None) -> None:
    """Refuse checks whose packages are missing.

    Raises:
        PackageMissing: with the command that installs them.
    """
    for check in checks:
        missing = [package for package in packages_of(check) if not is_installed(package)]
        if missing and isinstance(check, PackagedCheck):
            raise PackageMissing(
                f"the check {check.name!r} needs {', '.join(missing)}, not installed here",
                where=where,
                hint=f"pip install '{check.extra}'",
            )


def find_inside(module: str, path: str) -> Path:
    """A file that a package brings, found without running the package.

    Raises:
        PackageMissing: there is no such package, or no such file in it.
    """
    spec = find_spec(module)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    for place in places:
        if (found := Path(place) / path).is_file():
            return found
    raise PackageMissing(
        f"the package {module} has no {path} on this machine",
        hint="install the versions that constraints.txt names",
    )
