"""What commands over many files share: lines of JSON, progress, and the highest exit code."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click
import msgspec

from rushes.cli.common import show_seconds
from rushes.errors import RushesError, UsageError

TOLD_SECONDS = 5.0
"""Where standard error is no terminal, progress is told so often."""


class Lines:
    """Documents, one a line, each on the disk or the pipe before the next is computed."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, document: object) -> None:
        """One line."""
        self._file.write(msgspec.json.encode(document).decode() + "\n")
        self._file.flush()


@contextmanager
def open_lines(path: Path | None) -> Iterator[Lines]:
    """Lines to a file, or to standard output.

    Raises:
        UsageError: the file cannot be written.
    """
    if path is None:
        yield Lines(sys.stdout)
        return
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror}", where=str(path)) from exc
    with file:
        yield Lines(file)


class Tally:
    """Counts files as they are done, and tells on standard error how far it is."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.failed, self.stored, self.code = total, 0, 0, 0, 0
        self.unknown = 0
        self._begun = self._told = time.monotonic()
        self._live = sys.stderr.isatty()

    def count(self, name: str, error: RushesError | None, *, stored: bool = False) -> None:
        """One more file; an error is told at once."""
        self.done += 1
        self.stored += stored
        if error is not None:
            self.failed += 1
            self.code = max(self.code, error.exit_code)
            self._clear()
            click.echo(f"{name}: {error.message}", err=True)
        now = time.monotonic()
        if self._live or now - self._told >= TOLD_SECONDS:
            self._told = now
            self._tell(now)

    def _tell(self, now: float) -> None:
        spent = now - self._begun
        left = spent / self.done * (self.total - self.done)
        text = f"{self.done} of {self.total} files, {self.failed} failed"
        text += f", about {show_seconds(left)} left" if self.done < self.total else ""
        end = "\r" if self._live else "\n"
        self._clear()
        with contextlib.suppress(OSError):
            sys.stderr.write(text + end)
            sys.stderr.flush()

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\033[K")

    def finish(self) -> None:
        """The last word."""
        self._clear()
        spent = show_seconds(time.monotonic() - self._begun)
        click.echo(
            f"{self.done} files: {self.done - self.failed} read, {self.stored} of them stored "
            f"before, {self.failed} failed; {spent}"
            + (f"; {self.unknown} answers say that it is not known" if self.unknown else ""),
            err=True,
        )

    def to_dict(self) -> dict[str, int]:
        """The summary."""
        read = self.done - self.failed
        return {"files": self.done, "read": read, "stored": self.stored, "failed": self.failed}


def show_path(name: str, folder: Path) -> str:
    """A file as lines name it: from the folder where the command runs, where it lies in it."""
    path = Path(name)
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else name


def write_error(name: str, error: RushesError) -> dict[str, object]:
    """The line of a file that could not be read."""
    return {"file": name, "error": error.to_dict()}
