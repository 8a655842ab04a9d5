"""Frames no larger than a reader sees them, for keeping."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def find_scale(height: int, width: int, seen: tuple[int, int]) -> float:
    """How much smaller a frame may become; 1.0 where it has nothing to spare.

    No side becomes shorter than the reader's: what its own processor does to a picture, which may
    well be to change its proportions, it then does to one that has all that it looks at.
    """
    return min(max(seen[0] / height, seen[1] / width), 1.0)


def shrink_to(pixels: NDArray[np.uint8], seen: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8, in the same proportions, with no side shorter than ``seen``: (h, w)."""
    import numpy as np
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = find_scale(height, width, seen)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    if size == (width, height):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
