"""A hub on loopback: the part of huggingface.co that its own client speaks to."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def git_digest(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Repo:
    """One repository; weights are kept as the hub keeps large files.

    Args:
        sent: bytes that are sent in the place of the true ones.
        cut: by file, after how many bytes the connection breaks; once.
        stall: by file, after how many bytes nothing more comes while the hub lives; once.
        broken: files that are answered with an error; once.
    """

    files: dict[str, bytes]
    commit: str = COMMIT
    token: str = ""
    sent: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    stall: dict[str, int] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def entry(self, name: str) -> dict[str, Any]:
        data = self.files[name]
        found: dict[str, Any] = {"size": len(data), "blobId": git_digest(data)}
        if name.endswith((".safetensors", ".bin")):
            sha256 = hashlib.sha256(data).hexdigest()
            found["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 130}
        return found


class FakeHub:
    """The server. ``requests``: (method, path, range) of all that came."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fetched(self) -> list[str]:
        """Files whose bytes were asked for."""
        paths = [path for method, path, _ in self.requests if method == "GET"]
        return [path.partition(f"/resolve/{COMMIT}/")[2] for path in paths if "/resolve/" in path]


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/([^/]+)", path):
            self._api(*found.groups())
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(*found.groups())
        else:
            self._fail(404, "EntryNotFound")

    def _api(self, name: str, what: str, revision: str) -> None:
        repo = self.hub.repos.get(name)
        if repo is None:
            return self._fail(404, "RepoNotFound")
        if revision not in ("main", repo.commit):
            return self._fail(404, "RevisionNotFound")
        if what == "revision":
            entries = [{"rfilename": file, **repo.entry(file)} for file in repo.files]
            return self._json({"id": name, "sha": repo.commit, "siblings": entries})
        tree = []
        for file in repo.files:
            entry = repo.entry(file)
            item = {"type": "file", "path": file, "size": entry["size"], "oid": entry["blobId"]}
            if "lfs" in entry:
                item["lfs"] = {"oid": entry["lfs"]["sha256"], **entry["lfs"]}
            tree.append(item)
        return self._json(tree)

    def _file(self, name: str, revision: str, file: str) -> None:
        repo = self.hub.repos.get(name)
        if repo is None or file not in repo.files:
            return self._fail(404, "EntryNotFound")
        if repo.token and self.headers.get("Authorization") != f"Bearer {repo.token}":
            return self._fail(403, "GatedRepo")
        if self.command == "GET" and file in repo.broken:
            repo.broken.discard(file)
            return self._fail(500, "")
        data, entry = repo.sent.get(file, repo.files[file]), repo.entry(file)
        etag = entry["lfs"]["sha256"] if "lfs" in entry else entry["blobId"]
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(asked[1]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", repo.commit)
        self.send_header("X-Linked-ETag", f'"{etag}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("Content-Length", str(len(data) - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "HEAD":
            return None
        if file in repo.stall:
            self.wfile.write(data[start : repo.stall.pop(file)])
            self.wfile.flush()
            self.hub.closing.wait()
            self.close_connection = True
            return None
        end = repo.cut.pop(file, len(data))
        self.wfile.write(data[start:end])
        if end < len(data):
            self.wfile.flush()
            self.connection.close()
            self.close_connection = True
        return None

    def _json(self, document: Any) -> None:
        data = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _fail(self, code: int, error: str) -> None:
        self.send_response(code)
        if error:
            self.send_header("X-Error-Code", error)
        self.send_header("Content-Length", "0")
        self.end_headers()
