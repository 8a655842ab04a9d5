"""Requests in words: open servers first, a paid model after a reason, and all in the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from rushes.errors import BudgetRefused, PolicyRefused, RushesError
from rushes.ledger import Ledger
from rushes.paid.client import LiteLLM
from rushes.payments import Payments
from rushes.route.answer import Answered, Asker, read_words
from rushes.spec.resolve import load_project
from tests.cli.conftest import run  # noqa: F401 - a fixture
from tests.paid.provider import Provider, start_provider
from tests.paid.tools import needs_litellm
from tests.run.projects import write_project

pytestmark = needs_litellm

PROJECT = """
[project]
name = "words"
[policy]
paid = "fallback"
providers = ["acme"]
send = ["prompt"]
budget_usd = 0.02
servers = ["{open_origin}"]
{policy}
[remotes.own]
server = "{open_url}"
model = "qwen"
like = "qwen3-8b"
tasks = ["reason", "code"]
retries = 0
{own}
[remotes.cloud]
provider = "acme"
server = "{url}"
model = "gpt-x"
tasks = ["reason", "code", "understand"]
usd_per_million_in = "1"
usd_per_million_out = "10"
classes = []
"""


@pytest.fixture
def own() -> Iterator[Provider]:
    """A server of one's own: the same protocol, and no bill."""
    with start_provider() as server:
        yield server


def write(folder: Path, own: Provider, paid: Provider, policy: str = "", more: str = "") -> Path:
    origin = own.url.removesuffix("/v1")
    text = PROJECT.format(
        open_origin=origin, open_url=own.url, url=paid.url, policy=policy, own=more
    )
    return write_project(folder / "project", text)


def make_asker(folder: Path, litellm: LiteLLM, pay: bool = False) -> Asker:
    project = load_project(folder, needs_shots=False)
    ledger = Ledger(folder / "ledger.sqlite")
    return Asker(project, Payments(), ledger, {}, pay, litellm)


def ask(asker: Asker, task_class: str = "") -> Answered:
    return asker.answer("reason", read_words("why?"), task_class=task_class)


def test_a_server_of_ones_own_comes_first(
    own: Provider, provider: Provider, litellm: LiteLLM, tmp_path: Path
) -> None:
    asker = make_asker(write(tmp_path, own, provider), litellm)
    said = ask(asker)
    assert (said.model, said.kind, said.usd, said.tokens_out) == ("own", "open", 0, 5)
    assert provider.connections == 0
    (row,) = asker.ledger.nodes()
    assert (row.stage, row.model, row.tokens_out, row.reason) == ("reason", "own", 5, "")


def test_a_class_of_work_goes_to_a_paid_model(
    own: Provider, provider: Provider, litellm: LiteLLM, tmp_path: Path
) -> None:
    policy = 'paid_after = { classes = ["computer-use"] }'
    asker = make_asker(write(tmp_path, own, provider, policy), litellm)
    assert ask(asker).model == "own"
    said = ask(asker, "computer-use")
    assert (said.model, said.tried[-1].reason, said.usd) == ("cloud", "class", provider.total)
    assert len(own.received) == 1
    row = asker.ledger.nodes()[0]
    assert (row.reason, Decimal(str(row.usd)), row.tokens_out) == ("class", said.usd, 5)


def test_no_open_model_is_a_reason_unless_the_policy_says_not(
    own: Provider, provider: Provider, litellm: LiteLLM, tmp_path: Path
) -> None:
    licences = 'licences = ["mit"]'
    asker = make_asker(write(tmp_path, own, provider, licences), litellm)
    said = ask(asker)
    assert (said.model, said.tried[-1].reason) == ("cloud", "capability")
    assert [e.model for e in said.excluded] == ["own"]
    never = f"{licences}\npaid_after = {{ capability = false }}"
    with pytest.raises(PolicyRefused, match="nothing may answer"):
        ask(make_asker(write(tmp_path, own, provider, never), litellm))
    assert own.connections == 0


def test_a_wait_longer_than_the_limit_is_a_reason(
    own: Provider, provider: Provider, litellm: LiteLLM, tmp_path: Path
) -> None:
    own.moves, own.slow_seconds = ["slow"], 1.5
    policy = "paid_after = { queue_seconds = 0.3 }"
    said = ask(make_asker(write(tmp_path, own, provider, policy), litellm))
    assert (said.model, [t.reason for t in said.tried]) == ("cloud", ["", "queue"])


def test_a_second_server_is_asked_beside_a_slow_one_where_it_says_so(
    own: Provider, provider: Provider, litellm: LiteLLM, tmp_path: Path
) -> None:
    with start_provider() as other:
        folder = write(tmp_path, own, provider, more="hedge_seconds = 0.1")
        text = (folder / "rushes.toml").read_text()
        origin = other.url.removesuffix("/v1")
        text = text.replace("servers = [", f'servers = ["{origin}", ')
        text += f'[remotes.zwei]\nserver = "{other.url}"\nmodel = "q"\nlike = "qwen3-8b"\n'
        (folder / "rushes.toml").write_text(text + 'tasks = ["reason"]\n')
        own.moves, own.slow_seconds = ["slow"], 1.5
        assert ask(make_asker(folder, litellm)).model == "zwei"
        (folder / "rushes.toml").write_text(
            (folder / "rushes.toml").read_text().replace("hedge_seconds = 0.1", "")
        )
        own.moves, other.received[:] = ["slow"], []
        assert ask(make_asker(folder, litellm)).model == "own"  # off where nothing is said
        assert other.received == []


def test_a_broken_server_is_no_reason_to_pay(
    own: Provider, provider: Provider, litellm: LiteLLM, tmp_path: Path
) -> None:
    own.moves = ["500"]
    asker = make_asker(write(tmp_path, own, provider), litellm)
    with pytest.raises(PolicyRefused, match="told to say 500"):
        ask(asker)
    assert provider.connections == 0
    assert [row.error is not None for row in asker.ledger.nodes()] == [True]


@pytest.mark.parametrize("change", [("0.02", "0.000001"), ('"fallback"', '"ask"')])
def test_budgets_and_asking_hold(
    own: Provider, provider: Provider, litellm: LiteLLM, tmp_path: Path, change: tuple[str, str]
) -> None:
    folder = write(tmp_path, own, provider, 'licences = ["mit"]')
    (folder / "rushes.toml").write_text((folder / "rushes.toml").read_text().replace(*change))
    with pytest.raises((BudgetRefused, PolicyRefused)):
        ask(make_asker(folder, litellm))
    assert provider.connections == 0
    if "ask" in change[1]:
        assert ask(make_asker(folder, litellm, pay=True)).model == "cloud"


def test_on_the_command_line(
    own: Provider, provider: Provider, tmp_path: Path, run  # noqa: F811
) -> None:  # fmt: skip
    folder = write(tmp_path, own, provider)
    done = run("route", "--task", "code", "--run", "reverse a list", "-C", folder, "--json")
    assert (done.code, done.json["model"], done.json["usd"]) == (0, "own", 0)
    assert json.loads(own.received[0][1])["messages"][0]["content"] == "reverse a list"
    said = run("route", "--task", "code", "--run", "again", "-C", folder)
    assert said.out == "an answer\n"
    assert "by own (own server" in said.err
    assert run("route", "--task", "generate", "--run", "x", "-C", folder).code == 2
    rows = run("log", "--by", "model", "--json", "-C", folder).json
    assert (rows["totals"]["takes"], rows["totals"]["tokens_out"]) == (2, 10)
    assert rows["blend"]["open_share"] == 1


def test_a_paid_reader_sees_frames_where_they_may_leave(
    provider: Provider, own: Provider, litellm: LiteLLM, tmp_path: Path, clip: bytes
) -> None:
    from rushes.readers.selection import make_selection
    from rushes.route.watch import ask_about_clip

    path = tmp_path / "clip.mp4"
    path.write_bytes(clip)
    folder = write(tmp_path, own, provider)
    chosen = make_selection(by="even", frames=4, fps=None, start=None, end=None, at=None,
                            drop_duplicates=False)  # fmt: skip

    def watch() -> str:
        asker = make_asker(folder, litellm)
        remote = asker.project.remotes["cloud"]
        return ask_about_clip(asker, remote, path, [("", "what is it?")], chosen)[0].answer

    with pytest.raises(RushesError, match="frames"):
        watch()
    assert provider.connections == 0
    text = (folder / "rushes.toml").read_text()
    (folder / "rushes.toml").write_text(text.replace('["prompt"]', '["prompt", "frames"]'))
    (folder / "rushes.toml").write_text((folder / "rushes.toml").read_text().replace("0.02", "0.1"))
    assert watch() == "an answer"
    assert provider.received[0][1].count(b"image_url") >= 4
    rows = Ledger(folder / "ledger.sqlite").nodes()
    assert (rows[0].stage, rows[0].usd > 0) == ("understand", True)
