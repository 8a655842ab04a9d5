"""LiteLLM's process as its parent sees it: requests from any thread, an answer for each."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import os
import subprocess
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from rushes.errors import PaidUnavailable
from rushes.paid.environment import HINT, find_python

WORKER = Path(__file__).with_name("litellm_worker.py")
READY_SECONDS = 120.0
AT_ONCE = 16
"""Requests; as many as the process has threads, so that none waits there while its time runs."""
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HOME")
"""Of the environment: neither tokens, which come with each request, nor proxies."""
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "HF_HUB_OFFLINE": "1",
    "NO_PROXY": "*",
    "PYTHONNOUSERSITE": "1",
}
"""No price map from elsewhere, no .env file, no proxy."""


class LiteLLM:
    """One process; started with the first request, gone with its parent's pipe."""

    def __init__(self, python: Path | None = None) -> None:
        self._python = python or find_python()
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._numbers = itertools.count()
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._ready: Future[None] = Future()
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        self._process = subprocess.Popen(
            [str(self._python), "-I", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment | QUIET,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def call(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to a request; ``fault`` in it where there is none.

        An answer that does not come in time is a fault of the kind that is not known.
        """
        self._await_ready()
        with self._slots:
            return self._call(request, seconds)

    def _call(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        with self._lock:
            number = next(self._numbers)
            future = self._waiting[number] = Future()
            try:
                assert self._process.stdin is not None
                self._process.stdin.write(json.dumps({"id": number, **request}) + "\n")
                self._process.stdin.flush()
            except (OSError, ValueError):
                del self._waiting[number]
                return {"fault": "unreachable", "message": "the process of LiteLLM is gone"}
        try:
            return future.result(seconds + 30.0)
        except TimeoutError:
            return {"fault": "unknown", "message": f"no answer in {seconds:g} s"}

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _await_ready(self) -> None:
        try:
            self._ready.result(READY_SECONDS)
        except (TimeoutError, ConnectionError) as exc:
            raise PaidUnavailable(
                f"LiteLLM does not start with {self._python}", where=str(self._python), hint=HINT
            ) from exc

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if said.get("ready"):
                self._ready.set_result(None)
                continue
            with self._lock:
                future = self._waiting.pop(said.pop("id"), None)
            if future is not None:
                future.set_result(said)
        if not self._ready.done():
            self._ready.set_exception(ConnectionError())
        with self._lock:
            left, self._waiting = list(self._waiting.values()), {}
        for future in left:
            future.set_result({"fault": "unknown", "message": "the process of LiteLLM ended"})


_shared: LiteLLM | None = None
_sharing = threading.Lock()


def shared_client() -> LiteLLM:
    """The process that all of this one's requests go through.

    Raises:
        PaidUnavailable: LiteLLM is not installed.
    """
    global _shared
    with _sharing:
        if _shared is None:
            _shared = LiteLLM()
            atexit.register(_shared.close)
        return _shared
