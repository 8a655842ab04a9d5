"""LoRAs that read a control: what their files say of the footage they were trained with.

Reference: the IC-LoRAs of LTX-2 and Lightricks' ``ICLoraPipeline``, which reads the same two lines
of a file's metadata.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCALE = "reference_downscale_factor"
"""Metadata: how many times smaller than the clip the footage is in height and width."""
TEMPORAL_SCALE = "reference_temporal_scale_factor"
"""Metadata: how many times fewer frames it has. Only 1 is supported."""
MOST_HEADER_BYTES = 100_000_000
"""A longer header is no header: safetensors' own limit."""


def read_metadata(path: Path) -> dict[str, Any]:
    """The metadata in a safetensors file's header, without reading a tensor.

    Raises:
        ValueError: the file is no safetensors file.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MOST_HEADER_BYTES:
            raise ValueError("it has no header of safetensors")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("it has no header of safetensors")
    found = header.get("__metadata__", {})
    return found if isinstance(found, dict) else {}


def read_scale(path: Path) -> int:
    """How many times smaller than the clip the footage is that a LoRA was trained to read.

    Raises:
        ValueError: the file is no safetensors file, says something that is no whole number above
            0, or wants footage at another rate.
        OSError: it cannot be read.
    """
    metadata = read_metadata(path)
    if (rate := metadata.get(TEMPORAL_SCALE, "1")) not in ("1", 1):
        raise ValueError(f"it reads footage of fewer frames ({TEMPORAL_SCALE} {rate})")
    said = str(metadata.get(SCALE, "1"))
    if not said.isascii() or not said.isdigit() or int(said) < 1:
        raise ValueError(f"its metadata says {SCALE} {said!r}")
    return int(said)
