"""An evaluation as lines for a terminal and as a page without any other file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from string import Template

from rushes.evals.statistics import Comparison, Share, find_quantile
from rushes.evals.suite import Case
from rushes.evals.tally import OVERLAPS, Evaluation, Outcome, Trial
from rushes.report.text import escape

DASH = "–"
MAX_ROWS = 2000
"""Of questions on the page; a page of ten thousand opens slowly."""


def tell_share(share: Share) -> str:
    """``83.0 % (80–85)``: the share and its 95 % interval in per cent."""
    if share.value is None:
        return DASH
    low, high = share.interval
    return f"{100 * share.value:.1f} % ({100 * low:.0f}{DASH}{100 * high:.0f})"


def tell_comparison(pair: Comparison) -> str:
    """A pair in a sentence."""
    counts = f"{pair.only_first} only {pair.first}, {pair.only_second} only {pair.second}"
    points, p = 100 * pair.difference, f"p = {pair.p_value:.3g}"
    if pair.ties:
        return (
            f"{pair.first} and {pair.second} tie: {points:+.1f} points are within chance "
            f"(right: {counts}; {p})"
        )
    better, worse = (pair.first, pair.second) if points > 0 else (pair.second, pair.first)
    return f"{better} is better than {worse} by {abs(points):.1f} points (right: {counts}; {p})"


def list_figures(trial: Trial) -> list[tuple[str, str]]:
    """A model's figures by name, in the order of both the table and the page."""
    seconds, tokens = trial.list_known("seconds"), trial.list_known("tokens")
    peak, overlaps = trial.list_known("peak_bytes"), trial.overlaps
    failed = sum(bool(outcome.fault) for outcome in trial.outcomes)
    rows = [
        ("right", tell_share(trial.accuracy)),
        ("false yes", tell_share(trial.false_yes)),
        ("unknown", str(trial.count("unknown"))),
        ("unreadable", str(trial.count("unreadable"))),
        ("failed", str(failed)),
    ]
    if overlaps:
        for least in OVERLAPS:
            share = Share(sum(o >= least for o in overlaps), len(overlaps))
            rows.append((f"R@1, IoU ≥ {least}", tell_share(share)))
        rows.append(("mIoU", f"{sum(overlaps) / len(overlaps):.3f}"))
    median, slow = find_quantile(seconds, 0.5), find_quantile(seconds, 0.95)
    usd = trial.usd_per_thousand
    return [
        *rows,
        ("seconds, median", DASH if median is None else f"{median:.2f}"),
        ("seconds, 95 %", DASH if slow is None else f"{slow:.2f}"),
        ("tokens, mean", f"{sum(tokens) / len(tokens):,.0f}" if any(tokens) else DASH),
        ("peak memory", f"{max(peak) / 1e9:.2f} GB" if peak else DASH),
        ("USD per 1,000", DASH if usd is None else f"{usd:.2f}" if usd >= 1 else f"{usd:.2g}"),
        ("licence", trial.licence),
        ("ran on", trial.where),
    ]


def list_lines(evaluation: Evaluation) -> list[str]:
    """The table for a terminal, and what it says."""
    suite, trials = evaluation.suite, evaluation.trials
    columns = [dict(list_figures(trial)) for trial in trials]
    names = list(dict.fromkeys(name for column in columns for name in column))
    widths = [
        max(len(trial.model), *(len(text) for text in column.values()))
        for trial, column in zip(trials, columns, strict=True)
    ]
    lines = [f"{suite.name}: {len(suite.cases)} questions"]
    lines += [f"  {count} not asked: {reason}" for reason, count in evaluation.skipped.items()]
    head = [trial.model.rjust(width) for trial, width in zip(trials, widths, strict=True)]
    lines.append("  ".join([" " * 16, *head]))
    for name in names:
        cells = [
            column.get(name, DASH).rjust(width)
            for column, width in zip(columns, widths, strict=True)
        ]
        lines.append("  ".join([name.ljust(16), *cells]))
    for group, shares in evaluation.groups.items():
        cells = [
            tell_share(shares[trial.model]).rjust(width)
            for trial, width in zip(trials, widths, strict=True)
        ]
        lines.append("  ".join([f"in {group}"[:40].ljust(16), *cells]))
    return lines + [tell_comparison(pair) for pair in evaluation.comparisons]


def draw_page(evaluation: Evaluation, day: str) -> str:
    """The page.

    Args:
        day: on which it was asked, YYYY-MM-DD.
    """
    page = resources.files("rushes.report").joinpath("evaluation.html").read_text("utf-8")
    suite, trials = evaluation.suite, evaluation.trials
    skipped = [f"{count} not asked: {reason}" for reason, count in evaluation.skipped.items()]
    rows = [
        _draw_case(case, [trial.outcomes[number] for trial in trials])
        for number, case in enumerate(suite.cases[:MAX_ROWS])
    ]
    return Template(page).substitute(
        title=escape(suite.name),
        day=escape(day),
        about=escape("; ".join([f"{len(suite.cases)} questions", *skipped])),
        source=escape(suite.source),
        models="".join(f"<th>{escape(trial.model)}</th>" for trial in trials),
        figures=_draw_figures(evaluation),
        pairs="".join(f"<li>{escape(tell_comparison(p))}</li>" for p in evaluation.comparisons),
        cases="".join(rows),
        left=escape(_tell_left(len(suite.cases))),
    )


def _draw_figures(evaluation: Evaluation) -> str:
    columns = [dict(list_figures(trial)) for trial in evaluation.trials]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [(name, [column.get(name, DASH) for column in columns]) for name in names]
    for group, shares in evaluation.groups.items():
        rows.append((f"right in {group}", [tell_share(s) for s in shares.values()]))
    return "".join(
        f"<tr><th>{escape(name)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for name, cells in rows
    )


def _draw_case(case: Case, outcomes: Sequence[Outcome]) -> str:
    wanted = case.expect
    expected = {
        "choice": wanted.choice,
        "text": " or ".join(wanted.text or ()),
        "interval": "" if wanted.interval is None else "{:g}–{:g} s".format(*wanted.interval),
        "number": f"{wanted.number}",
        "unknown": "unknown",
    }[wanted.kind]
    cells = "".join(
        f'<td class="{"right" if o.right else "wrong"}">{escape(o.fault or o.answer)}</td>'
        for o in outcomes
    )
    return (
        f"<tr><th>{escape(case.id)}</th><td>{escape(case.video)}</td>"
        f"<td>{escape(case.question)}</td><td>{escape(str(expected))}</td>{cells}</tr>"
    )


def _tell_left(count: int) -> str:
    return f"and {count - MAX_ROWS} more; --json has all" if count > MAX_ROWS else ""
