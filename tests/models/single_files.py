"""Transformers as people share them: the authors' names for tensors, in one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file

Tensors = dict[str, Any]

WAN = (
    ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    ("condition_embedder.time_proj", "time_projection.1"),
    ("condition_embedder.image_embedder.norm1", "img_emb.proj.0"),
    ("condition_embedder.image_embedder.ff.net.0.proj", "img_emb.proj.1"),
    ("condition_embedder.image_embedder.ff.net.2", "img_emb.proj.3"),
    ("condition_embedder.image_embedder.norm2", "img_emb.proj.4"),
    ("ffn.net.0.proj", "ffn.0"),
    ("ffn.net.2", "ffn.2"),
    ("norm_added_k", "norm_k_img"),
    ("add_k_proj", "k_img"),
    ("add_v_proj", "v_img"),
    ("to_out.0", "o"),
    ("attn1", "self_attn"),
    ("attn2", "cross_attn"),
    ("to_q", "q"),
    ("to_k", "k"),
    ("to_v", "v"),
    ("norm2", "norm?"),
    ("norm3", "norm2"),
    ("norm?", "norm3"),
)
"""Wan's names, from those of diffusers."""
LTX2 = (
    ("audio_proj_in", "audio_patchify_proj"),
    ("av_cross_attn_video_scale_shift", "av_ca_video_scale_shift_adaln_single"),
    ("av_cross_attn_video_a2v_gate", "av_ca_a2v_gate_adaln_single"),
    ("av_cross_attn_audio_scale_shift", "av_ca_audio_scale_shift_adaln_single"),
    ("av_cross_attn_audio_v2a_gate", "av_ca_v2a_gate_adaln_single"),
    ("video_a2v_cross_attn_scale_shift_table", "scale_shift_table_a2v_ca_video"),
    ("audio_a2v_cross_attn_scale_shift_table", "scale_shift_table_a2v_ca_audio"),
    ("norm_q", "q_norm"),
    ("norm_k", "k_norm"),
)
"""LTX-2's names, but for those that only stand at the beginning: see :func:`name_as_ltx2`."""


def name_as_wan(name: str) -> str:
    if name == "scale_shift_table":
        return "head.modulation"
    if name.startswith("proj_out."):
        return name.replace("proj_out.", "head.head.")
    for diffusers, wan in WAN:
        name = name.replace(diffusers, wan)
    return name.replace("scale_shift_table", "modulation")


def name_as_ltx2(name: str) -> str:
    for diffusers, ltx2 in LTX2:
        name = name.replace(diffusers, ltx2)
    starts = {
        "proj_in.": "patchify_proj.",
        "time_embed.": "adaln_single.",
        "audio_time_embed.": "audio_adaln_single.",
    }
    for diffusers, ltx2 in starts.items():
        if name.startswith(diffusers):
            return ltx2 + name.removeprefix(diffusers)
    return name


def read_part(folder: Path) -> Tensors:
    """Tensors of a part in the hub's layout."""
    (path,) = folder.glob("*.safetensors")
    return load_file(path)


def save_single(tensors: Mapping[str, Any], path: Path, prefix: str = "") -> Path:
    save_file({f"{prefix}{name}": t.contiguous() for name, t in tensors.items()}, path)
    return path


def save_packed(tensors: Mapping[str, Any], path: Path, kind: str) -> Tensors:
    """A GGUF file with the matrices of blocks in ``kind``; what it unpacks to, by name."""
    import gguf
    import torch

    packed = gguf.GGMLQuantizationType[kind]
    writer = gguf.GGUFWriter(str(path), "wan")
    found: Tensors = {}
    for name, tensor in tensors.items():
        values = tensor.float().numpy()
        if tensor.ndim == 2 and "blocks" in name and tensor.shape[1] % 32 == 0:
            data = gguf.quants.quantize(values, packed)
            writer.add_tensor(name, data, raw_dtype=packed)
            # diffusers multiplies scales and integers in float16
            values = gguf.quants.dequantize(data, packed).astype(np.float16).astype(np.float32)
        else:
            writer.add_tensor(name, values)
        found[name] = torch.from_numpy(np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return found
