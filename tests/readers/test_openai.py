"""The reader behind a server, against a real one on loopback."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rushes.catalogue.server import ServedReader, find_origin
from rushes.errors import RushesError, ServerError, ServerUnreachable, UsageError
from rushes.readers import http
from rushes.readers.base import Frames
from rushes.readers.openai import make_settings, open_server
from tests.readers.loopback import Server, cut, drip, give, make_answer, stall, start_server


@pytest.fixture
def server() -> Iterator[Server]:
    with start_server() as server:
        yield server


def make_frames(count: int = 3, height: int = 64, width: int = 96) -> Frames:
    pixels = np.zeros((count, height, width, 3), np.uint8)
    for k in range(count):
        pixels[k, :, : width // 2] = (200, 40 * k, 10)
    return Frames(tuple(pixels), tuple(0.5 * k for k in range(count)), "clip.mp4")


def ask(
    server: ServedReader,
    question: str = "what?",
    frames: Frames | None = None,
    waits: list[float] | None = None,
    **env: str,
) -> Any:
    with open_server(server, env) as reader:
        reader.sender.wait = (lambda seconds: None) if waits is None else waits.append
        return reader.ask(make_frames() if frames is None else frames, question)


def open_picture(url: str) -> Image.Image:
    head, _, data = url.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def test_pictures_are_sent_each_after_its_time(server: Server) -> None:
    frames = make_frames()
    answer = ask(server.describe(), " what happens? ", frames)
    (got,) = server.received
    assert got.path == "/v1/chat/completions"
    assert "Authorization" not in got.headers
    assert (got.body["model"], got.body["temperature"], got.body["stream"]) == ("Qwen/x", 0, False)
    assert got.body["max_tokens"] == 256
    (message,) = got.body["messages"]
    *parts, question = message["content"]
    assert question == {"type": "text", "text": "what happens?"}
    assert [part["type"] for part in parts] == ["text", "image_url"] * 3
    assert [p["text"] for p in parts[::2]] == ["0.0 seconds:", "0.5 seconds:", "1.0 seconds:"]
    for part, pixels in zip(parts[1::2], frames.pixels, strict=True):
        seen = np.asarray(open_picture(part["image_url"]["url"]).convert("RGB")).astype(int)
        assert np.abs(seen - pixels).mean() < 6
    assert answer.answer == "a ball, at 0.5 s"
    assert [(s.start_seconds, s.end_seconds) for s in answer.spans] == [(0.5, 0.5)]
    assert (answer.model, answer.tokens, answer.frames) == ("mine", 42, frames.seconds)
    assert answer.to_dict()["server"] == {"url": server.url, "model": "its-own"}


def test_frames_may_go_as_one_video_with_their_times_in_a_sentence(server: Server) -> None:
    ask(server.describe(frames="video"))
    video, times, _ = server.received[0].body["messages"][0]["content"]
    head, *coded = video["video_url"]["url"].split(",")
    assert (video["type"], head) == ("video_url", "data:video/jpeg;base64")
    assert [Image.open(io.BytesIO(base64.b64decode(c))).size for c in coded] == [(96, 64)] * 3
    assert "0.0, 0.5, 1.0" in times["text"]


def test_a_frame_is_sent_no_larger_than_the_model_sees_it(server: Server) -> None:
    described = server.describe()
    frames = make_frames(4, 2160, 3840)
    size = make_settings(described).measure(4, 2160, 3840)
    base = make_settings(described).base.measure(4, 2160, 3840)
    assert size.height * size.width <= 1.001 * base.height * base.width
    assert size.width / size.height == pytest.approx(16 / 9, abs=0.01)
    assert size.tokens > base.tokens, "pictures are not read in pairs"
    ask(server.describe(like="internvl3-8b"), frames=frames)
    parts = server.received[0].body["messages"][0]["content"]
    columns, rows = open_picture(parts[1]["image_url"]["url"]).size
    assert columns * rows == pytest.approx(448 * 448, rel=0.01)
    assert columns / rows == pytest.approx(16 / 9, abs=0.01)


def test_frames_are_encoded_once_for_all_questions(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rushes.readers import openai

    count, encode = [], openai.encode_frame
    monkeypatch.setattr(openai, "encode_frame", lambda *a: count.append(1) or encode(*a))
    frames = make_frames()
    with open_server(server.describe(), {}) as reader:
        reader.ask(frames, "what?")
        reader.ask(frames, "who?")
    assert len(count) == 3
    first, second = (got.body["messages"][0]["content"] for got in server.received)
    assert first[:-1] == second[:-1]
    assert second[-1]["text"] == "who?"


def test_a_model_that_thinks_is_told_not_to(server: Server) -> None:
    ask(server.describe(like="qwen3.5-4b"))
    ask(server.describe())
    first, second = (got.body for got in server.received)
    assert first["chat_template_kwargs"] == {"enable_thinking": False}
    assert "chat_template_kwargs" not in second


def test_a_token_is_sent_and_in_no_message(server: Server) -> None:
    described = server.describe(key_env="MY_TOKEN")
    ask(described, MY_TOKEN="sk-secret\n")
    assert server.received[0].headers["Authorization"] == "Bearer sk-secret"
    server.moves.append(give(401, {"error": {"message": "wrong key sk-secret"}}))
    with pytest.raises(ServerError, match=r"answers 401: wrong key \*\*\*") as caught:
        ask(described, MY_TOKEN="sk-secret")
    assert "key_env" in str(caught.value.hint)


@pytest.mark.parametrize("env", [{}, {"MY_TOKEN": " "}, {"MY_TOKEN": "a\nb"}, {"MY_TOKEN": "ä"}])
def test_a_token_that_is_not_there_is_an_error_before_anything_is_sent(
    server: Server, env: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match="MY_TOKEN") as caught:
        ask(server.describe(key_env="MY_TOKEN"), **env)
    assert not server.received
    assert all(not value.strip() or value not in caught.value.message for value in env.values())


@pytest.mark.parametrize(
    "move",
    [give(429, {}), give(500, b"oops"), give(503, {}), cut],
    ids=["429", "500", "503", "cut"],
)
def test_what_may_pass_is_asked_again(server: Server, move: Any) -> None:
    waits: list[float] = []
    server.moves += [move, move]
    assert ask(server.describe(), waits=waits).answer
    assert len(server.received) == 3
    assert server.received[0].body == server.received[2].body
    assert 0.25 <= waits[0] <= 0.5 <= waits[1] <= 1.0


def test_a_pause_that_the_server_asks_for_is_kept(server: Server) -> None:
    waits: list[float] = []
    server.moves += [give(429, {}, Retry_After="7"), give(503, {}, Retry_After="0")]
    ask(server.describe(), waits=waits)
    assert waits == [7.0, 0.0]


def test_a_pause_that_is_too_long_is_an_error(server: Server) -> None:
    waits: list[float] = []
    server.moves.append(give(429, {"error": {"message": "later"}}, Retry_After="3600"))
    with pytest.raises(ServerError, match="answers 429: later") as caught:
        ask(server.describe(), waits=waits)
    assert "3600 s" in str(caught.value.hint)
    assert not waits


def test_it_gives_up_after_so_many_times(server: Server) -> None:
    server.moves += [give(500, b"oops")] * 9
    with pytest.raises(ServerError, match=r"answers 500 \(3 times\): oops"):
        ask(server.describe(retries=2))
    assert len(server.received) == 3
    server.moves[:] = [cut] * 9
    with pytest.raises(ServerUnreachable, match=r"cannot be reached: .*, tried 3 times"):
        ask(server.describe(retries=2))
    assert len(server.received) == 6


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 501])
def test_what_it_refuses_is_not_asked_again(server: Server, status: int) -> None:
    server.moves.append(give(status, {"detail": "no such thing"}))
    with pytest.raises(ServerError, match=f"answers {status}: no such thing"):
        ask(server.describe())
    assert len(server.received) == 1


def test_a_redirect_is_not_followed(server: Server) -> None:
    with start_server() as other:
        server.moves.append(give(307, {}, Location=f"{other.url}/chat/completions"))
        with pytest.raises(ServerError, match=r"points to http.*nothing was sent there"):
            ask(server.describe())
        assert not other.received


def test_a_proxy_of_the_environment_is_not_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_server() as other:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, other.origin)
        ask(server.describe())
        assert not other.received
    assert len(server.received) == 1


def test_a_slow_server_is_not_asked_again(server: Server) -> None:
    release = threading.Event()
    server.moves.append(stall(release))
    with pytest.raises(ServerUnreachable, match=r"did not answer in 0.3 s") as caught:
        ask(server.describe(timeout_seconds=0.3))
    release.set()
    assert len(server.received) == 1
    assert "timeout_seconds" in str(caught.value.hint)


def test_a_server_that_drips_is_cut_off(server: Server) -> None:
    server.moves.append(drip(10))
    with pytest.raises(ServerUnreachable, match=r"did not answer in 0\.4 s"):
        ask(server.describe(timeout_seconds=0.4))


def test_nobody_there(server: Server) -> None:
    with start_server() as gone:
        pass
    with pytest.raises(ServerUnreachable, match="ConnectError, tried 2 times"):
        ask(gone.describe(retries=1))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"<html>hello</html>", "what is no JSON: <html>hello</html>"),
        (b"\xff\xfe", "what is no JSON"),
        (b"", "what is no JSON"),
        ({}, "holds no answer"),
        ([], "holds no answer"),
        ("text", "holds no answer"),
        ({"choices": []}, "holds no answer"),
        ({"choices": [{}]}, "holds no answer"),
        ({"choices": [{"message": "text"}]}, "holds no answer"),
        (make_answer(None), "answers with no words"),
        (make_answer("  "), "answers with no words"),
        (make_answer([{"type": "image"}]), "answers with no words"),
    ],
    ids=str,
)
def test_nonsense_is_one_clear_error_and_not_asked_again(
    server: Server, document: Any, words: str
) -> None:
    server.moves.append(give(200, document))
    with pytest.raises(ServerError) as caught:
        ask(server.describe())
    assert words in caught.value.message
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "document",
    [
        make_answer([{"type": "text", "text": "a "}, {"type": "text", "text": "ball"}], usage=None),
        make_answer("a ball", usage={}, model=None),
    ],
)
def test_what_an_answer_may_leave_out(server: Server, document: Any) -> None:
    server.moves.append(give(200, document))
    answer = ask(server.describe())
    assert (answer.answer, answer.tokens) == ("a ball", 0)


def test_an_answer_too_large_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 10_000)
    server.moves.append(give(200, make_answer("x" * 20_000)))
    with pytest.raises(ServerError, match="more than 10,000 bytes"):
        ask(server.describe())


def test_an_empty_question_is_not_sent(server: Server) -> None:
    with pytest.raises(UsageError, match="the question is empty"):
        ask(server.describe(), " \n")
    assert not server.received


@given(st.binary(max_size=200))
def test_any_error_of_a_server_has_a_message(said: bytes) -> None:
    assert isinstance(http.find_message(said), str)


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@given(st.text(max_size=40) | st.from_regex(r"\d{1,40}", fullmatch=True))
def test_any_pause_is_read_or_left(header: str) -> None:
    pause = http.read_pause(header, NOW)
    assert pause is None or pause >= 0


@given(st.integers(-(10**6), 10**6))
def test_a_pause_may_be_a_date(seconds: int) -> None:
    import email.utils

    date = email.utils.format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert http.read_pause(date, NOW) == max(seconds, 0)


@given(st.integers(0, 20))
def test_pauses_are_bounded(number: int) -> None:
    longest = min(0.5 * 2**number, 30.0)
    assert longest / 2 <= http.choose_pause(number) <= longest


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://A.example/v1", "http://a.example:80"),
        ("https://a.example", "https://a.example:443"),
        ("http://[::1]:8000/v1/", "http://[::1]:8000"),
    ],
)
def test_the_origin_of_an_address(url: str, origin: str) -> None:
    assert find_origin(url) == origin
    assert find_origin(origin) == origin


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/",
        "http://",
        "http://u:p@a/",
        "http://a:70000/",
        "http://a/?x=1",
        "http://a/#b",
        "a",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        find_origin(url)
    assert "u:p" not in str(caught.value)


def test_its_errors_are_of_the_tree() -> None:
    assert issubclass(ServerUnreachable, RushesError)
    assert ServerError.exit_code == 4
