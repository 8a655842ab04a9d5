"""find, describe and when-questions over a file of scenes, with a server that sees brightness."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from rushes.cli.main import main
from rushes.plan.nodes import Node
from rushes.readers.base import Span
from rushes.run.locating import Hit, agree, choose_hits, join_hits
from rushes.run.parts import Part
from rushes.stages.ask import AnswerRow
from tests.readers.loopback import Server, give, make_answer, start_server
from tests.run.footage import write_footage

Call = Callable[..., tuple[int, Any]]
LEVELS = (20, 220, 120, 220, 60)
"""Of five scenes of four seconds each."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "film.mp4"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=8, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in LEVELS:
            for _ in range(32):
                picture = np.full((48, 64, 3), level, np.uint8)
                box.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        box.mux(stream.encode())
    return path


def see(body: Any) -> list[float]:
    """Brightness of every picture that was sent."""
    urls = [p["image_url"]["url"] for p in body["messages"][0]["content"] if "image_url" in p]
    data = [base64.b64decode(url.partition(",")[2]) for url in urls]
    return [float(np.asarray(Image.open(io.BytesIO(one))).mean()) for one in data]


def answer(body: Any) -> dict[str, Any]:
    asked, levels = body["messages"][0]["content"][-1]["text"], see(body)
    bright = sum(levels) / len(levels) > 190
    if asked.startswith("when"):
        return make_answer("at 1.0 s" if bright else "not in this clip")
    if asked == "what happens?":
        return make_answer("it is bright" if bright else "it is dark")
    return make_answer("Yes." if bright else "No.")


@pytest.fixture
def server() -> Iterator[Server]:
    with start_server() as server:
        server.answer = answer
        yield server


@pytest.fixture
def call(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    write_footage(tmp_path, server)

    def call(*args: str | Path) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*map(str, args), "--model", "mine", "-C", str(tmp_path), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


def test_find_gives_intervals_with_their_frames_and_goes_on_after_a_stop(
    call: Call, server: Server, film: Path
) -> None:
    server.moves = [give(200, answer_to("No.")), give(400, {"error": "stop"})]
    code, document = call("find", "it is bright", film)
    assert code == 4
    assert document["files"][0]["error"]["type"] == "ServerError"
    before = len(server.received)
    code, document = call("find", "it is bright", film)
    assert code == 0, document
    (found,) = document["files"]
    assert [(i["start_seconds"], i["end_seconds"]) for i in found["intervals"]] == [
        (4.0, 8.0), (12.0, 16.0)
    ]  # fmt: skip
    assert found["intervals"][0]["score"] == 1.0
    assert all(4.0 <= t < 8.0 for t in found["intervals"][0]["frames"])
    assert len(server.received) - before < 2 * found["windows"], "what was answered is kept"
    sent = len(server.received)
    assert call("find", "it is bright", film)[1] == document
    assert len(server.received) == sent


def answer_to(text: str) -> dict[str, Any]:
    return make_answer(text)


def test_chapters_are_scenes_and_neighbours_of_one_text_are_one(
    call: Call, film: Path, tmp_path: Path
) -> None:
    code, document = call("describe", film, "--format", "vtt", "--out", "film.vtt")
    assert code == 0, document
    assert [(c["start_seconds"], c["end_seconds"], c["text"]) for c in document["chapters"]] == [
        (0.0, 4.0, "it is dark"),
        (4.0, 8.0, "it is bright"),
        (8.0, 12.0, "it is dark"),
        (12.0, 16.0, "it is bright"),
        (16.0, 20.0, "it is dark"),
    ]
    assert (tmp_path / "film.vtt").read_text().count("-->") == 5
    part = call("describe", film, "--from", "5", "--to", "7")[1]
    assert [(c["start_seconds"], c["end_seconds"]) for c in part["chapters"]] == [(5.0, 7.0)]


def test_when_something_happens_in_a_long_file_is_asked_window_by_window(
    call: Call, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rushes.run.asking.wants_windows", lambda *_: True)
    code, document = call("ask", film, "when is it bright?", "--evidence", "seen")
    assert code == 0, document
    assert list(document)[:5] == ["answer", "spans", "frames", "model", "tokens"]
    assert [span["start_seconds"] for span in document["spans"]] == [5.0, 13.0]
    assert document["answer"] == "at 0:05.0, at 0:13.0"
    assert all(4 <= t < 8 or 12 <= t < 16 for t in document["frames"])
    assert len(list((tmp_path / "seen").glob("*.png"))) == len(document["frames"])


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red box in a grey room, and after four seconds a blue one."""
    path = tmp_path_factory.mktemp("room") / "room.mp4"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=8, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(64):
            picture = np.full((48, 64, 3), 128, np.uint8)
            picture[16:28, 24:36] = (220, 30, 40) if k < 32 else (40, 70, 230)
            box.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        box.mux(stream.encode())
    return path


def see_red(body: Any) -> dict[str, Any]:
    asked = body["messages"][0]["content"][-1]["text"]
    urls = [p["image_url"]["url"] for p in body["messages"][0]["content"] if "image_url" in p]
    pictures = [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in urls]
    levels = [np.asarray(one.convert("RGB")).astype(float).mean((0, 1)) for one in pictures]
    red = any(level[0] > level[2] + 3 for level in levels)
    if asked.startswith("when"):
        return make_answer("at 1.0 s" if red else "not in this clip")
    return make_answer("Yes." if red else "No.")


def test_a_hit_ends_at_a_cut_that_was_only_suspected(
    call: Call, server: Server, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = see_red
    code, document = call("find", "there is a red box", room)
    assert code == 0, document
    (found,) = document["files"]
    assert found["windows"] == 1
    assert [(i["start_seconds"], i["end_seconds"]) for i in found["intervals"]] == [(0.0, 4.0)]
    assert all(t < 4.0 for t in found["intervals"][0]["frames"])
    monkeypatch.setattr("rushes.run.asking.wants_windows", lambda *_: True)
    code, document = call("ask", room, "when does the red box appear?")
    assert document["answer"] == "at 0:01.0"
    assert all(t < 4.0 for t in document["frames"])


def test_a_terminal_is_told_the_answer_of_all_windows(
    call: Call,
    film: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from rushes.cli.asking import Asking
    from rushes.cli.speaking import speak_answers
    from rushes.readers.sampling import EVERYTHING
    from rushes.run.reader import find_policy

    for module in ("asking", "locating"):
        monkeypatch.setattr(f"rushes.run.{module}.wants_windows", lambda *_: True)
    asking = Asking(tmp_path, "mine", "cpu", find_policy(tmp_path), EVERYTHING, None, True, 1)
    capsys.readouterr()
    assert speak_answers(asking, str(film), ["when is it bright?"]) == 0
    assert capsys.readouterr().out == (
        "at 0:05.0, at 0:13.0\n  5.00–5.00 s  at 1.0 s\n  13.00–13.00 s  at 1.0 s\n"
    )


def test_what_a_long_file_takes_is_explained(call: Call, film: Path) -> None:
    question = "when does the red ball first land?"
    explained = call("ask", film, question, "--explain", "--fps", "100")[1]["explain"]
    assert explained["long"] == [
        {
            "question": question,
            "window_seconds": 8.0,
            "windows": 3,
            "statements": ["is there a red ball?", "does the red ball land?"],
            "looks": 3,
        }
    ]
    assert "long" not in call("ask", film, "is it bright?", "--explain")[1]["explain"]
    explained = call("find", "it is bright", film, "--window", "2", "--to", "9", "--explain")[1]
    (found,) = explained["explain"]["files"]
    assert (found["window_seconds"], found["windows"]) == (2.0, 5)
    assert found["statements"] == ["is it true that it is bright?"]


def test_what_no_window_shows_is_not_asked_for_its_time(
    call: Call, server: Server, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rushes.run.asking.wants_windows", lambda *_: True)
    server.answer = lambda body: make_answer("no")
    code, document = call("ask", film, "when does it first snow?")
    assert (code, document["answer"], document["spans"]) == (0, "not in this clip", [])
    texts = {one.body["messages"][0]["content"][-1]["text"] for one in server.received}
    assert texts == {"does it snow?"}


def make_hit(seconds: float, score: float, *named: float) -> tuple[Hit, list[Part]]:
    """A hit, and the closer looks at it with the time that each names."""

    def make_part(time: float) -> Part:
        spans = (Span(time, time, f"at {time} s"),) if time >= 0 else ()
        row = AnswerRow("", "when?", "it is there", spans, (round(time, 1),), "mine", 9)
        return Part((0.0, 8.0), (row,), Node(None, "sample", None, ()))  # type: ignore[arg-type]

    part = make_part(seconds)
    return Hit(part.rows[0].spans[0], score, part.rows[0].frames, part), [*map(make_part, named)]


def test_a_time_counts_as_far_as_closer_looks_agree() -> None:
    hit = agree(*make_hit(3.0, 0.9, 3.4, 3.2), 1.0)
    assert (hit.span.start_seconds, hit.score, hit.frames) == (3.2, 0.9, (3.0, 3.2, 3.4))
    hit = agree(*make_hit(3.0, 0.9, 5.0, -1.0), 1.0)
    assert (hit.span.start_seconds, hit.score) == (3.0, pytest.approx(0.3))


def test_the_likely_times_answer_and_else_the_likeliest() -> None:
    early, late, doubtful = (make_hit(*one)[0] for one in ((2.0, 0.6), (9.0, 0.9), (1.0, 0.2)))
    hits = join_hits([late, early, doubtful, make_hit(9.1, 0.7)[0]], 0.2)
    assert hits == [doubtful, early, late]
    assert choose_hits(hits, "first") == ([early], True)
    assert choose_hits(hits, "last") == ([late], True)
    assert choose_hits(hits, "all") == ([early, late], True)
    assert choose_hits([doubtful], "all") == ([doubtful], False)
    assert choose_hits([], "all") == ([], False)


def test_only_questions_for_a_time_in_long_files_are_asked_so(film: Path) -> None:
    from rushes.catalogue.load import find_reader_entry
    from rushes.readers.budget import read_entry
    from rushes.readers.selection import Selection
    from rushes.run.locating import wants_windows

    settings = read_entry(find_reader_entry("spotter"))

    def wants(question: str, **said: Any) -> bool:
        return wants_windows(settings, film, question, Selection(**said))

    assert wants("When does it land?")
    assert wants("at what time does it land?")
    assert not wants("what happens when it lands?")
    assert not wants("when does it land?", frames=4)
    assert not wants("when does it land?", end_seconds=4.0)
