"""Requests in words that run: open servers first, a paid model after a reason."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import msgspec

import rushes
from rushes.catalogue.remote import Remote
from rushes.errors import PolicyRefused, RushesError, ServerError, UsageError
from rushes.ledger import Ledger, NodeRow, RunEnd, RunStart, describe_machine, describe_user
from rushes.paid.gateway import Caller, Gateway, PaidAnswer, read_token
from rushes.paid.health import Health
from rushes.payments import Payments
from rushes.readers.http import Sender
from rushes.route.choose import Exclusion
from rushes.route.question import Question, Task
from rushes.route.reasons import Circumstance, Reason, list_reasons
from rushes.route.remotes import exclude_remote
from rushes.route.route import Request
from rushes.spec.project import Project
from rushes.spec.remotes import make_allowance

Messages = Sequence[Mapping[str, Any]]


class Tried(msgspec.Struct, frozen=True):
    """One model that was asked, and what came of it."""

    model: str
    kind: Literal["open", "paid"]
    outcome: str
    reason: str = ""


class Answered(msgspec.Struct, frozen=True):
    """What a request was answered with, by whom, for how much, and what was tried before."""

    run: str
    task: Task
    answer: str
    model: str
    kind: Literal["open", "paid"]
    usd: Decimal
    seconds: float
    tokens_in: int
    tokens_out: int
    tried: list[Tried]
    excluded: list[Exclusion]


@dataclass(slots=True)
class Asker:
    """Answers requests of one project.

    Args:
        pay: whether a person was asked, where the policy says so.
    """

    project: Project
    payments: Payments
    ledger: Ledger
    environment: Mapping[str, str]
    pay: bool = False
    caller: Caller | None = None

    def answer(
        self, task: Task, messages: Messages, *, task_class: str = "", max_tokens: int | None = None
    ) -> Answered:
        """Answer a request.

        Raises:
            PolicyRefused: nothing may answer it; names what each lacks.
            BudgetRefused, PaymentUnclear, ServerError: what the last one asked said.
        """
        started, begun = time.time(), time.perf_counter()
        run = uuid.uuid4().hex[:12]
        allowance = make_allowance(self.project, run, describe_user())
        request = Request(task, Question(task, self.project.use))
        opened: list[Remote] = []
        paid: list[Remote] = []
        excluded: list[Exclusion] = []
        for remote in self.project.remotes.values():
            if task not in remote.tasks:
                continue
            problem = exclude_remote(remote, request, self.project, allowance, self.payments)
            if problem is not None:
                excluded.append(Exclusion(remote.name, *problem))
            else:
                (paid if remote.is_paid else opened).append(remote)
        tried: list[Tried] = []
        start = RunStart(run, started, self.project.name, f"route --task {task} --run",
                         describe_user(), rushes.__version__, describe_machine())  # fmt: skip
        self.ledger.begin_run(start)
        gateway = Gateway(self.payments, allowance, self.caller, environment=self.environment)
        ask = _Asking(self, gateway, messages, task, max_tokens, tried)
        said: PaidAnswer | None = None
        try:
            said = ask.run(opened, paid, task_class)
        finally:
            seconds = time.perf_counter() - begun
            self._enter(run, task, tried, said, started, seconds)
        if said is None:
            reasons = [f"{e.model} {e.reason}" for e in excluded]
            reasons += [f"{t.model}: {t.outcome}" for t in tried]
            raise PolicyRefused(
                f"nothing may answer it: {'; '.join(reasons) or f'no remote has the task {task}'}",
                where=f"{self.project.source.name}:remotes",
                hint="[remotes.NAME] names a server of yours, or a provider; docs/paying.md",
            )
        last = tried[-1]
        return Answered(run, task, said.text, said.model, last.kind, said.usd, round(seconds, 4),
                        said.tokens_in, said.tokens_out, tried, excluded)  # fmt: skip

    def _enter(
        self,
        run: str,
        task: str,
        tried: Sequence[Tried],
        said: PaidAnswer | None,
        started: float,
        seconds: float,
    ) -> None:
        """A row for everybody who was asked, with what was paid them, and the end of the run."""
        rows, paid = [], self._sum_paid(run)
        for number, attempt in enumerate(tried):
            answered = said is not None and number == len(tried) - 1
            rows.append(
                NodeRow(
                    run=run, key="", stage=task, model=attempt.model, shot=task, attempt=number,
                    seed=None, started_at=started, seconds=round(seconds, 4) if answered else 0.0,
                    predicted_peak_bytes=None, peak_bytes=0,
                    usd=float(paid.get(attempt.model, 0)),
                    resumed_step=None, loads="{}", passed=None,
                    error=None if answered else attempt.outcome,
                    tokens_in=said.tokens_in if answered and said is not None else 0,
                    tokens_out=said.tokens_out if answered and said is not None else 0,
                    reason=attempt.reason,
                )
            )  # fmt: skip
        self.ledger.add_nodes(rows)
        usd, code = float(sum(paid.values())), 0 if said is not None else 3
        self.ledger.end_run(RunEnd(run, round(seconds, 4), 0, len(rows), usd, code))

    def _sum_paid(self, run: str) -> dict[str, Decimal]:
        """What was settled in a run, by model; an answer may be paid and be none."""
        found: dict[str, Decimal] = {}
        for payment in self.payments.list_payments("WHERE run = ?", run):
            found[payment.model] = found.get(payment.model, Decimal(0)) + (payment.settled or 0)
        return found


@dataclass(slots=True)
class _Asking:
    """One request on its way."""

    asker: Asker
    gateway: Gateway
    messages: Messages
    task: str
    max_tokens: int | None
    tried: list[Tried]

    def run(
        self, opened: Sequence[Remote], paid: Sequence[Remote], task_class: str
    ) -> PaidAnswer | None:
        """The first answer that comes; None where nobody was asked to the end."""
        policy = self.asker.project.policy.paid_after
        reason = self._find_reason(Circumstance(bool(opened), task_class=task_class))
        if reason is None or reason.kind == "capability":
            limit = policy.queue_seconds if paid and policy.queue_seconds else None
            said = self._ask_open(opened, limit)
            if said is not None:
                return said
            late = any(attempt.outcome.startswith("late") for attempt in self.tried)
            waited = policy.queue_seconds + 1 if late else None
            now = Circumstance(bool(opened), 0, waited, task_class)
            reason = self._find_reason(now)
        return None if reason is None else self._ask_paid(paid, reason, task_class)

    def _find_reason(self, now: Circumstance) -> Reason | None:
        reasons = list_reasons(self.asker.project.policy.paid_after, now)
        return next((reason for reason in reasons if reason.holds), None)

    def _ask_open(self, remotes: Sequence[Remote], limit: float | None) -> PaidAnswer | None:
        """Servers of one's own, one after the other; beside a slow one the next is asked too,
        where it says after how long (``hedge_seconds``)."""
        waiting: dict[Future[PaidAnswer], Remote] = {}
        end = None if limit is None else time.monotonic() + limit
        for number, remote in enumerate(remotes):
            waiting[_start(self._ask_server, remote)] = remote
            last = number == len(remotes) - 1
            hedge = remote.hedge_seconds if remote.hedge_seconds and not last else None
            said = self._collect(waiting, hedge, end)
            if said is not None:
                return said
        for remote in waiting.values():
            self.tried.append(Tried(remote.name, "open", f"late: no answer in {limit:g} s"))
        return None

    def _collect(
        self, waiting: dict[Future[PaidAnswer], Remote], hedge: float | None, end: float | None
    ) -> PaidAnswer | None:
        """An answer of those that are asked; None when all failed, or it is time for the next."""
        until = None if hedge is None else time.monotonic() + hedge
        while waiting:
            times = [moment - time.monotonic() for moment in (until, end) if moment is not None]
            left = max(min(times), 0.0) if times else None
            done, _ = wait(waiting, timeout=left, return_when=FIRST_COMPLETED)
            for future in done:
                remote = waiting.pop(future)
                try:
                    said = future.result()
                except RushesError as exc:
                    self.tried.append(Tried(remote.name, "open", exc.message))
                    continue
                self.tried.append(Tried(remote.name, "open", "answered"))
                return said
            if not done:
                return None
        return None

    def _ask_server(self, remote: Remote) -> PaidAnswer:
        """A server of one's own; it costs nothing, so that retries and a second one are fine."""
        health = Health(self.asker.payments)
        health.require(remote.origin)
        where = f"{remote.name} ({remote.origin})"
        token = read_token(remote, self.asker.environment)
        sender = Sender(where, remote.retries, remote.timeout_seconds, token)
        asked = {
            "model": remote.model, "messages": list(self.messages), "stream": False,
            "max_tokens": self.max_tokens or remote.max_tokens,
        }  # fmt: skip
        try:
            with sender.client:
                said = sender.post(f"{remote.url}/chat/completions", asked)
            found = _read_answer(remote, said)
        except ServerError:
            health.fail(remote.origin)
            raise
        health.succeed(remote.origin)
        return found

    def _ask_paid(
        self, remotes: Sequence[Remote], reason: Reason, task_class: str
    ) -> PaidAnswer | None:
        """The cheapest first; a payment that is not clear ends it, since it may have been paid."""
        able = [r for r in remotes if not (r.classes and task_class) or task_class in r.classes]
        if able and self.asker.project.policy.paid == "ask" and not self.asker.pay:
            raise PolicyRefused(
                f"{able[0].name} would be paid ({reason.kind}: {reason.what}), and you were not "
                "asked",
                where=f"{self.asker.project.source.name}:policy.paid",
                hint="--pay says that it may",
            )
        able = sorted(able, key=lambda remote: remote.price_tokens(1000, 500) or 0)
        for number, remote in enumerate(able):
            try:
                said = self.gateway.ask(
                    remote, self.messages, self.task, uuid.uuid4().hex, self.max_tokens
                )
            except RushesError as exc:
                self.tried.append(Tried(remote.name, "paid", exc.message, reason.kind))
                again = isinstance(exc, ServerError) and number < len(able) - 1
                if not again:
                    raise
                continue
            self.tried.append(Tried(remote.name, "paid", "answered", reason.kind))
            return said
        return None


def _start(ask: Callable[[Remote], PaidAnswer], remote: Remote) -> Future[PaidAnswer]:
    """Ask in a thread that nobody has to wait for, should its answer come too late."""
    future: Future[PaidAnswer] = Future()

    def work() -> None:
        try:
            future.set_result(ask(remote))
        except BaseException as exc:
            future.set_exception(exc)

    threading.Thread(target=work, daemon=True).start()
    return future


def _read_answer(remote: Remote, said: Any) -> PaidAnswer:
    try:
        text = said["choices"][0]["message"]["content"]
        usage = said.get("usage") or {}
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
        model = str(said.get("model") or "")
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as exc:
        raise ServerError(f"{remote.name} answers with a document that holds no answer") from exc
    if not isinstance(text, str) or not text.strip():
        raise ServerError(f"{remote.name} answers with no words")
    return PaidAnswer(text.strip(), remote.name, model, *tokens, Decimal(0))


def read_words(text: str) -> list[dict[str, str]]:
    """A request of one message.

    Raises:
        UsageError: it is empty.
    """
    if not text.strip():
        raise UsageError("there is nothing to answer", hint='rushes route --task reason --run "…"')
    return [{"role": "user", "content": text.strip()}]
