"""rushes compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rushes.cli.common import common_options, print_json, require_folder

if TYPE_CHECKING:
    from rushes.run.comparing import CheckPair, ComparisonRow

MAX_REASONS = 12


@click.command(
    "compare",
    epilog="""\b
Examples:
  rushes compare a.mp4 b.mp4                two files, no project needed
  rushes compare opening#1 opening          the first take and the kept one
  rushes compare HEAD~1:opening opening     as it was at a git revision, and now
  rushes compare a.mp4 b.mp4 --html cmp.html    one page: players, differences""",
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--checks", default="default", show_default=True, help="What files are judged by.")
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE",
              help="Also write a page with both.")  # fmt: skip
@common_options
def command(
    first: str, second: str, checks: str, page: Path | None, folder: Path, as_json: bool
) -> int:
    """Set two takes, files or revisions side by side.

    Shows every check's difference, how like pictures and sounds are, and why they differ.
    """
    from rushes.checks.registry import expand_checks
    from rushes.run.comparing import compare_targets

    folder = require_folder(folder)
    names = expand_checks([name.strip() for name in checks.split(",") if name.strip()])
    compared = compare_targets(folder, first, second, names)
    if page is not None:
        from rushes.report.compare_page import render_comparison
        from rushes.store.files import write_durable

        write_durable(page.absolute(), render_comparison(compared))
    if as_json:
        print_json(compared.row)
        return 0
    _print_row(compared.row)
    if page is not None:
        click.echo(str(page))
    return 0


def _print_row(row: ComparisonRow) -> None:
    like = row.likeness
    click.echo(f"{row.first} → {row.second}")
    for reason in row.reasons[:MAX_REASONS]:
        click.echo(f"  why  {reason}")
    if like.same:
        click.echo("  same pictures, same sound")
    elif like.worst_ssim is not None:
        sound = "" if like.worst_sound_db is None else f", sound {like.worst_sound_db:.2f} dB"
        click.echo(
            f"  pictures: SSIM {like.mean_ssim:.4f}, at worst {like.worst_ssim:.4f}"
            f" (PSNR {like.worst_psnr_db:.1f} dB) at {like.worst_seconds:.2f} s{sound}"
        )
    if like.frames[0] != like.frames[1] or like.sizes[0] != like.sizes[1]:
        click.echo(
            f"  {like.frames[0]} frames of {like.sizes[0]} → {like.frames[1]} of {like.sizes[1]}"
        )
    for pair in row.checks:
        click.echo(f"  {pair.check:<12} {_show(pair, 0)} → {_show(pair, 1)}  {_change(pair)}")


def _show(pair: CheckPair, side: int) -> str:
    score, passed = pair.scores[side], pair.passed[side]
    return "not judged   " if score is None else f"{score:.3f} {'pass' if passed else 'FAIL':<7}"


def _change(pair: CheckPair) -> str:
    message = pair.messages[1] if pair.passed[1] is False else pair.messages[0]
    told = f"  {message}" if False in pair.passed and message else ""
    return ("" if not pair.difference else f"{pair.difference:+.3f}") + told
