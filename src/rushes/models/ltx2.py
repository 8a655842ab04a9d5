"""LTX-2 and its kin, sprite among them, over diffusers' components.

Each stage of the pipeline is a method of its own; run one after the other they give the bits of
``LTX2Pipeline`` (a test holds them to it). torch and diffusers are imported when a part is loaded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rushes.catalogue.model import Model
from rushes.models.base import (
    Checkpoint,
    DenoiseSettings,
    Given,
    GivenMedia,
    Progress,
)

if TYPE_CHECKING:
    import torch

    from rushes.models.base import Frame, Samples, Tensors


class LTX2:
    """The family: which folders of a checkpoint each stage reads."""

    folders: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "encode_text": ("tokenizer", "text_encoder", "connectors"),
        "encode_condition": ("vae", "audio_vae"),
        "denoise": ("transformer", "scheduler"),
        "decode_video": ("vae",),
        "decode_audio": ("audio_vae", "vocoder"),
    }

    reads_given: ClassVar[Literal["apart", "together"]] = "apart"

    def open(self, folder: Path, model: Model, device: str) -> LoadedLTX2:
        """A checkpoint folder in the hub's layout."""
        return LoadedLTX2(folder, model, device)


class LoadedLTX2:
    """An LTX-2 checkpoint on one device; each part is loaded at first use and stays."""

    def __init__(self, folder: Path, model: Model, device: str) -> None:
        self.folder = folder
        self.model = model
        self.device = device
        self.loads: dict[str, float] = {}
        self._parts: dict[str, Any] = {}

    @property
    def audio_rate(self) -> int:
        assert self.model.latents.audio is not None
        return self.model.latents.audio.rate

    @property
    def audio_input_rate(self) -> int:
        assert self.model.mel is not None
        return self.model.mel.rate

    def part(self, name: str) -> Any:
        """A component in evaluation mode, in the catalogue's dtype, on the device."""
        if name not in self._parts:
            start = time.perf_counter()
            self._parts[name] = self._load(name)
            self.loads[name] = time.perf_counter() - start
        return self._parts[name]

    def _load(self, name: str) -> Any:
        import diffusers
        import torch
        import transformers

        folder = str(self.folder / name)
        if name == "tokenizer":
            return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        if name == "scheduler":
            return diffusers.FlowMatchEulerDiscreteScheduler.from_pretrained(folder)
        dtype = getattr(torch, self.model.dtype)
        kinds = {
            "text_encoder": transformers.Gemma3ForConditionalGeneration,
            "connectors": diffusers.pipelines.ltx2.LTX2TextConnectors,
            "transformer": diffusers.LTX2VideoTransformer3DModel,
            "vae": diffusers.AutoencoderKLLTX2Video,
            "audio_vae": diffusers.AutoencoderKLLTX2Audio,
            "vocoder": diffusers.pipelines.ltx2.LTX2Vocoder,
        }
        part = kinds[name].from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=dtype
        )
        return part.to(self.device).eval().requires_grad_(False)

    def encode_text(self, prompt: str, negative: str) -> Tensors:
        """Embeddings of the negative prompt (row 0) and of the prompt (row 1).

        Returns:
            ``video`` and ``audio``: (2, S, D) in the model's dtype; ``mask``: (2, S) int64.
        """
        from rushes.models.ltx2_text import encode_prompts

        return encode_prompts(
            self.part("tokenizer"), self.part("text_encoder"), self.part("connectors"),
            [negative, prompt],
        )  # fmt: skip

    def encode_given(self, media: GivenMedia) -> Tensors:
        """Not called: LTX-2 reads what is given apart."""
        raise NotImplementedError

    def encode_video(self, frames: Sequence[Frame], height: int, width: int) -> torch.Tensor:
        """Normalised latents (C, F, H, W) float32 of frames (h, w, 3) uint8, fitted to the size."""
        from rushes.models.ltx2_encode import encode_frames

        return encode_frames(self.part("vae"), frames, height, width)

    def encode_audio(self, samples: Samples, latents: int) -> torch.Tensor:
        """Normalised latents (C, ``latents``, M) float32 of (n, 2) samples, full scale ±1."""
        from rushes.models.ltx2_encode import encode_samples

        assert self.model.mel is not None
        return encode_samples(self.part("audio_vae"), self.model.mel, samples, latents)

    def denoise(
        self,
        embeds: Tensors,
        settings: DenoiseSettings,
        given: Given | Tensors | None,
        report: Progress,
        checkpoint: Checkpoint,
    ) -> Tensors:
        """Normalised latents.

        Returns:
            ``video``: (C, F, H, W) float32; ``audio``: (C, L, M) float32.
        """
        from rushes.models.ltx2_denoise import Denoiser

        assert given is None or isinstance(given, Given)
        transformer, scheduler = self.part("transformer"), self.part("scheduler")
        normalised = Denoiser(transformer, scheduler, self.model.latents, self.device).run(
            embeds, settings, given, report, checkpoint
        )
        return {name: value.cpu().contiguous() for name, value in normalised.items()}

    def decode_video(self, latents: Tensors) -> Iterator[Frame]:
        """Frames (H, W, 3) uint8 RGB."""
        from rushes.models.ltx2_decode import decode_frames

        return decode_frames(self.part("vae"), latents["video"])

    def decode_audio(self, latents: Tensors) -> Iterator[Samples]:
        """Blocks (n, channels) float32, full scale ±1."""
        from rushes.models.ltx2_decode import decode_samples

        return decode_samples(self.part("audio_vae"), self.part("vocoder"), latents["audio"])
