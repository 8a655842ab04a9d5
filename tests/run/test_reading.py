"""Readings through the store: what is sampled once, asked once, and found again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest

from rushes.errors import UsageError
from rushes.readers.selection import Selection
from rushes.run.reader import find_policy
from rushes.run.reading import Reading, Session, open_reading, take_one
from rushes.run.retention import open_ledger
from rushes.store.store import Store
from tests.readers.checkpoints import write_clip
from tests.readers.loopback import Server, give, make_answer, start_server


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reading") / "clip.mp4"
    return write_clip(path, [Fraction(k, 16) for k in range(24)])


@pytest.fixture
def server() -> Iterator[Server]:
    with start_server() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, server: Server) -> Path:
    tmp_path.joinpath("rushes.toml").write_text(f'''
[project]
name = "footage"
[policy]
servers = ["{server.origin}"]
[readers.mine]
server = "{server.url}"
served = "its-own"
like = "qwen3-vl-8b"
retries = 0
''')
    return tmp_path


@contextmanager
def session(folder: Path) -> Iterator[Session]:
    with open_reading(folder, "mine", project=find_policy(folder)) as opened:
        yield opened


def stages(store: Path) -> list[str]:
    ledger = open_ledger(Store(store))
    return [row.stage for row in ledger.nodes()][::-1]


def read(folder: Path, *questions: str, path: Path, **more: object) -> Reading:
    with session(folder) as opened:
        return take_one(opened.read([path], questions, **more))  # type: ignore[arg-type]


def test_a_second_reading_is_hits_and_another_question_needs_no_sampling(
    folder: Path, server: Server, clip: Path
) -> None:
    first = read(folder, "what?", path=clip)
    assert (first.ran, first.hits) == (2, 0)
    again = read(folder, "what?", path=clip)
    assert (again.ran, again.hits) == (0, 2)
    assert again.answers == first.answers
    assert len(server.received) == 1
    other = read(folder, "a much longer question about who is there and why?", path=clip)
    assert (other.ran, other.hits) == (1, 1)
    assert other.answers[0].frames == first.answers[0].frames
    assert stages(folder / ".rushes") == ["sample", "ask_server", "ask_server"]
    part = read(folder, "what?", path=clip, selection=Selection(end_seconds=1.0))
    assert part.ran == 2
    assert max(part.answers[0].frames) < 1.0 < max(first.answers[0].frames)


def test_a_copy_of_a_file_shares_its_readings_and_a_changed_one_does_not(
    folder: Path, server: Server, clip: Path
) -> None:
    copy = folder / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    first, second = read(folder, "what?", path=clip), read(folder, "what?", path=copy)
    assert second.ran == 0
    assert first.plan is not None
    key = first.plan.sample.key
    assert key is not None
    assert Store(folder / ".rushes").index.sources.find_paths(key) == {str(clip), str(copy)}
    write_clip(copy, [Fraction(k, 8) for k in range(12)])
    assert read(folder, "what?", path=copy).ran == 2


def test_a_files_fault_is_in_its_reading_and_the_others_go_on(
    folder: Path, server: Server, clip: Path
) -> None:
    (folder / "notes.txt").write_text("no film")
    cut = folder / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[:400])
    sources = [clip, folder / "notes.txt", folder / "gone.mp4", cut]
    server.moves = [give(400, {"error": "no"})]
    with session(folder) as opened:
        found = list(opened.read(sources, ["what?"]))
    assert [one.error is None for one in found] == [False, False, False, False]
    kinds = [type(one.error).__name__ for one in found]
    assert kinds == ["ServerError", "UsageError", "UsageError", "UsageError"]
    assert (
        read(folder, "what?", path=clip).answers[0].answer
        == make_answer()["choices"][0]["message"]["content"]
    )


def test_kept_frames_are_what_was_read_and_come_back_when_they_are_lost(
    folder: Path, server: Server, clip: Path
) -> None:
    with session(folder) as opened:
        reading = take_one(opened.read([clip], ["what?"]))
        before = opened.fetch_frames(reading)
        assert before.seconds == reading.answers[0].frames
        assert reading.plan is not None
        files = opened.runner.open(reading.plan.sample)
        files["frames"].chmod(0o644)
        files["frames"].write_bytes(b"changed")
        after = opened.fetch_frames(reading)
    assert [a.tobytes() for a in after.pixels] == [b.tobytes() for b in before.pixels]
    assert len(server.received) == 1


def test_questions_that_are_none_are_refused_before_anything_is_read(
    folder: Path, clip: Path
) -> None:
    with session(folder) as opened, pytest.raises(UsageError, match="empty"):
        next(opened.read([clip], ["what?", " "]))
    with session(folder) as opened, pytest.raises(UsageError, match="UTF-8"):
        next(opened.read([clip], ["\udc80"]))


def test_nothing_is_kept_where_it_was_said_so(folder: Path, server: Server, clip: Path) -> None:
    policy = find_policy(folder)
    for _ in range(2):
        with open_reading(folder, "mine", project=policy, keep=False) as opened:
            assert take_one(opened.read([clip], ["what?"])).ran == 2
    assert not (folder / ".rushes").exists()
