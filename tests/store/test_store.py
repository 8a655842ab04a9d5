"""What is put is got back; nothing else is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from rushes.errors import CorruptObject, StoreError
from rushes.store.files import digest_file
from rushes.store.index import Output, Result
from rushes.store.maintain import collect_garbage, measure_store, verify_store
from rushes.store.store import Store, find_store
from rushes.types import Digest, Key
from tests.store.tools import change_object, key_of, object_path, put


class StoreMachine(RuleBasedStateMachine):
    """A store beside a dictionary that says what it should hold."""

    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name) / "store"
        self.store = Store(self.path)
        self.model: dict[Key, bytes] = {}

    def teardown(self) -> None:
        self.store.close()
        self._folder.cleanup()

    @rule(target=keys, name=st.integers(0, 6))
    def name_key(self, name: int) -> int:
        return name

    @rule(name=keys, data=st.sampled_from([b"", b"a", b"b", b"x" * 70_000]))
    def put(self, name: int, data: bytes) -> None:
        result = put(self.store, name, data)
        assert self.store.index.get(key_of(name)) == result
        self.model[key_of(name)] = data

    @rule(name=keys)
    def get(self, name: int) -> None:
        result = self.store.index.get(key_of(name))
        assert (result is None) == (key_of(name) not in self.model)
        if result is not None:
            path = self.store.read_outputs(result)["clip"]
            assert path.read_bytes() == self.model[key_of(name)]

    @rule(name=keys, data=st.sampled_from([b"", b"changed", b"x" * 69_999]))
    def change_on_disk(self, name: int, data: bytes) -> None:
        """All results with these bytes are lost, at the latest when they are read."""
        result = self.store.index.get(key_of(name))
        if result is None or self.model[key_of(name)] == data:
            return
        change_object(self.store, result, data)
        lost = [key for key, held in self.model.items() if held == self.model[key_of(name)]]
        for key in lost:
            with pytest.raises(CorruptObject):
                self.store.read_outputs(self.store.index.get_many([key])[key])
            del self.model[key]
        assert not object_path(self.store, result).exists()

    @rule(keep=st.sets(st.integers(0, 6), max_size=3), dry_run=st.booleans())
    def collect(self, keep: set[int], dry_run: bool) -> None:
        names = {key_of(name) for name in keep}
        gone, _, _ = collect_garbage(self.store, names, 0, dry_run=dry_run)
        assert gone == len(self.model.keys() - names)
        if not dry_run:
            self.model = {key: data for key, data in self.model.items() if key in names}

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = Store(self.path)

    @invariant()
    def is_sound(self) -> None:
        assert verify_store(self.store) == []
        status = measure_store(self.store)
        assert status.results == len(self.model)
        assert set(self.model.values()) <= {p.read_bytes() for _, p in self.store.objects.list()}
        assert not list((self.path / "tmp").iterdir())


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_equal_bytes_are_one_object(store: Store) -> None:
    one, two = put(store, 1, b"same"), put(store, 2, b"same")
    assert one.outputs == two.outputs
    assert measure_store(store).objects == 1


def test_an_object_is_named_by_its_bytes_and_read_only(store: Store) -> None:
    path = object_path(store, put(store, 1, b"bytes"))
    assert digest_file(path) == path.parent.name + path.name
    assert path.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("damage", [b"", b"dat", b"data!", b"daTa"])
def test_a_changed_object_is_thrown_away_and_its_result_forgotten(
    damage: bytes, store: Store
) -> None:
    result = put(store, 1)
    store.read_outputs(result)
    change_object(store, result, damage)
    assert [fault.kind for fault in verify_store(store)] == ["object", "result"]
    assert object_path(store, result).exists()
    with pytest.raises(CorruptObject) as caught:
        store.read_outputs(result)
    assert caught.value.digest == result.outputs["clip"].digest
    assert not object_path(store, result).exists()
    assert store.index.get(result.key) is None
    assert put(store, 1) == result
    assert store.read_outputs(result)["clip"].read_bytes() == b"data"


def test_a_change_is_seen_though_size_and_time_are_the_same(store: Store) -> None:
    result = put(store, 1)
    path = object_path(store, result)
    before = path.stat()
    store.read_outputs(result)
    time.sleep(0.15)
    change_object(store, result, b"atad")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(CorruptObject):
        store.read_outputs(result)


def test_a_missing_object_is_no_output(store: Store) -> None:
    result = put(store, 1)
    object_path(store, result).unlink()
    assert verify_store(store)[0].name == result.key
    with pytest.raises(CorruptObject):
        store.read_outputs(result)
    assert store.index.get(result.key) is None


def test_a_result_is_of_all_its_files(store: Store) -> None:
    with store.scratch() as folder:
        for name in ("a", "b"):
            (folder / name).write_text(name)
        files = {name: folder / name for name in ("a", "b")}
        result = store.put_result(key_of(1), "export", files, {}, 0.0, 0)
    store.objects.path_of(result.outputs["b"].digest).unlink()
    with pytest.raises(CorruptObject):
        store.read_outputs(result)


DAMAGES = {
    "body": "UPDATE results SET body = substr(body, 1, 20)",
    "one byte": "UPDATE results SET body = replace(hex(body), '0', '1')",
    "body is text": "UPDATE results SET body = 'x'",
    "body is a number": "UPDATE results SET body = 7",
    "body is empty": "UPDATE results SET body = x''",
    "sum": "UPDATE results SET sum = zeroblob(16)",
    "sum is text": "UPDATE results SET sum = 'x'",
    "another key": f"UPDATE results SET key = '{'0' * 64}'",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_row_is_no_result(damage: str, store: Store) -> None:
    put(store, 1)
    with store.index._db:
        store.index._db.execute(DAMAGES[damage])
    key = Key("0" * 64) if damage == "another key" else key_of(1)
    assert store.index.get(key) is None
    assert store.index.get_many([key]) == {}
    assert [fault.kind for fault in verify_store(store)] == ["result"]
    assert measure_store(store).results == 1
    collect_garbage(store, {key}, 1e9, dry_run=False)
    assert verify_store(store) == []


def test_a_row_of_another_shape_is_no_result(store: Store) -> None:
    """One that a later Rushes wrote, say: whole, but not what this one reads."""
    import msgspec

    from rushes.store.index import _checksum

    put(store, 1)
    body = msgspec.msgpack.encode({"key": key_of(1), "kind": "new"})
    with store.index._db:
        store.index._db.execute("UPDATE results SET body = ?, sum = ?", [body, _checksum(body)])
    assert store.index.get(key_of(1)) is None
    assert [fault.kind for fault in verify_store(store)] == ["result"]


@pytest.mark.parametrize(
    "data", [b"not a database at all, but long enough", b"SQLite format 3\0zz"]
)
def test_a_damaged_index_is_one_clear_error(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "index.sqlite").write_bytes(data * 40)
    with pytest.raises(StoreError, match="index") as caught:
        Store(tmp_path / "store").index.get(key_of(1))
    assert caught.value.exit_code == 4
    assert caught.value.hint


def test_many_keys_at_once(store: Store) -> None:
    rows = [
        Result(key_of(n), "check", {"v": Output(Digest("0" * 64), 1)}, {}, 0.0, 0)
        for n in range(40_000)
    ]
    store.index.put(rows)
    keys = [row.key for row in rows]
    assert len(store.index.get_many(keys)) == 40_000


def test_a_read_only_store_creates_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    empty = Store(folder, read_only=True)
    assert empty.index.get(key_of(1)) is None
    assert verify_store(empty) == []
    assert measure_store(empty).objects == 0
    assert empty.digest_files([Path(__file__)], remember=False)
    assert not folder.exists()
    result = put(Store(folder), 1)
    for part in ("tmp", "locks", "checkpoints"):
        (folder / part).rmdir()
    (folder / ".gitignore").unlink()
    before = sorted(folder.rglob("*"))
    assert Store(folder, read_only=True).read_outputs(result)["clip"].read_bytes() == b"data"
    assert sorted(folder.rglob("*")) == before


def test_git_does_not_see_the_store(store: Store) -> None:
    assert (store.folder / ".gitignore").read_text() == "*\n"
    (store.folder / ".gitignore").write_text("")
    Store(store.folder)
    assert (store.folder / ".gitignore").read_text() == "*\n"


def test_where_the_store_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_store(tmp_path) == tmp_path / ".rushes"
    monkeypatch.setenv("RUSHES_STORE", "/elsewhere")
    assert find_store(tmp_path) == Path("/elsewhere")
    monkeypatch.setenv("RUSHES_STORE", "file:///elsewhere")
    assert find_store(tmp_path) == Path("/elsewhere")
    monkeypatch.setenv("RUSHES_STORE", "s3://bucket")
    with pytest.raises(StoreError, match="s3://bucket"):
        find_store(tmp_path)


def test_a_file_where_the_store_should_be(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError) as caught:
        Store(tmp_path / "store")
    assert caught.value.exit_code == 4


class Counted(type(Path())):  # type: ignore[misc]
    """A path that counts how often its file is opened."""

    opened: int = 0

    def open(self, *args: object, **kwargs: object) -> object:
        Counted.opened += 1
        return super().open(*args, **kwargs)

    def absolute(self) -> Path:
        return self


def test_an_unchanged_file_is_read_once(store: Store, tmp_path: Path) -> None:
    weights = Counted(tmp_path / "weights.safetensors")
    weights.write_bytes(b"w" * 1000)
    time.sleep(0.15)
    Counted.opened = 0
    first = store.digest_files([weights])
    assert store.digest_files([weights]) == first
    assert Counted.opened == 1
    store.digest_files([weights], remember=False)
    assert Counted.opened == 1
    store.close()
    assert Store(store.folder).digest_files([weights]) == first
    assert Counted.opened == 1


def test_what_is_not_to_be_remembered_is_read_again(store: Store, tmp_path: Path) -> None:
    weights = Counted(tmp_path / "weights.safetensors")
    weights.write_bytes(b"w" * 1000)
    Counted.opened = 0
    for _ in range(2):
        store.digest_files([weights], remember=False)
    assert Counted.opened == 2


def test_a_changed_file_is_noticed_though_size_and_time_are_the_same(
    store: Store, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"w" * 1000)
    before = weights.stat()
    first = store.digest_files([weights])
    time.sleep(0.15)
    with weights.open("r+b") as file:
        file.write(b"v")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert weights.stat().st_mtime_ns == before.st_mtime_ns
    assert store.digest_files([weights]) != first


def test_a_replaced_file_is_noticed(store: Store, tmp_path: Path) -> None:
    weights, other = tmp_path / "weights.safetensors", tmp_path / "other"
    weights.write_bytes(b"w" * 1000)
    other.write_bytes(b"v" * 1000)
    first = store.digest_files([weights])
    os.replace(other, weights)
    assert store.digest_files([weights]) != first


def test_a_file_rewritten_within_a_tick_of_the_clock_is_noticed(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "weights"
    for number in range(200):
        path.write_bytes(b"%04d" % number)
        before = store.digest_files([path])[path]
        path.write_bytes(b"%04d" % (number + 1))
        assert store.digest_files([path])[path] != before
