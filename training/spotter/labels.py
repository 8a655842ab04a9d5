"""What the two helping heads are taught: per cell of the picture, and per block of time.

An object's kind is its colour and shape, 24 in all; no clip has two of one kind.
"""

from dataclasses import dataclass

import numpy as np
import torch

from training.spotter import parts
from training.spotter.events import list_events
from training.spotter.scenes import Clip, locate
from training.sprite import world

KINDS = len(world.COLOURS) * len(world.SHAPES)
PLACE = 3  # x and y within the cell, in cells from its middle; radius in units of 10
STORY = 3 + len(world.MOTIONS)  # met, event, fast, motion


@dataclass(frozen=True)
class Labels:
    """Truth for one batch; N tokens of all blocks of all clips, B blocks.

    `cells` (N, 2) int64: 0 or 1 + kind of the object whose centre lies in the cell, in both frames;
    `places` (N, 2, 3) float32. `met`, `event`, `fast` (B, 24) bool: seen so far; something happened
    since the block before; moves fast. `motion` (B, 24) int64.
    """

    cells: torch.Tensor
    places: torch.Tensor
    met: torch.Tensor
    event: torch.Tensor
    fast: torch.Tensor
    motion: torch.Tensor


def name_kind(colour: str, shape: str) -> int:
    return list(world.COLOURS).index(colour) * len(world.SHAPES) + world.SHAPES.index(shape)


def label_clip(clip: Clip, seconds: np.ndarray, grid: tuple[int, int, int]) -> Labels:
    """Truth of a clip sampled at `seconds` (from its start); `grid` is in patches."""
    times = np.concatenate([seconds, seconds[-1:].repeat(-len(seconds) % parts.DEPTH)])
    blocks = grid[0]
    rows, columns = grid[1] // parts.MERGE, grid[2] // parts.MERGE
    cells = np.zeros((blocks, parts.DEPTH, rows, columns), np.int64)
    places = np.zeros((blocks, parts.DEPTH, rows, columns, PLACE), np.float32)
    story = {n: np.zeros((blocks, KINDS), bool) for n in ("met", "event", "fast")}
    motion = np.zeros((blocks, KINDS), np.int64)
    ends = times[parts.DEPTH - 1 :: parts.DEPTH]
    begins = np.concatenate([[-1.0], ends[:-1]])
    for actor in clip.actors:
        kind = name_kind(actor.scene.colour, actor.scene.shape)
        x, y, radius, visible = locate(clip, actor, times)
        across, down = x / clip.extent[0] * columns, y / clip.extent[1] * rows
        inside = (across >= 0) & (across < columns) & (down >= 0) & (down < rows) & (visible > 0)
        for k in np.flatnonzero(inside):
            place = (k // parts.DEPTH, k % parts.DEPTH, int(down[k]), int(across[k]))
            cells[place] = kind + 1
            offset = (across[k] % 1 - 0.5, down[k] % 1 - 0.5, radius[k] / world.SIZE * 6.4)
            places[place] = offset
        story["met"][:, kind] = np.logical_or.accumulate(inside).reshape(blocks, -1)[:, -1]
        happened = np.array([e.seconds for e in list_events(clip, actor)])
        within = (happened[None] > begins[:, None]) & (happened[None] <= ends[:, None])
        story["event"][:, kind] = within.any(1)
        story["fast"][:, kind] = actor.scene.speed == "fast"
        motion[:, kind] = world.MOTIONS.index(actor.scene.motion)
    return Labels(
        cells=torch.from_numpy(cells.transpose(0, 2, 3, 1).reshape(-1, parts.DEPTH)),
        places=torch.from_numpy(places.transpose(0, 2, 3, 1, 4).reshape(-1, parts.DEPTH, PLACE)),
        motion=torch.from_numpy(motion),
        **{n: torch.from_numpy(v) for n, v in story.items()},
    )


def join_labels(labels: list[Labels]) -> Labels:
    """Those of a batch, one clip after the other."""
    names = Labels.__dataclass_fields__
    return Labels(**{n: torch.cat([getattr(one, n) for one in labels]) for n in names})
