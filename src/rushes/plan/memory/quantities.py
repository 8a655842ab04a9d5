"""What a node is about, in the quantities that footprints are laws of."""

from __future__ import annotations

from collections.abc import Iterator

from rushes.catalogue.footprint import Quantities
from rushes.catalogue.model import Model
from rushes.plan.nodes import Node
from rushes.stages.decode_audio import DecodeAudioParams
from rushes.stages.decode_video import DecodeVideoParams
from rushes.stages.denoise import DenoiseParams
from rushes.stages.encode_condition import EncodeConditionParams
from rushes.stages.encode_given import EncodeGivenParams


def describe_node(node: Node, model: Model, window: int) -> tuple[Quantities, float]:
    """Quantities of a node's largest pass, and how often such a pass is made.

    Args:
        window: the most latents in time that one pass takes, 0 where it takes all.
    """
    params, grid = node.params, model.latents
    if isinstance(params, DenoiseParams):
        area = _area(params.height, params.width, model)
        guided = params.guidance > 1 or params.audio_guidance > 1
        quantities = {
            "cells": float(area * (params.latents + len(params.keyframes))),
            "area": float(area),
            "sound": float(params.audio_latents),
            "guided": float(guided),
            "passes": float((params.stg > 0) + (params.modality_guidance > 1)),
        }
        return quantities, float(params.steps)
    if isinstance(params, DecodeVideoParams):
        latents = (params.frames + params.drop - 1) // grid.video_frames + 1
        passes = 1.0 if not window else max(latents / window, 1.0)
        frames = min(latents, window) if window else latents
        return _coder(frames, params.height, params.width, model), passes
    if isinstance(params, EncodeConditionParams | EncodeGivenParams):
        frames = (params.frames - 1) // grid.video_frames + 1
        return _coder(frames, params.height, params.width, model), 1.0
    if isinstance(params, DecodeAudioParams) and grid.audio is not None:
        latents = max(sum(_lengths(node)) - sum(params.skips), 1)
        sound = min(latents, window) if window else latents
        return {"sound": float(sound)}, max(latents / max(window, 1), 1.0)
    return {}, 1.0


def _area(height: int, width: int, model: Model) -> int:
    side = model.latents.video_size
    return -(-height // side) * -(-width // side)


def _coder(frames: int, height: int, width: int, model: Model) -> Quantities:
    side = model.latents.video_size
    return {
        "frames": float(frames),
        "span": float((frames - 1) * model.latents.video_frames + 1),
        "area": float(_area(height, width, model)),
        "edge": float(-(-height // side) + -(-width // side)),
    }


def _lengths(node: Node) -> Iterator[int]:
    """Audio latents of every piece that a decode reads."""
    for _, before in node.inputs:
        if isinstance(before.params, DenoiseParams):
            yield before.params.audio_latents
