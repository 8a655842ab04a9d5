"""A worker as its parent sees it: a child process, its pipe, and a thread that reads it."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TypeAlias

from rushes.run.messages import Event, Task, decode_event, encode_message
from rushes.stages.base import Lane

MODULE = "rushes.run.worker"
"""What a worker runs."""

Inbox: TypeAlias = "queue.Queue[tuple[WorkerProcess, Event | None]]"
"""Events of all workers; None means that the worker's pipe has closed."""


class WorkerProcess:
    """One child process of one lane.

    Args:
        device: ``cpu``, ``cuda:N`` or ``auto`` on the device lane, empty on the media lane.
    """

    def __init__(self, lane: Lane, store: Path, device: str, inbox: Inbox) -> None:
        self.lane = lane
        self.task: Task | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(os.getpid()), str(store), device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
        )
        threading.Thread(target=self._read, args=(inbox,), daemon=True).start()

    def _read(self, inbox: Inbox) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            inbox.put((self, decode_event(line)))
        inbox.put((self, None))

    @property
    def idle(self) -> bool:
        return self.task is None

    def send(self, task: Task) -> None:
        """Give the worker a task; it has one at a time."""
        assert self.idle
        assert self._process.stdin is not None
        self.task = task
        try:
            self._process.stdin.write(encode_message(task) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the reader sees the closed pipe and reports the death

    def stop(self) -> None:
        """End the process; it holds nothing that would be lost."""
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def describe_death(self) -> str:
        """Exit status and the end of what it wrote to standard error."""
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        reason = f"signal {-code}" if code < 0 else f"exit status {code}"
        return f"{reason}: {lines[-1][:300]}" if lines else reason
