"""What a training keeps: an average of the weights, and checkpoints that it goes on from."""

from pathlib import Path

import torch
from torch import nn

from training.sprite.muon import Both

EMA_DECAY = 0.998


class Ema:
    """An exponential average of the parameters."""

    def __init__(self, model: nn.Module) -> None:
        self.values = {n: p.detach().clone() for n, p in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(EMA_DECAY, (1 + step) / (10 + step))
        for name, p in model.named_parameters():
            self.values[name].lerp_(p, 1 - decay)


def save(path: Path, model: nn.Module, ema: Ema, optimiser: Both, state: dict) -> None:
    saved = {
        "model": model.state_dict(),
        "ema": ema.values,
        "optimiser": optimiser.state_dict(),
        "state": state,
    }
    torch.save(saved, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


def load(path: Path, model: nn.Module, ema: Ema, optimiser: Both) -> dict:
    """The state of a run, fresh where there is none."""
    if not path.exists():
        return {"step": 0, "seconds": 0.0}
    where = next(model.parameters()).device
    saved = torch.load(path, weights_only=True, map_location=where)
    model.load_state_dict(saved["model"])
    ema.values = saved["ema"]
    if saved["optimiser"]:
        optimiser.load_state_dict(saved["optimiser"])
    return saved["state"]


@torch.no_grad()
def load_average(model: nn.Module, saved: dict) -> None:
    """The average of a checkpoint, and its last values of what has none."""
    model.load_state_dict(saved["model"])
    for name, p in model.named_parameters():
        p.copy_(saved["ema"][name])
