"""A project's remotes as options of a route: servers of one's own, and what is paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from rushes.catalogue.allowance import Allowance
from rushes.catalogue.remote import Remote
from rushes.errors import PolicyRefused
from rushes.paid.consent import check_consent
from rushes.paid.health import Health
from rushes.payments import Payments, show_usd, to_units_down, to_usd
from rushes.route.choose import Exclusion
from rushes.route.reasons import Circumstance, Reason, list_reasons
from rushes.route.route import Option, Request
from rushes.spec.project import Project
from rushes.spec.remotes import judge_remote

TYPICAL_TOKENS = (1000, 500)
"""In and out, of a request whose length is not known: what its price is told for."""


def offer_remotes(
    request: Request, project: Project, allowance: Allowance, payments: Payments | None
) -> tuple[list[Option], list[Exclusion]]:
    """Options and exclusions among the project's remotes; paid ones by their price.

    Args:
        payments: what was spent; None where nothing ever was.
    """
    options: list[Option] = []
    excluded: list[Exclusion] = []
    for remote in project.remotes.values():
        if request.question.task not in remote.tasks:
            continue
        problem = exclude_remote(remote, request, project, allowance, payments)
        if problem is not None:
            excluded.append(Exclusion(remote.name, *problem))
            continue
        usd = price_request(remote, request) or Decimal(0)
        kind: Literal["open", "paid"] = "paid" if remote.is_paid else "open"
        what = f"at {remote.origin}" if not remote.is_paid else f"of {remote.provider}"
        options.append(Option(remote.name, kind, usd, None, "unknown", what))
    return options, excluded


def exclude_remote(
    remote: Remote,
    request: Request,
    project: Project,
    allowance: Allowance,
    payments: Payments | None,
) -> tuple[str, str] | None:
    """The first reason against a remote, and its clause."""
    if request.question.data_stays and remote.is_paid:
        return f"would send data to {remote.provider}", "--data-stays"
    if (judged := judge_remote(project, remote)) is not None:
        return judged[0], f"policy.{judged[1]}"
    try:
        check_consent(remote, allowance, leaves_of(request))
    except PolicyRefused as exc:
        return exc.message.removeprefix(f"{remote.name} "), exc.where or "policy"
    if (lack := find_lack(remote, request)) is not None:
        return lack
    usd = price_request(remote, request)
    if usd is None:
        return "has no price for this request", f"remotes.{remote.name}"
    left = find_left(allowance, payments)
    if remote.is_paid and usd > left:
        return f"costs {show_usd(usd)} USD", f"the budgets have {show_usd(left)} left"
    if payments is not None and Health(payments).look_at(remote.origin).is_open:
        return "failed too often, and is left alone for a while", remote.origin
    return None


def leaves_of(request: Request) -> tuple[str, ...]:
    """What would leave with a request."""
    pictures = {"image", "last_image", "keyframes", "references", "video", "mask", "extend"}
    found = ["prompt"]
    if request.question.task == "understand" or pictures & set(request.question.controls):
        found.append("frames")
    if "audio" in request.question.controls:
        found.append("audio")
    return tuple(found)


def find_lack(remote: Remote, request: Request) -> tuple[str, str] | None:
    """What is asked for and the remote does not do."""
    question = request.question
    if question.use.fine_tune:
        return "cannot be trained further here", "--fine-tune"
    if question.task != "generate":
        return None
    if question.sound and not remote.sound:
        return "makes no sound", "--sound"
    for control in question.controls:
        if control != "image" or not remote.input_image:
            return f"cannot be given {control}", f"--controls {control}"
    longest = request.seconds or question.max_seconds
    if longest is not None and longest > max(remote.seconds):
        return f"makes at most {max(remote.seconds)} s", f"{longest:g} s are asked for"
    return None


def price_request(remote: Remote, request: Request) -> Decimal | None:
    """Expected USD; of words, for a request of a usual length."""
    if request.question.task == "generate":
        length = request.seconds
        if length is None:
            return remote.price_clip(0) if remote.usd_per_item or not remote.is_paid else None
        legal = [s for s in sorted(remote.seconds) if s >= length] or [max(remote.seconds)]
        return remote.price_clip(legal[0])
    return remote.price_tokens(*TYPICAL_TOKENS)


def find_left(allowance: Allowance, payments: Payments | None) -> Decimal:
    """The least that a budget has left for a run that begins now."""
    import time

    left = []
    for column, value, limit, _ in allowance.limits(time.strftime("%Y-%m-%d", time.gmtime())):
        whole = to_usd(to_units_down(limit))
        spent = Decimal(0) if payments is None else payments.spent(column, value)  # type: ignore[arg-type]
        left.append(max(whole - spent, Decimal(0)))
    return min(left)


def sort_paid(
    options: list[Option], project: Project, now: Circumstance, stated: str
) -> tuple[list[Option], list[Exclusion]]:
    """Options in the order in which they are tried, and the paid ones that no reason admits.

    A reason that holds and speaks for the work itself, its class or its queue, puts paid models
    first; one that may come to hold puts them last.
    """
    reasons = list_reasons(project.policy.paid_after, now)
    opened = [option for option in options if option.kind == "open"]
    paid: list[Option] = []
    refused: list[Exclusion] = []
    first = bool(reasons) and reasons[0].holds and reasons[0].kind != "capability"
    for option in sorted((o for o in options if o.kind == "paid"), key=lambda o: o.usd):
        mine = reasons
        if option.model == stated:
            mine = [Reason("stated", "the shot names it", True)]
        remote = project.remotes[option.model]
        if remote.classes and now.task_class and now.task_class not in remote.classes:
            refused.append(Exclusion(option.model, f"is not for {now.task_class}", "classes"))
        elif not mine:
            why = "is paid, and the policy knows no reason for that"
            refused.append(Exclusion(option.model, why, "policy.paid_after"))
        else:
            paid.append(_with_reason(option, mine[0], project.policy.paid))
    stated_paid = [option for option in paid if option.model == stated]
    others = [option for option in paid if option.model != stated]
    return [*stated_paid, *(others if first else []), *opened, *([] if first else others)], refused


def _with_reason(option: Option, reason: Reason, paid: str) -> Option:
    asked = "; you are asked first" if paid == "ask" else ""
    said = reason.what if reason.holds else f"only where there is {reason.what}"
    if reason.kind == "capability" and not reason.holds:
        said = "only where no open model qualifies"
    return Option(
        option.model, "paid", option.usd, option.seconds, option.time,
        f"{option.why}; {said} ({reason.kind}){asked}", reason.kind,
    )  # fmt: skip
