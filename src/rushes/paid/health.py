"""Endpoints that failed: none is asked for a while, by anybody who shares the file.

After ``PATIENCE`` failures in a row an endpoint is left alone for a time that doubles; then one
request may try it, and its success clears it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rushes.errors import ServerUnreachable
from rushes.payments import Payments

PATIENCE = 5
FIRST_REST_SECONDS = 15.0
LONGEST_REST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Condition:
    """How an endpoint is."""

    failures: int
    rests_seconds: float

    @property
    def is_open(self) -> bool:
        """Whether it is left alone now."""
        return self.rests_seconds > 0


@dataclass(slots=True)
class Health:
    """Of all endpoints, by origin."""

    payments: Payments
    clock: Callable[[], float] = time.time

    def look_at(self, origin: str) -> Condition:
        """How an endpoint is now."""
        with self.payments.connect() as db:
            row = db.execute(
                "SELECT failures, open_until FROM health WHERE origin = ?", (origin,)
            ).fetchone()
        failures, until = row or (0, 0.0)
        return Condition(failures, max(until - self.clock(), 0.0))

    def require(self, origin: str) -> None:
        """Refuse an endpoint that is left alone; nothing is sent to it.

        Raises:
            ServerUnreachable: says for how long.
        """
        condition = self.look_at(origin)
        if condition.is_open:
            raise ServerUnreachable(
                f"{origin} failed {condition.failures} times in a row and is left alone",
                where=origin,
                hint=f"it is tried again in {condition.rests_seconds:.0f} s",
            )

    def succeed(self, origin: str) -> None:
        """It answered."""
        with self.payments.connect() as db:
            db.execute("DELETE FROM health WHERE origin = ?", (origin,))

    def fail(self, origin: str) -> None:
        """It did not, or with a fault of its own."""
        with self.payments.connect() as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT OR IGNORE INTO health VALUES (?, 0, 0)", (origin,))
            db.execute("UPDATE health SET failures = failures + 1 WHERE origin = ?", (origin,))
            (failures,) = db.execute(
                "SELECT failures FROM health WHERE origin = ?", (origin,)
            ).fetchone()
            if failures >= PATIENCE:
                rest = min(FIRST_REST_SECONDS * 2 ** (failures - PATIENCE), LONGEST_REST_SECONDS)
                db.execute(
                    "UPDATE health SET open_until = ? WHERE origin = ?",
                    (self.clock() + rest, origin),
                )
            db.execute("COMMIT")
