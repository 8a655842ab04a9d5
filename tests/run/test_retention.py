"""Erasing what was made from a file: every byte of the store is searched for it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from rushes.run.reader import find_policy
from rushes.run.reading import Reading, open_reading
from rushes.run.retention import expire_kept, purge_source
from rushes.store.files import digest_file
from rushes.store.store import Store
from tests.readers.checkpoints import write_clip
from tests.readers.loopback import Server, make_answer, start_server
from tests.run.footage import find_bytes, write_footage


@pytest.fixture
def server() -> Iterator[Server]:
    with start_server() as server:
        server.answer = lambda body: make_answer(
            "words about SECRETA" if "SECRETA" in str(body) else "words about OTHERB"
        )
        yield server


@pytest.fixture
def folder(tmp_path: Path, server: Server) -> Path:
    return write_footage(tmp_path / "project", server)


def ask(folder: Path, *paths: Path, question: str) -> list[Reading]:
    with open_reading(folder, "mine", project=find_policy(folder)) as session:
        return list(session.read(paths, [question]))


def traces(path: Path, *words: str) -> list[bytes]:
    """What would tell of a file: its name, its digest, and what was said of it."""
    return [path.name.encode(), digest_file(path).encode(), *(word.encode() for word in words)]


def make_clip(folder: Path, name: str, frames: int) -> Path:
    return write_clip(folder / name, [Fraction(k, 8) for k in range(frames)])


def test_nothing_in_the_store_tells_of_a_file_that_was_purged(
    folder: Path, tmp_path: Path, server: Server
) -> None:
    one, two = make_clip(tmp_path, "interview-a.mp4", 12), make_clip(tmp_path, "street-b.mp4", 16)
    ask(folder, one, question="what of SECRETA?")
    ask(folder, one, tmp_path / "gone-a.mp4", question="who is SECRETA?")
    kept = ask(folder, two, question="what of the other?")
    store = folder / ".rushes"
    known = traces(one, "SECRETA")
    assert len(find_bytes(store, *known)) >= 3
    done = purge_source(Store(store), one)
    assert (done.results, done.rows) == (3, 3)
    assert done.objects >= 4
    assert find_bytes(store, *known) == []
    assert find_bytes(store, *traces(two)) != [], "nothing else is lost"
    sent = len(server.received)
    again = ask(folder, two, question="what of the other?")
    assert (again[0].ran, again[0].answers) == (0, kept[0].answers)
    assert len(server.received) == sent
    assert purge_source(Store(store), one).results == 0, "a second time there is nothing"


def test_a_file_that_is_gone_or_was_renamed_can_be_purged(folder: Path, tmp_path: Path) -> None:
    old = make_clip(tmp_path, "before.mp4", 12)
    ask(folder, old, question="what of SECRETA?")
    known = traces(old, "SECRETA")
    new = old.rename(tmp_path / "after.mp4")
    purge_source(Store(folder / ".rushes"), new)
    assert find_bytes(folder / ".rushes", *known, b"before.mp4") == []
    ask(folder, new, question="what of SECRETA?")
    new.unlink()
    purge_source(Store(folder / ".rushes"), new)
    assert find_bytes(folder / ".rushes", *known, b"after.mp4") == []


def test_what_copies_share_stays_until_the_last_one_goes(
    folder: Path, tmp_path: Path, server: Server
) -> None:
    one = make_clip(tmp_path, "one.mp4", 12)
    two = tmp_path / "two.mp4"
    two.write_bytes(one.read_bytes())
    ask(folder, one, question="what of SECRETA?")
    assert ask(folder, two, question="what of SECRETA?")[0].ran == 0
    store = folder / ".rushes"
    assert purge_source(Store(store), one).results == 0
    assert find_bytes(store, b"one.mp4") == []
    assert ask(folder, two, question="what of SECRETA?")[0].ran == 0
    assert len(server.received) == 1
    assert purge_source(Store(store), two).results == 2
    assert find_bytes(store, *traces(two, "SECRETA")) == []


def test_what_is_older_than_the_policy_says_goes_before_anything_is_written(
    folder: Path, tmp_path: Path, server: Server
) -> None:
    old, new = make_clip(tmp_path, "old.mp4", 12), make_clip(tmp_path, "new.mp4", 16)
    ask(folder, old, question="what of SECRETA?")
    age(folder / ".rushes", days=3)
    ask(folder, new, question="what of OTHERB?")
    store = folder / ".rushes"
    known = traces(old, "SECRETA")
    assert find_bytes(store, *known)
    write_footage(folder, server, "keep_days = 2")
    ask(folder, new, question="what of OTHERB?")
    assert find_bytes(store, *known) == []
    assert find_bytes(store, *traces(new, "OTHERB"))
    write_footage(folder, server, "keep_days = 0")
    project = find_policy(folder)
    expire_kept(Store(store), project)
    assert find_bytes(store, *traces(new, "OTHERB")) == []
    assert expire_kept(Store(store), project) is None


def age(store: Path, days: float) -> None:
    """Make what is there older than it is."""
    for name, table, column in (
        ("index", "results", "made_at"),
        ("ledger", "nodes", "started_at"),
    ):
        with sqlite3.connect(store / f"{name}.sqlite") as db:
            db.execute(f"UPDATE {table} SET {column} = ?", [time.time() - days * 86_400])
        db.close()


def test_leftovers_of_killed_commands_that_keep_nothing_are_swept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "rushes-ask-999999999-abc"
    left.mkdir()
    (left / "frames").write_bytes(b"SECRETA")
    other = tmp_path / "rushes-ask-1-abc"
    other.mkdir()
    assert purge_source(Store(folder / ".rushes"), tmp_path / "x.mp4").leftovers == 1
    assert not left.exists()
    assert other.exists()
