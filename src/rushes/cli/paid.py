"""rushes paid."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rushes.cli.common import common_options, print_json, require_folder
from rushes.cli.figure_types import FigureType

if TYPE_CHECKING:
    from rushes.payments import Payment
    from rushes.route.figures import Figure


@click.group(
    "paid",
    invoke_without_command=True,
    epilog="""\b
Examples:
  rushes paid                            what was paid, by whom, for what
  rushes paid --json                     for programs
  rushes paid settle 4b2f3fa7 --usd 0    nothing was taken: it may be sent again""",
)
@click.option("-n", "limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True)
@common_options
@click.pass_context
def command(ctx: click.Context, limit: int, folder: Path, as_json: bool) -> int:
    """List payments, and settle those of which nobody knows.

    They lie outside any project, since budgets per day and per person hold for all of them.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from rushes.payments import Payments, find_payments

    require_folder(folder)
    path = find_payments()
    rows = Payments(path).list_payments()[-limit:] if path.exists() else []
    if as_json:
        print_json({"payments": [_to_dict(row) for row in rows]})
        return 0
    for row in rows:
        click.echo(_show(row))
    if not rows:
        click.echo("nothing was ever paid")
    return 0


@command.command("settle")
@click.argument("payment")
@click.option("--usd", type=FigureType(), required=True, metavar="USD",
              help="What it came to; 0 lets the same thing be sent again.")  # fmt: skip
@common_options
def settle(payment: str, usd: Figure, folder: Path, as_json: bool) -> int:
    """Say what a payment came to, after a look at your account with the provider."""
    from rushes.errors import UsageError
    from rushes.payments import Payments

    require_folder(folder)
    payments = Payments()
    found = payments.find(payment)
    if found.state == "open" and found.job:
        raise UsageError(
            f"payment {payment} is for a job that is being made",
            hint="run the command that began it again: it goes on, and pays nothing more",
        )
    if usd.likely == 0:
        payments.release(payment, "settled by hand")
    else:
        payments.settle(payment, usd.likely, None, "settled by hand")
    found = payments.find(payment)
    if as_json:
        print_json({"payment": _to_dict(found)})
    else:
        click.echo(_show(found))
    return 0


def _to_dict(row: Payment) -> dict[str, Any]:
    names = [name for name in row.__struct_fields__ if name != "intent"]
    return {name: getattr(row, name) for name in names} | {"counted": row.counted}


def _show(row: Payment) -> str:
    from rushes.payments import show_usd

    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.began))
    amount = row.counted if row.state != "released" else Decimal(0)
    text = f"{row.id}  {day}  {row.state:<9} {show_usd(amount):>10} USD  {row.provider}"
    text += f"  {row.model}  {row.task} of {row.project}, for {row.key}"
    if row.claimed is not None:
        text += f"; {show_usd(row.claimed)} USD are claimed"
    return text + (f"; {row.note}" if row.note else "")
