"""What goes with a source, what others keep, and stores that did not know of sources."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from rushes.canon import digest_bytes
from rushes.store.maintain import collect_garbage
from rushes.store.purge import purge_older, purge_paths
from rushes.store.store import Store
from rushes.types import Digest, Key
from tests.store.tools import key_of, object_path, put

A, B = digest_bytes(b"a"), digest_bytes(b"b")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def note(store: Store, name: object, *sources: tuple[Digest, str]) -> Key:
    store.index.sources.add_rows([(key_of(name), digest, path) for digest, path in sources])
    return key_of(name)


def test_what_was_made_of_two_files_goes_with_either(store: Store) -> None:
    both, one = put(store, "film", b"film"), put(store, "shot", b"shot")
    note(store, "film", (A, "/a.mp4"), (B, "/b.mp4"))
    note(store, "shot", (B, "/b.mp4"))
    done = purge_paths(store, ["/a.mp4"], None)
    assert (done.results, done.objects) == (1, 1)
    assert not object_path(store, both).exists()
    assert store.read_outputs(one)
    assert store.index.sources.all_places() == {"/b.mp4"}


def test_an_object_that_another_result_has_stays(store: Store) -> None:
    one, two = put(store, 1, b"same"), put(store, 2, b"same")
    note(store, 1, (A, "/a.mp4"))
    note(store, 2, (B, "/b.mp4"))
    assert purge_paths(store, ["/a.mp4"], None).objects == 0
    assert store.index.get(one.key) is None
    assert store.read_outputs(two)


def test_results_inherit_what_their_inputs_are_made_from(store: Store) -> None:
    note(store, 1, (A, "/a.mp4"))
    rows = store.index.sources.list_rows(key_of(2), [(B, "/b.mp4")], [key_of(1)])
    assert {row[2] for row in rows} == {"/a.mp4", "/b.mp4"}
    assert {row[0] for row in rows} == {key_of(2)}


def test_age_takes_what_files_were_read_for_and_nothing_else(store: Store) -> None:
    read, built = put(store, "read"), put(store, "built", b"built")
    note(store, "read", (A, "/a.mp4"))
    note(store, "never made", (B, "/b.mp4"))
    assert purge_older(store, 3600.0).results == 0
    assert store.index.sources.all_places() == {"/a.mp4"}, "what never was made is not remembered"
    assert purge_older(store, 0.0).results == 1
    assert store.index.get(read.key) is None
    assert store.read_outputs(built)


def test_garbage_takes_its_notes_along(store: Store) -> None:
    put(store, 1)
    note(store, 1, (A, "/a.mp4"))
    collect_garbage(store, set(), 0, dry_run=False)
    assert store.index.sources.all_places() == set()


def test_an_index_of_an_earlier_version_is_taken_over(store: Store, tmp_path: Path) -> None:
    kept = put(store, 1)
    store.close()
    with sqlite3.connect(store.folder / "index.sqlite") as db:
        db.executescript("DROP TABLE sources; PRAGMA user_version = 1;")
    db.close()
    again = Store(store.folder)
    assert again.read_outputs(kept)
    note(again, 1, (A, "/a.mp4"))
    assert again.index.sources.find_paths(kept.key) == {"/a.mp4"}
