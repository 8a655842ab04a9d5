"""What the two helping heads are taught: per cell of the picture, and per block of time.

An object's kind is its colour and shape, 24 in all; no clip has two of one kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from training.spotter import parts
from training.spotter.events import KINDS as EVENTS
from training.spotter.events import MOTION_OF, list_events
from training.spotter.scenes import Clip, locate
from training.sprite import world

KINDS = len(world.COLOURS) * len(world.SHAPES)
PLACE = 3  # x and y within the cell, in cells from its middle; radius in units of 10
# met, fast; happens, first and since, of each kind of event; motion
STORY = 2 + 3 * len(EVENTS) + len(world.MOTIONS)
RECENT = 2  # blocks: the moment of what happened longer ago is not asked for
BLOCK = parts.DEPTH / parts.FPS  # seconds


COLOURS, SHAPES = len(world.COLOURS), len(world.SHAPES)
TOUCH = 0.8  # of an object's radius: what lies further out is mostly edge


@dataclass(frozen=True)
class Cells:
    """What lies where; the axes before the last are blocks, frames of a block, rows and columns.

    `kinds` int64: 0, or 1 + kind of the object whose centre lies in the cell; `places`
    (…, 3) float32; `colours`, `shapes` int64: 0, or 1 + that of the topmost object that touches
    the cell. Flattened: (N tokens, frames of a block).
    """

    kinds: torch.Tensor
    places: torch.Tensor
    colours: torch.Tensor
    shapes: torch.Tensor

    def mirror(self) -> Cells:
        """The same seen in a mirror: columns reversed, and x with the other sign."""
        places = self.places.flip(3) * torch.tensor([-1.0, 1.0, 1.0])
        return Cells(self.kinds.flip(3), places, self.colours.flip(3), self.shapes.flip(3))

    def flatten(self) -> Cells:
        """Token by token, in the order of the vision tower's output."""
        tokens = [
            t.movedim(1, 3).flatten(0, 2)
            for t in (self.kinds, self.places, self.colours, self.shapes)
        ]
        return Cells(*tokens)

    @staticmethod
    def join(cells: Sequence[Cells]) -> Cells:
        """Those of several clips, flattened, one after the other."""
        names = Cells.__dataclass_fields__
        return Cells(*(torch.cat([getattr(one, n) for one in cells]) for n in names))


@dataclass(frozen=True)
class Labels:
    """Truth for one batch; N tokens of all blocks of all clips, B blocks.

    `cells`: flattened. `met`, `fast` (B, 24) bool: seen so far; moves fast. `happens`, `first`
    (B, 24, 7) bool: an event of the kind happened since the block before; for the first time.
    `since` (B, 24, 7) float32: how long before the block's last frame the latest event of the kind
    was, in blocks; NaN where that is more than two. `motion` (B, 24) int64.
    """

    cells: Cells
    met: torch.Tensor
    fast: torch.Tensor
    happens: torch.Tensor
    first: torch.Tensor
    since: torch.Tensor
    motion: torch.Tensor


def name_kind(colour: str, shape: str) -> int:
    return list(world.COLOURS).index(colour) * len(world.SHAPES) + world.SHAPES.index(shape)


def find_kept(motions: Sequence[str]) -> torch.Tensor:
    """(24, motions) bool: which kind of object with which motion is kept from training."""
    return torch.tensor(
        [
            [world.is_held_out(colour, shape, motion) for motion in motions]
            for colour in world.COLOURS
            for shape in world.SHAPES
        ]
    )


KEPT_MOTIONS = find_kept(world.MOTIONS)
KEPT_EVENTS = find_kept([MOTION_OF.get(event, "") for event in EVENTS])


def label_cells(clip: Clip, seconds: np.ndarray, grid: tuple[int, int, int]) -> Cells:
    """What lies in the cells at `seconds` (from the clip's start); `grid` is in patches."""
    times = np.concatenate([seconds, seconds[-1:].repeat(-len(seconds) % parts.DEPTH)])
    rows, columns = grid[1] // parts.MERGE, grid[2] // parts.MERGE
    size = (grid[0], parts.DEPTH, rows, columns)
    kinds, colours, shapes = (np.zeros(size, np.int64) for _ in range(3))
    places = np.zeros((*size, PLACE), np.float32)
    middle = np.arange(columns)[None] + 0.5, np.arange(rows)[:, None] + 0.5
    for actor in clip.actors:
        kind = name_kind(actor.scene.colour, actor.scene.shape)
        x, y, radius, visible = locate(clip, actor, times)
        across, down = x / clip.extent[0] * columns, y / clip.extent[1] * rows
        reach = radius * TOUCH / clip.extent[0] * columns + 0.5
        for k in np.flatnonzero(visible > 0):
            at = (k // parts.DEPTH, k % parts.DEPTH)
            near = np.maximum(abs(middle[0] - across[k]), abs(middle[1] - down[k])) < reach[k]
            colours[at][near] = 1 + kind // SHAPES
            shapes[at][near] = 1 + kind % SHAPES
            if 0 <= across[k] < columns and 0 <= down[k] < rows:
                cell = (*at, int(down[k]), int(across[k]))
                kinds[cell] = kind + 1
                offset = (across[k] % 1 - 0.5, down[k] % 1 - 0.5, radius[k] / world.SIZE * 6.4)
                places[cell] = offset
    return Cells(*(torch.from_numpy(a) for a in (kinds, places, colours, shapes)))


def label_clip(clip: Clip, seconds: np.ndarray, grid: tuple[int, int, int]) -> Labels:
    """Truth of a clip sampled at `seconds` (from its start); `grid` is in patches."""
    times = np.concatenate([seconds, seconds[-1:].repeat(-len(seconds) % parts.DEPTH)])
    blocks = grid[0]
    cells = label_cells(clip, seconds, grid)
    story = {n: np.zeros((blocks, KINDS), bool) for n in ("met", "fast")}
    told = {n: np.zeros((blocks, KINDS, len(EVENTS)), bool) for n in ("happens", "first")}
    motion = np.zeros((blocks, KINDS), np.int64)
    since = np.full((blocks, KINDS, len(EVENTS)), np.nan, np.float32)
    ends = times[parts.DEPTH - 1 :: parts.DEPTH]
    begins = np.concatenate([[-1.0], ends[:-1]])
    for actor in clip.actors:
        kind = name_kind(actor.scene.colour, actor.scene.shape)
        seen = (cells.kinds == kind + 1).flatten(1).any(1).numpy()
        story["met"][:, kind] = np.logical_or.accumulate(seen)
        story["fast"][:, kind] = actor.scene.speed == "fast"
        motion[:, kind] = world.MOTIONS.index(actor.scene.motion)
        events = list_events(clip, actor)
        for event in reversed(events):
            within = (event.seconds > begins) & (event.seconds <= ends)
            told["happens"][within, kind, EVENTS.index(event.kind)] = True
            told["first"][:, kind, EVENTS.index(event.kind)] = within
        for event in events:
            ago = (ends - event.seconds) / BLOCK
            near = (ago >= 0) & (ago <= RECENT)
            since[near, kind, EVENTS.index(event.kind)] = ago[near]
    return Labels(
        cells=cells.flatten(),
        motion=torch.from_numpy(motion),
        since=torch.from_numpy(since),
        **{n: torch.from_numpy(v) for n, v in (story | told).items()},
    )


def join_labels(labels: list[Labels]) -> Labels:
    """Those of a batch, one clip after the other."""
    names = [n for n in Labels.__dataclass_fields__ if n != "cells"]
    return Labels(
        cells=Cells.join([one.cells for one in labels]),
        **{n: torch.cat([getattr(one, n) for one in labels]) for n in names},
    )
