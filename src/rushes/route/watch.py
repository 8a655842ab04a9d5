"""Questions about a clip that a paid model answers: frames leave, if the policy lets them."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import rushes
from rushes.catalogue.remote import Remote
from rushes.errors import PolicyRefused
from rushes.ledger import NodeRow, RunEnd, RunStart, describe_machine, describe_user
from rushes.paid.consent import check_consent
from rushes.paid.gateway import Gateway
from rushes.paid.reader import PaidReader
from rushes.readers.selection import Selection
from rushes.route.answer import Asker
from rushes.run.retention import TEMPORARY
from rushes.spec.remotes import check_remote, make_allowance
from rushes.stages.ask import AnswerRow, AskParams, answer_questions, read_answers
from rushes.stages.base import Job


def ask_about_clip(
    asker: Asker,
    remote: Remote,
    path: Path,
    asked: Sequence[tuple[str, str]],
    selection: Selection,
) -> list[AnswerRow]:
    """Answers, in the order of the questions; each is a payment.

    Raises:
        PolicyRefused, BudgetRefused: it may not be paid, or sent; nothing was read of the file.
        PaymentUnclear, ServerError: it was not answered.
    """
    project = asker.project
    run, started, begun = uuid.uuid4().hex[:12], time.time(), time.perf_counter()
    allowance = make_allowance(project, run, describe_user())
    check_remote(project, remote)
    check_consent(remote, allowance, ("prompt", "frames"))
    if remote.is_paid and project.policy.paid == "ask" and not asker.pay:
        raise PolicyRefused(
            f"{remote.name} would be paid, and you were not asked",
            where=f"{project.source.name}:policy.paid",
            hint="--pay says that it may",
        )
    gateway = Gateway(asker.payments, allowance, asker.caller, environment=asker.environment)
    reader = PaidReader(remote, gateway, run)
    user = describe_user()
    asker.ledger.begin_run(
        RunStart(run, started, project.name, f"ask --model {remote.name}", user,
                 rushes.__version__, describe_machine())
    )  # fmt: skip
    error: str | None = "interrupted"
    try:
        with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}{os.getpid()}-") as folder:
            params = AskParams(remote.name, 1, tuple(asked), selection)
            job = Job(params, {"file": {"file": path}}, Path(folder), lambda done, total: None)
            rows = read_answers(answer_questions(job, reader, reader.context).files["answers"])
        error = None
        return rows
    except Exception as exc:
        error = f"{type(exc).__name__}: {exc}"
        raise
    finally:
        seconds = round(time.perf_counter() - begun, 4)
        node = NodeRow(
            run=run, key="", stage="understand", model=remote.name, attempt=0,
            shot=str(path.absolute()),
            seed=None, started_at=started, seconds=seconds, predicted_peak_bytes=None,
            peak_bytes=0, usd=float(reader.usd), resumed_step=None, loads="{}", passed=None,
            error=error, tokens_in=reader.tokens_in, tokens_out=reader.tokens_out,
            reason="capability" if remote.is_paid else "",
        )  # fmt: skip
        asker.ledger.add_nodes([node])
        code = 0 if error is None else 4
        asker.ledger.end_run(RunEnd(run, seconds, 0, 1, float(reader.usd), code))
