"""out/report.html: one page without any other file, for people."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

from rushes.errors import MediaError
from rushes.report.attempts import MAX_TAKES, FindObject, load_takes
from rushes.report.card import Card, draw_card
from rushes.report.manifest import ClipRecord, Manifest
from rushes.report.sample import ClipSample, sample_clip
from rushes.report.summary import draw_footer, draw_header, draw_rest
from rushes.report.text import count_of, escape
from rushes.report.toolbar import draw_sheet, draw_toolbar
from rushes.run.place import OUT_FOLDER
from rushes.run.result import ClipResult
from rushes.types import Digest

MAX_CARDS = 60
MAX_PIXELS = 6_000_000_000
"""Decoded for one page: about twenty seconds of work."""

MAX_EMBEDDED_BYTES = 16_000_000
MAX_EMBEDDED_BYTES_OF_MANY = 3_000_000
"""Of clips inside the page; the smaller one where the build has more clips than cards."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Clips that get a card, in the page's order, and those that get a line."""

    cards: tuple[ClipResult, ...]
    rest: tuple[ClipResult, ...]


def choose_clips(clips: list[ClipResult]) -> Choice:
    """What is news first: not passed, then computed by this run, then as in the file."""
    ranked = sorted(clips, key=_rank)
    chosen: list[ClipResult] = []
    pixels = 0
    for clip in ranked[:MAX_CARDS]:
        pixels += _pixels_of(clip)
        if chosen and pixels > MAX_PIXELS:
            break
        chosen.append(clip)
    names = {clip.name for clip in chosen}
    return Choice(cards=tuple(chosen), rest=tuple(clip for clip in clips if clip.name not in names))


def find_nothing(digest: Digest) -> Path | None:
    """Where there is no store."""
    return None


def render_page(manifest: Manifest, folder: Path, find: FindObject = find_nothing) -> bytes:
    """The page of a build.

    Args:
        folder: the project's; clips are read from its ``out/``. What is missing there or cannot be
            decoded is said on the page.
        find: where the store has the clips of takes that were not kept.
    """
    result = manifest.run
    choice = choose_clips(result.clips)
    records = {record.name: record for record in manifest.clips}
    left = MAX_EMBEDDED_BYTES_OF_MANY if choice.rest else MAX_EMBEDDED_BYTES
    drawn: dict[str, str] = {}
    cards: list[Card] = []
    for clip in choice.cards:
        record = records.get(clip.name) or ClipRecord(clip.name, clip.status, clip.path, None, "")
        card = load_card(clip, record, folder, left, find)
        left -= len(card.data or b"") + sum(len(take.data or b"") for take in card.takes.values())
        cards.append(card)
        drawn[clip.name] = draw_card(card)
    films, shots = ({clip.name for clip in part} for part in (result.films, result.shots))
    main = (
        draw_toolbar(cards)
        + draw_sheet(cards)
        + _draw_section("film", [drawn[name] for name in drawn if name in films], len(films))
        + _draw_section("shot", [drawn[name] for name in drawn if name in shots], len(shots))
        + draw_rest(choice.rest, records, len(choice.cards))
    )
    style, script = asset("page.css"), asset("page.js")
    page = Template(asset("page.html")).substitute(
        title=escape(f"{manifest.project}: report"),
        policy=security_policy(f"\n{script}"),
        style=style,
        script=script,
        header=draw_header(manifest),
        main=main,
        footer=draw_footer(manifest),
    )
    return page.encode()


def load_card(
    clip: ClipResult, record: ClipRecord, folder: Path, left: int, find: FindObject = find_nothing
) -> Card:
    """Read and decode a clip for its card.

    Args:
        left: bytes that may still be embedded.
    """
    if clip.path is None:
        return Card(clip, record)
    path = folder / OUT_FOLDER / Path(clip.path).name
    try:
        nbytes = path.stat().st_size
        data = path.read_bytes() if nbytes <= left else None
    except OSError:
        return Card(clip, record, trouble=f"{clip.path} is missing")
    sample, trouble = _sample(path, clip)
    seconds = clip.frames / clip.fps if clip.fps else 0.0
    takes = load_takes(record.attempts, find, clip.frames, seconds, left - len(data or b""))
    return Card(clip, record, sample, data, nbytes, trouble, takes)


def _sample(path: Path, clip: ClipResult) -> tuple[ClipSample | None, str]:
    try:
        sample = sample_clip(path, clip.frames, clip.frames / clip.fps if clip.fps else 0.0)
    except MediaError:
        return None, f"{clip.path} cannot be decoded"
    if sample.damage:
        return sample, f"{clip.path} is damaged at about {sample.damage[0].seconds:.2f} s"
    return sample, ""


def _rank(clip: ClipResult) -> int:
    if clip.status != "passed":
        return 0
    return 1 if any(stage.result == "ran" for stage in clip.stages) else 2


def _pixels_of(clip: ClipResult) -> int:
    width, _, height = clip.size.partition("x")
    if clip.path is None or not (width + height).isdigit():
        return 0
    return int(width) * int(height) * clip.frames * min(clip.attempts, MAX_TAKES)


def _draw_section(noun: str, cards: list[str], total: int) -> str:
    if not cards:
        return ""
    number, word = count_of(total, noun).split(" ")
    shown = number if len(cards) == total else f"{len(cards)} of {number}"
    title = f"{word.capitalize()} <small>{shown}</small>"
    return f"<section><h2>{title}</h2>{''.join(cards)}</section>"


def asset(name: str) -> str:
    """The text of a file beside this module."""
    return resources.files("rushes.report").joinpath(name).read_text("utf-8")


def security_policy(script: str) -> str:
    """What a page may do: nothing is loaded but this page and clips beside it, and no other script
    runs."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; img-src data:; media-src data: 'self' file:; "
        f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
