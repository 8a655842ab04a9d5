"""What stands between the build's head and the cards: filters, and all clips at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rushes.report.card import WORDS, Card
from rushes.report.charts import data_uri
from rushes.report.text import escape
from rushes.report.verdicts import read_verdicts

KEYS = (
    ("j, k", "next clip, clip before"),
    ("space", "play or pause"),
    (", and .", "a frame back, a frame on"),
    ("[ and ]", "mark before, next mark"),
    ("f", "only what did not pass"),
    ("/", "search"),
    ("t", "dark or light"),
    ("?", "this list"),
)


def draw_toolbar(cards: Sequence[Card]) -> str:
    """Filters and the theme; a script shows it, since without one it would do nothing."""
    statuses = [card.clip.status for card in cards]
    shown = [name for name in WORDS if name in statuses]
    chips = _draw_chip("", "all", len(cards))
    chips += "".join(_draw_chip(name, WORDS[name], statuses.count(name)) for name in shown)
    failing = dict.fromkeys(
        check.check for card in cards for check in read_verdicts(card.clip) if not check.passed
    )
    options = "".join(f"<option>{escape(name)}</option>" for name in sorted(failing))
    select = (
        '<select id="by-check" aria-label="clips that a check refused or warned of">'
        f'<option value="">any check</option>{options}</select>'
        if failing
        else ""
    )
    return (
        '<nav class="tools" hidden aria-label="filters">'
        f'<div class="chips" role="group" aria-label="status">{chips}</div>{select}'
        '<input type="search" id="search" placeholder="search" aria-label="search clips">'
        '<output id="count" class="soft"></output>'
        '<button type="button" id="theme" aria-label="dark or light">◐</button>'
        '<button type="button" id="help" aria-label="keys">?</button></nav>'
        f'<dialog id="keys"><h2>Keys</h2><dl>{_draw_keys()}</dl>'
        '<form method="dialog"><button>close</button></form></dialog>'
    )


def _draw_chip(value: str, word: str, number: int) -> str:
    pressed = "true" if not value else "false"
    return (
        f'<button type="button" class="chip {value}" data-status="{value}"'
        f' aria-pressed="{pressed}">{escape(word)} <b>{number}</b></button>'
    )


def _draw_keys() -> str:
    return "".join(f"<div><dt><kbd>{keys}</kbd></dt><dd>{does}</dd></div>" for keys, does in KEYS)


def draw_sheet(cards: Iterable[Card]) -> str:
    """The contact sheet: a frame of every clip, which leads to its card."""
    cells = "".join(_draw_cell(card) for card in cards)
    return f'<section class="sheet" aria-label="contact sheet">{cells}</section>'


def _draw_cell(card: Card) -> str:
    clip, name = card.clip, escape(card.clip.name)
    thumb = b"" if card.sample is None else card.sample.thumb
    picture = (
        f'<img src="{data_uri("image/jpeg", thumb)}" alt="a frame of {name}">'
        if thumb
        else '<i class="empty"></i>'
    )
    return (
        f'<a class="cell {clip.status}" href="#clip-{name}" data-clip="{name}">{picture}'
        f'<span><b>{name}</b> <em class="badge {clip.status}">{WORDS[clip.status]}</em></span></a>'
    )
