"""Events sent to an address as they come, by a thread of their own: nobody waits for it."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rushes.errors import RushesError
from rushes.readers.http import Sender

MAX_WAITING = 100
"""Events that wait to be sent; one more is dropped, and said to be."""
LAST_SECONDS = 10.0
"""For what still waits at the end."""
TIMEOUT_SECONDS = 10.0
RETRIES = 5


@dataclass(slots=True)
class Webhook:
    """A queue before an address.

    Args:
        tell: is given a line for a person when an event is lost.
    """

    url: str
    sender: Sender
    tell: Callable[[str], None]
    sent: int = 0
    lost: int = 0
    _queue: queue.Queue[object] = field(default_factory=lambda: queue.Queue(MAX_WAITING))

    def put(self, document: object) -> None:
        """Have a document sent; returns at once."""
        try:
            self._queue.put_nowait(document)
        except queue.Full:
            self.lost += 1
            self.tell(f"webhook: {MAX_WAITING} events wait already; one is not sent")

    def run(self) -> None:
        """Send until None is put."""
        while (document := self._queue.get()) is not None:
            try:
                self.sender.send(self.url, document)
                self.sent += 1
            except RushesError as exc:
                self.lost += 1
                self.tell(f"webhook: {exc.message}")


@contextmanager
def open_webhook(url: str, tell: Callable[[str], None]) -> Iterator[Webhook]:
    """A webhook; ``RUSHES_WEBHOOK_TOKEN`` of the environment is its token, where it is set."""
    token = os.environ.get("RUSHES_WEBHOOK_TOKEN", "").strip()
    sender = Sender(f"the webhook {url}", RETRIES, TIMEOUT_SECONDS, token)
    hook = Webhook(url, sender, tell)
    thread = threading.Thread(target=hook.run, name="webhook", daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        try:
            hook._queue.put(None, timeout=LAST_SECONDS)
            thread.join(LAST_SECONDS)
        except queue.Full:
            tell("webhook: what still waits is not sent")
        sender.client.close()
