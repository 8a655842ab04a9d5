"""Results put into stores, here and in other processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rushes.canon import digest_value
from rushes.store.index import Result
from rushes.store.store import Store
from rushes.types import Key


def key_of(name: object) -> Key:
    return Key(digest_value(["test", str(name)]))


def put(store: Store, name: object, data: bytes = b"data", stage: str = "export") -> Result:
    """A result of one file."""
    with store.scratch() as folder:
        path = folder / "clip.mp4"
        path.write_bytes(data)
        return store.put_result(key_of(name), stage, {"clip": path}, {"n": str(name)}, 0.5, 7)


def object_path(store: Store, result: Result) -> Path:
    return store.objects.path_of(result.outputs["clip"].digest)


def change_object(store: Store, result: Result, data: bytes) -> None:
    """As a careless user or a bad disk would."""
    path = object_path(store, result)
    path.chmod(0o644)
    path.write_bytes(data)


@contextmanager
def python(script: str, *args: object) -> Iterator[subprocess.Popen[str]]:
    """A process running a script; killed at the end if it still lives."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
