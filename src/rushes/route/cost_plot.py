"""Cost against volume, with the crossing, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from html import escape

from rushes.route.cost import CostInputs, Kind, api_usd, find_volume, own_usd
from rushes.route.figures import SIDES, Side, show_number

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 20, 56, 56
STEPS = 240
COLOURS = {"API": "#b3541e", "rented": "#1f5fa8", "owned": "#2b7a3d"}
"""Readable on white, and apart for most who see colours differently; lines are named as well."""


def draw_cost(inputs: CostInputs, kinds: Sequence[Kind]) -> str:
    """One line for the API and one for each kind of own cards, each with its band of uncertainty.

    A line of own cards steps up where the cards that are there can make no more.
    """
    most = _find_right_edge(inputs, kinds)
    items = [most * step / STEPS for step in range(STEPS + 1)]
    lines: dict[str, Callable[[Decimal, Side], Decimal]] = {
        "API": lambda n, side: api_usd(inputs, n, side)
    }
    for kind in kinds:
        lines[kind] = lambda n, side, kind=kind: own_usd(inputs, kind, n, side)  # type: ignore[misc]
    drawn = {
        name: {side: [line(n, side) for n in items] for side in SIDES}
        for name, line in lines.items()
    }
    top = max(max(values["high"]) for values in drawn.values()) or Decimal(1)

    def place(n: Decimal, usd: Decimal) -> str:
        x = LEFT + (WIDTH - LEFT - RIGHT) * n / most
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * usd / top
        return f"{x:.1f},{y:.1f}"

    body = "".join(_draw_line(name, values, items, place) for name, values in drawn.items())
    body += "".join(_draw_crossing(inputs, kind, place) for kind in kinds)
    title = "Cost a month against items a month"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="12"><title>{title}</title>'
        f"<desc>{escape(_describe(inputs, kinds))}</desc>"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f"{_draw_axes(most, top)}{_draw_legend(list(drawn))}{body}</svg>\n"
    )


def _find_right_edge(inputs: CostInputs, kinds: Sequence[Kind]) -> Decimal:
    """Twice the largest volume that matters."""
    marks = [Decimal(find_volume(inputs, kind).items or 0) for kind in kinds]
    if inputs.items is not None:
        marks.append(inputs.items.likely)
    if inputs.capacity is not None and not any(marks):
        marks.append(inputs.capacity.likely)
    return 2 * max([*marks, Decimal(1)])


def _draw_line(
    name: str,
    values: dict[Side, list[Decimal]],
    items: list[Decimal],
    place: Callable[[Decimal, Decimal], str],
) -> str:
    colour = COLOURS[name]
    there = [place(n, usd) for n, usd in zip(items, values["low"], strict=True)]
    back = [place(n, usd) for n, usd in zip(items, values["high"], strict=True)]
    likely = " ".join(place(n, usd) for n, usd in zip(items, values["likely"], strict=True))
    return (
        f'<polygon points="{" ".join([*there, *reversed(back)])}" fill="{colour}" opacity="0.15"/>'
        f'<polyline points="{likely}" fill="none" stroke="{colour}" stroke-width="2"/>'
    )


def _draw_crossing(inputs: CostInputs, kind: Kind, place: Callable[[Decimal, Decimal], str]) -> str:
    items = find_volume(inputs, kind).items
    if not items:
        return ""
    x, y = place(Decimal(items), api_usd(inputs, Decimal(items))).split(",")
    text = f"{kind}: {show_number(Decimal(items))} items"
    return (
        f'<circle cx="{x}" cy="{y}" r="4" fill="{COLOURS[kind]}"/>'
        f'<text x="{float(x) + 8:.1f}" y="{float(y) + 16:.1f}" fill="{COLOURS[kind]}">{text}</text>'
    )


def _draw_axes(most: Decimal, top: Decimal) -> str:
    base, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    out = f'<path d="M{LEFT} {TOP}V{base}H{right}" fill="none" stroke="#555"/>'
    for step in range(5):
        x = LEFT + (right - LEFT) * step / 4
        y = base - (base - TOP) * step / 4
        out += f'<text x="{x:.0f}" y="{base + 18}" text-anchor="middle" fill="#333">'
        out += f"{show_number(round(most * step / 4, 0))}</text>"
        out += f'<text x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end" fill="#333">'
        out += f"{show_number(round(top * step / 4, 0 if top >= 20 else 2))}</text>"
        if step:
            out += f'<path d="M{LEFT} {y:.0f}H{right}" stroke="#ddd"/>'
    out += f'<text x="{(LEFT + right) / 2:.0f}" y="{HEIGHT - 14}" text-anchor="middle">'
    return f'{out}items a month</text><text x="{LEFT}" y="{TOP - 10}">USD a month</text>'


def _draw_legend(names: list[str]) -> str:
    out = ""
    for number, name in enumerate(names):
        x = LEFT + 140 * number
        colour = COLOURS[name]
        out += f'<path d="M{x} 20h24" stroke="{colour}" stroke-width="2"/>'
        out += f'<text x="{x + 30}" y="24" fill="{colour}">{name}</text>'
    return out


def _describe(inputs: CostInputs, kinds: Sequence[Kind]) -> str:
    said = []
    for kind in kinds:
        items = find_volume(inputs, kind).items
        said.append(
            f"{kind} cards never beat the API"
            if items is None
            else f"{kind} cards beat the API from {show_number(Decimal(items))} items a month"
        )
    return "; ".join(said) + ". Bands show what the stated uncertainty does."
