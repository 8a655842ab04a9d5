"""Frames that hardly differ from the one before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCKS = 16
"""A picture is compared as 16x16 means: a sensor's noise is gone in them, a hand is not."""
STEP = 4.0
"""Levels of 255 by which one of these means has changed, at least, in a frame that is kept."""


def is_duplicate(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Whether nothing happened between two frames, (H, W, 3) uint8 of one size.

    What is smaller than a few parts in a hundred of a block, and slower than :data:`STEP` from one
    kept frame to the next, is not seen.
    """
    import numpy as np

    if before.shape != after.shape:
        return False
    return bool(np.abs(_shrink(before) - _shrink(after)).max() < STEP)


def _shrink(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Means of at most 16x16 blocks, (rows, columns, 3) float32."""
    import numpy as np

    height, width = pixels.shape[:2]
    rows = np.linspace(0, height, min(BLOCKS, height) + 1).astype(int)
    columns = np.linspace(0, width, min(BLOCKS, width) + 1).astype(int)
    sums = np.add.reduceat(pixels.astype(np.float32), rows[:-1], axis=0)
    sums = np.add.reduceat(sums, columns[:-1], axis=1)
    area = np.diff(rows)[:, None] * np.diff(columns)[None, :]
    return np.asarray(sums / area[..., None], dtype=np.float32)
