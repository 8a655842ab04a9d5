"""The catalogue as tables for people."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from rushes.catalogue.model import Model, Sampling
from rushes.catalogue.source import (
    FilesSource,
    FolderSource,
    HubSource,
    Licence,
    Part,
    RemoteSource,
    Source,
)
from rushes.cli.common import show_bytes
from rushes.plan.memory.standard import SmallestCard

DENOISERS = ("transformer", "transformer_2")
WIDE = 110
"""Characters a line from which there is room for all columns."""
PIPED_WIDTH = 120
"""Characters a line where the output is no terminal."""
SAMPLING = {
    "guidance": "guidance",
    "audio_guidance": "of the sound",
    "guidance_2": "of the second expert",
    "stg": "spatio-temporal",
    "modality_guidance": "between picture and sound",
    "rescale": "rescaled",
    "shift": "shift",
}


def print_models(models: Sequence[tuple[Model, list[str], SmallestCard | None]]) -> None:
    """One line a model, and what to do next."""
    console = open_console()
    wide = console.width >= WIDE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("model", style="bold", no_wrap=True)
    table.add_column("licence", overflow="fold")
    table.add_column("on disk", justify="right", no_wrap=True)
    table.add_column("smallest card", no_wrap=True)
    table.add_column("sound", no_wrap=True)
    table.add_column("here", no_wrap=True)
    if wide:
        table.add_column("denoiser", justify="right", no_wrap=True)
        table.add_column("can be given", ratio=1)
    for model, here, card in models:
        row = [
            model.name,
            model.licence.id,
            show_bytes(model.nbytes),
            "?" if card is None else f"{card.card} {card.peak_bytes / 1e9:.1f} GB",
            "yes" if model.latents.audio is not None else "—",
            _show_here(model, here),
        ]
        given = ", ".join(model.controls) or "a prompt only"
        table.add_row(*row, *([_show_denoiser(model), given] if wide else []))
    console.print(table)
    console.print(
        "denoiser: its parameters. on disk: with text encoder and VAE. smallest card: of those "
        "that Rushes knows, for the standard clip, with the predicted peak; ?: not traced. "
        "More of one, with its licence's terms: rushes models show NAME",
        style="dim",
    )


def _describe_card(card: SmallestCard | None) -> list[str]:
    if card is None:
        return ["not known: its memory was not traced"]
    placed = ", ".join(f"{stage} {how}" for stage, how in card.placements.items())
    changed = ", ".join(f"{part} in {how}" for part, how in card.numerics.items())
    return [
        f"{card.title} ({show_bytes(card.memory_bytes)}) for the standard clip: "
        f"{show_bytes(card.peak_bytes)} at the peak, predicted",
        f"{placed}{'; ' if changed else ''}{changed}",
        "other sizes and cards: rushes plan --vram SIZE --device CARD --explain",
    ]


def open_console() -> Console:
    """Of the terminal's width, or of a width of its own where there is none."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED_WIDTH
    return console


def _show_here(model: Model, here: list[str]) -> str:
    if not here:
        return "—"
    if model.choice or not model.variants:
        return "yes"
    return "yes" if len(here) > len(model.variants) else "some"


def show_count(number: int) -> str:
    """Parameters for people: ``14.3 B``, ``56 M``."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            digits = 1 if number < 100 * size else 0
            return f"{number / size:.{digits}f} {unit}"
    return str(number)


def _show_denoiser(model: Model) -> str:
    counts = [part.parameters for part in model.parts if part.folder in DENOISERS]
    times = f"{len(counts)}× " if len(counts) > 1 else ""
    return f"{times}{show_count(counts[0])}" if counts else "—"


def print_head(console: Console, title: str, about: str, facts: Iterable[tuple[str, str]]) -> None:
    """What an entry is, and its facts line by line."""
    console.print(title, style="bold")
    console.print(about)
    console.print()
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1)
    for name, text in facts:
        table.add_row(name, text)
    console.print(table)


def print_model(model: Model, here: list[str], card: SmallestCard | None) -> None:
    """Everything that the catalogue says of a model."""
    console = open_console()
    print_head(console, f"{model.id} — {model.title}", model.about, _facts(model, here))
    print_list(console, "smallest card", _describe_card(card))
    print_list(console, "licence's terms", model.licence.terms)
    print_parts(console, "parts", model.parts)
    for name, variant in model.variants.items():
        title = f"{model.name}:{name}, for shots that are given {' or '.join(variant.controls)}"
        state = "on this machine" if name in here else "not on this machine"
        print_parts(console, f"{title} ({show_source(variant.source)}; {state})", variant.parts)
    print_list(console, "limits", model.limits)
    print_list(console, "verified", [" ".join(model.verified.split())])


def _facts(model: Model, here: list[str]) -> Iterable[tuple[str, str]]:
    grid = model.grid
    default = model.defaults
    yield (
        "frames",
        f"{grid.frames_multiple}k+{grid.frames_offset}, {grid.frames_min} to {grid.frames_max}"
        + (", longer as chains" if model.reach is not None else "")
        + f"; {default.frames} by default",
    )
    if grid.pixels_max is None:
        yield "sizes", f"{', '.join(grid.sizes)}; {default.size} by default"
    else:
        step = f"multiples of {grid.size_multiple}, up to {grid.pixels_max:,} pixels"
        yield "sizes", f"{step}; made for {', '.join(grid.sizes)}; {default.size} by default"
    rates = ", ".join(f"{rate:g}" for rate in grid.fps)
    most = f", and any up to {grid.fps_max:g}" if grid.fps_max is not None else ""
    yield "fps", f"{rates}{most}; {default.fps:g} by default"
    audio = model.latents.audio
    yield "sound", "none" if audio is None else f"{audio.rate / 1000:g} kHz, made with the picture"
    kinds = f" ({', '.join(model.control_kinds)})" if model.control_kinds else ""
    yield "can be given", (", ".join(model.controls) or "a prompt only") + kinds
    yield "sampling", _show_sampling(default)
    for name, schedule in model.schedules.items():
        yield f"schedule {name}", f"{_show_sampling(schedule)} — {schedule.about}"
    for speed, shortcuts in model.speeds.items():
        yield f"speed {speed}", shortcuts.about
    yield "computes in", model.dtype
    yield "source", show_source(model.source)
    yield "on disk", f"{show_bytes(model.nbytes)}, {show_count(model.parameters)} parameters"
    yield "on this machine", "yes" if "" in here else f"no; rushes models pull {model.id}"
    yield from show_licence(model.licence)


def show_licence(licence: Licence) -> Iterable[tuple[str, str]]:
    """What a licence is, where it was read, and whom it excludes."""
    yield "licence", f"{licence.name} ({', '.join(licence.ids)})"
    how = "its text" if licence.read == "text" else "second-hand: read it yourself"
    yield "", f"{licence.url} — read {licence.checked}, {how}"
    if licence.revenue_usd_max is not None:
        yield "", f"free below {licence.revenue_usd_max:,} USD of yearly revenue"
    if licence.excluded:
        yield "", f"nothing is licensed in: {', '.join(licence.excluded)}"


def _show_sampling(sampling: Sampling) -> str:
    said = [f"{sampling.steps} steps" + (" at fixed noise levels" if sampling.sigmas else "")]
    for key, words in SAMPLING.items():
        value = getattr(sampling, key)
        if value is not None and (value or key == "guidance"):
            said.append(f"{words} {value:g}")
    if sampling.lora:
        said.append(f"with the adapter in {sampling.lora}")
    return ", ".join(said)


def show_source(source: Source) -> str:
    """Where weights come from, for people."""
    if isinstance(source, HubSource):
        gated = ", gated" if source.gated else ""
        return f"hub {source.repo} at {source.revision}{gated}"
    if isinstance(source, FolderSource):
        return f"folder {source.said}"
    if isinstance(source, FilesSource):
        return f"files {', '.join(source.said)}, the rest from {show_source(source.base)}"
    if isinstance(source, RemoteSource):
        return f"{source.provider}, who runs it"
    return f"package {source.package}"


def print_parts(console: Console, title: str, parts: list[Part]) -> None:
    """A line a part: its class, size and type."""
    console.print()
    console.print(title, style="dim")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 2))
    for justify in ("left", "left", "right", "left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_column(overflow="fold")
    for part in parts:
        elsewhere = "" if part.source is None else f"from {part.source.repo}"
        table.add_row(
            part.folder,
            part.class_name,
            show_count(part.parameters),
            part.dtype,
            show_bytes(part.nbytes),
            elsewhere,
        )
    console.print(table)


def print_list(console: Console, title: str, lines: list[str]) -> None:
    """Sentences under a title; nothing where there are none."""
    if not lines:
        return
    console.print()
    console.print(title, style="dim")
    for line in lines:
        console.print(Padding(line, (0, 0, 0, 2)))
