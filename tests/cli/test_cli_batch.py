"""rushes ask --batch: many files, errors by file, hits the second time, killed and gone on."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.readers.checkpoints import write_clip
from tests.readers.loopback import Server, give, make_answer, start_server
from tests.run.footage import write_footage


@pytest.fixture
def server() -> Iterator[Server]:
    with start_server() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, server: Server) -> Path:
    folder = write_footage(tmp_path, server)
    for number in range(3):
        clip = folder / "footage" / f"{number}.mp4"
        clip.parent.mkdir(exist_ok=True)
        write_clip(clip, [Fraction(k, 8) for k in range(8 + number)])
    (folder / "footage" / "1b.mp4").write_text("no film")
    return folder


def read_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_file_has_its_line_and_a_second_run_asks_nothing(
    run: Run, server: Server, folder: Path
) -> None:
    (folder / "list.txt").write_text("# mine\nfootage/2.mp4\nfootage/gone.mp4\n")
    args = ("ask", "--batch", "footage", "--batch", "list.txt", "who?", "what?", "--model", "mine")
    done = run(*args, "-C", folder)
    assert done.code == 2, "the highest of all: a file is no film"
    lines = read_lines(done.out)
    assert [line["file"] for line in lines] == [
        f"footage/{name}.mp4" for name in ("0", "1", "1b", "2", "gone")
    ]
    assert [a["question"] for a in lines[0]["answers"]] == ["who?", "what?"]
    assert lines[0]["answers"][0]["frames"]
    assert lines[2]["error"]["type"] == "UsageError"
    assert "cannot read gone.mp4" in lines[4]["error"]["message"]
    assert "5 files: 3 read, 0 of them stored before, 2 failed" in done.err
    sent = len(server.received)
    assert sent == 6
    again = run(*args, "-C", folder, "--out", "answers.jsonl", "--json")
    assert again.json == {"files": 5, "read": 3, "stored": 3, "failed": 2, "unknown": 0}
    assert read_lines((folder / "answers.jsonl").read_text()) == lines
    assert len(server.received) == sent


def test_what_was_answered_before_a_stop_is_not_asked_again(
    run: Run, server: Server, folder: Path
) -> None:
    args = ("ask", "--batch", "footage/[0-2].mp4", "who?", "--model", "mine", "-C", folder)
    server.moves = [give(200, {}), give(503, {"error": "going down"})]
    stopped = run(*args)
    assert stopped.code == 4
    errors = [line.get("error", {}).get("type") for line in read_lines(stopped.out)]
    assert errors == ["ServerError", "ServerError", None]
    before = len(server.received)
    assert run(*args).code == 0
    assert len(server.received) == before + 2
    assert run(*args).code == 0
    assert len(server.received) == before + 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--batch", "nothing", "who?"), "there is no file nothing"),
        (("--batch", "empty", "who?"), "holds no videos"),
        (("--batch", "footage", " "), "the question is empty"),
        (("--batch", "footage", "who?", "--explain"), "about a single file"),
        (("--batch", "footage", "who?"), "needs --out"),
        (("footage/0.mp4", "who?", "--out", "x"), "lines of a batch"),
    ],
)
def test_what_cannot_be_a_batch_is_one_clear_error(
    run: Run, folder: Path, args: tuple[str, ...], words: str
) -> None:
    (folder / "empty").mkdir()
    done = run("ask", *args, "--model", "mine", "-C", folder, "--json")
    assert done.code == 2, done
    assert words in done.json["error"]["message"]


def test_pictures_of_what_was_looked_at(run: Run, folder: Path) -> None:
    args = ("ask", "footage/0.mp4", "who?", "--model", "mine", "--evidence", "seen", "-C", folder)
    document = run(*args, "--json").json
    assert [Path(path).name for path in document["evidence"]] == [
        f"{seconds:010.3f}s.png" for seconds in document["frames"]
    ]
    assert (folder / "seen" / "000000.000s.png").read_bytes().startswith(b"\x89PNG")


def test_not_knowing_is_offered_and_counted(run: Run, server: Server, folder: Path) -> None:
    server.answer = lambda body: make_answer("Not in this clip.")
    args = ("ask", "--batch", "footage/[01].mp4", "who?", "--unknown", "--model", "mine")
    done = run(*args, "-C", folder, "--out", "lines.jsonl", "--json")
    assert (done.code, done.json["unknown"]) == (0, 2)
    asked = server.received[0].body["messages"][0]["content"][-1]["text"]
    assert asked == "who? If the video does not show it, answer: not in this clip."
    (first, _) = read_lines((folder / "lines.jsonl").read_text())
    assert first["answers"][0]["question"] == "who?"


def test_ctrl_c_loses_no_line_and_the_next_run_goes_on(
    run: Run, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rushes.run.reading.CHUNK", 1)
    args = ("ask", "--batch", "footage/[0-2].mp4", "who?", "--model", "mine", "-C", folder)
    answer = server.answer

    def interrupt(body: Any) -> Any:
        if len(server.received) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return answer(body)

    server.answer = interrupt
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's "&" ignores it
    try:
        stopped = run(*args, "--out", "lines.jsonl")
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.code == 130
    assert len(read_lines((folder / "lines.jsonl").read_text())) == 1
    server.answer = answer
    assert run(*args, "--out", "lines.jsonl").code == 0
    assert len(read_lines((folder / "lines.jsonl").read_text())) == 3
    asked = len(server.received)
    assert asked <= 4, "only what was under way is asked again"
    assert run(*args).code == 0
    assert len(server.received) == asked
