"""Payments: money is reserved before a request, and settled or released after it.

One SQLite file a user, outside any store, since what was paid stays paid when a store is removed.
Amounts are whole billionths of a dollar: sums are exact. A reservation and the check of every
budget are one transaction, whatever threads and processes do beside it.
"""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Literal

import msgspec

from rushes.catalogue.allowance import Allowance
from rushes.errors import BudgetRefused, StoreError, UsageError

VARIABLE = "RUSHES_PAYMENTS"
"""Names another file."""
BILLION = 1_000_000_000
State = Literal["open", "settled", "released", "unclear"]
SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    id TEXT PRIMARY KEY, intent TEXT NOT NULL, run TEXT NOT NULL, day TEXT NOT NULL,
    project TEXT NOT NULL, key TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
    task TEXT NOT NULL, reserved INTEGER NOT NULL, settled INTEGER, claimed INTEGER,
    state TEXT NOT NULL, job TEXT NOT NULL, began REAL NOT NULL, ended REAL, note TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS payments_intent ON payments (intent);
CREATE INDEX IF NOT EXISTS payments_day ON payments (day);
CREATE TABLE IF NOT EXISTS health (
    origin TEXT PRIMARY KEY, failures INTEGER NOT NULL, open_until REAL NOT NULL
);
PRAGMA user_version = 1;
"""
COUNTED = (
    "COALESCE(SUM(CASE state WHEN 'released' THEN 0 WHEN 'settled' THEN settled "
    "ELSE reserved END), 0)"
)


class Payment(msgspec.Struct, frozen=True):
    """One. ``settled`` is what it came to; ``claimed`` what the provider says, where that is more
    than was reserved: then the model is not paid again until a person settles it."""

    id: str
    intent: str
    run: str
    day: str
    project: str
    key: str
    provider: str
    model: str
    task: str
    reserved: Decimal
    settled: Decimal | None
    claimed: Decimal | None
    state: State
    job: str
    began: float
    ended: float | None
    note: str

    @property
    def counted(self) -> Decimal:
        """What budgets count of it: what is not known, as if it were all taken."""
        if self.state == "released":
            return Decimal(0)
        return self.reserved if self.settled is None else self.settled


def to_units(usd: Decimal) -> int:
    """Billionths of a dollar, rounded up."""
    return int((usd * BILLION).to_integral_value(ROUND_CEILING))


def to_usd(units: int) -> Decimal:
    """Dollars of billionths."""
    return Decimal(units) / BILLION


def find_payments() -> Path:
    """The file of whoever runs this."""
    if said := os.environ.get(VARIABLE):
        return Path(said)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "rushes" / "payments.sqlite"


class Payments:
    """The file; may be used from many threads at once."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or find_payments()
        with self.connect() as db:
            if db.execute("PRAGMA user_version").fetchone()[0] < 1:
                db.executescript(SCHEMA)

    def reserve(
        self,
        intent: str,
        allowance: Allowance,
        provider: str,
        model: str,
        task: str,
        usd: Decimal,
        now: float | None = None,
    ) -> str:
        """Set money aside, if every budget has so much left.

        Returns:
            The payment's id.

        Raises:
            BudgetRefused: names the budget and what is left of it; nothing was reserved.
        """
        began = time.time() if now is None else now
        day = time.strftime("%Y-%m-%d", time.gmtime(began))
        units, name = to_units(usd), uuid.uuid4().hex[:16]
        with self.connect() as db:
            db.execute("BEGIN IMMEDIATE")
            self._refuse_disputed(db, provider, model)
            for column, value, limit, where in allowance.limits(day):
                spent = _sum(db, column, value)
                if spent + units > to_units_down(limit):
                    left = max(to_units_down(limit) - spent, 0)
                    raise BudgetRefused(
                        f"{model} would cost {show_usd(usd)} USD, and the budget per {column} of "
                        f"{Decimal(limit):f} has {show_usd(to_usd(left))} left",
                        where=f"policy.{where}",
                        hint="raise it, or take an open model; rushes paid lists what was spent",
                    )
            row = (name, intent, allowance.run, day, allowance.project, allowance.key, provider,
                   model, task, units, None, None, "open", "", began, None, "")  # fmt: skip
            db.execute(f"INSERT INTO payments VALUES ({', '.join('?' * len(row))})", row)
            db.execute("COMMIT")
        return name

    @staticmethod
    def _refuse_disputed(db: sqlite3.Connection, provider: str, model: str) -> None:
        row = db.execute(
            "SELECT id FROM payments WHERE provider = ? AND model = ? AND claimed IS NOT NULL",
            (provider, model),
        ).fetchone()
        if row is not None:
            raise BudgetRefused(
                f"{provider} claims more for {model} than its price here says; it is not paid on",
                where=f"payment {row[0]}",
                hint=f"correct its price, then: rushes paid settle {row[0]} --usd N",
            )

    def enter_job(self, payment: str, job: str) -> None:
        """The provider's name of the work, so that whoever comes later goes on with it."""
        self._update(payment, "job = ?", job)

    def settle(
        self, payment: str, usd: Decimal, claimed: Decimal | None = None, note: str = ""
    ) -> None:
        """What it came to; ``claimed`` where the provider says more than was reserved."""
        units = None if claimed is None else to_units(claimed)
        values = (to_units(usd), units, time.time(), note)
        self._update(payment, "state = 'settled', settled = ?, claimed = ?, ended = ?, note = ?",
                     *values)  # fmt: skip

    def release(self, payment: str, note: str) -> None:
        """Nothing was taken."""
        self._update(payment, "state = 'released', settled = 0, claimed = NULL, ended = ?, "
                     "note = ?", time.time(), note)  # fmt: skip

    def leave_unclear(self, payment: str, note: str) -> None:
        """Nobody knows whether it was taken: budgets count all of it."""
        self._update(payment, "state = 'unclear', ended = ?, note = ?", time.time(), note)

    def find_intent(self, intent: str) -> Payment | None:
        """The latest payment for the same thing that was not released."""
        where = "WHERE intent = ? AND state != 'released' ORDER BY began DESC LIMIT 1"
        found = self.list_payments(where, intent)
        return found[0] if found else None

    def find(self, payment: str) -> Payment:
        """One by its id.

        Raises:
            UsageError: there is none.
        """
        found = self.list_payments("WHERE id = ?", payment)
        if not found:
            raise UsageError(f"there is no payment {payment!r}", hint="rushes paid lists them")
        return found[0]

    def list_payments(self, where: str = "ORDER BY began", *values: object) -> list[Payment]:
        """Payments, the oldest first."""
        names = ", ".join(Payment.__struct_fields__)
        with self.connect() as db:
            rows = db.execute(f"SELECT {names} FROM payments {where}", values).fetchall()
        return [_read(row) for row in rows]

    def spent(self, column: Literal["run", "day", "project", "key"], value: str) -> Decimal:
        """What budgets count of one run, day, project or key."""
        with self.connect() as db:
            return to_usd(_sum(db, column, value))

    def _update(self, payment: str, what: str, *values: object) -> None:
        with self.connect() as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(f"UPDATE payments SET {what} WHERE id = ?", (*values, payment))
            db.execute("COMMIT")

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own, closed afterwards."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=120.0, isolation_level=None)) as db:
                yield db
        except (sqlite3.Error, OSError) as exc:
            raise StoreError(
                f"the payments cannot be read or written: {exc}",
                where=str(self.path),
                hint="nothing is paid without them",
            ) from exc


def to_units_down(limit: str) -> int:
    """Billionths of a limit, rounded down."""
    return int(Decimal(limit) * BILLION)


def show_usd(usd: Decimal) -> str:
    """For people: cents, or as many digits as it has."""
    text = f"{usd:.2f}"
    return text if Decimal(text) == usd else f"{usd.normalize():f}"


def _sum(db: sqlite3.Connection, column: str, value: str) -> int:
    query = f"SELECT {COUNTED} FROM payments WHERE {column} = ?"
    return int(db.execute(query, (value,)).fetchone()[0])


def _read(row: tuple[object, ...]) -> Payment:
    said = dict(zip(Payment.__struct_fields__, row, strict=True))
    for name in ("reserved", "settled", "claimed"):
        units = said[name]
        said[name] = to_usd(units) if isinstance(units, int) else None
    return Payment(**said)  # type: ignore[arg-type]
