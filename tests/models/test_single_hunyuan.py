"""HunyuanVideo's own names at its true width, without numbers: which tensor becomes which."""

from __future__ import annotations

import diffusers
import pytest
import torch

from rushes.models.single import WrongFile, name_tensors

WIDTH, MLP = 3072, 4 * 3072
"""Diffusers' converter knows this width alone, so that a tiny one cannot stand in."""


def linears(shapes: dict[str, tuple[int, int]]) -> dict[str, torch.Tensor]:
    found = {}
    for name, shape in shapes.items():
        found[f"{name}.weight"] = torch.empty(shape, device="meta")
        found[f"{name}.bias"] = torch.empty(shape[0], device="meta")
    return found


def as_the_authors_name_it() -> dict[str, torch.Tensor]:
    """One block of each kind."""
    one, both = (WIDTH, WIDTH), ("img", "txt")
    refiner = "txt_in.individual_token_refiner.blocks.0"
    double = {
        **{f"{s}_mod.linear": (6 * WIDTH, WIDTH) for s in both},
        **{f"{s}_attn_qkv": (3 * WIDTH, WIDTH) for s in both},
        **{f"{s}_attn_proj": one for s in both},
        **{f"{s}_mlp.fc1": (MLP, WIDTH) for s in both},
        **{f"{s}_mlp.fc2": (WIDTH, MLP) for s in both},
    }
    found = linears(
        {
            **{f"double_blocks.0.{name}": shape for name, shape in double.items()},
            "time_in.mlp.0": (WIDTH, 256), "time_in.mlp.2": one,
            "guidance_in.mlp.0": (WIDTH, 256), "guidance_in.mlp.2": one,
            "vector_in.in_layer": (WIDTH, 768), "vector_in.out_layer": one,
            "txt_in.input_embedder": (WIDTH, 4096),
            "txt_in.t_embedder.mlp.0": (WIDTH, 256), "txt_in.t_embedder.mlp.2": one,
            "txt_in.c_embedder.linear_1": (WIDTH, 4096), "txt_in.c_embedder.linear_2": one,
            f"{refiner}.self_attn_qkv": (3 * WIDTH, WIDTH), f"{refiner}.self_attn_proj": one,
            f"{refiner}.mlp.fc1": (MLP, WIDTH), f"{refiner}.mlp.fc2": (WIDTH, MLP),
            f"{refiner}.adaLN_modulation.1": (2 * WIDTH, WIDTH),
            "single_blocks.0.linear1": (3 * WIDTH + MLP, WIDTH),
            "single_blocks.0.linear2": (WIDTH, WIDTH + MLP),
            "single_blocks.0.modulation.linear": (3 * WIDTH, WIDTH),
            "final_layer.linear": (64, WIDTH), "final_layer.adaLN_modulation.1": (2 * WIDTH, WIDTH),
        }
    )  # fmt: skip
    for norm in ("norm1", "norm2"):
        found[f"{refiner}.{norm}.weight"] = torch.empty(WIDTH, device="meta")
        found[f"{refiner}.{norm}.bias"] = torch.empty(WIDTH, device="meta")
    for name in ("double_blocks.0.img_attn_", "double_blocks.0.txt_attn_", "single_blocks.0."):
        for side in "qk":
            found[f"{name}{side}_norm.weight"] = torch.empty(128, device="meta")
    found["img_in.proj.weight"] = torch.empty(WIDTH, 16, 1, 2, 2, device="meta")
    found["img_in.proj.bias"] = torch.empty(WIDTH, device="meta")
    return found


def test_every_tensor_finds_its_place() -> None:
    kind = diffusers.HunyuanVideoTransformer3DModel
    with torch.device("meta"):
        part = kind(num_layers=1, num_single_layers=1, num_refiner_layers=1)
    tensors = as_the_authors_name_it()
    named = name_tensors(kind, part.config, tensors, part.state_dict())
    assert named.keys() == part.state_dict().keys()
    del tensors["double_blocks.0.img_mod.linear.bias"]
    with pytest.raises(WrongFile, match="lacks"):
        name_tensors(kind, part.config, tensors, part.state_dict())
