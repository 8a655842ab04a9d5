"""One page with two clips: played together, with their differences over time."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from string import Template

from rushes.checks.likeness import FramePair, fit_frame
from rushes.media import encode_image, read_frames
from rushes.report.charts import data_uri
from rushes.report.page import asset, security_policy
from rushes.report.text import escape, show_number
from rushes.run.comparing import CheckPair, Compared, Side

MAX_EMBEDDED_BYTES = 12_000_000
"""Of each clip; a larger one is a link to its file."""
AMPLIFY = 4
"""Times by which the picture of a difference is brighter than the difference."""
KINDS = {b"ftyp": "video/mp4", b"\x1aE\xdf\xa3": "video/webm"}


def render_comparison(compared: Compared) -> bytes:
    """The page, which needs no other file where both clips are small enough."""
    row = compared.row
    script = asset("compare.js")
    style = asset("page.css") + resources.files("rushes.report").joinpath("compare.css").read_text(
        "utf-8"
    )
    main = (
        f'<section class="pair">{_draw_side(compared.sides[0])}{_draw_side(compared.sides[1])}'
        "</section>"
        '<p class="controls"><button type="button" id="play">play both</button> '
        '<input type="range" id="place" min="0" max="1" step="any" value="0" '
        'aria-label="place in both clips"> <output id="time">0.00 s</output></p>'
        f"{_draw_likeness(compared)}{_draw_worst(compared)}{_draw_reasons(row.reasons)}"
        f"{_draw_checks(row.checks)}"
    )
    head = (
        f'<header class="top"><h1>{escape(row.first)} and {escape(row.second)}</h1>'
        f'<p class="verdict{"" if row.likeness.same else " bad"}">{escape(_sum_up(compared))}</p>'
        "</header>"
    )
    page = Template(asset("page.html")).substitute(
        title=escape(f"{row.first} and {row.second}"), policy=security_policy(f"\n{script}"),
        style=style, script=script, header=head, main=main, footer="Rushes: a comparison.",
    )  # fmt: skip
    return page.encode()


def _sum_up(compared: Compared) -> str:
    like = compared.row.likeness
    if like.same:
        return "same pictures, same sound"
    if like.worst_ssim is None:
        return "one of them has no picture"
    text = f"SSIM {like.mean_ssim:.3f}"
    text += f", at worst {like.worst_ssim:.3f} at {like.worst_seconds:.2f} s"
    if like.worst_sound_db is not None:
        text += f"; spectra up to {like.worst_sound_db:.1f} dB apart"
    return text


def _draw_side(side: Side) -> str:
    nbytes = side.path.stat().st_size
    data = side.path.read_bytes() if nbytes <= MAX_EMBEDDED_BYTES else b""
    kind = next((kind for mark, kind in KINDS.items() if mark in data[:12]), "video/mp4")
    source = data_uri(kind, data) if data else side.path.absolute().as_uri()
    seed = "" if side.seed is None else f" <small>seed {side.seed}</small>"
    repairs = f" <small>{len(side.repairs)} repaired</small>" if side.repairs else ""
    return (
        f'<figure><video playsinline preload="auto" muted src="{escape(source)}"'
        f' aria-label="{escape(side.said)}"></video>'
        f"<figcaption>{escape(side.said)}{seed}{repairs}</figcaption></figure>"
    )


def _draw_likeness(compared: Compared) -> str:
    """1 − SSIM of every frame as a curve; a click seeks both."""
    frames = compared.likeness.frames
    if len(frames) < 2:
        return ""
    end = frames[-1].seconds or 1.0
    most = max(0.02, *(1 - pair.ssim for pair in frames))
    points = " ".join(
        f"{pair.seconds / end * 1000:.1f},{100 - (1 - pair.ssim) / most * 92:.1f}"
        for pair in frames
    )
    return (
        f'<section class="bench" data-seconds="{end:.6f}" aria-label="difference over time">'
        '<div class="row wave"><span class="label">difference<small>1 − SSIM, to '
        f'{most:.3f}</small></span><div class="track"><svg viewBox="0 0 1000 100" '
        'preserveAspectRatio="none" role="img" aria-label="difference of frames over time">'
        f'<polyline class="curve" points="{points}"/></svg></div></div></section>'
    )


def _draw_worst(compared: Compared) -> str:
    worst = compared.likeness.worst
    if worst is None or worst.ssim == 1.0:
        return ""
    cells = _cut_worst(compared.sides[0].path, compared.sides[1].path, worst)
    names = (compared.row.first, compared.row.second, f"difference × {AMPLIFY}")
    figures = "".join(
        f'<figure><img src="{data_uri("image/png", cell)}" alt="{escape(name)}">'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for name, cell in zip(names, cells, strict=True)
    )
    return (
        f"<h2>Least alike <small>at {worst.seconds:.2f} s</small></h2>"
        f'<section class="triple">{figures}</section>'
    )


def _cut_worst(first: Path, second: Path, worst: FramePair) -> list[bytes]:
    """PNG of both frames and of their difference, made brighter."""
    import numpy as np

    shown = []
    for path in (first, second):
        frame = None
        for seconds, each in read_frames(path):
            if frame is not None and seconds > worst.seconds + 1e-3:
                break
            frame = each
        assert frame is not None, "both were decoded before"
        shown.append(frame)
    shown[1] = fit_frame(shown[1], shown[0])
    gap = np.abs(shown[0].astype(np.int16) - shown[1])
    shown.append(np.minimum(gap * AMPLIFY, 255).astype(np.uint8))
    return [encode_image(picture) for picture in shown]


def _draw_reasons(reasons: list[str]) -> str:
    if not reasons:
        return ""
    items = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    return f'<h2>Why</h2><ul class="reasons">{items}</ul>'


def _draw_checks(pairs: list[CheckPair]) -> str:
    rows = "".join(
        f'<tr class="{"failed" if False in pair.passed else "passed"}">'
        f'<th scope="row">{escape(pair.check)}</th>{_cell(pair, 0)}{_cell(pair, 1)}'
        f'<td class="number">{_show_change(pair.difference)}</td></tr>'
        for pair in pairs
    )
    return (
        '<h2>Checks</h2><div class="rest"><table><thead><tr><th scope="col">check</th>'
        '<th scope="col">first</th><th scope="col">second</th><th scope="col">change</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _cell(pair: CheckPair, side: int) -> str:
    if pair.scores[side] is None:
        return '<td class="soft">not judged</td>'
    sign, word = ("✓", "passed") if pair.passed[side] else ("✗", "failed")
    message = "" if pair.passed[side] else f" {escape(pair.messages[side])}"
    return (
        f'<td><span class="sign {word}" role="img" aria-label="{word}">{sign}</span> '
        f'<span class="number">{escape(show_number(pair.scores[side]))}</span>{message}</td>'
    )


def _show_change(value: float | None) -> str:
    return "" if not value else f"{value:+.4g}".replace("-", "\N{MINUS SIGN}")
