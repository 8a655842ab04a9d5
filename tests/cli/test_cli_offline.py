"""No socket is opened by commands of a project without a network, nor by their workers.

Every process of the command is watched by an audit hook, which sees calls of Python's socket
module; the command also runs where the kernel has no network at all, if that is permitted.
"""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from tests.readers.checkpoints import write_checkpoint, write_clip

WATCH = """
import os, sys
def _watch(event, args):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo",
                 "socket.gethostbyname", "urllib.Request"):
        with open(os.environ["SEEN"], "a") as file:
            file.write(f"{event} {args[1:]!r}\\n")
        raise OSError(f"{event} is not allowed here")
sys.addaudithook(_watch)
with open(os.environ["SEEN"] + ".started", "a") as file:
    file.write(f"{os.getpid()}\\n")
"""
PROJECT = """
[project]
name = "shut"
[policy]
network = "none"
[shots.one]
prompt = "a red ball bounces on a grey background"
seconds = 0.5
steps = 2
"""
READING = """
import sys
from pathlib import Path
from rushes import hub, lock
from rushes.cli.main import main
from rushes.run import execute, reader
find = lambda entry: Path("spotter")
hub.find_checkpoint = lock.find_checkpoint = reader.find_checkpoint = execute.find_checkpoint = find
codes = [
    main(["watch", "live.ts", "a red ball", "--patience", "0.2", "--reconnects", "0", "--all"]),
    main(["eval", "own.toml", "--models", "spotter", "--json"]),
    main(["digest", "readings.jsonl", "--model", "mine", "--json"]),
]
print(codes, file=sys.stderr)
sys.exit(max(codes))
"""
SPOTTER = """
import sys
from pathlib import Path
from rushes.cli.main import main
from rushes import lock
from rushes.run import execute, reader
for module in (lock, reader, execute):
    module.find_checkpoint = lambda entry: Path(sys.argv[1])
sys.exit(main(sys.argv[2:]))
"""
IPV6 = "socket.bind (('::1', 0),)"
"""How urllib3 finds out, when a library imports it, whether the kernel knows IPv6: nothing is
connected."""
CAN_UNSHARE = (
    subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0
    if Path("/usr/bin/unshare").exists()
    else False
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(WATCH)
    (tmp_path / "rushes.toml").write_text(PROJECT)
    return tmp_path


def start(folder: Path, *command: str | Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run Python with the watch, and what the watch saw."""
    import os

    source = str(Path(__file__).parents[2] / "src")
    path = os.pathsep.join([str(folder / "hook"), source])
    env = {**os.environ, "PYTHONPATH": path, "SEEN": str(folder / "seen")}
    env |= {"HTTP_PROXY": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}
    shut = ["unshare", "-rn"] if CAN_UNSHARE else []
    done = subprocess.run(
        [*shut, sys.executable, *map(str, command)],
        env=env, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seen = folder / "seen"
    lines = seen.read_text().splitlines() if seen.exists() else []
    return done, [line for line in lines if line != IPV6]


def test_the_watch_sees_what_is_asked_of_the_network(folder: Path) -> None:
    code = "import urllib.request as u; u.urlopen('http://127.0.0.1:9')"
    done, seen = start(folder, "-c", code)
    assert done.returncode == 1
    assert seen


@pytest.mark.slow
def test_make_opens_no_socket(folder: Path) -> None:
    done, seen = start(folder, "-m", "rushes", "make", "--json")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert (folder / "out" / "one.mp4").is_file()
    assert not seen
    started = (folder / "seen.started").read_text().split()
    assert len(started) >= 3, "the workers are watched too"


@pytest.mark.slow
def test_ask_opens_no_socket(folder: Path) -> None:
    spotter = write_checkpoint(folder / "spotter")
    write_clip(folder / "clip.mp4", [Fraction(k, 16) for k in range(8)])
    done, seen = start(folder, "-c", SPOTTER, spotter, "ask", "clip.mp4", "what?", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not seen


@pytest.mark.slow
def test_watch_eval_and_digest_open_no_socket(folder: Path) -> None:
    from tests.run.test_digesting import write_model
    from tests.run.test_watching import make_stream

    write_checkpoint(folder / "spotter")
    write_model(folder / "text", "Qwen3")
    with (folder / "rushes.toml").open("a") as file:
        file.write('[texts.mine]\nlike = "qwen3-8b"\npath = "text"\ncontext = 4096\n')
    write_clip(folder / "clip.mp4", [Fraction(k, 16) for k in range(8)])
    (folder / "live.ts").write_bytes(b"".join(make_stream(1, lambda t: True)))
    (folder / "readings.jsonl").write_text('{"file": "clip.mp4", "answer": "a ball"}\n')
    (folder / "own.toml").write_text(
        'name = "a"\n[[cases]]\nvideo = "clip.mp4"\nquestion = "what?"\n'
        'expect = { text = ["yes"] }\n'
    )
    done, seen = start(folder, "-c", READING)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not seen


def test_pull_opens_no_socket(folder: Path) -> None:
    done, seen = start(folder, "-m", "rushes", "models", "pull", "qwen3-vl-2b", "--json")
    assert done.returncode == 3, done.stdout + done.stderr
    assert not seen


@pytest.mark.parametrize("name", ["list.m3u8", "list.mpd", "list.ffconcat", "session.sdp"])
def test_a_file_that_names_an_address_opens_no_socket(folder: Path, name: str) -> None:
    """FFmpeg would open it by itself, where the watch sees nothing: so a server listens."""
    from tests.readers.loopback import start_server

    with start_server() as server:
        (folder / name).write_text(f"""#EXTM3U
#EXT-X-TARGETDURATION:1
#EXTINF:1,
{server.origin}/part.ts
#EXT-X-ENDLIST
""" if name.endswith("m3u8") else f"""ffconcat version 1.0
file '{server.origin}/part.ts'
""" if name.endswith("ffconcat") else f"""<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">
<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">
<BaseURL>{server.origin}/part.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>
""" if name.endswith("mpd") else "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\n"
            "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n")  # fmt: skip
        from rushes.errors import RushesError
        from rushes.run.asking import explain_file

        with pytest.raises(RushesError):
            explain_file(folder / name, ["what?"], "qwen3-vl-8b")
        assert not server.seen
