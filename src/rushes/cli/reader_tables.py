"""The readers of the catalogue as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from rushes.catalogue.reader import ReaderEntry
from rushes.cli.catalogue_tables import (
    open_console,
    print_head,
    print_list,
    print_parts,
    show_count,
    show_licence,
    show_source,
)
from rushes.cli.common import show_bytes


def print_readers(readers: Sequence[tuple[ReaderEntry, bool]]) -> None:
    """One line a reader; whether its weights are on this machine."""
    console = open_console()
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("reader", style="bold", no_wrap=True)
    table.add_column("licence", overflow="fold")
    for name in ("on disk", "parameters", "context"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("here", no_wrap=True)
    for reader, here in readers:
        table.add_row(
            reader.name,
            ", ".join(reader.licence.ids),
            show_bytes(reader.nbytes),
            show_count(reader.parameters),
            f"{reader.context:,}",
            "yes" if here else "—",
        )
    console.print()
    console.print(table)
    console.print(
        "readers answer questions: rushes ask VIDEO QUESTION --model NAME. context: tokens of "
        "frames, question and answer together",
        style="dim",
    )


def print_reader(reader: ReaderEntry, here: bool) -> None:
    """Everything that the catalogue says of a reader."""
    console = open_console()
    print_head(console, f"{reader.name} — {reader.title}", reader.about, _facts(reader, here))
    print_list(console, "licence's terms", reader.licence.terms)
    print_parts(console, "parts", reader.parts)
    print_list(console, "limits", reader.limits)
    print_list(console, "verified", [" ".join(reader.verified.split())])


def _facts(reader: ReaderEntry, here: bool) -> Iterable[tuple[str, str]]:
    looks, cache = reader.sampling, reader.cache_bytes_per_token
    count = f"{looks.min_frames} to {looks.max_frames} of them"
    size = f"up to {looks.pixels_per_frame:,} pixels each"
    yield "looks", f"frames a second: {looks.fps:g}; {count}, {size}"
    yield "", "what that is for a clip: rushes ask CLIP QUESTION --explain"
    yield "context", f"{reader.context:,} tokens"
    yield "computes in", reader.dtype
    yield "source", show_source(reader.source)
    yield "on disk", f"{show_bytes(reader.nbytes)}, {show_count(reader.parameters)} parameters"
    memory = f"{show_bytes(reader.nbytes)} for the weights and {cache / 1000:.1f} kB a token"
    yield "memory", f"{memory}: {show_bytes(cache * reader.context)} at a full context"
    yield "", "what it needs while it looks at frames comes on top, and was not measured"
    yield "on this machine", "yes" if here else f"no; rushes models pull {reader.name}"
    yield from show_licence(reader.licence)
