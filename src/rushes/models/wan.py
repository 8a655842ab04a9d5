"""Wan 2.1 and 2.2 over diffusers' components: text to video, pictures to video, VACE.

Each stage is a method of its own; run one after the other they give the bits of diffusers'
pipelines (``tests/models/contract`` holds them to it). torch and diffusers are imported when a
stage runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from rushes.catalogue.model import Model
from rushes.models.base import INDEX, Checkpoint, DenoiseSettings, Given, GivenMedia, Progress
from rushes.models.parts import OpenedCheckpoint

if TYPE_CHECKING:
    from rushes.models.base import Frame, Tensors


class Wan:
    """Text to video, and pictures to video: Wan 2.1, 2.2 A14B (two experts) and 2.2 5B.

    ``model_index.json`` says where the experts' boundary lies and how timesteps are given.
    """

    folders: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "encode_text": ("tokenizer", "text_encoder"),
        "encode_given": (INDEX, "vae", "image_processor", "image_encoder"),
        "denoise": (INDEX, "transformer", "transformer_2", "scheduler"),
        "decode_video": ("vae",),
    }

    beside: ClassVar[frozenset[str]] = frozenset({"transformer_2"})
    reads_given: ClassVar[Literal["apart", "together", "always"]] = "together"

    def open(self, folder: Path, model: Model, device: str) -> LoadedWan:
        """A checkpoint folder in the hub's layout."""
        return LoadedWan(folder, model, device)


class WanVACE(Wan):
    """Wan VACE, whose transformer always has a control, be it an empty one."""

    reads_given: ClassVar[Literal["apart", "together", "always"]] = "always"

    def open(self, folder: Path, model: Model, device: str) -> LoadedWanVACE:
        """A checkpoint folder in the hub's layout."""
        return LoadedWanVACE(folder, model, device)


class LoadedWan(OpenedCheckpoint):
    """A Wan checkpoint on one device."""

    full_precision: ClassVar[frozenset[str]] = frozenset({"vae", "image_encoder"})

    def encode_text(self, prompt: str, negative: str) -> Tensors:
        """``prompt`` and ``negative``, (S, D) each, S as long as the text, in the model's dtype."""
        from rushes.models.wan_text import encode_prompts

        prompts = {"prompt": prompt, "negative": negative}
        return encode_prompts(
            self.part("tokenizer"), self.part("text_encoder"), prompts, self.device
        )

    def encode_given(self, media: GivenMedia) -> Tensors:
        """See :func:`rushes.models.wan_given.encode_pictures`."""
        from rushes.models.wan_given import encode_pictures

        return encode_pictures(self, media)

    def denoise(
        self,
        embeds: Tensors,
        settings: DenoiseSettings,
        given: Given | Tensors | None,
        report: Progress,
        checkpoint: Checkpoint,
    ) -> Tensors:
        """``video``: normalised latents (C, F, H, W) float32."""
        from rushes.models.wan_denoise import Denoiser

        assert not isinstance(given, Given)
        return {"video": Denoiser(self, embeds, settings, given or {}).run(report, checkpoint)}

    def decode_video(self, latents: Tensors) -> Iterator[Frame]:
        """Frames (H, W, 3) uint8 RGB."""
        from rushes.models.wan_decode import decode_frames

        return decode_frames(self.part("vae"), latents["video"], self.device)


class LoadedWanVACE(LoadedWan):
    """A Wan VACE checkpoint on one device."""

    def encode_given(self, media: GivenMedia) -> Tensors:
        """See :func:`rushes.models.wan_vace.encode_control`."""
        from rushes.models.wan_vace import encode_control

        return encode_control(self, media)
