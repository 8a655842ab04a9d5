"""The weights that the package carries, to go on from where a run's checkpoints are not kept."""

from pathlib import Path
from typing import Any

import torch

WEIGHTS = Path(__file__).parents[2] / "src" / "rushes" / "weights" / "sprite"


def load_part(kind: type, name: str) -> Any:
    """One part of the exported pipeline (an average, in half precision) in float32."""
    return kind.from_pretrained(str(WEIGHTS / name), dtype=torch.float32)
