"""Why a paid model may do a request, after the open ones: one of few reasons, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rushes.spec.tables import PaidAfterTable

ReasonKind = Literal["capability", "qa", "queue", "class", "stated"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One. ``holds`` now, or would only after ``what``."""

    kind: ReasonKind
    what: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Circumstance:
    """What is known of a request when it is routed.

    Args:
        has_open: whether an open model qualifies.
        failures: takes of it that checks did not pass.
        wait_seconds: until an open model would have done it; None where that is not known.
        task_class: what kind of work it is, such as computer-use; "" for none in particular.
    """

    has_open: bool
    failures: int = 0
    wait_seconds: float | None = None
    task_class: str = ""


def list_reasons(policy: PaidAfterTable, now: Circumstance) -> list[Reason]:
    """The reasons that the policy knows, those that hold first."""
    found: list[Reason] = []
    if now.task_class and now.task_class in policy.classes:
        found.append(Reason("class", f"it is {now.task_class}", True))
    if policy.capability:
        found.append(Reason("capability", "no open model qualifies", not now.has_open))
    if policy.qa_failures:
        what = f"{policy.qa_failures} takes that failed their checks"
        found.append(Reason("qa", what, now.failures >= policy.qa_failures))
    if policy.queue_seconds:
        waits = now.wait_seconds is not None and now.wait_seconds > policy.queue_seconds
        what = f"a wait of more than {policy.queue_seconds:g} s"
        found.append(Reason("queue", what, waits))
    return sorted(found, key=lambda reason: not reason.holds)
