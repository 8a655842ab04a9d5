"""Sprite v2 as far as it got: weights that are not good enough for the package, to go on from.

`python -m training.sprite.begun` puts them into `runs/`, `--pack` makes them from what lies there.
Matrices are kept as int8 with a scale a row (within 0.4 % of the row's largest), the rest as
float16.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from training.sprite.checkpoints import load_average
from training.sprite.tokenizer import train_tokenizer
from training.sprite.train_transformer import Sprite
from training.sprite.train_vae import RUNS

FOLDER = Path(__file__).parent
RUN_OF = {"vae": "vae_s24t4_decoder", "transformer": "transformer"}


def pack(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Float tensors -> int8 with `NAME.scale` float16 (rows,); float16 where there are no rows."""
    out = {}
    for name, value in state.items():
        if value.ndim < 2:
            out[name] = value.half()
            continue
        rows = value.float().flatten(1)
        scale = (rows.abs().amax(1) / 127).clamp(min=1e-7).half()
        out[name] = (rows / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
        out[name] = out[name].view(value.shape)
        out[f"{name}.scale"] = scale
    return out


def unpack(packed: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What `pack` was given, in float32, nearly."""
    out = {}
    for name, value in packed.items():
        if name.endswith(".scale"):
            continue
        scale = packed.get(f"{name}.scale")
        if scale is None:
            out[name] = value.float()
        else:
            out[name] = (value.flatten(1).float() * scale.float()[:, None]).view(value.shape)
    return out


def save_begun() -> None:
    """Packs the last checkpoints; of the transformer its average."""
    for name, run in RUN_OF.items():
        saved = torch.load(RUNS / run / "last.pt", weights_only=True, map_location="cpu")
        state = saved["model"]
        if "ema" in saved:
            model = Sprite(len(train_tokenizer()))
            load_average(model, saved)
            state = model.state_dict()
        note = {"step": str(saved["state"]["step"])}
        save_file(pack(state), FOLDER / f"{name}.safetensors", note)


def restore_begun() -> None:
    """Unpacks them where `cache` and `train_transformer` look, without an optimiser's state."""
    for name, run in RUN_OF.items():
        path = RUNS / run / "last.pt"
        if path.exists():
            raise SystemExit(f"{path} is there already: move it away first")
        state = unpack(load_file(FOLDER / f"{name}.safetensors"))
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = {"model": state, "ema": state, "optimiser": None}
        torch.save(fresh | {"state": {"step": 0, "seconds": 0.0}}, path)
