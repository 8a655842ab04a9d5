"""Projects whose store is filled through its own API, so that no model has to run.

Keys are those of the plan. What the objects hold is only as real as the benchmark needs it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np

from rushes.lock import complete_lock, read_lock, write_lock
from rushes.media import AudioWriter, FrameWriter, encode_clip
from rushes.media.formats import ExportFormat
from rushes.plan.build import build_plan
from rushes.plan.nodes import Node, Plan
from rushes.run.build import find_facts
from rushes.spec.resolve import load_project
from rushes.store.index import Output, Result
from rushes.store.store import Store, find_store

FRAMES, SIZE, FPS, RATE = 33, 64, 16, 16000
BATCH = 5000
NOTE = (
    "The store was filled through its own API (LocalObjects.put and Index.put, the two halves of "
    "Store.put_result) with small files and passing verdicts; no model ran."
)
FileMaker = Callable[[Node, int, Path], dict[str, Path]]
"""A node, its number, a scratch folder → its output files."""


def lock_project(folder: Path) -> None:
    """Write rushes.lock, as ``rushes lock`` does."""
    project = load_project(folder)
    store = Store(find_store(folder))
    lock, _ = complete_lock(project, read_lock(folder), store)
    write_lock(folder, lock)
    store.close()


def plan_project(folder: Path, store: Store) -> Plan:
    """The plan of a locked project."""
    project = load_project(folder)
    return build_plan(project, read_lock(folder), lambda keys: find_facts(store, keys))


def fill_store(folder: Path, make_files: FileMaker, *, skip: tuple[str, ...] = ()) -> int:
    """Store a result for every node of a locked project.

    Args:
        skip: stages that are left to be run.

    Returns:
        How many nodes there are in the plan.
    """
    store = Store(find_store(folder))
    nodes = list(dict.fromkeys(node for *_, node in plan_project(folder, store).rows()))
    batch: list[Result] = []
    with store.scratch() as scratch, unsynced():
        for number, node in enumerate(nodes):
            if node.stage in skip:
                continue
            files = make_files(node, number, scratch)
            outputs = {name: Output(*store.objects.put(file)) for name, file in files.items()}
            assert node.key is not None
            batch.append(Result(node.key, node.stage, outputs, make_facts(node), 0.01, 1_000_000))
            if len(batch) >= BATCH:
                store.index.put(batch)
                batch.clear()
        store.index.put(batch)
    os.sync()
    store.close()
    return len(nodes)


@contextmanager
def unsynced() -> Iterator[None]:
    """Leave out fsync while a store is filled; one sync afterwards does for all."""
    kept = os.fsync
    os.fsync = lambda handle: None
    try:
        yield
    finally:
        os.fsync = kept


def make_facts(node: Node) -> dict[str, object]:
    """The facts that a stage would have given: a passing verdict for a check."""
    if node.stage == "check":
        rows = [
            {
                "check": name,
                "passed": True,
                "score": 1.0,
                "threshold": 0.5,
                "message": "stored by a benchmark",
                "spans": [],
                "evidence": {},
            }
            for name, _ in node.params.checks  # type: ignore[attr-defined]
        ]
        return {"verdicts": rows, "passed": True, "passes": len(rows), "margin": 0.5}
    if node.stage == "render_prompt":
        return {"prompt": node.params.template}  # type: ignore[attr-defined]
    return {}


def make_tiny_files(clip: bytes) -> FileMaker:
    """Files of a few bytes, other ones for every node; clips are real MP4s.

    Args:
        clip: an MP4; each node's copy ends with a ``free`` box that holds the node's number.
    """
    names = {
        "render_prompt": "prompt",
        "encode_text": "embeds",
        "denoise": "latents",
        "decode_video": "frames",
        "decode_audio": "sound",
        "export": "clip",
        "check": "verdicts",
    }

    def make(node: Node, number: int, folder: Path) -> dict[str, Path]:
        name = names[node.stage]
        path = folder / f"{number}.{name}"
        tail = f"{number:012d}".encode()
        box = (8 + len(tail)).to_bytes(4, "big") + b"free" + tail
        path.write_bytes(clip + box if name == "clip" else tail)
        return {name: path}

    return make


def make_clip(path: Path, frames: int = 2) -> bytes:
    """A short real clip: a square that moves, and a tone."""
    sound = np.sin(np.arange(RATE * frames // FPS) * 0.2).astype(np.float32)[:, None] / 4
    pictures = (draw_frame(number) for number in range(frames))
    encode_clip(pictures, Fraction(FPS), iter([sound]), RATE, path, ExportFormat())
    return path.read_bytes()


def draw_frame(number: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """(H, W, 3) uint8 RGB: a white square on grey, two pixels further each frame."""
    frame = np.full((SIZE, SIZE, 3), 96, np.uint8)
    left = 2 * number % (SIZE - 12)
    frame[24:36, left : left + 12] = 235
    return frame


def make_real_files(node: Node, number: int, folder: Path) -> dict[str, Path]:
    """Decoded frames and sound that can be exported; text and latents that nobody reads."""
    if node.stage == "decode_video":
        path = folder / f"{number}.mkv"
        with FrameWriter(path, SIZE, SIZE, FPS) as frames:
            for index in range(FRAMES):
                frames.write(draw_frame(index + number))
        return {"frames": path}
    if node.stage == "decode_audio":
        path = folder / f"{number}.wav"
        phase = np.arange(FRAMES * RATE // FPS)
        tone = (np.sin(phase * (0.15 + 0.01 * number)) / 4).astype(np.float32)
        with AudioWriter(path, RATE, 1) as sound:
            sound.write(tone[:, None])
        return {"sound": path}
    name = {"render_prompt": "prompt", "encode_text": "embeds", "denoise": "latents"}[node.stage]
    path = folder / f"{number}.{name}"
    path.write_bytes(msgspec.json.encode({"prompt": str(number), "negative": ""}))
    return {name: path}
