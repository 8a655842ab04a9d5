"""A shot or film as a card of the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from rushes.report.attempts import TakeSample, draw_attempts
from rushes.report.charts import data_uri, draw_bench, show_span
from rushes.report.manifest import ClipRecord
from rushes.report.sample import ClipSample
from rushes.report.text import count_of, escape, show_bytes, show_number, show_seconds
from rushes.report.verdicts import CheckRow, read_verdicts
from rushes.run.result import ClipResult, ErrorInfo

WORDS = {"passed": "passed", "failed": "check failed", "error": "error", "refused": "refused"}
MAX_SPANS = 12
MEDIA_TYPES = {".mp4": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}
"""Browsers play QuickTime files of our codecs when they are called MP4."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a card is drawn from.

    Args:
        data: the clip to embed; None to point at the file beside the page.
        nbytes: of the clip.
        trouble: why the clip or a part of it cannot be shown, else empty.
        takes: pictures of the takes that were not kept.
    """

    clip: ClipResult
    record: ClipRecord
    sample: ClipSample | None = None
    data: bytes | None = None
    nbytes: int = 0
    trouble: str = ""
    takes: dict[int, TakeSample] = field(default_factory=dict)


def draw_card(card: Card) -> str:
    """The card as HTML."""
    clip, checks = card.clip, read_verdicts(card.clip)
    seconds = clip.frames / clip.fps if clip.fps else 0.0
    bench = ""
    if card.sample is not None and seconds > 0:
        bench = draw_bench(clip.name, card.sample, checks, seconds)
    name = escape(clip.name)
    return (
        f'<article class="card {clip.status}" id="clip-{name}" aria-labelledby="name-{name}"'
        f' data-status="{clip.status}" data-fps="{clip.fps:g}" data-checks="{_list_bad(checks)}"'
        ' tabindex="-1">'
        f"{_draw_head(card)}"
        f'<div class="body"><div class="screen">{_draw_video(card)}</div>'
        f'<div class="facts">{_draw_error(clip.error)}{_draw_text(card.record)}'
        f"{_draw_checks(checks)}</div></div>"
        f"{bench}{_draw_takes(card)}{_draw_stages(card)}</article>"
    )


def media_type(path: str) -> str:
    """What a browser is told that a clip is."""
    return MEDIA_TYPES.get(Path(path).suffix, "video/x-matroska")


def _list_bad(checks: list[CheckRow]) -> str:
    return escape(" ".join(check.check for check in checks if not check.passed))


def _draw_takes(card: Card) -> str:
    kind = media_type(card.clip.path or "")
    return draw_attempts(
        card.clip.name, card.record.attempts, card.takes, card.sample, card.clip.stopped, kind
    )


def status_badge(status: str) -> str:
    """A status in words and colour."""
    return f'<span class="badge {escape(status)}">{escape(WORDS.get(status, status))}</span>'


def clip_link(path: str) -> str:
    """The address of a clip from the page, which lies beside it."""
    return quote(Path(path).name)


def _draw_head(card: Card) -> str:
    clip, record = card.clip, card.record
    facts = [clip.size.replace("x", " × "), record.length, f"{clip.fps:g} fps"]
    facts += [f"seed {clip.seed}"] if clip.seed is not None else []
    facts += [record.model] if record.model else []
    items = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    name = escape(clip.name)
    return (
        f'<header><h3 id="name-{name}">{name}</h3>{status_badge(clip.status)}'
        f'<ul class="line">{items}</ul></header>'
    )


def _draw_video(card: Card) -> str:
    clip = card.clip
    width, _, height = clip.size.partition("x")
    shape = f"aspect-ratio:{int(width)}/{int(height)}" if (width + height).isdigit() else ""
    if clip.path is None or card.sample is None:
        return f'<div class="blank"><p>{escape(card.trouble or "no clip")}</p></div>'
    link = clip_link(clip.path)
    source = link if card.data is None else data_uri(media_type(clip.path), card.data)
    about = f"{clip.name}: {card.record.prompt}" if card.record.prompt else clip.name
    note = f'<a href="{link}">{escape(clip.path)}</a> {show_bytes(card.nbytes)}'
    note += "" if card.data is not None else ", played from the file beside this page"
    poster = card.sample.poster
    still = f' poster="{data_uri("image/jpeg", poster)}"' if poster else ""
    trouble = f'<p class="trouble">{escape(card.trouble)}</p>' if card.trouble else ""
    return (
        f'<video controls loop playsinline preload="metadata" style="{shape}"'
        f'{still} aria-label="{escape(about)}" src="{source}">'
        "This browser cannot play the clip.</video>"
        f'<p class="file">{note}</p>{trouble}'
    )


def _draw_error(error: ErrorInfo | None) -> str:
    if error is None:
        return ""
    hint = f"<p>{escape(error.hint)}</p>" if error.hint else ""
    where = (
        f" <code>{escape(error.where)}</code>"
        if error.where and error.where not in error.message
        else ""
    )
    return (
        f'<div class="problem" role="note"><p><strong>{escape(error.type)}</strong> '
        f"{escape(error.message)}{where}</p>{hint}</div>"
    )


def _draw_text(record: ClipRecord) -> str:
    parts = []
    if record.prompt:
        parts.append(f'<p class="prompt">{escape(record.prompt)}</p>')
    if record.negative:
        parts.append(f'<p class="negative"><span>not</span> {escape(record.negative)}</p>')
    if record.shots:
        links = ", ".join(
            f'<a href="#clip-{escape(name)}">{escape(name)}</a>' for name in record.shots
        )
        parts.append(f'<p class="prompt">{links}</p>')
    return "".join(parts)


def _draw_checks(checks: list[CheckRow]) -> str:
    """What did not pass as a table; what passed as a line that opens."""
    bad = sorted((c for c in checks if not c.passed), key=lambda c: not c.refuses)
    good = [check for check in checks if check.passed]
    table = _draw_table(bad, "checks that did not pass") if bad else ""
    if good:
        names = ", ".join(escape(check.check) for check in good)
        table += (
            f'<details class="good"><summary><span class="sign" aria-hidden="true">✓</span> '
            f"{count_of(len(good), 'check')} passed<small>{names}</small></summary>"
            f"{_draw_table(good, 'checks that passed')}</details>"
        )
    return table


def _draw_table(checks: list[CheckRow], caption: str) -> str:
    rows = "".join(_draw_check(check) for check in checks)
    return (
        f'<table class="checks"><caption>{caption}</caption><thead><tr><th scope="col">check</th>'
        '<th scope="col">score</th><th scope="col">needs</th><th scope="col">found</th></tr>'
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _draw_check(check: CheckRow) -> str:
    word, sign = ("passed", "✓") if check.passed else ("failed", "✗")
    word, sign = (word, sign) if check.passed or check.refuses else ("warned", "!")
    spans = "".join(
        f'<button type="button" class="span" data-seek="{max(s.start_seconds, 0.0):.4f}">'
        f"{show_span(s)}</button> "
        for s in check.spans[:MAX_SPANS]
    )
    more = len(check.spans) - MAX_SPANS
    spans += f"<small>and {more} more</small>" if more > 0 else ""
    measured = ", ".join(
        f"{escape(name.replace('_', ' '))} {escape(show_number(value))}"
        for name, value in check.evidence.items()
    )
    found = f"<p>{escape(check.message)}</p>" if check.message and not check.passed else ""
    found += f'<p class="spans">{spans}</p>' if spans else ""
    found += f'<p class="measured">{measured}</p>' if measured else ""
    return (
        f'<tr class="{word}"><th scope="row"><span class="sign" role="img"'
        f' aria-label="{word}">{sign}</span> {escape(check.check)}</th>'
        f'<td class="number"><span class="score">{escape(show_number(check.score))}</span>'
        f"{_draw_gauge(check)}</td>"
        f'<td class="number">{_draw_needs(check)}</td><td>{found}</td></tr>'
    )


def _draw_needs(check: CheckRow) -> str:
    """The threshold, and what it is in place of."""
    notes = []
    if check.calibrated is not None:
        notes.append(f"calibrated {show_number(check.calibrated)}")
    if check.accepted is not None:
        notes.append(f"accepted take {show_number(check.accepted)}")
    small = "".join(f"<small>{escape(note)}</small>" for note in notes)
    return escape(show_number(check.threshold)) + small


def _draw_gauge(check: CheckRow) -> str:
    """Score as a bar, threshold as a tick; only for scores from 0 to 1, as most are."""
    score, threshold = check.score, check.threshold
    if score is None or threshold is None or not (0 <= score <= 1 and 0 <= threshold <= 1):
        return ""
    return (
        f'<span class="gauge" aria-hidden="true"><i style="width:{score * 100:.1f}%"></i>'
        f'<b style="left:{threshold * 100:.1f}%"></b></span>'
    )


def _draw_stages(card: Card) -> str:
    stages = card.clip.stages
    if not stages:
        return ""
    ran = sum(stage.result == "ran" for stage in stages)
    spent = show_seconds(sum(stage.seconds for stage in stages))
    summary = f"{ran} of {count_of(len(stages), 'stage')} ran, {spent}" if ran else "all reused"
    rows = "".join(
        f'<tr class="{stage.result}"><th scope="row">{escape(stage.stage)}</th>'
        f"<td>{'ran' if stage.result == 'ran' else 'reused'}</td>"
        f'<td class="number">{show_seconds(stage.seconds) if stage.result == "ran" else ""}</td>'
        f'<td class="number">{show_bytes(stage.peak_bytes) if stage.peak_bytes else ""}</td>'
        f'<td class="key"><code title="{escape(stage.key)}">{escape(stage.key[:12])}</code></td>'
        "</tr>"
        for stage in stages
    )
    digest = card.record.sha256
    sha = f'<p class="measured">sha256 <code>{escape(digest)}</code></p>' if digest else ""
    return (
        f"<details><summary>stages: {summary}</summary><div><table><thead><tr>"
        '<th scope="col">stage</th><th scope="col">result</th><th scope="col">time</th>'
        '<th scope="col">peak memory</th><th scope="col">key</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{sha}</div></details>"
    )
