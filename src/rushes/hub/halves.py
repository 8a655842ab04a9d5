"""Large files of the hub, kept as far as they came: a later process goes on where one was ended.

The hub's own client writes to a file of a name that it never uses again, so that nothing is left of
a download that was killed. Here a half lies beside the cache's blobs, under the digest that the
whole will have; it becomes the blob once it is whole, and the client finds it there.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rushes.hub.cache import hub_folder, repo_folder
from rushes.store.locks import hold_lock

LEAST_BYTES = 32_000_000
"""Smaller files are left to the hub's client; it writes 10 MB at once."""
FASTER = "HF_XET_HIGH_PERFORMANCE"
"""Who sets this of the hub's client wants its own transport: faster, and it keeps no halves."""


class _Stopped(Exception):
    """The download was given up elsewhere."""


class _Half(io.BufferedWriter):
    """A file that is appended to until it is told to stop."""

    def __init__(self, path: Path, stop: threading.Event) -> None:
        super().__init__(io.FileIO(path, "a"))
        self._stop = stop

    def write(self, data: object) -> int:
        if self._stop.is_set():
            raise _Stopped
        return super().write(data)  # type: ignore[arg-type]


def half_of(repo: str, sha256: str) -> Path:
    """Where a file lies while it is not whole."""
    return repo_folder(repo) / "blobs" / f"{sha256}.rushes.incomplete"


def count_halves(repo: str, digests: Mapping[str, str]) -> int:
    """Bytes that are here of files that are not whole; ``digests`` by name."""
    halves = (half_of(repo, sha256) for sha256 in digests.values())
    return sum(half.stat().st_size for half in halves if half.is_file())


def fetch_large(
    repo: str,
    commit: str,
    files: Mapping[str, tuple[str, int]],
    endpoint: str | None,
    workers: int,
) -> None:
    """Fetch the large ones of files into the cache's blobs; each that is not whole is kept.

    Args:
        files: SHA-256 and size in bytes, by name in the repository.

    Raises:
        Exception: what the hub's client raises, see :func:`rushes.hub.pull.map_hub_errors`.
    """
    from huggingface_hub import constants

    if os.environ.get(FASTER, "").upper() in ("1", "ON", "YES", "TRUE"):
        return
    most = constants.MAX_HTTP_DOWNLOAD_SIZE
    large = {name: f for name, f in files.items() if LEAST_BYTES <= f[1] <= most}
    stop = threading.Event()
    with ThreadPoolExecutor(workers) as pool:
        tasks = [
            pool.submit(_fetch, repo, commit, name, *large[name], endpoint, stop) for name in large
        ]
        try:
            for task in tasks:
                task.result()
        except BaseException:  # an interruption too: the others end with their next block
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _fetch(
    repo: str,
    commit: str,
    name: str,
    sha256: str,
    nbytes: int,
    endpoint: str | None,
    stop: threading.Event,
) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    half, blob = half_of(repo, sha256), repo_folder(repo) / "blobs" / sha256
    with hold_lock(hub_folder() / ".locks" / repo_folder(repo).name / f"{sha256}.rushes.lock"):
        if blob.exists():
            return
        half.parent.mkdir(parents=True, exist_ok=True)
        if half.is_file() and half.stat().st_size > nbytes:
            half.unlink()
        with _Half(half, stop) as file:
            http_get(
                hf_hub_url(repo, name, revision=commit, endpoint=endpoint),
                file,
                resume_size=file.tell(),
                headers={**build_hf_headers(), "Accept-Encoding": "identity"},
                expected_size=nbytes,
                displayed_filename=name,
            )
            file.flush()
            os.fsync(file.fileno())
        os.rename(half, blob)
