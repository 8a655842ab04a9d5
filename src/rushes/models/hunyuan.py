"""HunyuanVideo 1.0, text to video and image to video, over diffusers' components.

Run one after the other the stages give the bits of ``HunyuanVideoPipeline`` and
``HunyuanVideoImageToVideoPipeline`` (a test holds them to it), with the VAE's tiling on, without
which a frame of 1280x720 would need tens of gigabytes to decode.

Reference: HunyuanVideo, Kong et al. 2024.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rushes.catalogue.model import Model
from rushes.models.base import Checkpoint, DenoiseSettings, Given, GivenMedia, Progress
from rushes.models.parts import OpenedCheckpoint

if TYPE_CHECKING:
    import torch

    from rushes.models.base import Frame, Tensors


class HunyuanVideo:
    """The family: which folders of a checkpoint each stage reads.

    The image-to-video checkpoints read the prompt with the picture before their eyes, so what is
    given is read first.
    """

    folders: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "encode_text": ("tokenizer", "text_encoder", "tokenizer_2", "text_encoder_2"),
        "encode_given": ("vae", "image_processor"),
        "denoise": ("transformer", "scheduler"),
        "decode_video": ("vae",),
    }

    reads_given: ClassVar[Literal["apart", "together", "first"]] = "first"

    def open(self, folder: Path, model: Model, device: str) -> LoadedHunyuanVideo:
        """A checkpoint folder in the hub's layout."""
        return LoadedHunyuanVideo(folder, model, device)


class LoadedHunyuanVideo(OpenedCheckpoint):
    """A HunyuanVideo checkpoint on one device; each part is loaded at first use and stays."""

    def _load(self, name: str) -> Any:
        part = super()._load(name)
        if name == "vae":
            part.enable_tiling()
            part.use_framewise_decoding = False  # windows of time are decode_tiles'
        return part

    def encode_text(self, prompt: str, negative: str) -> Tensors:
        """Embeddings of the negative prompt (row 0) and of the prompt (row 1).

        Returns:
            ``text``: (2, S, D) in the model's dtype and ``mask``: (2, 256) int64, see
            :func:`rushes.models.hunyuan_text.encode_prompts`; ``pooled``: (2, E).
        """
        from rushes.models.hunyuan_text import encode_prompts

        prompts = [negative, prompt]
        found = encode_prompts(self.part("tokenizer"), self.part("text_encoder"), prompts)
        return {**found, "pooled": self._pool(prompts)}

    def encode_pictured_text(self, prompt: str, negative: str, given: Tensors) -> Tensors:
        """The same of an image-to-video checkpoint; the negative prompt is read with blackness.

        Returns:
            As :meth:`encode_text`, and ``picture``: (2, 576, D), the picture as the text encoder
            sees it.
        """
        from rushes.models.hunyuan_text import encode_pictured_prompts

        prompts = [negative, prompt]
        found = encode_pictured_prompts(
            self.part("tokenizer"), self.part("text_encoder"), prompts,
            [given["black_pixels"], given["pixels"]],
        )  # fmt: skip
        return {**found, "pooled": self._pool(prompts)}

    def _pool(self, prompts: list[str]) -> torch.Tensor:
        from rushes.models.hunyuan_text import encode_pooled

        return encode_pooled(self.part("tokenizer_2"), self.part("text_encoder_2"), prompts)

    def encode_given(self, media: GivenMedia) -> Tensors:
        """The first picture, for the denoiser and for the eyes of the text encoder.

        Returns:
            ``picture``: scaled latents (1, C, 1, H, W) float32; ``pixels`` and ``black_pixels``:
            (1, 3, 336, 336) float32, as the text encoder sees the picture, and blackness.
        """
        import torch
        from PIL import Image

        from rushes.models.pixels import fit_picture, read_pixels

        vae, process = self.part("vae"), self.part("image_processor")
        whole = Image.fromarray(media.pictures["image"])
        black = Image.new("RGB", (media.width, media.height), 0)
        picture = fit_picture(media.pictures["image"], media.height, media.width)
        pixels = read_pixels(picture).to(vae.device, vae.dtype)
        with torch.inference_mode():
            found = vae.encode(pixels[:, :, None]).latent_dist.mode().float()
        return {
            "picture": (found * vae.config.scaling_factor).cpu().contiguous(),
            "pixels": process(whole, return_tensors="pt").pixel_values,
            "black_pixels": process(black, return_tensors="pt").pixel_values,
        }

    def denoise(
        self,
        embeds: Tensors,
        settings: DenoiseSettings,
        given: Given | Tensors | None,
        report: Progress,
        checkpoint: Checkpoint,
    ) -> Tensors:
        """Scaled latents.

        Returns:
            ``video``: (C, F, H, W) in the model's dtype or float32; of checkpoints of the kind
            ``latent_concat`` also ``before``: (C, 1, H, W), which decodes before it, unseen.
        """
        from diffusers.loaders import HunyuanVideoLoraLoaderMixin

        from rushes.models.adapters import set_adapters
        from rushes.models.hunyuan_denoise import Denoiser

        assert not isinstance(given, Given)
        transformer, scheduler = self.part("transformer"), self.part("scheduler")
        set_adapters(transformer, settings.loras, HunyuanVideoLoraLoaderMixin)
        denoiser = Denoiser(transformer, scheduler, self.model.latents, self.device)
        video = denoiser.run(embeds, settings, given, report, checkpoint)
        video = video.cpu()
        if transformer.config.image_condition_type == "latent_concat":
            return {"video": video[:, 1:].contiguous(), "before": video[:, :1].contiguous()}
        return {"video": video.contiguous()}

    def decode_video(self, latents: Tensors) -> Iterator[Frame]:
        """Frames (H, W, 3) uint8 RGB."""
        import torch

        from rushes.models.hunyuan_decode import decode_tiles
        from rushes.models.pixels import to_frames

        video, skip = latents["video"], 0
        if "before" in latents:
            video = torch.cat([latents["before"], video], 1)
            skip = self.model.latents.video_frames
        tiles = decode_tiles(self.part("vae"), video)
        return islice((frame for tile in tiles for frame in to_frames(tile)), skip, None)
