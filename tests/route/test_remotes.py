"""Remotes as options: a reason for each that is paid, a clause for each that is none."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.catalogue.licences import Use
from rushes.payments import Payments
from rushes.route.question import Question
from rushes.route.reasons import Circumstance, list_reasons
from rushes.route.remotes import offer_remotes, sort_paid
from rushes.route.route import Request
from rushes.spec.project import Project
from rushes.spec.remotes import make_allowance
from rushes.spec.tables import PaidAfterTable, PolicyTable
from tests.spec.tools import HEAD, error_of, read

REMOTES = """
[remotes.cloud]
provider = "acme"
server = "https://api.acme.example/v1"
model = "clip-1"
tasks = ["generate"]
sizes = ["96x96"]
seconds = [1, 2, 4]
fps = 16
usd_per_second = "0.10"
[remotes.own]
server = "http://127.0.0.1:8000/v1"
model = "ltx"
like = "ltx-2"
tasks = ["generate"]
sizes = ["96x96"]
seconds = [2]
fps = 16
"""
POLICY = """[policy]
paid = "fallback"
providers = ["acme"]
send = ["prompt"]
budget_usd = 1
servers = ["http://127.0.0.1:8000"]
"""
SHOT = '[shots.one]\nprompt = "a ball"\nseconds = 2\n'


def project_of(folder: Path, policy: str = POLICY, shot: str = SHOT) -> Project:
    return read(folder, f"{HEAD}{policy}{REMOTES}{shot}")


def route(
    project: Project, question: Question | None = None, payments: Payments | None = None
) -> tuple[list[str], dict[str, str]]:
    request = Request("r", question or Question("generate"), 2.0)
    allowance = make_allowance(project, "run", "me")
    options, excluded = offer_remotes(request, project, allowance, payments)
    has_open = any(option.kind == "open" for option in options)
    ordered, refused = sort_paid(options, project, Circumstance(has_open), "")
    return [o.model for o in ordered], {e.model: e.clause for e in (*excluded, *refused)}


def test_a_server_of_ones_own_comes_before_what_is_paid(tmp_path: Path) -> None:
    assert route(project_of(tmp_path)) == (["own", "cloud"], {})


@pytest.mark.parametrize(
    ("change", "model", "clause"),
    [
        (('paid = "fallback"', 'paid = "never"'), "cloud", "policy.paid"),
        (('["acme"]', '["other"]'), "cloud", "policy.providers"),
        (('send = ["prompt"]', "send = []"), "cloud", "policy.send"),
        (("budget_usd = 1", "budget_usd = 0.19"), "cloud", "the budgets have 0.19 left"),
        (("budget_usd = 1", 'budget_usd = 1\nnetwork = "none"'), "cloud", "policy.network"),
        (("8000", "8001"), "own", "policy.servers"),
        (("budget_usd = 1", "budget_usd = 1\nrevenue_usd = 2e7"), "own", "policy.revenue_usd"),
        (("budget_usd = 1", "budget_usd = 1\npaid_after = { capability = false }"), "cloud",
         "policy.paid_after"),
    ],
)  # fmt: skip
def test_why_a_remote_is_no_option(
    tmp_path: Path, change: tuple[str, str], model: str, clause: str
) -> None:
    assert change[0] in POLICY
    names, excluded = route(project_of(tmp_path, POLICY.replace(*change)))
    assert excluded[model] == clause
    assert model not in names


def test_what_was_spent_counts(tmp_path: Path) -> None:
    limit = "budget_usd = 1\nbudget_project_usd = 0.3"
    project = project_of(tmp_path, POLICY.replace("budget_usd = 1", limit))
    payments = Payments(tmp_path / "p.sqlite")
    assert "cloud" in route(project, payments=payments)[0]
    allowance = make_allowance(project, "before", "me")
    payments.reserve("i", allowance, "acme", "cloud", "generate", Decimal("0.2"))
    assert route(project, payments=payments)[1]["cloud"] == "the budgets have 0.10 left"


def test_frames_need_a_leave_and_a_model_that_takes_them(tmp_path: Path) -> None:
    asked = Question("generate", controls=("image",))
    assert route(project_of(tmp_path), asked)[1]["cloud"] == "policy.send"
    policy = POLICY.replace('["prompt"]', '["prompt", "frames"]')
    assert route(project_of(tmp_path, policy), asked)[1]["cloud"] == "--controls image"


reasons = st.builds(
    PaidAfterTable,
    capability=st.booleans(),
    qa_failures=st.integers(0, 3),
    queue_seconds=st.sampled_from([0.0, 60.0]),
    classes=st.sampled_from([[], ["computer-use"]]),
)
moments = st.builds(
    Circumstance,
    has_open=st.booleans(),
    failures=st.integers(0, 4),
    wait_seconds=st.sampled_from([None, 10.0, 100.0]),
    task_class=st.sampled_from(["", "computer-use"]),
)


@given(reasons, moments)
def test_each_reason_is_one_that_the_policy_knows(after: PaidAfterTable, now: Circumstance) -> None:
    found = {reason.kind: reason.holds for reason in list_reasons(after, now)}
    assert found.get("capability", False) == (after.capability and not now.has_open)
    assert found.get("qa", False) == (0 < after.qa_failures <= now.failures)
    assert found.get("queue", False) == (0 < after.queue_seconds < (now.wait_seconds or 0))
    assert found.get("class", False) == (bool(now.task_class) and now.task_class in after.classes)


USE = st.builds(
    PolicyTable,
    paid=st.sampled_from(["never", "ask", "fallback"]),
    providers=st.sampled_from([[], ["acme"]]),
    send=st.sampled_from([[], ["prompt"]]),
    budget_usd=st.sampled_from([0.0, 0.1, 0.2, 0.5]),
    revenue_usd=st.sampled_from([1e6, 2e7]),
    licences=st.sampled_from([["mit"], ["ltx-2-community"]]),
    servers=st.sampled_from([[], ["http://127.0.0.1:8000"]]),
    paid_after=reasons,
)


@given(USE, st.floats(0, 1), st.booleans(), moments)
def test_more_is_never_less(
    tmp_path_factory: pytest.TempPathFactory,
    policy: PolicyTable,
    extra: float,
    wider: bool,
    now: Circumstance,
) -> None:
    """More budget, licences, consent, leave or servers remove no option; nor do open models."""
    project = PROJECTS.setdefault("p", project_of(tmp_path_factory.mktemp("p")))

    def names(said: PolicyTable, has_open: bool) -> set[str]:
        mine = replace(project, policy=said)
        request = Request("r", Question("generate", Use()), 2.0)
        options, _ = offer_remotes(request, mine, make_allowance(mine, "", "me"), None)
        moment = replace(now, has_open=has_open)
        return {option.model for option in sort_paid(options, mine, moment, "")[0]}

    more = msgspec.structs.replace(policy, budget_usd=policy.budget_usd + extra)
    if wider:
        more = msgspec.structs.replace(
            more, paid="fallback", providers=["acme"], send=["prompt", "frames"],
            licences=[*policy.licences, "ltx-2-community"], servers=["http://127.0.0.1:8000"],
        )  # fmt: skip
    assert names(policy, now.has_open) <= names(more, now.has_open)
    assert names(policy, False) <= names(policy, True)


PROJECTS: dict[str, Project] = {}


def test_auto_takes_what_is_here_then_what_is_served_then_what_is_paid(tmp_path: Path) -> None:
    shot = f'{SHOT}model = "auto"\n'

    def chosen(policy: str, more: str = "") -> str:
        return project_of(tmp_path, policy, shot + more).shots["one"].model.name

    assert chosen(POLICY) == "sprite"
    size = 'size = "96x96"\nfps = 16\n'
    closed = POLICY + 'licences = ["ltx-2-community"]\n'
    assert chosen(closed, size) == "own"
    assert chosen(closed.replace("ltx-2-community", "mit"), size) == "cloud"
    (tmp_path / "rushes.lock").write_text('version = 1\n[auto]\none = "own"\n')
    assert chosen(POLICY, size) == "own"
    (tmp_path / "rushes.lock").unlink()
    never = closed.replace("ltx-2-community", "mit").replace("fallback", "never")
    assert "no model may make" in error_of(tmp_path, f"{HEAD}{never}{REMOTES}{shot}{size}").message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('model = "clip-1"', 'model = "sora-2"', None),
        ('provider = "acme"\n', "", "has a price and no provider|names neither"),
        ('like = "ltx-2"', 'like = "nothing"', "the catalogue has no"),
        ("[remotes.own]", "[remotes.sprite]", "is a name of the catalogue"),
        ("sizes = [\"96x96\"]\nseconds = [1, 2, 4]\n", "", "of no size or length"),
        ("https://api.acme", "https://me:pw@api.acme", "passwords"),
        ('"0.10"', '"a lot"', ""),
    ],
)  # fmt: skip
def test_remotes_that_are_wrong(tmp_path: Path, old: str, new: str, words: str | None) -> None:
    text = f"{HEAD}{POLICY}{REMOTES}{SHOT}"
    assert old in text
    if words is None:  # another provider may well call a model so; OpenAI's is gone
        read(tmp_path, text.replace(old, new))
        text, words = text.replace('"acme"', '"openai"'), "is gone"
    import re

    assert re.search(words, error_of(tmp_path, text.replace(old, new)).message)
