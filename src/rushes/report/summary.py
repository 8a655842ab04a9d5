"""What stands above and below the cards: the build as a whole, and clips without a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rushes.report.card import clip_link, status_badge
from rushes.report.manifest import ClipRecord, Manifest, ModelRecord
from rushes.report.text import count_of, escape, show_seconds
from rushes.report.verdicts import read_verdicts
from rushes.run.result import ClipResult, RunResult

MAX_ROW_PROMPT = 90


def draw_header(manifest: Manifest) -> str:
    """Project, verdict, counts, models, and where the time went."""
    result = manifest.run
    stages = sum(len(clip.stages) for clip in result.clips)
    bad = sum(clip.status != "passed" for clip in result.clips)
    facts = [
        ("shots", f"{len(result.shots):,}"),
        ("films", f"{len(result.films):,}"),
        ("stages ran", f"{result.ran:,}"),
        ("stages reused", f"{stages - result.ran:,}"),
        ("time", show_seconds(result.seconds)),
        ("cost", f"{result.usd:.2f} USD"),
        ("run", result.run),
    ]
    items = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    models = "<br>".join(_draw_model(model) for model in manifest.models)
    items += f'<div class="wide"><dt>model</dt><dd>{models}</dd></div>' if models else ""
    return (
        f'<header class="top"><h1>{escape(manifest.project)}</h1>'
        f'<p class="verdict{" bad" if bad else ""}">{escape(_verdict(result))}</p>'
        f'<dl class="stats">{items}</dl>{_draw_times(result)}</header>'
    )


def _verdict(result: RunResult) -> str:
    counts = {
        "failed a check": sum(clip.status == "failed" for clip in result.clips),
        "could not be made": sum(clip.status == "error" for clip in result.clips),
        "refused": sum(clip.status == "refused" for clip in result.clips),
    }
    total = count_of(len(result.clips), "clip")
    passed = len(result.clips) - sum(counts.values())
    problems = ", ".join(f"{number:,} {words}" for words, number in counts.items() if number)
    if problems:
        return f"{passed:,} of {total} passed: {problems}"
    return f"{'all ' if len(result.clips) > 1 else ''}{total} passed"


def _draw_model(model: ModelRecord) -> str:
    licence = escape(model.licence_name or model.licence)
    if model.licence_url.startswith("https://"):
        link = escape(model.licence_url)
        licence = f'<a href="{link}" rel="noopener noreferrer">{licence}</a>'
    return f"{escape(model.name)}, {licence}"


def _draw_times(result: RunResult) -> str:
    """Seconds by stage of what this run computed, as a bar and a list."""
    spent: dict[str, float] = {}
    for clip in result.clips:
        for stage in clip.stages:
            if stage.result == "ran":
                spent[stage.stage] = spent.get(stage.stage, 0.0) + stage.seconds
    total = sum(spent.values())
    if total <= 0:
        return '<p class="where soft">This run computed nothing: all of it was in the store.</p>'
    bar = "".join(f'<i style="flex-grow:{seconds / total:.4f}"></i>' for seconds in spent.values())
    items = "".join(
        f"<li>{escape(stage)} <b>{show_seconds(seconds)}</b></li>"
        for stage, seconds in spent.items()
    )
    return (
        f'<div class="where"><div class="bar" role="presentation">{bar}</div>'
        f'<ul aria-label="time by stage">{items}</ul></div>'
    )


def draw_rest(clips: Sequence[ClipResult], records: Mapping[str, ClipRecord], cards: int) -> str:
    """Clips without a card, a line each, and why."""
    if not clips:
        return ""
    rows = "".join(_draw_row(clip, records.get(clip.name)) for clip in clips)
    return (
        f"<section><h2>More clips <small>{len(clips):,}</small></h2>"
        f'<p class="notice">This page embeds {cards} clips: those that did not pass first, then '
        f"those that this run made. The other {count_of(len(clips), 'clip')} are links to the "
        'files beside this page.</p><div class="rest" tabindex="0" role="region" '
        'aria-label="more clips"><table><thead><tr><th scope="col">clip</th>'
        '<th scope="col">status</th><th scope="col">seed</th><th scope="col">checks</th>'
        f'<th scope="col">prompt</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _draw_row(clip: ClipResult, record: ClipRecord | None) -> str:
    name = escape(clip.name)
    link = f'<a href="{clip_link(clip.path)}">{name}</a>' if clip.path else name
    text = (record.prompt or ", ".join(record.shots)) if record else ""
    short = text if len(text) <= MAX_ROW_PROMPT else f"{text[:MAX_ROW_PROMPT].rstrip()}…"
    checks = read_verdicts(clip)
    failed = [check.check for check in checks if not check.passed]
    word = f"failed {', '.join(failed)}" if failed else f"{len(checks)} passed" if checks else "—"
    seed = "" if clip.seed is None else str(clip.seed)
    return (
        f'<tr id="clip-{name}"><th scope="row">{link}</th><td>{status_badge(clip.status)}</td>'
        f'<td class="number">{seed}</td><td>{escape(word)}</td><td>{escape(short)}</td></tr>\n'
    )


def draw_footer(manifest: Manifest) -> str:
    """What made the page."""
    packages: dict[str, str] = {}
    for toolchain in manifest.lock.toolchains.values():
        packages |= {name: v for name, v in toolchain.items() if not name.startswith("ffmpeg-")}
    tools = ", ".join(f"{name} {version}" for name, version in sorted(packages.items()))
    here = manifest.environment
    text = f"Rushes {manifest.rushes}, {here.python}, {here.platform}"
    return escape(f"{text}. {tools}." if tools else f"{text}.") + (
        ' Everything on this page is in <a href="manifest.json">manifest.json</a>.'
    )
