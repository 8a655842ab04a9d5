"""A provider on loopback: chat and video as OpenAI's protocol has them, misbehaving on order.

It keeps its own books: what it took up, it bills, whatever it answered.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Move = str
"""What it does with a request: ok, 400, 429, 500, slow, cut, cut-before, nonsense, no-usage,
wrong-price."""


@dataclass
class Job:
    id: str
    fields: dict[str, str]
    looks: int = 0


@dataclass
class Provider:
    url: str = ""
    clip: bytes = b""
    received: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    """Path, body and head of all that came."""
    connections: int = 0
    billed: dict[str, Decimal] = field(default_factory=dict)
    """By what the request says it is for: its words, or its job."""
    bills: list[tuple[str, Decimal]] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    choose: Callable[[bytes], Move] = lambda body: "ok"
    slow_seconds: float = 0.5
    price_in: Decimal = Decimal(1) / 1_000_000
    price_out: Decimal = Decimal(10) / 1_000_000
    price_second: Decimal = Decimal("0.10")
    jobs: dict[str, Job] = field(default_factory=dict)
    looks_until_done: int = 2
    job_ends: str = "completed"
    lock: threading.Lock = field(default_factory=threading.Lock)

    def bill(self, what: str, usd: Decimal) -> None:
        with self.lock:
            self.bills.append((what, usd))

    @property
    def total(self) -> Decimal:
        return sum((usd for _, usd in self.bills), Decimal(0))

    @property
    def bodies(self) -> bytes:
        return b"\n".join(body for _, body, _ in self.received)

    def next_move(self, body: bytes) -> Move:
        with self.lock:
            return self.moves.pop(0) if self.moves else self.choose(body)


def read_form(body: bytes, kind: str) -> dict[str, str]:
    """Fields of a form, as the video protocol is spoken."""
    if "boundary=" not in kind:
        return dict(p.split("=", 1) for p in body.decode().split("&") if "=" in p)
    mark = b"--" + kind.split("boundary=")[1].encode()
    found = {}
    for piece in body.split(mark):
        head, _, value = piece.strip(b"\r\n").partition(b"\r\n\r\n")
        if b'name="' in head:
            found[head.split(b'name="')[1].split(b'"')[0].decode()] = value.decode("latin-1")
    return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Provider

    def setup(self) -> None:
        with self.provider.lock:
            self.provider.connections += 1
        super().setup()

    def log_message(self, *args: object) -> None:
        pass

    def give(self, status: int, document: Any) -> None:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        kind = "video/mp4" if isinstance(document, bytes) and status == 200 else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def cut(self, begun: bytes = b"") -> None:
        if begun:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(begun)
            self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.provider.received.append((self.path, body, dict(self.headers)))
        move = self.provider.next_move(body)
        if move in ("400", "429", "503"):
            return self.give(int(move), {"error": {"message": f"told to say {move}"}})
        if move == "cut-before":
            return self.cut()
        if self.path.endswith("/videos"):
            return self.begin_job(body, move)
        return self.answer(body, move)

    def answer(self, body: bytes, move: Move) -> None:
        said = json.loads(body)
        words = json.dumps(said["messages"])
        tokens = max(len(words) // 4, 1), min(said.get("max_tokens", 5), 5)
        usd = tokens[0] * self.provider.price_in + tokens[1] * self.provider.price_out
        self.provider.bill(words, usd)  # it is at work, whatever comes of it
        if move == "500":
            return self.give(500, {"error": {"message": "told to say 500"}})
        if move == "cut":
            return self.cut(b'{"id": "c')
        if move == "nonsense":
            return self.give(200, b"<html>not json</html>")
        if move == "slow":
            time.sleep(self.provider.slow_seconds)
        factor = 1000 if move == "wrong-price" else 1
        usage = {"prompt_tokens": tokens[0] * factor, "completion_tokens": tokens[1] * factor,
                 "total_tokens": sum(tokens) * factor}  # fmt: skip
        document = {
            "id": "c", "object": "chat.completion", "created": 1, "model": said["model"],
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": "an answer"}}],
        } | ({} if move == "no-usage" else {"usage": usage})  # fmt: skip
        return self.give(200, document)

    def begin_job(self, body: bytes, move: Move) -> None:
        fields = read_form(body, self.headers.get("Content-Type", ""))
        job = Job(f"job-{len(self.provider.jobs)}", fields)
        self.provider.jobs[job.id] = job
        self.provider.bill(job.id, self.provider.price_second * Decimal(fields["seconds"]))
        if move == "500":
            return self.give(500, {"error": {"message": "told to say 500"}})
        if move == "cut":
            return self.cut(b'{"id": "j')
        return self.give(200, self.describe(job, "queued"))

    def describe(self, job: Job, status: str) -> dict[str, Any]:
        document = {
            "id": job.id, "object": "video", "status": status, "progress": 0, "created_at": 1,
            "model": job.fields["model"], "seconds": job.fields["seconds"],
            "size": job.fields.get("size", ""),
        }  # fmt: skip
        if status == "failed":
            document["error"] = {"code": "moderation", "message": "it will not make that"}
        return document

    def do_GET(self) -> None:
        self.provider.received.append((self.path, b"", dict(self.headers)))
        move = self.provider.next_move(b"")
        if move == "cut":
            return self.cut(b'{"id"')
        if move in ("429", "500", "503"):
            return self.give(int(move), {"error": {"message": f"told to say {move}"}})
        parts = self.path.split("?")[0].strip("/").split("/")
        content = parts[-1] == "content"
        job = self.provider.jobs.get(parts[-2] if content else parts[-1])
        if job is None:
            return self.give(404, {"error": {"message": "there is no such job"}})
        if content:
            return self.give(200, self.provider.clip)
        job.looks += 1
        done = job.looks >= self.provider.looks_until_done
        return self.give(200, self.describe(job, self.provider.job_ends if done else "in_progress"))


@contextmanager
def start_provider(**more: Any) -> Iterator[Provider]:
    provider = Provider(**more)
    handler = type("Bound", (Handler,), {"provider": provider})
    server = type("Server", (ThreadingHTTPServer,), {"request_queue_size": 256})
    http = server(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    provider.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def make_clip(path: Path, frames: int = 32, side: int = 96, fps: float = 16) -> bytes:
    """A clip with a tone, as a provider would give one."""
    import math

    import numpy as np

    from rushes.media import AudioWriter, ExportFormat, FrameWriter, export_clip, frame_rate

    lossless, sound, clip = path / "f.mkv", path / "s.wav", path / "clip.mp4"
    with FrameWriter(lossless, side, side, frame_rate(fps)) as writer:
        for number in range(frames):
            pixels = np.full((side, side, 3), 90, np.uint8)
            at = 8 + number % 40
            pixels[20:40, at : at + 12] = (220, 40, 40)
            writer.write(pixels)
    times = np.arange(round(frames / fps * 16000)) / 16000
    tone = (0.2 * np.sin(2 * math.pi * 440 * times) * (times % 0.5 < 0.25)).astype(np.float32)
    with AudioWriter(sound, 16000, 1) as writer_:
        writer_.write(tone[:, None])
    export_clip(lossless, sound, clip, ExportFormat("mp4", "h264", 18))
    return clip.read_bytes()
