"""Builds as tables for people."""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rushes.cli.common import show_bytes, show_seconds
from rushes.plan.forecast import MemoryForecast
from rushes.plan.memory.explain import StageReason
from rushes.run.result import ClipResult, RunResult
from rushes.spec.project import Project

HEADS = {
    "render_prompt": "prompt",
    "encode_text": "text",
    "encode_condition": "given",
    "denoise": "denoise",
    "decode_video": "video",
    "decode_audio": "audio",
    "assemble": "join",
    "export": "export",
    "ask": "ask",
    "check": "check",
    "repair": "repair",
    "golden": "golden",
    "gate": "gate",
}
MAX_ROWS = 40
STYLES = {"passed": "green", "failed": "yellow", "error": "red", "refused": "red"}


def print_build(result: RunResult, project: Project, reports: dict[str, Path]) -> None:
    """The table of shots, stages and checks, then where things are."""
    console = Console(highlight=False, markup=False, emoji=False)
    if result.shots:
        console.print(_clip_table(result.shots, "shot"))
    if result.films:
        console.print(_clip_table(result.films, "film"))
    for clip in result.clips[:MAX_ROWS]:
        _print_problems(console, clip)
    _print_summary(console, result)
    if project.policy.licences is msgspec.UNSET:
        console.print("no policy.licences: models under any licence are allowed", style="dim")
    for name, path in reports.items():
        console.print(f"{name:<8} {path}", style="dim", soft_wrap=True)


def _clip_table(clips: list[ClipResult], kind: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(kind, style="bold", no_wrap=True)
    table.add_column("stages", ratio=1)
    table.add_column("checks", justify="right", no_wrap=True)
    table.add_column("take", justify="right", no_wrap=True)
    table.add_column("clip", no_wrap=True)
    shown = clips if len(clips) <= MAX_ROWS else [c for c in clips if _is_news(c)][:MAX_ROWS]
    for clip in shown:
        passed = sum(bool(check["passed"]) for check in clip.checks)
        checks = Text(f"{passed}/{len(clip.checks)}", style=STYLES[clip.status])
        attempt = clip.stages[-1].attempt + 1 if clip.stages else clip.attempts
        take = "" if clip.seed is None else f"{attempt}/{clip.attempts}"
        take += " repaired" if clip.repairs else ""
        table.add_row(clip.name, _stages_cell(clip), checks, take, clip.path or "—")
    return table


def _is_news(clip: ClipResult) -> bool:
    return clip.status != "passed" or any(stage.result == "ran" for stage in clip.stages)


def _stages_cell(clip: ClipResult) -> Text:
    """``hit prompt, text · ran denoise ×2 1.2s, …``; a stage of many nodes is named once."""
    cell = Text()
    nodes: dict[tuple[str, str], list[float]] = {}
    for stage in clip.stages:
        nodes.setdefault((stage.result, stage.stage), []).append(stage.seconds)
    hits, ran = [], []
    for (result, stage_name), spent in nodes.items():
        head = HEADS.get(stage_name, stage_name) + (f" ×{len(spent)}" if len(spent) > 1 else "")
        if result == "hit":
            hits.append(head)
        else:
            ran.append(f"{head} {show_seconds(sum(spent)).replace(' ', '')}")
    if hits:
        cell.append(f"hit {', '.join(hits)}", style="dim")
    if hits and ran:
        cell.append(" · ", style="dim")
    if ran:
        cell.append(f"ran {', '.join(ran)}")
    return cell


def _print_problems(console: Console, clip: ClipResult) -> None:
    if clip.error is not None:
        console.print(f"{clip.name}: {clip.error.message}", style="red")
        if clip.error.hint:
            console.print(f"  → {clip.error.hint}")
    for check in clip.checks:
        if not check["passed"]:
            score, needs = check["score"], f"needs {check['threshold']}"
            if "calibrated" in check:
                needs += f", calibrated {check['calibrated']}"
            head = f"{clip.name}: {check['check']}"
            head += ": warning" if check.get("level") == "warn" else ""
            console.print(f"{head}: {check['message']} (score {score}, {needs})", style="yellow")
    if clip.stopped:
        console.print(f"{clip.name}: no further take: {clip.stopped}", style="yellow")


def _print_summary(console: Console, result: RunResult) -> None:
    count = {status: sum(c.status == status for c in result.clips) for status in STYLES}
    words = ", ".join(f"{number} {status}" for status, number in count.items() if number)
    hits = sum(len(clip.stages) for clip in result.clips) - result.ran
    console.print(
        f"{words} · {result.ran} stages ran, {hits} hits · {show_seconds(result.seconds)}"
        f" · {result.usd:.2f} USD · run {result.run}",
        soft_wrap=True,
    )


def print_candidates(reasons: list[StageReason], memory: MemoryForecast | None) -> None:
    """The candidates of every stage, as ``plan --explain`` shows them; sizes in GB."""
    console = Console(highlight=False, markup=False)
    if memory is not None:
        console.print(f"limit: {show_bytes(memory.limit_bytes)} on {memory.title}")
    for reason in reasons:
        table = Table(title=f"{reason.model} · {reason.stage}: {reason.why}", title_justify="left")
        table.add_column("")
        table.add_column("placement")
        for column in ("peak", "weights", "work", "besides", "host", "time"):
            table.add_column(column, justify="right")
        for row in reason.candidates:
            sizes = (row.peak_bytes, row.weights_bytes, row.work_bytes, row.overhead_bytes,
                     row.host_bytes)  # fmt: skip
            mark = "→" if row.taken else "" if row.fits else "✗"
            said = ", ".join(f"{part} {how}" for part, how in row.numerics.items())
            name = row.placement + (f" ({said})" if said else "")
            table.add_row(mark, name, *map(show_bytes, sizes), f"{row.slowdown:.2f} x")
        console.print(table)
