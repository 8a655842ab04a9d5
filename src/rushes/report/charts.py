"""The bench of a clip: frames, marks, sound, one above the other on the same axis of time."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from rushes.report.sample import ClipSample
from rushes.report.text import count_of, escape
from rushes.report.verdicts import CheckRow, SpanRow

MAX_MARKS = 100
"""Marks drawn of one check; a check that marks every frame would fill the page."""


def data_uri(kind: str, data: bytes) -> str:
    """A resource inside the page."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def draw_bench(name: str, sample: ClipSample, checks: list[CheckRow], seconds: float) -> str:
    """The whole bench as HTML; times in seconds, scaled to ``seconds``."""
    rows = [_draw_strip(name, sample), _draw_times(sample), _draw_onsets(sample, seconds)]
    rows += [_draw_marks(check, seconds) for check in checks if check.spans]
    if sample.wave is not None:
        rows += [_draw_wave(name, sample, sample.wave), _draw_spectrum(name, sample)]
    else:
        rows.append(_row("sound", '<p class="none">no sound</p>'))
    return (
        f'<section class="bench" data-seconds="{seconds:.6f}" tabindex="0"'
        f' aria-label="{escape(name)} over time">{"".join(rows)}</section>'
    )


def _row(label: str, body: str, kind: str = "", note: str = "") -> str:
    small = f"<small>{escape(note)}</small>" if note else ""
    return (
        f'<div class="row {kind}"><span class="label">{escape(label)}{small}</span>'
        f'<div class="track">{body}</div></div>'
    )


def _draw_strip(name: str, sample: ClipSample) -> str:
    if not sample.strip:
        return _row("frames", '<p class="none">no picture</p>')
    times = ", ".join(f"{time:.2f}" for time in sample.times)
    text = f"{count_of(len(sample.times), 'frame')} of {name}, at {times} seconds"
    image = f'<img src="{data_uri("image/jpeg", sample.strip)}" alt="{escape(text)}">'
    return _row("frames", image, "strip")


def _draw_times(sample: ClipSample) -> str:
    buttons = "".join(
        f'<button type="button" data-seek="{time:.4f}" aria-label="go to {time:.2f} seconds">'
        f"{time:.2f}</button>"
        for time in sample.times
    )
    return _row("seconds", buttons, "times") if buttons else ""


def _draw_onsets(sample: ClipSample, seconds: float) -> str:
    """Ticks of what begins: seen above, heard below; beneath each other where they fit."""
    if not sample.seen and not sample.heard:
        return ""
    kinds = (("seen", sample.seen), ("heard", sample.heard))
    ticks = "".join(
        f'<i class="tick {kind}" style="left:{min(max(at / seconds, 0.0), 1.0) * 100:.2f}%"'
        f' title="{kind} at {at:.3f} s"></i>'
        for kind, times in kinds
        for at in times[:MAX_MARKS]
    )
    note = ", ".join(f"{len(times)} {kind}" for kind, times in kinds)
    return _row("onsets", ticks, "onsets", note)


def _draw_marks(check: CheckRow, seconds: float) -> str:
    """The accessible form of a mark is the button in the table of checks."""
    kind = "passed" if check.passed else "failed" if check.refuses else "warned"
    marks = "".join(_draw_mark(check, span, seconds) for span in check.spans[:MAX_MARKS])
    return _row(check.check, marks, f"marks {kind}")


def _draw_mark(check: CheckRow, span: SpanRow, seconds: float) -> str:
    left = min(max(span.start_seconds / seconds, 0.0), 1.0) * 100
    right = min(max(span.end_seconds / seconds, 0.0), 1.0) * 100
    return (
        f'<button type="button" tabindex="-1" aria-hidden="true" class="mark"'
        f' data-seek="{max(span.start_seconds, 0.0):.4f}"'
        f' style="left:{left:.2f}%;width:{max(right - left, 0.0):.2f}%"'
        f' title="{escape(check.check)}: {show_span(span)}"></button>'
    )


def show_span(span: SpanRow) -> str:
    """For example ``0.50 to 1.25 s, black`` as HTML."""
    if span.end_seconds > span.start_seconds:
        times = f"{span.start_seconds:.2f} to {span.end_seconds:.2f} s"
    else:
        times = f"{span.start_seconds:.2f} s"
    return f"{times}, {escape(span.note)}" if span.note else times


def _draw_wave(name: str, sample: ClipSample, wave: NDArray[np.float64]) -> str:
    decibels = f"{20 * np.log10(sample.peak):.1f} dBFS" if sample.peak > 0 else "silent"
    level = decibels.replace("-", "\N{MINUS SIGN}")
    heights = np.clip(np.round(50 - wave * 48), 0, 100).astype(int)
    upper = " ".join(f"{x},{high}" for x, (_, high) in enumerate(heights))
    count = len(heights)
    lower = " ".join(f"{count - 1 - x},{low}" for x, (low, _) in enumerate(heights[::-1]))
    svg = (
        f'<svg viewBox="0 0 {count - 1} 100" preserveAspectRatio="none" role="img"'
        f' aria-label="waveform of {escape(name)}, peak {level}">'
        f'<path class="zero" d="M0 50H{count}"/><polygon points="{upper} {lower}"/></svg>'
    )
    return _row("sound", svg, "wave", level)


def _draw_spectrum(name: str, sample: ClipSample) -> str:
    text = f"spectrogram of {name}, low frequencies at the bottom"
    image = f'<img src="{data_uri("image/jpeg", sample.spectrum)}" alt="{escape(text)}">'
    return _row("spectrum", image, "spectrum")
