"""Tiny CogVideoX checkpoints: text to video and image to video, with either scheduler."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from PIL import Image

from rushes.catalogue.grid import Grid, LatentGrid
from rushes.catalogue.model import Model
from rushes.models.base import GivenMedia
from tests.models.contract.kit import (
    Asked,
    Reference,
    Tiny,
    load_adapters,
    picture,
    save_lora_of,
    save_t5_tokenizer,
    tiny_model,
)
from tests.models.contract.tokens import randomise

SIZE, FRAMES = 32, 17
DPM, DDIM = diffusers.CogVideoXDPMScheduler, diffusers.CogVideoXDDIMScheduler


def build(folder: Path, *, scheduler: Any = DPM, image: bool = False, channels: int = 4) -> None:
    """Save a tiny pipeline. ``image``: with the positions that the image checkpoint learned."""
    torch.manual_seed(0)
    parts = {
        "transformer": diffusers.CogVideoXTransformer3DModel(
            num_attention_heads=2, attention_head_dim=16,
            in_channels=channels * (2 if image else 1), out_channels=channels,
            time_embed_dim=4, text_embed_dim=32, num_layers=2,
            sample_width=SIZE // 8, sample_height=SIZE // 8, sample_frames=FRAMES, patch_size=2,
            temporal_compression_ratio=4, max_text_seq_length=226,
            use_rotary_positional_embeddings=True, use_learned_positional_embeddings=image,
        ),
        "vae": diffusers.AutoencoderKLCogVideoX(
            down_block_types=("CogVideoXDownBlock3D",) * 4,
            up_block_types=("CogVideoXUpBlock3D",) * 4, block_out_channels=(8, 8, 8, 8),
            latent_channels=channels, layers_per_block=1, norm_num_groups=2, scaling_factor=0.7,
            invert_scale_latents=image,
        ),
        "text_encoder": transformers.T5EncoderModel(
            transformers.T5Config(
                vocab_size=128, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4,
                relative_attention_num_buckets=8,
            )
        ),
    }  # fmt: skip
    randomise(*parts.values())
    save_t5_tokenizer(folder / "tokenizer")
    pipeline_of(image=image)(
        tokenizer=transformers.T5Tokenizer.from_pretrained(folder / "tokenizer"),
        scheduler=scheduler(
            timestep_spacing="trailing", prediction_type="v_prediction", clip_sample=False,
            rescale_betas_zero_snr=True, snr_shift_scale=1.0,
        ),
        **parts,
    ).save_pretrained(folder)  # fmt: skip


def pipeline_of(*, image: bool) -> Any:
    return diffusers.CogVideoXImageToVideoPipeline if image else diffusers.CogVideoXPipeline


def run(folder: Path, model: Model, asked: Asked) -> Reference:
    settings, image = asked.settings, asked.media is not None
    pipe = pipeline_of(image=image).from_pretrained(
        folder, dtype=getattr(torch, model.dtype), local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    load_adapters(pipe, asked)
    given = {"image": Image.fromarray(asked.media.pictures["image"])} if asked.media else {}

    def ask(output: str) -> Any:
        return pipe(
            prompt=asked.prompt, negative_prompt=asked.negative, height=settings.height,
            width=settings.width, num_frames=asked.frames, num_inference_steps=settings.steps,
            guidance_scale=settings.guidance, use_dynamic_cfg=isinstance(pipe.scheduler, DPM),
            generator=torch.Generator().manual_seed(settings.seed), output_type=output, **given,
        ).frames[0]  # fmt: skip

    return Reference(ask("latent").transpose(0, 1), ask("np"))


def save_lora(folder: Path, target: Path) -> None:
    transformer = diffusers.CogVideoXTransformer3DModel.from_pretrained(folder / "transformer")
    save_lora_of(transformer, target, ["to_q", "to_k", "to_v"])


def give() -> GivenMedia:
    return GivenMedia(FRAMES, SIZE, SIZE, {"image": picture(50, 50)}, {})


def entry(**more: Any) -> Model:
    return tiny_model(
        "tiny-cogvideox", "cogvideox", f"{SIZE}x{SIZE}", FRAMES, latents=LatentGrid(4, 4, 8),
        grid=Grid(8, 1, 9, 49, 16, [f"{SIZE}x{SIZE}"], [16.0]), controls=["loras"], **more,
    )  # fmt: skip


TEXT = Tiny(
    "cogvideox",
    build,
    entry(),
    run,
    {"text": None},
    save_lora=save_lora,
    # the VAE makes 8 frames of two latents: between 9 and 17 there is no length it can make
    illegal=((FRAMES + 1, SIZE, SIZE), (FRAMES + 4, SIZE, SIZE), (FRAMES, SIZE + 16, SIZE)),
)

COGVIDEOXS = [
    TEXT,
    replace(TEXT, name="cogvideox-ddim", build=partial(build, scheduler=DDIM)),
    replace(TEXT, name="cogvideox-bf16", model=entry(dtype="bfloat16"), save_lora=None),
    replace(TEXT, name="cogvideox-unguided", settings={"guidance": 1.0}, save_lora=None),
    replace(TEXT, name="cogvideox-i2v", build=partial(build, image=True), cases={"image": give}),
]
