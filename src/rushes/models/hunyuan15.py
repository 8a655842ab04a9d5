"""HunyuanVideo 1.5, text to video and image to video, over diffusers' components.

Run one after the other the stages give the bits of ``HunyuanVideo15Pipeline`` and
``HunyuanVideo15ImageToVideoPipeline`` (a test holds them to it), with the VAE's tiling on. The
image-to-video pipeline chooses a size by the picture's proportions; here the clip's size is the
project's, and the picture is cut to it.

Reference: HunyuanVideo 1.5, Tencent Hunyuan 2025.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rushes.catalogue.model import Model
from rushes.models.base import Checkpoint, DenoiseSettings, Given, GivenMedia, Progress
from rushes.models.parts import OpenedCheckpoint

if TYPE_CHECKING:
    from rushes.models.base import Frame, Tensors


class HunyuanVideo15:
    """The family: which folders of a checkpoint each stage reads."""

    folders: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "encode_text": ("tokenizer", "text_encoder", "tokenizer_2", "text_encoder_2"),
        "encode_given": ("vae", "image_encoder", "feature_extractor"),
        "denoise": ("transformer", "scheduler", "guider"),
        "decode_video": ("vae",),
    }

    reads_given: ClassVar[Literal["apart", "together"]] = "together"

    def open(self, folder: Path, model: Model, device: str) -> LoadedHunyuanVideo15:
        """A checkpoint folder in the hub's layout."""
        return LoadedHunyuanVideo15(folder, model, device)


class LoadedHunyuanVideo15(OpenedCheckpoint):
    """A HunyuanVideo 1.5 checkpoint on one device."""

    def _load(self, name: str) -> Any:
        part = super()._load(name)
        if name == "vae":
            part.enable_tiling()
        return part

    def encode_text(self, prompt: str, negative: str) -> Tensors:
        """Embeddings of the negative prompt (row 0) and of the prompt (row 1), cut after the last
        position that counts.

        Returns:
            ``text``: (2, S, D) of Qwen2.5-VL and ``glyphs``: (2, T, E) of byT5, which reads what
            stands in quotes, in the model's dtype; ``mask``: (2, 1000) and ``glyph_mask``:
            (2, 256) int64, 1 where a position counts.
        """
        from rushes.models.hunyuan15_text import encode_prompts

        return encode_prompts(
            self.part("tokenizer"), self.part("text_encoder"),
            self.part("tokenizer_2"), self.part("text_encoder_2"), [negative, prompt],
        )  # fmt: skip

    def encode_given(self, media: GivenMedia) -> Tensors:
        """The first picture.

        Returns:
            ``picture``: scaled latents (1, C, 1, H, W), and ``seen``: SigLIP's states (1, 729, D),
            both in the model's dtype.
        """
        import torch

        from rushes.models.pixels import fit_picture, read_pixels

        vae, encoder = self.part("vae"), self.part("image_encoder")
        picture = fit_picture(media.pictures["image"], media.height, media.width)
        pixels = read_pixels(picture).to(vae.device, vae.dtype)
        shown = (
            self.part("feature_extractor")
            .preprocess(images=picture, do_resize=True, return_tensors="pt", do_convert_rgb=True)
            .to(device=encoder.device, dtype=encoder.dtype)
        )
        with torch.inference_mode():
            latents = vae.encode(pixels[:, :, None]).latent_dist.mode() * vae.config.scaling_factor
            seen = encoder(**shown).last_hidden_state
        return {"picture": latents.cpu().contiguous(), "seen": seen.cpu().contiguous()}

    def denoise(
        self,
        embeds: Tensors,
        settings: DenoiseSettings,
        given: Given | Tensors | None,
        report: Progress,
        checkpoint: Checkpoint,
    ) -> Tensors:
        """Scaled latents ``video``: (C, F, H, W) in the model's dtype."""
        from diffusers.loaders import HunyuanVideoLoraLoaderMixin

        from rushes.models.adapters import set_adapters
        from rushes.models.hunyuan15_denoise import Denoiser

        assert not isinstance(given, Given)
        transformer = self.part("transformer")
        # diffusers has no loader for 1.5; its own and peft's format need none of their own
        set_adapters(transformer, settings.loras, HunyuanVideoLoraLoaderMixin)
        scheduler, guider = self.part("scheduler"), self.part("guider")
        denoiser = Denoiser(transformer, scheduler, guider, self.model.latents, self.device)
        video = denoiser.run(embeds, settings, given, report, checkpoint)
        return {"video": video.cpu().contiguous()}

    def decode_video(self, latents: Tensors) -> Iterator[Frame]:
        """Frames (H, W, 3) uint8 RGB."""
        from rushes.models.hunyuan15_decode import decode_latents
        from rushes.models.pixels import to_frames

        for clip in decode_latents(self.part("vae"), latents["video"]):
            yield from to_frames(clip)
