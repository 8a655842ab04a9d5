"""rushes eval, end to end: spotter beside a server that knows the answers."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.readers import untrained
from tests.readers.checkpoints import SPOTTER, write_clip
from tests.readers.loopback import Server, give, make_answer, start_server

SUITE = """
name = "own"
models = ["spotter", "mine"]
[[cases]]
video = "a.mp4"
question = "Is there a dog?"
expect = { text = ["no"] }
group = "what"
[[cases]]
video = "a.mp4"
question = "Which?"
options = ["red", "blue"]
expect = { choice = "blue" }
group = "what"
[[cases]]
video = "a.mp4"
question = "When?"
start = 0.25
end = 1.25
expect = { interval = [0.5, 1.0] }
group = "when"
[[cases]]
video = "broken.mp4"
question = "How many?"
expect = { number = 2 }
[[cases]]
video = "a.mp4"
question = "What is her name?"
expect = { unknown = true }
"""
SAID = {"Is there": "Yes.", "Which": "(B)", "When": "from 0.5 to 1.0 seconds", "What": "unknown"}


def answer(body: Any) -> Any:
    question = body["messages"][0]["content"][-1]["text"]
    return make_answer(next(said for start, said in SAID.items() if question.startswith(start)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    untrained.install(monkeypatch, SPOTTER)
    write_clip(tmp_path / "a.mp4", [Fraction(k, 16) for k in range(24)])
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "own.toml").write_text(SUITE)
    return tmp_path


def write_policy(folder: Path, server: Server, policy: str) -> None:
    (folder / "rushes.toml").write_text(
        f'[project]\nname = "a"\n[policy]\n{policy}\n[readers.mine]\nretries = 0\n'
        f'server = "{server.url}"\nserved = "x"\nlike = "qwen3-vl-8b"\n'
    )


def test_two_readers_on_own_data(run: Run, folder: Path) -> None:
    with start_server() as server:
        server.answer = answer
        write_policy(folder, server, f'servers = ["{server.origin}"]')
        args = ("eval", "own.toml", "-C", folder, "--gpu-per-hour", "2", "--html", "page.html")
        done = run(*args, "--json")
        assert done.code == 0, done
        asked = len(server.received)
        assert asked == 4
        again = run(*args, "--json")
        assert len(server.received) == asked, "a second run is hits"
    spotter, mine = done.json["models"]
    assert (spotter["model"], mine["model"]) == ("spotter", "mine")
    assert (mine["accuracy"]["hits"], mine["accuracy"]["total"]) == (3, 5)
    assert mine["accuracy"]["low"] < 0.6 < mine["accuracy"]["high"]
    assert (mine["unknown"], mine["failed"], mine["unreadable"]) == (1, 1, 0)
    assert (mine["false_yes"]["hits"], mine["false_yes"]["total"]) == (1, 2)
    assert mine["intervals"]["mIoU"] == 1.0
    assert mine["intervals"]["R@1,IoU=0.7"]["hits"] == 1
    assert mine["tokens"] == 42
    for model in (spotter, mine):
        assert model["seconds"]["median"] > 0
        assert model["usd_per_thousand"] > 0
        assert model["peak_bytes"] > 1_000_000
        assert model["licence"] == "apache-2.0"
    (pair,) = done.json["comparisons"]
    assert pair["tie"] is True
    assert set(done.json["groups"]) == {"what", "when"}
    assert "UsageError" in done.json["answers"][3]["answers"]["mine"]["error"]
    for first, second in zip(done.json["models"], again.json["models"], strict=True):
        assert first["answers_sha256"] == second["answers_sha256"]
    page = (folder / "page.html").read_text()
    assert "Content-Security-Policy" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "").replace(server.origin, "")
    table = run("eval", "own.toml", "-C", folder, "--models", "spotter").out
    assert "own: 5 questions" in table


def test_nothing_is_asked_of_anybody_where_one_is_refused(run: Run, folder: Path) -> None:
    with start_server() as server:
        write_policy(folder, server, 'network = "none"')
        done = run("eval", "own.toml", "-C", folder, "--json")
        assert (done.code, done.json["error"]["type"]) == (3, "PolicyRefused")
        assert not server.seen
    assert not (folder / ".rushes").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--models", "spotter,spotter"), "twice"),
        (("--models", "nobody"), "nobody"),
        (("--models", ","), "no model"),
    ],
)
def test_who_cannot_be_asked(run: Run, folder: Path, args: tuple[str, ...], words: str) -> None:
    done = run("eval", "own.toml", "-C", folder, *args, "--json")
    assert done.code == 2, done
    assert words in done.json["error"]["message"]


def test_a_question_that_fails_is_asked_once_more_and_is_not_anothers_fault(
    run: Run, folder: Path
) -> None:
    with start_server() as server:
        server.answer = answer
        server.moves.append(give(400, {"error": "too long"}))
        write_policy(folder, server, f'servers = ["{server.origin}"]')
        done = run("eval", "own.toml", "-C", folder, "--models", "mine", "--json")
    assert done.code == 0, done
    assert done.json["models"][0]["failed"] == 1  # the file that is no video
    assert len(server.received) == 5
