"""CogVideoX, text to video and image to video, over diffusers' components.

Run one after the other the stages give the bits of ``CogVideoXPipeline`` and
``CogVideoXImageToVideoPipeline`` (a test holds them to it). CogVideoX 1.5 is not among them.

Reference: CogVideoX, Yang et al. 2024.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from rushes.catalogue.model import Model
from rushes.models.base import Checkpoint, DenoiseSettings, Given, GivenMedia, Progress
from rushes.models.parts import OpenedCheckpoint

if TYPE_CHECKING:
    from rushes.models.base import Frame, Tensors

LENGTH = 226
"""Tokens of a prompt, padding among them, all of which the denoiser reads."""


class CogVideoX:
    """The family: which folders of a checkpoint each stage reads."""

    folders: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "encode_text": ("tokenizer", "text_encoder"),
        "encode_given": ("vae",),
        "denoise": ("transformer", "scheduler"),
        "decode_video": ("vae",),
    }

    reads_given: ClassVar[Literal["apart", "together"]] = "together"

    def open(self, folder: Path, model: Model, device: str) -> LoadedCogVideoX:
        """A checkpoint folder in the hub's layout."""
        return LoadedCogVideoX(folder, model, device)


class LoadedCogVideoX(OpenedCheckpoint):
    """A CogVideoX checkpoint on one device; each part is loaded at first use and stays."""

    def encode_text(self, prompt: str, negative: str) -> Tensors:
        """Embeddings of the negative prompt (row 0) and of the prompt (row 1).

        Returns:
            ``text``: (2, 226, D) in the model's dtype.
        """
        import torch

        tokenizer, encoder = self.part("tokenizer"), self.part("text_encoder")
        rows = []
        with torch.inference_mode():
            for text in (negative, prompt):
                tokens = tokenizer(
                    [text], padding="max_length", max_length=LENGTH, truncation=True,
                    add_special_tokens=True, return_tensors="pt",
                )  # fmt: skip
                rows.append(encoder(tokens.input_ids.to(encoder.device))[0].cpu())
        return {"text": torch.cat(rows)}

    def encode_given(self, media: GivenMedia) -> Tensors:
        """The first picture's latents, as a distribution that the denoise draws from.

        Returns:
            ``mean`` and ``std``: (1, C, 1, H, W) in the model's dtype; ``scale``: float64, by
            which what is drawn is multiplied.
        """
        import torch

        from rushes.models.pixels import fit_picture, read_pixels

        vae = self.part("vae")
        picture = fit_picture(media.pictures["image"], media.height, media.width)
        pixels = read_pixels(picture).to(vae.device, vae.dtype)
        with torch.inference_mode():
            found = vae.encode(pixels[:, :, None]).latent_dist
        scale = vae.config.scaling_factor
        if vae.config.invert_scale_latents:
            scale = 1 / scale
        return {
            "mean": found.mean.cpu().contiguous(),
            "std": found.std.cpu().contiguous(),
            "scale": torch.tensor(scale, dtype=torch.float64),
        }

    def denoise(
        self,
        embeds: Tensors,
        settings: DenoiseSettings,
        given: Given | Tensors | None,
        report: Progress,
        checkpoint: Checkpoint,
    ) -> Tensors:
        """Scaled latents ``video``: (C, F, H, W) in the model's dtype."""
        from diffusers.loaders import CogVideoXLoraLoaderMixin

        from rushes.models.adapters import set_adapters
        from rushes.models.cogvideox_denoise import Denoiser

        assert not isinstance(given, Given)
        transformer, scheduler = self.part("transformer"), self.part("scheduler")
        set_adapters(transformer, settings.loras, CogVideoXLoraLoaderMixin)
        denoiser = Denoiser(transformer, scheduler, self.model.latents, self.device)
        video = denoiser.run(embeds, settings, given, report, checkpoint)
        return {"video": video.cpu().contiguous()}

    def decode_video(self, latents: Tensors) -> Iterator[Frame]:
        """Frames (H, W, 3) uint8 RGB."""
        from rushes.models.cogvideox_decode import decode_pairs
        from rushes.models.pixels import to_frames

        for clip in decode_pairs(self.part("vae"), latents["video"]):
            yield from to_frames(clip)
