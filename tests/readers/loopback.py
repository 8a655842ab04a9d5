"""A server on loopback that records all it is sent, and misbehaves on order."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from rushes.catalogue.server import ServedReader


def make_answer(text: Any = "a ball, at 0.5 s", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 40, "completion_tokens": 2, "total_tokens": 42}
    return {
        "object": "chat.completion",
        "model": "its-own",
        "choices": [choice],
        "usage": usage,
    } | more


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: Any


Handler = BaseHTTPRequestHandler
Move = Callable[[Handler], None]


def give(status: int, document: Any, **headers: str) -> Move:
    """Answer; ``document`` as JSON, or bytes as they are."""

    def move(handler: Handler) -> None:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return move


def cut(handler: Handler) -> None:
    """Close the connection in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices"')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def drip(seconds: float) -> Move:
    """A byte now and then, so that no single read takes long."""

    def move(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                handler.wfile.write(b" ")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.02)

    return move


def stall(release: threading.Event) -> Move:
    """No answer until it is released."""

    def move(handler: Handler) -> None:
        release.wait(30)
        handler.close_connection = True

    return move


@dataclass
class Server:
    url: str
    received: list[Received] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    """Everybody who connected, whatever was said."""
    moves: list[Move] = field(default_factory=list)
    """What it does with the next requests; answers all others."""
    answer: Callable[[Any], Any] = lambda body: make_answer()

    @property
    def origin(self) -> str:
        return self.url.removesuffix("/v1")

    def describe(self, **more: Any) -> ServedReader:
        said: dict[str, Any] = {
            "name": "mine", "like": "qwen3-vl-8b", "url": self.url, "served": "Qwen/x",
            "timeout_seconds": 20.0,
        }  # fmt: skip
        return ServedReader(**said | more)


@contextmanager
def start_server() -> Iterator[Server]:
    server: Server

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            server.seen.append(str(self.client_address))
            super().setup()

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.received.append(Received(self.path, dict(self.headers), body))
            move = server.moves.pop(0) if server.moves else give(200, server.answer(body))
            move(self)

        def log_message(self, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server = Server(f"http://127.0.0.1:{http.server_address[1]}/v1")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
