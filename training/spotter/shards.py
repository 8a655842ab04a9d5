"""Cached clips, in shards that training maps into memory.

A shard is `frames_NNN.npy`, all sampled and resized frames as flat uint8, and `clips_NNN.json`, the
truth of each clip with where its frames begin, their shape and seconds.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.spotter.scenes import Clip, read_clip

RUNS = Path(__file__).parent / "runs"
CACHE = RUNS / "cache"


@dataclass(frozen=True)
class Item:
    """A clip as the reader sees it: `frames` (F, 3, h, w) uint8, shown at `seconds`."""

    clip: Clip
    frames: np.ndarray
    seconds: list[float]


class Shards:
    """All clips of the finished shards, their frames mapped into memory."""

    def __init__(self, folder: Path = CACHE) -> None:
        self.rows: list[dict] = []
        self.frames: list[np.ndarray] = []
        for path in sorted(folder.glob("clips_*.json")):
            number = len(self.frames)
            name = path.name.replace("clips", "frames").replace(".json", ".npy")
            self.frames.append(np.load(folder / name, mmap_mode="r"))
            self.rows += [row | {"shard": number} for row in json.loads(path.read_text())]

    def __len__(self) -> int:
        return len(self.rows)

    def count_frames(self) -> np.ndarray:
        return np.array([row["shape"][0] for row in self.rows])

    def count_actors(self) -> np.ndarray:
        return np.array([len(row["clip"]["actors"]) for row in self.rows])

    def load(self, k: int) -> Item:
        row = self.rows[k]
        size = int(np.prod(row["shape"]))
        flat = self.frames[row["shard"]][row["at"] : row["at"] + size]
        return Item(read_clip(row["clip"]), flat.reshape(row["shape"]), row["seconds"])
