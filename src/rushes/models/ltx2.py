"""LTX-2 and its kin, sprite among them, over diffusers' components.

Each stage of the pipeline is a method of its own; run one after the other they give the bits of
``LTX2Pipeline`` (a test holds them to it). torch and diffusers are imported when a part is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rushes.catalogue.model import Model
from rushes.models.base import (
    Checkpoint,
    DenoiseSettings,
    Given,
    Progress,
    Tiling,
)
from rushes.models.parts import OpenedCheckpoint

if TYPE_CHECKING:
    import torch

    from rushes.models.base import Frame, Samples, Tensors
    from rushes.models.ltx2_denoise import Denoiser


class LTX2:
    """The family: which folders of a checkpoint each stage reads."""

    folders: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "encode_text": ("tokenizer", "text_encoder", "connectors"),
        "encode_condition": ("vae", "audio_vae"),
        "denoise": ("transformer", "scheduler", "distilled_lora"),
        "repair": ("transformer", "scheduler", "distilled_lora"),
        "upsample": ("latent_upsampler", "vae"),
        "refine": ("transformer", "scheduler", "distilled_lora"),
        "decode_video": ("vae",),
        "decode_audio": ("audio_vae", "vocoder"),
    }

    beside: ClassVar[frozenset[str]] = frozenset({"latent_upsampler", "distilled_lora"})
    reads_given: ClassVar[Literal["apart", "together"]] = "apart"

    def open(self, folder: Path, model: Model, device: str) -> LoadedLTX2:
        """A checkpoint folder in the hub's layout."""
        return LoadedLTX2(folder, model, device)


class LoadedLTX2(OpenedCheckpoint):
    """An LTX-2 checkpoint on one device; each part is loaded at first use and stays."""

    @property
    def audio_rate(self) -> int:
        assert self.model.latents.audio is not None
        return self.model.latents.audio.rate

    @property
    def audio_input_rate(self) -> int:
        assert self.model.mel is not None
        return self.model.mel.rate

    def _find_class(self, name: str) -> Any:
        """The upsampler lies beside the pipeline, which does not name it."""
        if name == "latent_upsampler" and not self.has_part(name):
            from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel

            return LTX2LatentUpsamplerModel
        return super()._find_class(name)

    def encode_text(self, prompt: str, negative: str) -> Tensors:
        """Embeddings of the negative prompt (row 0) and of the prompt (row 1).

        Returns:
            ``video`` and ``audio``: (2, S, D) in the model's dtype; ``mask``: (2, S) int64.
        """
        from rushes.models.ltx2_text import connect_text, read_prompts

        states, mask = read_prompts(
            self.part("tokenizer"), self.part("text_encoder"), [negative, prompt], self.device
        )
        self.leave("text_encoder")
        return connect_text(self.part("connectors"), states, mask)

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
        assert given is None or isinstance(given, Given)
        made = self._denoiser(settings).run(embeds, settings, given, report, checkpoint)
        return {name: value.cpu().contiguous() for name, value in made.items()}

    def upsample(self, latents: Tensors) -> Tensors:
        """Normalised latents, ``video`` of twice the height and width; ``audio`` as it was."""
        from rushes.models.ltx2_refine import upsample_latents

        larger = upsample_latents(self.part("vae"), self.part("latent_upsampler"), latents["video"])
        return {**latents, "video": larger}

    def refine(
        self,
        embeds: Tensors,
        settings: DenoiseSettings,
        start: Tensors,
        given: Given | None,
        tiling: Tiling | None,
        report: Progress,
        checkpoint: Checkpoint,
    ) -> Tensors:
        """Normalised latents, as :meth:`denoise` gives them."""
        made = self._denoiser(settings).run(
            embeds, settings, given, report, checkpoint, start, tiling
        )
        return {name: value.cpu().contiguous() for name, value in made.items()}

    def _denoiser(self, settings: DenoiseSettings) -> Denoiser:
        """The loop, with the adapters that the settings ask for on its transformer."""
        from diffusers.loaders import LTX2LoraLoaderMixin

        from rushes.models.adapters import set_adapters
        from rushes.models.ltx2_denoise import Denoiser

        transformer, scheduler = self.part("transformer"), self.part("scheduler")
        own = sorted((self.folder / settings.lora).glob("*.safetensors")) if settings.lora else []
        loras = [*((path, 1.0) for path in own), *settings.loras]
        set_adapters(transformer, loras, LTX2LoraLoaderMixin)
        return Denoiser(transformer, scheduler, self.model.latents, self.device)

    def decode_video(self, latents: Tensors) -> Iterator[Frame]:
        """Frames (H, W, 3) uint8 RGB."""
        from rushes.models.ltx2_decode import decode_frames

        return decode_frames(self.part("vae"), latents["video"])

    def decode_audio(self, latents: Tensors) -> Iterator[Samples]:
        """Blocks (n, channels) float32, full scale ±1."""
        from rushes.models.ltx2_decode import decode_samples

        return decode_samples(self.part("audio_vae"), self.part("vocoder"), latents["audio"])
