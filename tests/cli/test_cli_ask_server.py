"""rushes ask of a reader behind a server: what is sent where, and what the policy forbids."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.readers.checkpoints import write_clip
from tests.readers.loopback import Server, give, make_answer, start_server


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ask") / "clip.mp4"
    return write_clip(path, [Fraction(k, 16) for k in range(24)])


@pytest.fixture
def server() -> Iterator[Server]:
    with start_server() as server:
        yield server


def write_project(folder: Path, server: Server, policy: str = "", reader: str = "") -> Path:
    folder.joinpath("rushes.toml").write_text(f'''
[project]
name = "footage"
[policy]
{policy}
[readers.mine]
server = "{server.url}"
served = "Qwen/Qwen3-VL-8B-Instruct"
like = "qwen3-vl-8b"
retries = 0
{reader}
''')
    return folder


def allow(server: Server) -> str:
    return f'servers = ["{server.origin}"]'


def test_a_server_answers(run: Run, server: Server, clip: Path, tmp_path: Path) -> None:
    write_project(tmp_path, server, allow(server))
    done = run("ask", clip, "what?", "who?", "--model", "mine", "-C", tmp_path, "--json")
    assert done.code == 0, done
    first, second = done.json["answers"]
    assert list(first) == ["answer", "spans", "frames", "model", "tokens", "server"]
    asked_at = first["server"].pop("asked_at")
    assert datetime.fromisoformat(asked_at).utcoffset() == timedelta(0)
    assert first["server"] == {"url": server.url, "model": "its-own"}
    assert (first["model"], first["frames"]) == ("mine", second["frames"])
    assert [r.body["messages"][0]["content"][-1]["text"] for r in server.received] == [
        "what?", "who?"
    ]  # fmt: skip
    parts = server.received[0].body["messages"][0]["content"][:-1:2]
    assert [part["text"] for part in parts] == [f"{t:.1f} seconds:" for t in first["frames"]]
    sent = len(server.received)
    again = run("ask", tmp_path / clip, "what?", "--model", "mine", "-C", tmp_path, "--json")
    assert again.json["server"]["asked_at"] == asked_at
    assert len(server.received) == sent, "what was answered is not asked again"


@pytest.mark.parametrize(
    ("policy", "key", "words"),
    [
        ("", "servers", "which the policy does not list"),
        ('servers = ["http://127.0.0.1:1"]', "servers", "which the policy does not list"),
        ('servers = ["http://localhost:{port}"]', "servers", "which the policy does not list"),
        ('servers = ["https://127.0.0.1:{port}"]', "servers", "which the policy does not list"),
        ('network = "none"\nservers = ["{origin}"]', "network", "the policy allows none"),
    ],
)
def test_nothing_is_read_or_sent_where_the_policy_does_not_say_so(
    run: Run, server: Server, tmp_path: Path, policy: str, key: str, words: str
) -> None:
    port = server.origin.rsplit(":", 1)[1]
    write_project(tmp_path, server, policy.format(port=port, origin=server.origin))
    (tmp_path / "notes.txt").write_text("opening it would be exit 2: it is no video")
    done = run("ask", "notes.txt", "what?", "--model", "mine", "-C", tmp_path, "--json")
    assert done.code == 3, done
    error = done.json["error"]
    assert (error["type"], error["where"]) == ("PolicyRefused", f"rushes.toml:policy.{key}")
    assert words in error["message"]
    assert not server.received


def test_the_licence_of_what_it_is_like_holds(
    run: Run, server: Server, clip: Path, tmp_path: Path
) -> None:
    write_project(tmp_path, server, f'{allow(server)}\nlicences = ["mit"]')
    done = run("ask", clip, "what?", "--model", "mine", "-C", tmp_path, "--json")
    assert (done.code, done.json["error"]["type"]) == (3, "LicenceRefused")
    assert not server.received


def test_explaining_sends_nothing(run: Run, server: Server, clip: Path, tmp_path: Path) -> None:
    write_project(tmp_path, server, reader="context = 8192")
    done = run("ask", clip, "what?", "--model", "mine", "--explain", "-C", tmp_path, "--json")
    assert done.code == 0, done
    assert done.json["explain"]["tokens"]["context"] == 8192
    assert not server.received


def test_an_error_of_the_server_crosses_the_process(
    run: Run, server: Server, clip: Path, tmp_path: Path
) -> None:
    write_project(tmp_path, server, allow(server))
    server.moves.append(give(404, {"error": {"message": "no model Qwen"}}))
    done = run("ask", clip, "what?", "--model", "mine", "-C", tmp_path, "--json")
    assert done.code == 4, done
    assert done.json["error"]["type"] == "ServerError"
    assert "answers 404: no model Qwen" in done.json["error"]["message"]


def test_a_token_comes_from_the_environment(
    run: Run, server: Server, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(tmp_path, server, allow(server), 'key_env = "MY_TOKEN"')
    args = ("ask", clip, "what?", "--model", "mine", "-C", tmp_path, "--json")
    monkeypatch.delenv("MY_TOKEN", raising=False)
    done = run(*args)
    assert done.code == 2, done
    assert "MY_TOKEN is not set" in done.json["error"]["message"]
    assert not server.received
    monkeypatch.setenv("MY_TOKEN", "sk-1")
    assert run(*args).code == 0
    assert server.received[0].headers["Authorization"] == "Bearer sk-1"


@pytest.mark.parametrize(
    ("policy", "reader", "words"),
    [
        ("", 'like = "x"', "valid TOML"),
        ("", "frames = 3", "frames"),
        ("", 'key = "sk-1"', "key"),
        ('servers = ["http://a:b@c"]', "", "names and passwords"),
        ('servers = ["http://a/v1"]', "", "goes on after the port"),
        ('servers = ["a"]', "", "servers"),
        ('network = "all"', "", "network"),
    ],
)
def test_what_a_project_says_wrongly(
    run: Run, server: Server, clip: Path, tmp_path: Path, policy: str, reader: str, words: str
) -> None:
    write_project(tmp_path, server, policy, reader)
    done = run("ask", clip, "what?", "--model", "mine", "-C", tmp_path, "--json")
    assert done.code == 2, done
    assert words in done.json["error"]["message"]
    assert "rushes.toml:" in done.json["error"]["where"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[readers.mine]", "[readers.spotter]", "is a reader of the catalogue"),
        ('like = "qwen3-vl-8b"', 'like = "qwen3-vl-9b"', "no reader 'qwen3-vl-9b'"),
        ("/v1", "/v1?key=1", "before ? and #"),
    ],
)
def test_a_reader_that_cannot_be(
    run: Run, server: Server, clip: Path, tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = write_project(tmp_path, server) / "rushes.toml"
    path.write_text(path.read_text().replace(old, new))
    done = run("ask", clip, "what?", "-C", tmp_path, "--json")
    assert done.code == 2, done
    assert words in done.json["error"]["message"]


def test_pull_is_refused_without_a_network(run: Run, tmp_path: Path) -> None:
    text = '[project]\nname = "a"\n[policy]\nnetwork = "none"\n'
    (tmp_path / "rushes.toml").write_text(text)
    done = run("models", "pull", "qwen3-vl-8b", "-C", tmp_path, "--json")
    assert done.code == 3, done
    assert done.json["error"]["where"] == "rushes.toml:policy.network"


def test_an_answer_follows_a_schema(run: Run, server: Server, clip: Path, tmp_path: Path) -> None:
    write_project(tmp_path, server, allow(server))
    (tmp_path / "a.json").write_text('{"type": "integer"}')
    said = iter(["two", "2", "two", "two", "two"])
    server.answer = lambda body: make_answer(next(said))
    args = ("ask", clip, "how many?", "--model", "mine", "--schema", "a.json", "-C", tmp_path)
    done = run(*args, "--json")
    assert done.code == 0, done
    assert (done.json["value"], done.json["tokens"]) == (2, 84)
    first, second = (r.body["messages"][0]["content"] for r in server.received)
    assert first[:-1] == second[:-1]
    assert '{"type":"integer"}' in first[-1]["text"]
    assert "it is no JSON" in second[-1]["text"]
    assert server.received[0].body["max_tokens"] == 1024
    done = run(*args, "--json", "--no-keep")
    assert (done.code, done.json["error"]["type"]) == (4, "AnswerInvalid")
    assert len(server.received) == 5
