"""The errors of Rushes, one tree.

    RushesError
    ├── UsageError          2  the command line is wrong
    │   └── ProjectError    2  rushes.toml (or a file it includes) is wrong
    ├── Refused             3  a rule of the project forbids it
    │   ├── LockRefused     3  weights or toolchain are not what rushes.lock says
    │   │   └── WeightsMissing  3  the weights are not on this machine
    │   ├── LicenceRefused  3  the model's licence does not cover what the policy states
    │   ├── PolicyRefused   3  the policy does not let anything be sent there
    │   ├── BudgetRefused   3  it would cost more than a budget has left
    │   ├── PaidUnavailable 3  what makes paid calls is not installed
    │   ├── PackageMissing  3  a check needs a package that is not installed
    │   └── MemoryRefused   3  the shot does not fit the card
    ├── StageFailed         4  a stage could not produce its output
    │   ├── OutOfMemory     4  it needed more memory than there was
    │   ├── WorkerDied      4  the process that ran it went away
    │   ├── PaymentUnclear  4  a provider may have taken money, and nobody here knows
    │   ├── AnswerInvalid   4  no answer of a reader's follows the schema that was asked for
    │   └── MediaError      4  a media file cannot be read or written
    ├── HubError            4  what the hub, or a bundle in its place, gave is not right
    │   └── HubUnreachable  4  the hub cannot be asked
    ├── ServerError         4  what a reader's server answered is not right
    │   └── ServerUnreachable  4  it cannot be reached, or does not answer in time
    ├── StoreError          4  the store cannot be used
    │   ├── StoreFull       4  no space left for an object
    │   └── CorruptObject   4  an object's bytes do not match its digest
    └── Interrupted       130  stopped by the user

Each says what happened, where (file:line or file:key), and what to do about it. Foreign exceptions
are mapped into this tree once, where they enter, with ``raise ... from exc``.
"""

from __future__ import annotations


class RushesError(Exception):
    """Base of all errors a user may see.

    Args:
        message: what happened, one sentence without a full stop at its end.
        where: the place, as ``file:line`` or ``file:key``; None where there is none.
        hint: what to do about it.
    """

    exit_code = 4
    http_status = 500

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.where, self.hint))

    def to_dict(self) -> dict[str, str | None]:
        """The ``error`` object of the ``--json`` contract."""
        return {
            "type": type(self).__name__,
            "message": self.message,
            "where": self.where,
            "hint": self.hint,
        }


def _rebuild(
    kind: type[RushesError], message: str, where: str | None, hint: str | None
) -> RushesError:
    return kind(message, where=where, hint=hint)


class UsageError(RushesError):
    """The command line is wrong."""

    exit_code = 2
    http_status = 400


class ProjectError(UsageError):
    """The project file, or a file it includes, is wrong."""


class Refused(RushesError):
    """Policy, budget, licence, lock or memory forbids it."""

    exit_code = 3
    http_status = 403


class LockRefused(Refused):
    """Weights or toolchain are not what rushes.lock says."""


class WeightsMissing(LockRefused):
    """A model's weights are not on this machine, or not all of them."""


class LicenceRefused(Refused):
    """The model's licence does not cover what the project's policy states."""


class PolicyRefused(Refused):
    """The project's policy does not let anything be sent there."""


class BudgetRefused(Refused):
    """A payment would cost more than one of the budgets has left."""


class PaidUnavailable(Refused):
    """LiteLLM, through which paid calls go, is not installed."""


class PackageMissing(Refused):
    """A check needs a package, brought by an extra, that is not installed."""


class MemoryRefused(Refused):
    """The shot does not fit the project's ``vram``."""


class StageFailed(RushesError):
    """A stage could not produce its output."""


class OutOfMemory(StageFailed):
    """A stage needed more memory than there was, with the smallest placement that was tried."""


class WorkerDied(StageFailed):
    """The process that ran a stage went away."""


class PaymentUnclear(StageFailed):
    """A provider was sent a request and may have taken money for it; it is not sent again."""


class AnswerInvalid(StageFailed):
    """No answer of a reader's follows the schema that was asked for."""


class MediaError(StageFailed):
    """A media file cannot be read or written."""


class HubError(RushesError):
    """What the hub, or a bundle in its place, gave is not right, or not there."""

    http_status = 502


class HubUnreachable(HubError):
    """The hub cannot be asked: no network, or asking is forbidden."""

    http_status = 503


class ServerError(RushesError):
    """What a reader's server answered is not right."""

    http_status = 502


class ServerUnreachable(ServerError):
    """A reader's server cannot be reached, or does not answer in time."""

    http_status = 503


class StoreError(RushesError):
    """The store cannot be used."""


class StoreFull(StoreError):
    """No space is left for an object."""

    http_status = 507


class CorruptObject(StoreError):
    """An object's bytes do not match its digest."""

    def __init__(
        self,
        message: str,
        *,
        digest: str = "",
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.digest = digest


class Interrupted(RushesError):
    """Stopped by the user."""

    exit_code = 130


def error_types() -> dict[str, type[RushesError]]:
    """Every class of the tree by its name, to rebuild an error that crossed a process."""
    found: dict[str, type[RushesError]] = {}
    pending: list[type[RushesError]] = [RushesError]
    while pending:
        kind = pending.pop()
        found[kind.__name__] = kind
        pending.extend(kind.__subclasses__())
    return found
