"""64 frames of a one-hour 720p H.264 file with long GOPs: our sampling beside four other readers.

Each runs in a process of its own. Compared is CPU time (user and system, of all threads), which
other work on the machine disturbs little, with wall time and peak memory beside it; and whether the
frames are the same, by small grey pictures of them. qwen-vl-utils chooses its own 64 frames and
makes them smaller, as it does for a model: its work is not quite the same.

    python -m bench.readers.sampling --other /path/to/python    # which has decord, torchcodec, …

The file is encoded once (a minute, copied sixty times) and kept in ``--workspace``; every run is
written at once, so that a benchmark that was stopped goes on.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "results" / "sampling.json"
READERS = ("rushes", "opencv", "decord", "torchcodec", "qwen-vl-utils")
FRAMES, RATE, GOP, MINUTES = 64, 30, 250, 60
SAME = 4.0
"""Mean difference of grey levels up to which two small pictures show one frame: conversions differ
by one or two."""


def write_hour(to: Path) -> Path:
    """A minute of moving texture, sixty times, each a shade brighter by its own clock."""
    import av
    import numpy as np

    if to.exists():
        return to
    minute = to.with_name("minute.mp4")
    rng = np.random.default_rng(1)
    base = np.kron(rng.integers(30, 220, (45, 80, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    with av.open(str(minute), "w") as box:
        options = {"g": str(GOP), "keyint_min": str(GOP), "sc_threshold": "0", "crf": "28",
                   "preset": "veryfast"}  # fmt: skip
        stream = box.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for k in range(60 * RATE):
            picture = np.roll(base, (k // 2, 3 * k), axis=(0, 1))
            picture[:, : (k * 1280) // (60 * RATE)] //= 2
            box.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        box.mux(stream.encode())
    part = to.with_suffix(".part.mp4")
    with av.open(str(part), "w") as out:
        copied = None
        for n in range(MINUTES):
            with av.open(str(minute)) as box:
                source = box.streams.video[0]
                if copied is None:
                    copied = out.add_stream_from_template(source)
                shift = int(Fraction(60 * n) / source.time_base)
                for packet in box.demux(source):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = copied
                    out.mux(packet)
    part.rename(to)
    return to


def read_rushes(path: str) -> list[Any]:
    from rushes.readers.base import Sampling
    from rushes.readers.sampling import sample_clip

    return list(sample_clip(path, Sampling(2, FRAMES, FRAMES)).pixels)


def list_numbers(total: int) -> list[int]:
    """The first frame at or after each of 64 even times."""
    return [-(-k * total // FRAMES) for k in range(FRAMES)]


def read_opencv(path: str) -> list[Any]:
    import cv2

    video, frames = cv2.VideoCapture(path), []
    for number in list_numbers(int(video.get(cv2.CAP_PROP_FRAME_COUNT))):
        video.set(cv2.CAP_PROP_POS_FRAMES, number)
        frames.append(cv2.cvtColor(video.read()[1], cv2.COLOR_BGR2RGB))
    return frames


def read_decord(path: str) -> list[Any]:
    import decord

    video = decord.VideoReader(path)
    return list(video.get_batch(list_numbers(len(video))).asnumpy())


def read_torchcodec(path: str) -> list[Any]:
    from torchcodec.decoders import VideoDecoder

    video = VideoDecoder(path, dimension_order="NHWC")
    return list(video.get_frames_at(list_numbers(video.metadata.num_frames)).data.numpy())


def read_qwen(path: str) -> list[Any]:
    os.environ.setdefault("FORCE_QWENVL_VIDEO_READER", "decord")
    from qwen_vl_utils import fetch_video

    clip = fetch_video({"video": path, "nframes": FRAMES})
    return [frame.permute(1, 2, 0).numpy() for frame in clip]


CALLS = {
    "rushes": read_rushes, "opencv": read_opencv, "decord": read_decord,
    "torchcodec": read_torchcodec, "qwen-vl-utils": read_qwen,
}  # fmt: skip
MODULES = {"opencv": "cv2", "qwen-vl-utils": "qwen_vl_utils"}


def measure(reader: str, path: str) -> dict[str, Any]:
    """One run, in this process; modules are imported before, by a run on a small file."""
    small = str(Path(path).with_name("minute.mp4"))
    CALLS[reader](small)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    frames = CALLS[reader](path)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    grey = [[int(v) for v in f[::80, ::80].mean(axis=2).ravel()] for f in frames]
    return {
        "cpu_seconds": round(cpu, 2), "wall_seconds": round(wall, 2),
        "peak_mb": after.ru_maxrss // 1000, "frames": len(frames),
        "shape": list(frames[0].shape), "grey": grey,
    }  # fmt: skip


def run_in(python: str, reader: str, path: Path) -> dict[str, Any]:
    root = Path(__file__).resolve().parents[2]
    env = {**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"}
    done = subprocess.run(
        [python, "-m", "bench.readers.sampling", "--measure", reader, "--workspace", str(path)],
        capture_output=True, text=True, env=env, cwd=root, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["?"])[-1][:300]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(first: list[list[int]], other: list[list[int]]) -> float | None:
    """The largest mean difference of two frames; None where sizes or counts differ."""
    if [len(f) for f in first] != [len(f) for f in other]:
        return None
    return max(
        sum(abs(a - b) for a, b in zip(f, g, strict=True)) / len(f)
        for f, g in zip(first, other, strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, default=Path("/tmp/rushes-sampling"))
    parser.add_argument("--other", help="a Python with the other readers, where they are not here")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.measure:
        print(json.dumps(measure(said.measure, str(said.workspace))))
        return
    said.workspace.mkdir(parents=True, exist_ok=True)
    path = write_hour(said.workspace / "hour.mp4")
    kept = said.workspace / "runs.json"
    runs: dict[str, list[dict[str, Any]]] = json.loads(kept.read_text()) if kept.exists() else {}
    for number in range(said.repeats):
        for reader in READERS:
            here = importlib.util.find_spec(MODULES.get(reader, reader)) is not None
            python = sys.executable if here or not said.other else said.other
            done = runs.setdefault(reader, [])
            if len(done) <= number and not any("error" in run for run in done):
                done.append(run_in(python, reader, path))
                kept.write_text(json.dumps(runs))
    document = write_document(runs, path)
    said.results.write_text(json.dumps(document, indent=1) + "\n")
    for reader, row in document["readers"].items():
        print(reader, row)


def write_document(runs: dict[str, list[dict[str, Any]]], path: Path) -> dict[str, Any]:
    ours = runs["rushes"][0]["grey"]
    rows: dict[str, Any] = {}
    for reader, done in runs.items():
        if "error" in done[-1]:
            rows[reader] = done[-1]
            continue
        difference = compare(ours, done[0]["grey"])
        rows[reader] = {
            "cpu_seconds": min(run["cpu_seconds"] for run in done),
            "wall_seconds": min(run["wall_seconds"] for run in done),
            "peak_mb": max(run["peak_mb"] for run in done),
            "frames": done[0]["frames"], "shape": done[0]["shape"],
            "same_frames": difference is not None and difference <= SAME,
        }  # fmt: skip
    others = [r["cpu_seconds"] for n, r in rows.items() if n != "rushes" and r.get("same_frames")]
    return {
        "what": f"{FRAMES} frames of one hour of 720p{RATE} H.264, a key frame every {GOP}",
        "time": "CPU seconds, user and system; the least of all runs. Wall time depends on what "
        "else the machine did: it was shared",
        "file_mb": path.stat().st_size // 1_000_000,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "goal": "not slower than the fastest of those that give the same frames",
        "ratio_to_fastest": round(rows["rushes"]["cpu_seconds"] / min(others), 3) if others else 0,
        "readers": rows,
    }


if __name__ == "__main__":
    main()
