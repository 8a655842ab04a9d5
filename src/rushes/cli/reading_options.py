"""What ``rushes describe`` and ``rushes find`` are both told: who reads, which part, and how."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rushes.catalogue.reader import DEFAULT_READER
from rushes.cli.common import pick_device

if TYPE_CHECKING:
    from rushes.readers.selection import Selection
    from rushes.run.reading import Session


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and what of a file."""

    model: str
    start: str | None
    end: str | None
    fps: float | None
    jobs: int
    keep: bool
    device: str | None

    def select(self) -> Selection:
        """The part of a file that is looked at."""
        from rushes.readers.selection import make_selection

        return make_selection(start=self.start, end=self.end, fps=self.fps)

    def open(self, folder: Path, command: str) -> AbstractContextManager[Session]:
        """The reader over the store of a folder, as its policy allows; errors as
        :func:`rushes.run.reading.open_reading`."""
        from rushes.run.reader import find_policy
        from rushes.run.reading import open_reading

        return open_reading(
            folder, self.model, device=pick_device(self.device), project=find_policy(folder),
            keep=self.keep, jobs=self.jobs, command=command,
        )  # fmt: skip


def reading_options(who: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The command receives ``reader``.

    Args:
        who: the help of ``--model``.
    """
    options = (
        click.option(
            "--model", default=DEFAULT_READER, show_default=True, metavar="NAME", help=who
        ),
        click.option("--from", "start", metavar="TIME", help="From there: 12.5, 4:12, 1:02:03."),
        click.option("--to", "end", metavar="TIME", help="Up to there."),
        click.option("--fps", type=float, metavar="N", help="Frames a second to look at."),
        click.option("-j", "jobs", type=click.IntRange(1, 64), default=1, help="Requests at once."),
        click.option("--keep/--no-keep", default=True, help="Keep what is read in the store."),
        click.option(
            "--device", metavar="NAME", help="cpu or cuda:N; default: a GPU if there is one."
        ),
    )

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @wraps(function)
        def command(**said: Any) -> int:
            reader = Reader(**{field.name: said.pop(field.name) for field in fields(Reader)})
            return function(reader=reader, **said)

        for option in reversed(options):
            command = option(command)
        return command

    return decorate
