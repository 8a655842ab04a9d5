"""Answers word by word: out of servers, out of models, and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import ServerError, ServerUnreachable
from rushes.readers.base import find_reader
from rushes.readers.http import EventReader
from rushes.readers.openai import open_server
from rushes.readers.speaking import Speaker
from tests.readers.checkpoints import SPOTTER, make_frames, write_clip
from tests.readers.loopback import Move, Server, cut, give, start_server


def stream(*pieces: Any, break_off: bool = False) -> Move:
    """Answer as OpenAI's servers stream, a document an event."""

    def move(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        if break_off:
            handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(b": keep-alive\r\n\r\n")
        for piece in pieces:
            data = piece if isinstance(piece, bytes) else json.dumps(piece).encode()
            handler.wfile.write(b"data: " + data + b"\n\n")
            handler.wfile.flush()
        handler.close_connection = True

    return move


def say(words: str | None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if words is None else {"content": words}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"choices": [choice], "model": "its-own", **more}


WHOLE = (say(""), say(" a ba"), say("ll, at"), say(" 0.5 s"), say(None, "stop"),
         {"choices": [], "usage": {"total_tokens": 42}}, b"[DONE]")  # fmt: skip


@pytest.fixture
def server() -> Iterator[Server]:
    with start_server() as server:
        yield server


def test_words_come_as_they_are_said(server: Server) -> None:
    server.moves.append(stream(*WHOLE))
    words: list[str] = []
    with open_server(server.describe(), {}) as reader:
        answer = reader.ask(make_frames(), "what?", on_words=words.append)
        whole = reader.ask(make_frames(), "what?")
    assert words == ["a ba", "ll, at", " 0.5 s"]
    assert answer == whole
    assert [r.body["stream"] for r in server.received] == [True, False]
    assert "stream_options" not in server.received[0].body


def test_a_server_that_does_not_stream_is_heard_all_the_same(server: Server) -> None:
    words: list[str] = []
    with open_server(server.describe(), {}) as reader:
        answer = reader.ask(make_frames(), "what?", on_words=words.append)
    assert words == [answer.answer]


def test_a_server_that_is_cut_off_first_is_asked_again(server: Server) -> None:
    server.moves += [cut, give(503, {}), stream(*WHOLE)]
    with open_server(server.describe(), {}) as reader:
        reader.sender.wait = lambda seconds: None
        assert reader.ask(make_frames(), "what?", on_words=lambda w: None).tokens == 42
    assert len(server.received) == 3


@pytest.mark.parametrize(
    ("move", "kind", "words"),
    [
        (stream(say("a"), break_off=True), ServerUnreachable, "in the middle"),
        (stream(say("a")), ServerError, "in the middle"),
        (stream(say("a"), {"error": {"message": "out of memory"}}), ServerError, "out of memory"),
        (stream(say("a"), b"{"), ServerError, "no JSON"),
        (stream(say(None, "length")), ServerError, "no words"),
        (stream(b"3"), ServerError, "stopped its answer"),
    ],
)
def test_what_breaks_off_is_not_asked_again(
    server: Server, move: Move, kind: type[Exception], words: str
) -> None:
    server.moves.append(move)
    with open_server(server.describe(), {}) as reader, pytest.raises(kind, match=words):
        reader.ask(make_frames(), "what?", on_words=lambda w: None)
    assert len(server.received) == 1


@given(st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"").replace(b"\r", b""))),
       st.data())  # fmt: skip
def test_events_are_the_same_in_pieces_of_any_size(lines: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(b"data: " + line + b"\r\n\r\n" for line in lines)
    found: list[bytes] = []
    reader, start = EventReader(found.append), 0
    while start < len(whole):
        size = data.draw(st.integers(1, len(whole)))
        reader.feed(whole[start : start + size])
        start += size
    assert found == [line for line in lines if line not in (b"", b"[DONE]")]


def test_a_model_says_its_words_one_by_one() -> None:
    reader = find_reader("qwen3vl").open(SPOTTER, "cpu")
    words: list[str] = []
    frames = make_frames()
    answer = reader.ask(frames, "what?", max_tokens=12, on_words=words.append)
    assert "".join(words).strip() == answer.answer
    assert answer == reader.ask(frames, "what?", max_tokens=12)


class Bytes:
    """A tokenizer whose tokens are bytes."""

    def decode(self, tokens: list[int], *, skip_special_tokens: bool) -> str:
        return bytes(tokens).decode(errors="replace")


@given(st.binary(max_size=30), st.data())
def test_what_is_told_in_pieces_is_the_whole(said: bytes, data: st.DataObject) -> None:
    told: list[str] = []
    speaker = Speaker(Bytes(), told.append)
    rest = list(said)
    while rest:
        count = data.draw(st.integers(1, len(rest)))
        speaker.hear(rest[:count])
        rest = rest[count:]
    speaker.end()
    assert "".join(told) == said.decode(errors="replace").lstrip()


def test_a_letter_is_told_when_it_is_whole() -> None:
    told: list[str] = []
    speaker = Speaker(Bytes(), told.append)
    for byte in "né".encode():
        speaker.hear([byte])
    assert told == ["n", "é"]


def test_a_terminal_shows_words_and_a_pipe_the_whole(server: Server, tmp_path: Path) -> None:
    (tmp_path / "rushes.toml").write_text(
        f'[project]\nname = "a"\n[policy]\nservers = ["{server.origin}"]\n'
        f'[readers.mine]\nserver = "{server.url}"\nserved = "x"\nlike = "qwen3-vl-8b"\n'
    )
    write_clip(tmp_path / "clip.mp4", [Fraction(k, 16) for k in range(24)])
    command = [sys.executable, "-m", "rushes", "ask", "clip.mp4", "what?", "--model", "mine"]
    server.moves.append(stream(*WHOLE))
    parent, child = pty.openpty()
    done = subprocess.run(command, stdout=child, stderr=subprocess.PIPE, cwd=tmp_path, check=False)
    os.close(child)
    assert done.returncode == 0, done.stderr
    shown = os.read(parent, 10_000).decode()
    os.close(parent)
    assert shown.replace("\r\n", "\n") == "a ball, at 0.5 s\n  0.50–0.50 s  at 0.5 s\n"
    assert server.received[0].body["stream"] is True
    hit = subprocess.run([*command, "--json"], capture_output=True, cwd=tmp_path, check=False)
    assert json.loads(hit.stdout)["answer"] == "a ball, at 0.5 s"
    assert len(server.received) == 1
