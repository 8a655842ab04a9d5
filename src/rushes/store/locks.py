"""One lock a key: two processes never compute the same key at once.

flock on a file named by the key. The kernel lets go when the holder dies, so nothing has to be
cleaned up after a kill. The file is removed while the lock is held; a waiter that then gets the
lock of a removed file sees so by its inode and starts again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rushes.store.files import map_os_errors


@contextmanager
def hold_lock(path: Path, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock of ``path`` for the length of the block.

    Args:
        on_wait: called once if another process holds it, before waiting.
    """
    handle = _acquire(path, on_wait)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(handle)


def _acquire(path: Path, on_wait: Callable[[], None] | None) -> int:
    with map_os_errors("taking a lock", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if on_wait is not None:
                    on_wait()
                    on_wait = None
                fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_current(path, handle):
                return handle
            os.close(handle)


def _is_current(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False
