"""Watching what is still being made: a file that grows, a stream of HTTP, a reader that is slow."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.cli.main import main
from rushes.cli.watch import check_source
from rushes.errors import MediaError, PolicyRefused, ServerUnreachable, UsageError
from rushes.media.live import SteadyClock, read_live
from rushes.readers.base import Answer, Frames, Measured, Sampling
from rushes.readers.rolling import Windows
from rushes.run.watching import Seen, WatchSettings, open_watch
from rushes.run.webhook import open_webhook
from tests.readers.loopback import give, start_server
from tests.readers.serving import find_port

RATE = 8


def make_stream(
    seconds: float, light: Callable[[float], bool], box: str = "mpegts",
    gap: tuple[float, float] = (0.0, 0.0),
) -> list[bytes]:  # fmt: skip
    """MPEG-TS, or another box, in pieces: white where ``light`` says so, else black; ``gap`` is
    from when on frames are shown so much later."""
    file = io.BytesIO()
    with av.open(file, "w", format=box) as out:
        stream = out.add_stream("libx264", rate=RATE, options={"g": "4", "tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(int(seconds * RATE)):
            level = np.full((48, 64, 3), 230 if light(k / RATE) else 20, np.uint8)
            frame = av.VideoFrame.from_ndarray(level, format="rgb24")
            frame.pts = k + round(gap[1] * RATE if k / RATE >= gap[0] else 0)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    data = file.getvalue()
    return [data[at : at + 188 * 4] for at in range(0, len(data), 188 * 4)]


@dataclass
class Settings:
    sampling: Sampling = field(default_factory=lambda: Sampling(8, 1, 64))

    def measure(self, frames: int, height: int, width: int) -> Measured:
        return Measured(height, width, frames)


@dataclass
class Eye:
    """Says yes to what is bright; slow when it is told to be."""

    pause: float = 0.0
    faults: int = 0
    seen: list[Frames] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)

    def ask(self, frames: Frames, question: str, **_: Any) -> Answer:
        self.seen.append(frames)
        time.sleep(self.pause)
        if self.faults:
            self.faults -= 1
            raise ServerUnreachable("the server is away")
        bright = any(pixels.mean() > 120 for pixels in frames.pixels)
        return Answer("Yes." if bright else "No.", (), frames.seconds, "eye", 3)


def watch(source: str, eye: Eye, **more: Any) -> tuple[list[Seen], list[str]]:
    settings = WatchSettings(source, "it is light", **{
        "seconds": 1.0, "every": 1.0, "reconnects": 0, "patience_seconds": 0.5, **more
    })  # fmt: skip
    told: list[str] = []
    with open_watch(settings, eye, told.append) as running:  # type: ignore[arg-type]
        return list(running.list_seen()), told


def test_a_file_that_grows_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "grows.ts"
    pieces = make_stream(4, lambda t: 2 <= t < 3)
    path.write_bytes(b"".join(pieces[:3]))

    def grow() -> None:
        with path.open("ab") as file:
            for piece in pieces[3:]:
                file.write(piece)
                file.flush()
                time.sleep(0.01)

    writer = threading.Thread(target=grow)
    writer.start()
    seen, _ = watch(str(path), eye := Eye())
    writer.join()
    for one in seen:
        assert one.seen is (one.start_seconds >= 2 and one.end_seconds < 3)
        assert one.end_seconds - one.start_seconds == pytest.approx(0.875)
    assert len(seen) + sum(one.dropped for one in seen) == 4
    assert seen[-1].end_seconds == pytest.approx(3.875)
    assert all(len(frames.seconds) <= RATE + 1 for frames in eye.seen)
    assert seen[-1].to_dict()["frames"] == list(seen[-1].frames)


@contextmanager
def serve(streams: list[list[bytes]]) -> Iterator[str]:
    """A stream a connection, then 404."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not streams:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            for piece in streams.pop(0):
                self.wfile.write(piece)

        def log_message(self, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}/live.ts"
    finally:
        http.shutdown()
        http.server_close()


def test_a_stream_that_is_lost_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rushes.run.watching.choose_pause", lambda number: 0.01)
    dark, light = make_stream(1, lambda t: False), make_stream(1, lambda t: True)
    with serve([dark, light]) as url:
        seen, told = watch(url, Eye(), reconnects=2)
    assert [one.seen for one in seen] == [False, True]
    assert "is lost" in told[0]


def test_a_stream_of_rtsp(tmp_path: Path) -> None:
    pytest.importorskip("aio_rtsp_toolkit", reason="a server of RTSP, of the dev extra")
    pieces = make_stream(4, lambda t: 2 <= t < 3, box="mp4")
    (tmp_path / "a.mp4").write_bytes(b"".join(pieces))
    port, control = find_port(), find_port()
    server = subprocess.Popen(
        [sys.executable, "-c", "from server_demo import main; main()", "-H", "127.0.0.1",
         "-p", str(port), "-cp", str(control), "-d", str(tmp_path)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(port, server)
        url = f"rtsp://127.0.0.1:{port}/a.mp4"
        seen, _ = watch(url, Eye(), patience_seconds=10.0, reconnects=0)
    finally:
        server.kill()
        server.wait()
    dropped = sum(one.dropped for one in seen)
    assert len(seen) + dropped >= 4
    assert dropped or [one.seen for one in seen][:3] == [False, False, True]


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("the server of RTSP has ended")


def test_a_stream_that_never_was_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rushes.run.watching.choose_pause", lambda number: 0.01)
    with serve([]) as url, pytest.raises(MediaError, match="cannot watch"):
        watch(url, Eye(), reconnects=1)


def test_a_redirect_and_a_playlist_lead_nowhere(tmp_path: Path) -> None:
    with start_server() as server:
        (tmp_path / "list.m3u8").write_text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{server.origin}/a.ts\n#EXT-X-ENDLIST\n"
        )
        with pytest.raises(MediaError):
            watch(str(tmp_path / "list.m3u8"), Eye())
        assert not server.seen


def test_a_slow_reader_falls_behind_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "fast.ts"
    path.write_bytes(b"".join(make_stream(12, lambda t: True)))
    seen, told = watch(str(path), eye := Eye(pause=0.4))
    dropped = sum(one.dropped for one in seen)
    assert dropped + len(seen) == 12
    assert dropped >= 6
    assert any("falling behind" in line for line in told)
    assert seen[-1].end_seconds == pytest.approx(11.875)
    assert len(eye.seen) == len(seen)


def test_a_clock_that_goes_back_silences_nothing(tmp_path: Path) -> None:
    """As of a camera that starts anew behind a server that goes on."""
    parts = [make_stream(4, lambda t: False), make_stream(3, lambda t: t >= 1)]
    path = write_parts(tmp_path / "a.ts", *parts)
    jumps: list[float] = []
    found = [
        (seconds, bool(convert().mean() > 120))
        for seconds, convert in read_live(str(path), 0.3, lambda: False, jumps.append)
    ]
    assert [seconds for seconds, _ in found] == pytest.approx([k / RATE for k in range(7 * RATE)])
    assert [light for _, light in found] == [k / RATE >= 5 for k in range(7 * RATE)]
    assert jumps == pytest.approx([-3.875])
    seen, told = watch(str(path), Eye())
    assert len(seen) + sum(one.dropped for one in seen) == 7
    assert seen[-1].seen
    assert [line for line in told if "clock" in line] == [
        f"the clock of {path} went back 3.9 s; watching goes on"
    ]


def test_jumps_are_counted_and_not_all_told(
    tmp_path: Path, eye: Eye, capsys: pytest.CaptureFixture[str]
) -> None:
    write_parts(tmp_path / "a.ts", *[make_stream(1, lambda t: False)] * 5)
    args = ["watch", "a.ts", "it is light", "-C", str(tmp_path), "--window", "1"]
    assert main([*args, "--patience", "0.3", "--reconnects", "0", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["jumps"] == 4
    assert said.err.count("went back 0.9 s") == 1


def test_a_gap_is_told_and_its_seconds_stay_those_of_the_file(tmp_path: Path) -> None:
    pieces = make_stream(4, lambda t: True, gap=(3.0, 60.0))
    path, jumps = write_parts(tmp_path / "a.ts", pieces), list[float]()
    found = [seconds for seconds, _ in read_live(str(path), 0.3, lambda: False, jumps.append)]
    expected = [k / RATE + (60 if k / RATE >= 3 else 0) for k in range(4 * RATE)]
    assert found == pytest.approx(expected)
    assert jumps == pytest.approx([60.125])


def test_a_stream_with_a_gap_goes_on_by_the_clock_of_this_machine() -> None:
    now, jumps = 0.0, list[float]()
    clock = SteadyClock(0.1, True, jumps.append, now=lambda: now)
    assert [clock.read(100.0), clock.read(100.1), clock.read(None)] == pytest.approx([0, 0.1, 0.2])
    now += 2.0
    assert clock.read(5_000_000.0) == pytest.approx(2.2)
    assert clock.read(5_000_000.5) == pytest.approx(2.7)
    assert clock.read(3.0) == pytest.approx(2.8), "no time has passed here: a frame later"
    assert clock.read(2.9) == pytest.approx(2.9), "and so with one that is late"
    assert [round(seconds, 1) for seconds in jumps] == [4_999_899.8, -4_999_997.5]


def test_what_lies_before_a_gap_or_a_loss_is_read_by_itself() -> None:
    windows, pixels = Windows("a", 2.0, 2.0, 2.0, backlog=9), np.zeros((2, 2, 3), np.uint8)
    for seconds in (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 90.0, 90.5, 91.0):
        windows.add(seconds, pixels)
    windows.restart()  # the source was lost, and came again
    windows.add(92.0, pixels)
    windows.close()
    taken = []
    while (frames := windows.take(0)) is not None:
        taken.append(frames.seconds)
    assert taken == [
        (0.0, 0.5, 1.0, 1.5), (1.0, 1.5, 2.0, 2.5), (90.0, 90.5, 91.0), (92.0,)
    ]  # fmt: skip


def write_parts(path: Path, *parts: list[bytes]) -> Path:
    """Streams one after the other in a file."""
    path.write_bytes(b"".join(piece for part in parts for piece in part))
    return path


def test_a_server_that_is_away_ends_no_watch(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join(make_stream(2, lambda t: True)))
    seen, _ = watch(str(path), Eye(faults=1))
    assert [(one.seen, bool(one.error)) for one in seen] == [(False, True), (True, False)]


@given(
    st.lists(st.floats(0.001, 3), max_size=200),
    st.floats(0.2, 5), st.floats(0.2, 5), st.integers(1, 3),
)  # fmt: skip
def test_windows_are_bounded_and_none_is_lost_uncounted(
    gaps: list[float], seconds: float, every: float, backlog: int
) -> None:
    windows, now = Windows("a", seconds, every, 4.0, backlog), 0.0
    pixels = np.zeros((2, 2, 3), np.uint8)
    for gap in gaps:
        now += gap
        if windows.wants(now):
            windows.add(now, pixels)
        assert len(windows._frames) <= seconds * 4 + 2
    windows.close()
    taken = []
    while (frames := windows.take(0)) is not None:
        taken.append(frames)
        assert frames.seconds[-1] - frames.seconds[0] <= seconds + 1e-6
    assert len(taken) <= backlog
    assert len(taken) + windows.dropped == windows.made
    assert windows.ended


def test_a_webhook_is_tried_again_and_holds_nobody_up() -> None:
    with start_server() as server:
        server.moves += [give(503, {}), give(204, b"")]
        told: list[str] = []
        with open_webhook(f"{server.origin}/hook", told.append) as hook:
            hook.sender.wait = lambda seconds: None
            hook.put({"seen": True})
        assert (hook.sent, hook.lost, told) == (1, 0, [])
        assert [r.body for r in server.received] == [{"seen": True}] * 2
        server.moves += [give(404, {})]
        with open_webhook(f"{server.origin}/hook", told.append) as hook:
            hook.put({"seen": True})
        assert hook.lost == 1
        assert "404" in told[0]


@pytest.fixture
def eye(monkeypatch: pytest.MonkeyPatch) -> Eye:
    """A reader for the command."""
    eye = Eye()
    monkeypatch.setattr("rushes.run.watching.open_reader", lambda *_: nullcontext(eye))
    return eye


def test_the_command_prints_a_line_each_and_sends_them(
    tmp_path: Path, eye: Eye, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.ts").write_bytes(b"".join(make_stream(2, lambda t: t >= 1)))
    args = ["watch", "a.ts", "it is light", "-C", str(tmp_path), "--window", "1"]
    args += ["--patience", "0.3", "--reconnects", "0"]
    with start_server() as server:
        (tmp_path / "rushes.toml").write_text(
            f'[project]\nname = "a"\n[policy]\nservers = ["{server.origin}"]\n'
        )
        assert main([*args, "--webhook", f"{server.origin}/hook"]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert json.loads(line)["seen"] is True
        assert [r.body for r in server.received] == [json.loads(line)]
    assert main([*args, "--all", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["windows"], document["dropped"]) == (2, 0)
    assert [event["seen"] for event in document["events"]] == [False, True]


def test_ctrl_c_ends_it_cleanly(
    tmp_path: Path, eye: Eye, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.ts").write_bytes(b"".join(make_stream(2, lambda t: True)))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt() -> None:
        while not eye.seen:
            time.sleep(0.02)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    args = ["watch", "a.ts", "it is light", "-C", str(tmp_path), "--patience", "2"]
    try:
        assert main([*args, "--window", "1", "--reconnects", "0"]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    said = capsys.readouterr()
    assert all(json.loads(line)["seen"] for line in said.out.splitlines())
    assert "stopped after" in said.err
    assert not any(thread.name == "watch" for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("policy", "source", "webhook", "kind"),
    [
        ("", "http://127.0.0.1:1/a", None, PolicyRefused),
        ('servers = ["http://127.0.0.1:1"]', "http://127.0.0.1:1/a?b=1", None, None),
        ('servers = ["rtsp://camera"]', "rtsp://camera:554/a", None, None),
        ('servers = ["rtsp://camera"]', "rtsp://other/a", None, PolicyRefused),
        ('network = "none"\nservers = ["rtsp://camera"]', "rtsp://camera/a", None, PolicyRefused),
        ("", "a.ts", "http://127.0.0.1:1/a", PolicyRefused),
        ('servers = ["http://127.0.0.1:1"]', "a.ts", "http://127.0.0.1:1/a", None),
        ('servers = ["http://127.0.0.1:1"]', "a.ts", "ftp://127.0.0.1:1/a", UsageError),
        ("", "udp://127.0.0.1:1", None, UsageError),
        ("", "missing.ts", None, UsageError),
    ],
)
def test_the_policy_holds(
    tmp_path: Path, policy: str, source: str, webhook: str | None, kind: type[Exception] | None
) -> None:
    (tmp_path / "a.ts").touch()
    (tmp_path / "rushes.toml").write_text(f'[project]\nname = "a"\n[policy]\n{policy}\n')
    if kind is None:
        assert check_source(source, webhook, tmp_path)
        return
    with pytest.raises(kind):
        check_source(source, webhook, tmp_path)


def test_a_webhook_needs_a_policy(tmp_path: Path) -> None:
    (tmp_path / "a.ts").touch()
    with pytest.raises(PolicyRefused):
        check_source("a.ts", "http://127.0.0.1:1/a", tmp_path)
