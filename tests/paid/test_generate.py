"""Clips that others make, through ``rushes make``: kills, budgets, consent, takes that failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rushes.payments import VARIABLE, Payments
from rushes.report.manifest import read_manifest
from tests.paid.provider import Provider, make_clip
from tests.paid.tools import needs_litellm
from tests.run.projects import run_rushes, write_project

pytestmark = [needs_litellm, pytest.mark.slow]

PROJECT = """
[project]
name = "paid"
model = "{model}"
seed = 7
[defaults]
steps = 1
[policy]
paid = "fallback"
providers = ["acme"]
send = ["prompt"]
budget_usd = 0.5
{policy}
[remotes.cloud]
provider = "acme"
server = "{url}"
model = "clip-1"
tasks = ["generate"]
sizes = ["96x96"]
seconds = [1, 2, 4]
fps = 16
sound = true
usd_per_second = "0.10"
key_env = "ACME_KEY"
[shots.one]
prompt = "a red ball bounces on a grey background"
seconds = 2
{shot}
"""
SECRET = {"ACME_KEY": "s3cret"}


def write(
    folder: Path, provider: Provider, model: str = "cloud", policy: str = "", shot: str = ""
) -> Path:
    text = PROJECT.format(url=provider.url, model=model, policy=policy, shot=shot)
    return write_project(folder / "project", text)


def run(folder: Path, *args: str) -> tuple[int, Any]:
    done = run_rushes(folder, *args, "--json", env=SECRET)
    return done.returncode, json.loads(done.stdout)


def jobs_begun(provider: Provider) -> int:
    return sum(bool(body) for _, body, _ in provider.received)


def test_a_kill_while_it_is_made_pays_once(provider: Provider, tmp_path: Path) -> None:
    folder = write(tmp_path, provider)
    code, plan = run(folder, "plan")
    assert (code, plan["totals"]["usd"]) == (0, 0.2)
    provider.looks_until_done = 10**9
    making = subprocess.Popen(
        [sys.executable, "-m", "rushes", "make"], cwd=folder, env=os.environ | SECRET,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 120
    while not any(job.looks for job in provider.jobs.values()) and time.monotonic() < end:
        time.sleep(0.05)
    os.kill(making.pid, signal.SIGKILL)
    making.wait()
    (payment,) = Payments().list_payments()
    assert (payment.state, bool(payment.job)) == ("open", True)
    provider.looks_until_done = 0
    code, made = run(folder, "make")
    assert code == 0, made
    assert made["usd"] == 0.2
    assert (jobs_begun(provider), len(provider.bills)) == (1, 1)
    (payment,) = Payments().list_payments()
    assert payment.state == "settled"
    manifest = read_manifest(folder)
    assert manifest is not None
    assert [record.name for record in manifest.models] == ["cloud"]
    assert run(folder, "log", "--by", "model")[1]["totals"]["usd"] == 0.2
    code, again = run(folder, "make")
    assert (code, again["usd"], len(provider.bills)) == (0, 0.0, 1)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not any(b"s3cret" in path.read_bytes() for path in files)


def test_what_is_paid_and_cannot_be_used_is_in_the_run_s_sum(
    provider: Provider, tmp_path: Path
) -> None:
    provider.clip = make_clip(tmp_path, side=32)
    folder = write(tmp_path, provider)
    code, made = run(folder, "make")
    assert (code, made["usd"]) == (4, 0.2), made
    assert "32x32" in made["shots"][0]["error"]["message"]
    log = run(folder, "log", made["run"])[1]
    assert [row["usd"] for row in log["nodes"] if row["stage"] == "generate"] == [0.2]
    assert run(folder, "log", "--by", "model")[1]["totals"]["usd"] == 0.2
    assert run(folder, "make")[1]["usd"] == 0.0, "it is fetched again, and not paid again"
    assert len(provider.bills) == 1


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("budget_day_usd = 0.1", "budget per day"),
        ('network = "none"', "the policy allows none"),
    ],
)
def test_what_may_not_be_paid_is_refused_and_nothing_is_sent(
    provider: Provider, tmp_path: Path, policy: str, words: str
) -> None:
    code, document = run(write(tmp_path, provider, policy=policy), "make")
    assert code == 3
    assert words in json.dumps(document)
    assert provider.received == []


def test_where_the_policy_asks_the_run_says_how_much(provider: Provider, tmp_path: Path) -> None:
    folder = write(tmp_path, provider)
    text = (folder / "rushes.toml").read_text().replace('"fallback"', '"ask"')
    (folder / "rushes.toml").write_text(text)
    code, document = run(folder, "make")
    assert code == 3
    assert document["shots"][0]["status"] == "refused"
    assert provider.received == []
    assert run(folder, "make", "--pay", "0.19")[0] == 3
    assert provider.received == []
    assert run(folder, "make", "--pay", "0.2")[0] == 0


EVEN = """
from rushes.checks.base import Verdict
class Even:
    name, version, about = "even", 1, "an even number of frames"
    def judge(self, info, expect):
        return Judge()
class Judge:
    frames = 0
    def see_frame(self, seconds, frame):
        self.frames += 1
    def hear_samples(self, seconds, samples, rate):
        pass
    def give_verdict(self):
        return Verdict("even", 1.0 - self.frames % 2, 1.0, "counted", ())
CHECK = Even()
"""


def test_a_take_is_paid_after_takes_that_failed(provider: Provider, tmp_path: Path) -> None:
    """Sprite makes 33 frames, the provider 32, and the project's own check wants an even number."""
    folder = write(
        tmp_path, provider, "sprite", "paid_after = { qa_failures = 1 }",
        'attempts = 2\nchecks = ["./even.py"]',
    )  # fmt: skip
    (folder / "even.py").write_text(EVEN)
    code, made = run(folder, "make")
    assert code == 0, made
    (shot,) = made["shots"]
    assert (shot["attempts"], shot["frames"], made["usd"]) == (2, 32, 0.2)
    assert {stage["stage"] for stage in shot["stages"]} >= {"generate", "export", "check"}
    rows = run(folder, "log", made["run"])[1]["nodes"]
    assert [row["reason"] for row in rows if row["stage"] == "generate"] == ["qa"]


def test_with_paid_never_and_no_network_all_that_is_local_works(
    provider: Provider, tmp_path: Path
) -> None:
    folder = write(tmp_path, provider, "auto", 'network = "none"')
    text = (folder / "rushes.toml").read_text().replace('"fallback"', '"never"')
    (folder / "rushes.toml").write_text(text)
    code, made = run(folder, "make")
    assert code in (0, 1), made  # a barely denoised clip may fail a check
    assert 'one = "sprite"' in (folder / "rushes.lock").read_text()
    assert run(folder, "route")[0] == 0
    answered = run_rushes(folder, "ask", "one", "is there a ball?", "--model", "auto")
    assert answered.returncode == 0, answered.stderr
    assert "spotter" in answered.stderr
    assert provider.connections == 0
    assert not Path(os.environ[VARIABLE]).exists()
