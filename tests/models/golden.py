"""Golden outputs of sprite's stages: small, with the stage's version and the weights' digest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from rushes.canon import digest_value
from rushes.catalogue.load import find_model
from rushes.hub import find_checkpoint, list_files
from rushes.models.base import DenoiseSettings, find_family
from rushes.stages.registry import STAGES
from rushes.store.files import digest_file

FOLDER = Path(__file__).parent / "golden"
PROMPT = "a red ball bounces on a grey background"
STAGE_NAMES = ("encode_text", "denoise", "decode_video", "decode_audio")
TOLERANCE = {"encode_text": 1e-3, "denoise": 5e-3, "decode_video": 2.0, "decode_audio": 2e-3}
"""Largest difference that other instruction sets may make: embeddings and latents as they are,
pixels in steps of 1/255, samples at full scale 1."""


class NoCheckpoint:
    def load(self) -> None:
        return None

    def offer(self, make_state: Any) -> None:
        pass


def run_stages() -> dict[str, dict[str, np.ndarray]]:
    """Each stage from an input of its own, so that a change stays where it is."""
    model = find_model("sprite")
    sprite = find_family(model.family).open(find_checkpoint(model), model, "cpu")
    embeds = sprite.encode_text(PROMPT, "")
    generator = torch.Generator().manual_seed(0)
    noise = {
        name: torch.randn(value.shape, generator=generator) if name != "mask" else value
        for name, value in embeds.items()
    }
    settings = DenoiseSettings(1, 0, 5, 0.0, 27, 96, 96, 16.0, 4, 2.5, 2.5)
    latents = sprite.denoise(noise, settings, None, lambda done, total: None, NoCheckpoint())
    fixed = {name: torch.randn(value.shape, generator=generator) for name, value in latents.items()}
    frames = np.stack(list(sprite.decode_video(fixed)))[::4].astype(np.float32)
    sound = np.concatenate(list(sprite.decode_audio(fixed)))[::7]
    return {
        "encode_text": {name: embeds[name][1].numpy() for name in ("video", "audio")},
        "denoise": {name: value.numpy() for name, value in latents.items()},
        "decode_video": {"frames": np.ascontiguousarray(frames)},
        "decode_audio": {"sound": np.ascontiguousarray(sound)},
    }


def describe() -> dict[str, Any]:
    """Versions of the stages, and a digest of the weights."""
    folder = find_checkpoint(find_model("sprite"))
    weights = {name: digest_file(folder / name) for name in list_files(folder)}
    versions = {name: STAGES[name].version for name in STAGE_NAMES}
    return {"versions": versions, "weights": digest_value(weights)}


def write_golden() -> None:
    FOLDER.mkdir(exist_ok=True)
    for stage, tensors in run_stages().items():
        save_file(tensors, FOLDER / f"{stage}.safetensors")
    (FOLDER / "golden.json").write_text(json.dumps(describe(), indent=1) + "\n")


def read_golden() -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    text = (FOLDER / "golden.json").read_text()
    return json.loads(text), {s: load_file(FOLDER / f"{s}.safetensors") for s in STAGE_NAMES}
