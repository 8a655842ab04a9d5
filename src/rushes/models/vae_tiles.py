"""Pictures that a VAE decodes in tiles which overlap, joined as diffusers' ``tiled_decode``."""

from __future__ import annotations

from typing import Any

import torch


def join_tiles(
    vae: Any, rows: list[list[torch.Tensor]], kept: tuple[int, int], blend: tuple[int, int]
) -> torch.Tensor:
    """Each tile (1, C, n, h, w) is blended over the one above and the one on its left, then cut.

    Args:
        kept: rows and columns of a tile that stay.
        blend: rows and columns over which neighbours are blended.
    """
    lines = []
    for i, row in enumerate(rows):
        line = []
        for j, tile in enumerate(row):
            if i > 0:
                tile = vae.blend_v(rows[i - 1][j], tile, blend[0])
            if j > 0:
                tile = vae.blend_h(row[j - 1], tile, blend[1])
            line.append(tile[..., : kept[0], : kept[1]])
        lines.append(torch.cat(line, -1))
    return torch.cat(lines, 3)
