"""One JSON document to a server, and the one that it answers with.

Nothing goes anywhere but to the address: proxies of the environment are not used, and redirects are
not followed. Sent again is what a server was too busy for, or what was cut off; not what it is
slow at, since it may be at work on it still, and not what it refuses.
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
import msgspec

from rushes.errors import ServerError, ServerUnreachable

CONNECT_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
"""Pauses double from the first to the longest, and a random part of each is waited, so that many
who were turned away together do not come back together."""
PATIENCE_SECONDS = 120.0
"""A server that asks for a longer pause than this gets none: a person should know."""
MAX_ANSWER_BYTES = 16_000_000
BUSY = 429
NEVER_AGAIN = (501, 505)
"""Of the server's own faults those that do not pass."""
CUT = (
    httpx2.NetworkError,
    httpx2.RemoteProtocolError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
)


Take = Callable[[Any], None]


@dataclass(slots=True)
class EventReader:
    """The data of server-sent events, out of bytes that come in pieces of any size.

    Args:
        take: is given the data of each event, as bytes, but for the last, ``[DONE]``.
    """

    take: Callable[[bytes], None]
    begun: bool = False
    _rest: bytes = b""

    def feed(self, block: bytes) -> None:
        """Take what is whole; a field other than data, and comments, say nothing here."""
        lines = (self._rest + block).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            name, _, data = line.rstrip(b"\r").partition(b":")
            data = data.removeprefix(b" ")
            if name == b"data" and data not in (b"", b"[DONE]"):
                self.begun = True
                self.take(data)


@dataclass(slots=True)
class Sender:
    """Sends to one address.

    Args:
        where: how messages call the server.
        retries: how often a document is sent again, at most.
        seconds: for one answer.
        token: a secret; it is in no message.
        wait: sleeps; tests count its seconds.
    """

    where: str
    retries: int
    seconds: float
    token: str = ""
    wait: Callable[[float], None] = time.sleep
    client: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        limits = httpx2.Timeout(self.seconds, connect=min(CONNECT_SECONDS, self.seconds))
        self.client = httpx2.Client(
            headers=headers, timeout=limits, trust_env=False, follow_redirects=False
        )

    def post(self, url: str, document: Mapping[str, Any]) -> Any:
        """The document that the server answers with.

        Raises:
            ServerUnreachable: it cannot be reached, or did not answer in time.
            ServerError: it refuses, or what it answers is no JSON.
        """
        return self._read(self._deliver(url, msgspec.json.encode(document), None))

    def send(self, url: str, document: Any) -> None:
        """Give the server a document; what it answers does not matter, unless it refuses.

        Raises:
            ServerUnreachable: it cannot be reached, or did not answer in time.
            ServerError: it refuses.
        """
        self._deliver(url, msgspec.json.encode(document), None)

    def follow(self, url: str, document: Mapping[str, Any], take: Take) -> Any:
        """Give ``take`` the documents of a stream as they come (server-sent events).

        Once one was given nothing is sent again: who took it has used it.

        Returns:
            the document of a server that answers at once instead, else None.

        Raises:
            ServerUnreachable: it cannot be reached, stops in the middle, or is too slow.
            ServerError: it refuses, or what comes is no JSON.
        """
        events = EventReader(lambda data: take(self._read(data)))
        said = self._deliver(url, msgspec.json.encode(document), events)
        return None if events.begun else self._read(said)

    def _deliver(self, url: str, body: bytes, events: EventReader | None) -> bytes:
        for number in range(self.retries + 1):
            last = number == self.retries
            try:
                status, headers, said = self._send(url, body, events)
            except CUT as exc:
                if events is not None and events.begun:
                    raise self._cut_short() from exc
                if last:
                    raise self._unreachable(exc, number + 1) from exc
                self.wait(choose_pause(number))
                continue
            except (httpx2.TimeoutException, TimeoutError) as exc:
                raise self._too_slow() from exc
            except httpx2.HTTPError as exc:
                raise self._unreachable(exc, number + 1) from exc
            if 200 <= status < 300:
                return said
            pause = read_pause(headers.get("retry-after"))
            if last or not may_pass(status) or (pause or 0.0) > PATIENCE_SECONDS:
                raise self._refused(status, said, number + 1, pause, headers.get("location"))
            self.wait(choose_pause(number) if pause is None else pause)
        raise AssertionError("the last one returns or raises")

    def _send(
        self, url: str, body: bytes, events: EventReader | None
    ) -> tuple[int, httpx2.Headers, bytes]:
        """Status, headers and body; a server that drips is cut off like one that is silent."""
        end = time.monotonic() + self.seconds
        head, said = {"Content-Type": "application/json"}, bytearray()
        with self.client.stream("POST", url, content=body, headers=head) as response:
            for block in response.iter_bytes():
                said += block
                if time.monotonic() > end:
                    raise TimeoutError
                if len(said) > MAX_ANSWER_BYTES:
                    text = f"{self.where} answers with more than {MAX_ANSWER_BYTES:,} bytes"
                    raise ServerError(text, where=url)
                if events is not None and response.status_code == 200:
                    events.feed(block)
            return response.status_code, response.headers, bytes(said)

    def _read(self, said: bytes) -> Any:
        try:
            return msgspec.json.decode(said)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise ServerError(
                f"{self.where} answers with what is no JSON: {self._quote(said)}",
                hint="is it a server that speaks as OpenAI's, and does its address end in /v1?",
            ) from exc

    def _quote(self, said: bytes) -> str:
        """The beginning of what it says, without the token."""
        text = find_message(said)
        if self.token:
            text = text.replace(self.token, "***")
        return " ".join(text.split())[:300] or "(nothing)"

    def _unreachable(self, exc: Exception, tries: int) -> ServerUnreachable:
        times = "once" if tries == 1 else f"{tries} times"
        return ServerUnreachable(
            f"{self.where} cannot be reached: {type(exc).__name__}, tried {times}",
            hint="is it running, and is the address right?",
        )

    def _cut_short(self) -> ServerUnreachable:
        return ServerUnreachable(
            f"{self.where} stopped in the middle of its answer",
            hint="ask again; nothing of it is kept",
        )

    def _too_slow(self) -> ServerUnreachable:
        return ServerUnreachable(
            f"{self.where} did not answer in {self.seconds:g} s",
            hint="raise timeout_seconds of the reader, or ask about less: --frames, --from, --to",
        )

    def _refused(
        self, status: int, said: bytes, tries: int, pause: float | None, location: str | None
    ) -> ServerError:
        times = f" ({tries} times)" if tries > 1 else ""
        text = f"{self.where} answers {status}{times}: {self._quote(said)}"
        hints = {
            401: "its token is looked for in the variable that key_env of the reader names",
            403: "its token is looked for in the variable that key_env of the reader names",
            404: "look at server and served of the reader: what does it call its model?",
            413: "send less: --frames, --from, --to",
        }
        hint = hints.get(status)
        if status in (400, 422):
            hint = "if it has no room for them, send fewer frames (--frames), or say its context"
        if 300 <= status < 400:
            text = f"{self.where} points to {location}; nothing was sent there"
            hint = "if that is right, it has to be the reader's server, and in policy.servers"
        if pause is not None and may_pass(status):
            hint = f"it asks for a pause of {pause:.0f} s"
        return ServerError(text, hint=hint)


def may_pass(status: int) -> bool:
    """Whether the same request may be answered later."""
    return status == BUSY or (status >= 500 and status not in NEVER_AGAIN)


def choose_pause(number: int) -> float:
    """Seconds before a request is sent again; ``number`` counts from 0."""
    longest = min(FIRST_PAUSE_SECONDS * 2**number, LONGEST_PAUSE_SECONDS)
    return random.uniform(longest / 2, longest)


def read_pause(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a ``Retry-After``, which is a number of them or a date; None where it is none."""
    if header is None:
        return None
    said = header.strip()
    if said.isascii() and said.isdigit():
        return float(said[:12])
    try:
        date = email.utils.parsedate_to_datetime(said)
    except (ValueError, IndexError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max((date - (now or datetime.now(UTC))).total_seconds(), 0.0)


def find_message(said: bytes) -> str:
    """What an error says: the message in it, as servers of this kind write it, or all of it."""
    text = said.decode("utf-8", "replace")
    try:
        found = msgspec.json.decode(said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return text
    for key in ("error", "message", "detail"):
        if isinstance(found, dict) and key in found:
            found = found[key]
    return found if isinstance(found, str) else text
