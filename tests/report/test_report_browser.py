"""The page in a real Chromium: pictures decode, clips load, and marks seek."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer
from typing import Any

import msgspec
import pytest

from rushes.report.manifest import make_manifest
from rushes.report.page import render_page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --mute-audio"
    " --disable-background-networking --disable-component-update --disable-sync"
)
PROBE = """
const wait = (video) => new Promise((done) => {
  if (video.readyState >= 1) return done();
  video.addEventListener("loadedmetadata", done);
  video.addEventListener("error", done);
});
const blocked = [];
document.addEventListener("securitypolicyviolation", (e) => blocked.push(e.violatedDirective));
const videos = [...document.querySelectorAll("video")];
Promise.all(videos.map(wait)).then(async () => {
  const mark = document.querySelector(".mark");
  const video = mark && mark.closest(".card").querySelector("video");
  if (video) {
    const sought = new Promise((done) => video.addEventListener("seeked", done));
    mark.click();
    await sought;
  }
  const press = (key) =>
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const all = (what) => [...document.querySelectorAll(what)];
  const hits = () => all(".card").filter((c) => c.offsetParent).map((c) => c.id);
  const keys = {};
  for (const key of ["f", "j", "t", "?"]) {
    press(key);
    keys[key] = hits();
  }
  keys.current = all(".card.current").map((c) => c.id);
  keys.theme = [document.documentElement.dataset.theme || ""];
  keys.open = all("dialog[open]").map((d) => d.id);
  const told = JSON.stringify({
    keys,
    images: [...document.images].map((image) => image.naturalWidth),
    videos: videos.map((v) => [v.videoWidth, v.videoHeight, v.duration]),
    sought: video ? video.currentTime : null,
    head: video ? getComputedStyle(video.closest(".card").querySelector(".bench"))
      .getPropertyValue("--at") : "",
    wide: document.documentElement.scrollWidth - innerWidth,
    blocked,
  });
  fetch("ADDRESS", { method: "POST", mode: "no-cors", body: told });
});
"""


class Seen(msgspec.Struct):
    """What the probe in the page told."""

    images: list[int]
    videos: list[tuple[int, int, float | None]]
    sought: float | None
    head: str
    wide: int
    keys: dict[str, list[str]]
    blocked: list[str]


class Listener(TCPServer):
    """Waits on this machine for what the probe sends."""

    told: bytes = b""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert isinstance(self.server, Listener)
            self.server.told = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.timeout = 1


def look_at(data: bytes, page: Path, profile: Path, width: int = 1200) -> Seen:
    """Put a page with the probe in its place, open it in Chromium, and give what was seen."""
    with Listener() as listener:
        page.write_bytes(add_probe(data, f"http://127.0.0.1:{listener.server_address[1]}"))
        flags = [*FLAGS.split(), f"--user-data-dir={profile}", f"--window-size={width},900"]
        with subprocess.Popen(
            [CHROMIUM, *flags, "--remote-debugging-port=0", page.as_uri()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            deadline = time.monotonic() + 90
            while not listener.told and process.poll() is None and time.monotonic() < deadline:
                listener.handle_request()
            os.killpg(process.pid, signal.SIGKILL)
    assert listener.told, "the page said nothing"
    return msgspec.json.decode(listener.told, type=Seen)


def add_probe(data: bytes, address: str) -> bytes:
    """The page with one more script, which its policy is told to let through."""
    text = data.decode().replace("script-src '", f"connect-src {address}; script-src 'nonce-p' '")
    probe = PROBE.replace("ADDRESS", address)
    return text.replace("</body>", f'<script nonce="p">{probe}</script></body>').encode()


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed; apt-get install chromium")
@pytest.mark.parametrize("width", [1200, 500])
def test_images_and_clips_load_and_marks_seek(
    builder: Any, wanted: Callable[..., Any], tmp_path: Path, width: int
) -> None:
    build = builder.build([wanted("opening", ran=True), wanted("second", "failed")], film="teaser")
    page = builder.folder / "out" / "report.html"
    data = render_page(make_manifest(build, builder.store), builder.folder)
    seen = look_at(data, page, tmp_path / "profile", width)
    assert len(seen.images) == 9
    assert all(seen.images)
    assert [video[:2] for video in seen.videos] == [(64, 64)] * 3
    assert all(video[2] and video[2] > 1 for video in seen.videos)
    assert seen.sought == pytest.approx(0.9)
    assert float(seen.head) == pytest.approx(0.9 / (34 / 16), abs=0.01)
    assert seen.wide <= 0
    assert seen.keys["f"] == ["clip-second"]
    assert seen.keys["current"] == ["clip-second"]
    assert seen.keys["theme"] == ["dark"]
    assert seen.keys["open"] == ["keys"]
    assert seen.blocked == []


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed; apt-get install chromium")
def test_clips_that_are_not_embedded_play_from_beside_the_page(
    builder: Any, wanted: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rushes.report.page.MAX_EMBEDDED_BYTES", 0)
    build = builder.build([wanted("opening")])
    page = builder.folder / "out" / "report.html"
    data = render_page(make_manifest(build, builder.store), builder.folder)
    seen = look_at(data, page, tmp_path / "profile")
    assert [video[:2] for video in seen.videos] == [(64, 64)]
    assert seen.blocked == []
