"""What a run may pay, and send, as its project's policy says."""

from __future__ import annotations

from typing import Literal

import msgspec


class Allowance(msgspec.Struct, frozen=True):
    """Who pays for what, and how much of it the policy lets them; amounts as text, since money is
    decimal, "" for no limit of its own.

    Args:
        key: who asked.
        send: what may leave: prompt, frames, audio.
    """

    run: str
    project: str
    key: str
    paid: Literal["never", "ask", "fallback"] = "never"
    providers: tuple[str, ...] = ()
    send: tuple[str, ...] = ()
    per_run: str = "0"
    per_day: str = ""
    per_project: str = ""
    per_key: str = ""

    def limits(self, day: str) -> list[tuple[str, str, str, str]]:
        """Column, its value, the limit, and the policy's key, of every budget there is."""
        found = [
            ("run", self.run, self.per_run, "budget_usd"),
            ("day", day, self.per_day, "budget_day_usd"),
            ("project", self.project, self.per_project, "budget_project_usd"),
            ("key", self.key, self.per_key, "budget_key_usd"),
        ]
        return [row for row in found if row[2] != ""]
