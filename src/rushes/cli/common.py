"""What commands share: the options every one has, and printing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from rushes.errors import UsageError
from rushes.types import parse_bytes

F = TypeVar("F", bound=Callable[..., Any])


_encode = msgspec.json.Encoder(decimal_format="number").encode

help_option = click.help_option("-h", "--help")
"""Said by every command itself: click remembers the one it first found, whoever asked."""


def common_options(function: F) -> F:
    """``-C DIR`` and ``--json``; the command receives ``folder`` and ``as_json``."""
    folder = click.option(
        "-C",
        "folder",
        type=click.Path(path_type=Path),
        default=Path(),
        metavar="DIR",
        help="Run as if started in DIR.",
    )
    as_json = click.option(
        "--json", "as_json", is_flag=True, help="One JSON document on standard output."
    )
    return help_option(folder(as_json(function)))


class MemorySize(click.ParamType[int]):
    """``10GB`` or ``800MB``; GB is 10^9 bytes."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        nbytes = value if isinstance(value, int) else parse_bytes(str(value))
        if nbytes is None:
            self.fail(f"{value!r} is no size such as 10GB or 800MB (GB is 10^9 bytes)", param, ctx)
        return nbytes


vram_option = click.option(
    "--vram", type=MemorySize(), metavar="SIZE", help="The most memory of a card, such as 10GB."
)
"""The command receives ``vram``, in bytes."""


def require_folder(folder: Path) -> Path:
    """The project's folder, absolute.

    Raises:
        UsageError: it does not exist.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", hint="-C takes the project's folder")
    return folder.resolve()


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    click.echo(_encode(document))


def pick_device(asked: str | None) -> str:
    """The device models run on: what was asked for, or what the worker finds (``auto``).

    Raises:
        UsageError: it is neither ``cpu`` nor ``cuda:N``.
    """
    if asked is not None and not re.fullmatch(r"cpu|cuda:\d+", asked):
        raise UsageError(f"there is no device {asked!r}", hint="name cpu or cuda:N, such as cuda:0")
    return asked or "auto"


def tell_stale(reasons: Mapping[str, str], shots: Iterable[str]) -> None:
    """Say on standard error which accepted takes are stale, why, and how to accept others.

    Args:
        reasons: by shot, as :func:`rushes.accepted.explain_stale` gives them.
        shots: those that are asked for.
    """
    for name in shots:
        if name in reasons:
            click.echo(
                f"{name}: the accepted take {reasons[name]}; accept another: "
                f"rushes make {name} && rushes lock --accept {name}",
                err=True,
            )


def show_seconds(seconds: float) -> str:
    """A duration for people."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 0.95 else f"{seconds * 1000:.0f} ms"
    return f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def show_bytes(nbytes: float) -> str:
    """A size for people, in powers of ten."""
    for unit in ("B", "kB", "MB", "GB"):
        if nbytes < 1000:
            return f"{nbytes:.0f} {unit}" if unit == "B" else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    return f"{nbytes:.1f} TB"
