"""What a node is about, in the quantities that footprints are laws of."""

from __future__ import annotations

from collections.abc import Iterator

from rushes.catalogue.footprint import Quantities, StageWork
from rushes.catalogue.model import Model
from rushes.models.tiling import lay_tiles
from rushes.plan.nodes import Node
from rushes.stages.decode_audio import DecodeAudioParams
from rushes.stages.decode_video import DecodeVideoParams
from rushes.stages.denoise import DenoiseParams
from rushes.stages.encode_condition import EncodeConditionParams
from rushes.stages.encode_given import EncodeGivenParams
from rushes.stages.refine import RefineParams
from rushes.stages.upsample import UpsampleParams

Shapes = tuple[Quantities, ...]
"""Of the passes of one node, the longest first."""


TRACED_AS = {"repair": "denoise"}
"""Stages that do what another does, over a part of it."""


def name_work(node: Node) -> str:
    """The stage of a footprint that a node is: sound is encoded by another part than pictures."""
    params = node.params
    sound = isinstance(params, EncodeConditionParams) and params.kind == "sound"
    return f"{node.stage}:sound" if sound else TRACED_AS.get(node.stage, node.stage)


def describe_node(node: Node, model: Model, stage: StageWork) -> tuple[Shapes, float]:
    """Quantities of the passes that a node makes, and how often the first of them is made."""
    params, grid = node.params, model.latents
    if isinstance(params, DenoiseParams):
        tiles, (tall, wide) = _tiles(params, model)
        area = tall * wide
        guided = params.guidance > 1 or params.audio_guidance > 1
        beside = len(params.keyframes) + _count_references(node)
        cells = area * (params.latents + beside) + _control_cells(node, model)
        whole = _area(params.height, params.width, model) * params.latents
        quantities = {
            "cells": float(cells),
            "whole": float(whole if tiles > 1 else 0),
            "area": float(area),
            "sound": float(params.audio_latents),
            "guided": float(guided),
            "passes": float((params.stg > 0) + (params.modality_guidance > 1)),
        }
        return (quantities,), float(params.steps * tiles)
    if isinstance(params, UpsampleParams):
        return (_describe_upsample(node, model),), 1.0
    if isinstance(params, DecodeVideoParams):
        latents = (params.frames + params.drop - 1) // grid.video_frames + 1
        lengths = _passes(latents, stage)
        shapes = (_coder(n, params.height, params.width, model) for n in dict.fromkeys(lengths))
        return tuple(shapes), sum(lengths) / lengths[0]
    if isinstance(params, EncodeConditionParams) and params.kind == "sound":
        return ({"sound": float(params.audio_latents)},), 1.0
    if isinstance(params, EncodeConditionParams | EncodeGivenParams):
        frames = (params.frames - 1) // grid.video_frames + 1
        return (_coder(frames, params.height, params.width, model),), 1.0
    if isinstance(params, DecodeAudioParams) and grid.audio is not None:
        latents = max(sum(_lengths(node)) - sum(params.skips), 1)
        sound = min(latents, stage.window or latents)
        return ({"sound": float(sound)},), max(latents / sound, 1.0)
    return ({},), 1.0


def _tiles(params: DenoiseParams, model: Model) -> tuple[int, tuple[int, int]]:
    """How many tiles a step predicts, and the size of one, in latents; 1 for the whole picture."""
    side = model.latents.video_size
    size = -(-params.height // side), -(-params.width // side)
    if not isinstance(params, RefineParams) or params.tile == (0, 0):
        return 1, size
    return len(lay_tiles(*size, params.tile, params.overlap)), params.tile


def _describe_upsample(node: Node, model: Model) -> Quantities:
    """Of the latents that are made larger."""
    side = model.latents.video_size
    made = next(p for _, before in node.inputs if isinstance(p := before.params, DenoiseParams))
    area = _area(made.height, made.width, model)
    return {
        "cells": float(area * made.latents),
        "edge": float(-(-made.height // side) + -(-made.width // side)),
    }


def _control_cells(node: Node, model: Model) -> int:
    """Latents of a control that lie beside the clip's."""
    for name, before in node.inputs:
        params = before.params
        if name == "control" and isinstance(params, EncodeConditionParams):
            frames = (params.frames - 1) // model.latents.video_frames + 1
            return frames * _area(params.height, params.width, model)
    return 0


def _count_references(node: Node) -> int:
    """Pictures that are denoised with the clip, as frames before it."""
    given = (p for _, before in node.inputs if isinstance(p := before.params, EncodeGivenParams))
    return sum(name.startswith("reference.") for params in given for name, _ in params.roles)


def _passes(latents: int, stage: StageWork) -> list[int]:
    """Latent frames of every pass of the video decoder, the first of which is the longest."""
    if not stage.window or latents <= stage.window:
        return [latents]
    found, start = [], 0
    while start < latents:
        found.append(min(stage.window, latents - start))
        if start + stage.stride >= latents - 1:
            break
        start += stage.stride
    return found


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
