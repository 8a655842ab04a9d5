"""Tiny Wans of every kind that there is."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image

from rushes.catalogue.grid import Grid, LatentGrid
from rushes.catalogue.model import Model
from rushes.models.base import GivenMedia
from tests.models.contract.kit import (
    Asked,
    Frame,
    Reference,
    Tiny,
    clip,
    picture,
    save_lora_of,
    save_t5_tokenizer,
    tiny_model,
)

HEIGHT, WIDTH, FRAMES = 32, 48, 9
SIZE = f"{WIDTH}x{HEIGHT}"
TRANSFORMER = {
    "patch_size": (1, 2, 2), "num_attention_heads": 2, "attention_head_dim": 12,
    "in_channels": 16, "out_channels": 16, "text_dim": 32, "freq_dim": 32, "ffn_dim": 32,
    "num_layers": 2, "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads",
    "rope_max_seq_len": 32,
}  # fmt: skip
VAE = {
    "base_dim": 3, "z_dim": 16, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1,
    "temperal_downsample": [False, True, True],
}  # fmt: skip


def make_vae() -> Any:
    return diffusers.AutoencoderKLWan(**VAE)


def make_vae_2_2() -> Any:
    return diffusers.AutoencoderKLWan(
        base_dim=4, decoder_base_dim=4, z_dim=48, dim_mult=[2, 2, 2, 2], num_res_blocks=1,
        temperal_downsample=[False, True, True], is_residual=True, patch_size=2,
        in_channels=12, out_channels=12, scale_factor_spatial=16,
        latents_mean=[0.1] * 48, latents_std=[1.5] * 48,
    )  # fmt: skip


def make_text_encoder() -> Any:
    return transformers.UMT5EncoderModel(
        transformers.UMT5Config(
            vocab_size=128, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4,
            relative_attention_num_buckets=8, feed_forward_proj="gated-gelu",
        )
    )  # fmt: skip


def make_clip() -> dict[str, Any]:
    config = transformers.CLIPVisionConfig(
        hidden_size=8, projection_dim=8, num_hidden_layers=3, num_attention_heads=2,
        image_size=32, patch_size=8, intermediate_size=16,
    )  # fmt: skip
    processor = transformers.CLIPImageProcessor(
        crop_size={"height": 32, "width": 32}, size={"shortest_edge": 32}
    )
    return {"image_encoder": transformers.CLIPVisionModel(config), "image_processor": processor}


def make_scheduler() -> Any:
    return diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )


def randomise(module: Any) -> None:
    """Weights that are nowhere zero or near it, so that every input matters."""
    for name, parameter in module.named_parameters():
        if not name.endswith(("gamma", "norm.weight")) and parameter.ndim > 0:
            spread = 1.0 if "scale_shift" in name or parameter.ndim == 1 else 1.5
            parameter.data.normal_(std=spread * max(parameter[0].numel(), 4) ** -0.5)


def build(folder: Path, pipeline: Any, config: dict[str, Any], **parts: Any) -> None:
    """Save a pipeline of these parts; ``transformer`` and the like by their settings."""
    torch.manual_seed(0)
    kind = parts.pop("kind", diffusers.WanTransformer3DModel)
    for name in ("transformer", "transformer_2"):
        if name in parts:
            parts[name] = kind(**{**TRANSFORMER, **parts[name]})
    made = {
        "text_encoder": make_text_encoder(),
        "vae": parts.pop("vae", make_vae)(),
        "scheduler": make_scheduler(),
        **(make_clip() if parts.pop("clip", False) else {}),
        **parts,
    }
    for part in made.values():
        if isinstance(part, torch.nn.Module):
            randomise(part)
    save_t5_tokenizer(folder / "tokenizer")
    tokenizer = transformers.T5Tokenizer.from_pretrained(folder / "tokenizer")
    pipeline(tokenizer=tokenizer, **made, **config).save_pretrained(folder)


def to_image(frame: Frame) -> Image.Image:
    return Image.fromarray(frame)


def load_pipeline(folder: Path, kind: Any, model: Model, asked: Asked) -> Any:
    dtype = getattr(torch, model.dtype)
    full = {"vae": torch.float32, "image_encoder": torch.float32, "default": dtype}
    pipe = kind.from_pretrained(folder, dtype=full, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    if asked.loras:
        names = [f"lora{n}" for n in range(len(asked.loras))]
        for name, (path, _) in zip(names, asked.loras, strict=True):
            pipe.load_lora_weights(str(path), adapter_name=name)
            if getattr(pipe, "transformer_2", None) is not None:
                pipe.load_lora_weights(str(path), adapter_name=name, load_into_transformer_2=True)
        pipe.set_adapters(names, [scale for _, scale in asked.loras])
    return pipe


def run(
    folder: Path, model: Model, asked: Asked, *, kind: Any, picture_kind: Any = None
) -> Reference:
    """The whole pipeline; ``picture_kind`` is the one that takes pictures."""
    settings, media = asked.settings, asked.media
    given: dict[str, Any] = {}
    if media is not None and picture_kind is not None:
        kind = picture_kind
        given = {name: to_image(frame) for name, frame in media.pictures.items()}
    elif media is not None:
        given = vace_inputs(media)
    pipe = load_pipeline(folder, kind, model, asked)
    if settings.shift is not None:
        config = pipe.scheduler.config
        pipe.scheduler = type(pipe.scheduler).from_config(config, flow_shift=settings.shift)

    def ask(output: str) -> Any:
        return pipe(
            prompt=asked.prompt, negative_prompt=asked.negative, height=settings.height,
            width=settings.width, num_frames=asked.frames, num_inference_steps=settings.steps,
            guidance_scale=settings.guidance, guidance_scale_2=settings.guidance_2,
            generator=torch.Generator().manual_seed(settings.seed), output_type=output, **given,
        ).frames[0]  # fmt: skip

    return Reference(ask("latent")[:, -settings.latents :], ask("np"))


def vace_inputs(media: GivenMedia) -> dict[str, Any]:
    """What is given, as diffusers' documentation prepares it for VACE."""
    found: dict[str, Any] = {}
    names = sorted(name for name in media.pictures if name.startswith("reference."))
    if names:
        found["reference_images"] = [to_image(media.pictures[name]) for name in names]
    footage = media.clips.get("video", media.clips.get("control"))
    places = {"image": 0, "last_image": -1}
    kept = {places[n]: p for n, p in media.pictures.items() if n in places}
    kept |= {int(n[9:]): p for n, p in media.pictures.items() if n.startswith("keyframe.")}
    kept |= dict(enumerate(media.clips.get("extend", [])))
    if footage is None and not kept:
        return found
    grey = np.full((media.height, media.width, 3), 128, np.uint8)
    video = list(footage) if footage is not None else [grey] * media.frames
    mask = list(media.clips.get("mask", [np.full_like(grey, 255)] * media.frames))
    for number, shown in kept.items():
        video[number], mask[number] = shown, np.zeros_like(grey)
    if media.again != (0, 0):
        span = range(*media.again)
        mask = [frame if n in span else np.zeros_like(grey) for n, frame in enumerate(mask)]
    return {**found, "video": [to_image(f) for f in video], "mask": [to_image(f) for f in mask]}


def give(
    height: int = HEIGHT, width: int = WIDTH, again: tuple[int, int] = (0, 0), **media: Any
) -> GivenMedia:
    pictures = {n.replace("_at_", "."): v for n, v in media.items() if not isinstance(v, list)}
    clips = {name: value for name, value in media.items() if isinstance(value, list)}
    kind = "depth" if "control" in clips else ""
    return GivenMedia(FRAMES, height, width, pictures, clips, kind, again)


def masks() -> list[Frame]:
    found = [np.zeros((HEIGHT, WIDTH, 3), np.uint8) for _ in range(FRAMES)]
    for n, frame in enumerate(found):
        frame[8 : 8 + 2 * n, 5:30] = 255
    return found


def save_lora(folder: Path, target: Path, kind: Any = diffusers.WanTransformer3DModel) -> None:
    transformer = kind.from_pretrained(folder / "transformer")
    save_lora_of(transformer, target, ["to_q", "to_k", "to_v"])


CONTROLS = {"text": None}
GRID = Grid(4, 1, 5, 33, 16, [SIZE], [16.0])
ILLEGAL = ((FRAMES + 1, WIDTH, HEIGHT), (FRAMES, WIDTH + 8, HEIGHT), (FRAMES, WIDTH, HEIGHT + 16))
T2V = partial(run, kind=diffusers.WanPipeline)
I2V = partial(run, kind=diffusers.WanPipeline, picture_kind=diffusers.WanImageToVideoPipeline)
VACE_CONTROLS = [
    "image", "last_image", "keyframes", "extend", "video", "mask", "retake", "references",
    "control", "loras",
]  # fmt: skip
IMAGE_2_1 = {"in_channels": 36, "image_dim": 8, "added_kv_proj_dim": 24}
LARGE, SMALL = (40, 60), (24, 36)
"""Pictures of the clip's proportions and other sizes."""

WAN_2_1 = Tiny(
    "wan-2.1",
    partial(build, pipeline=diffusers.WanPipeline, config={}, transformer={}),
    tiny_model("tiny-wan", "wan", SIZE, FRAMES, grid=GRID, controls=["loras"]),
    T2V,
    CONTROLS,
    save_lora=save_lora,
    illegal=ILLEGAL,
)

WANS = [
    WAN_2_1,
    replace(
        WAN_2_1,
        name="wan-2.1-bf16",
        model=tiny_model(
            "tiny-wan", "wan", SIZE, FRAMES, grid=GRID, controls=["loras"], dtype="bfloat16"
        ),
    ),
    replace(
        WAN_2_1,
        name="wan-2.1-euler",
        build=partial(
            build, pipeline=diffusers.WanPipeline, config={}, transformer={},
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0),
        ),
        model=tiny_model("tiny-wan", "wan", SIZE, FRAMES, grid=GRID, dtype="bfloat16"),
        save_lora=None,
    ),
    replace(WAN_2_1, name="wan-2.1-shift", settings={"shift": 8.0, "guidance": 1.0}),
    Tiny(
        "wan-2.1-i2v",
        partial(
            build, pipeline=diffusers.WanImageToVideoPipeline, config={}, clip=True,
            transformer=IMAGE_2_1,
        ),
        tiny_model("tiny-wan", "wan", SIZE, FRAMES, grid=GRID, controls=["image", "loras"]),
        I2V,
        {"image": lambda: give(image=picture(*LARGE))},
        save_lora=save_lora,
        illegal=ILLEGAL,
    ),
    Tiny(
        "wan-2.1-flf2v",
        partial(
            build, pipeline=diffusers.WanImageToVideoPipeline, config={}, clip=True,
            transformer={**IMAGE_2_1, "pos_embed_seq_len": 34},
        ),
        tiny_model("tiny-wan", "wan", SIZE, FRAMES, grid=GRID, controls=["image", "last_image"]),
        I2V,
        {"ends": lambda: give(image=picture(*LARGE), last_image=picture(*SMALL, seed=1))},
        save_lora=save_lora,
        illegal=ILLEGAL,
    ),
    Tiny(
        "wan-2.2-a14b",
        partial(
            build, pipeline=diffusers.WanPipeline, config={"boundary_ratio": 0.875},
            transformer={}, transformer_2={},
        ),
        tiny_model("tiny-wan", "wan", SIZE, FRAMES, grid=GRID, controls=["loras"]),
        T2V,
        CONTROLS,
        settings={"guidance_2": 3.0},
        save_lora=save_lora,
        illegal=ILLEGAL,
    ),
    Tiny(
        "wan-2.2-i2v-a14b",
        partial(
            build, pipeline=diffusers.WanImageToVideoPipeline, config={"boundary_ratio": 0.9},
            transformer={"in_channels": 36}, transformer_2={"in_channels": 36},
        ),
        tiny_model("tiny-wan", "wan", SIZE, FRAMES, grid=GRID, controls=["image"]),
        I2V,
        {
            "image": lambda: give(image=picture(*LARGE)),
            "ends": lambda: give(image=picture(*LARGE), last_image=picture(*SMALL, seed=1)),
        },
        settings={"guidance_2": 3.0},
        illegal=ILLEGAL,
    ),
    Tiny(
        "wan-2.2-ti2v-5b",
        partial(
            build, pipeline=diffusers.WanPipeline, config={"expand_timesteps": True},
            vae=make_vae_2_2, transformer={"in_channels": 48, "out_channels": 48},
        ),
        tiny_model(
            "tiny-wan", "wan", "96x64", FRAMES, controls=["image", "loras"],
            grid=Grid(4, 1, 5, 33, 32, ["96x64"], [16.0]), latents=LatentGrid(48, 4, 16),
        ),
        I2V,
        {"text": None, "image": lambda: give(64, 96, image=picture(*LARGE))},
        save_lora=save_lora,
        illegal=((FRAMES + 1, 96, 64), (FRAMES, 48, 32)),
    ),
    Tiny(
        "wan-2.1-vace",
        partial(
            build, pipeline=diffusers.WanVACEPipeline, config={},
            kind=diffusers.WanVACETransformer3DModel,
            transformer={"vace_layers": [0, 1], "vace_in_channels": 96},
        ),
        tiny_model(
            "tiny-wan", "wan-vace", SIZE, FRAMES, grid=GRID, controls=VACE_CONTROLS,
            control_kinds=["depth", "pose", "edges"],
        ),
        partial(run, kind=diffusers.WanVACEPipeline),
        {
            "text": lambda: give(),
            "video": lambda: give(video=clip(FRAMES, HEIGHT, WIDTH)),
            "mask": lambda: give(video=clip(FRAMES, HEIGHT, WIDTH), mask=masks()),
            "control": lambda: give(control=clip(FRAMES, HEIGHT, WIDTH, 2)),
            "references": lambda: give(
                reference_at_0=picture(30, 30), reference_at_1=picture(20, 60, 1)
            ),
            "ends": lambda: give(
                image=picture(HEIGHT, WIDTH), last_image=picture(HEIGHT, WIDTH, seed=1)
            ),
            "image": lambda: give(image=picture(HEIGHT, WIDTH)),
            "keyframes": lambda: give(
                keyframe_at_3=picture(HEIGHT, WIDTH), keyframe_at_6=picture(HEIGHT, WIDTH, seed=1)
            ),
            "extend": lambda: give(extend=clip(5, HEIGHT, WIDTH)),
            "retake": lambda: give(video=clip(FRAMES, HEIGHT, WIDTH), again=(3, 6)),
            "control with references": lambda: give(
                control=clip(FRAMES, HEIGHT, WIDTH, 2), reference_at_0=picture(50, 30)
            ),
        },
        save_lora=partial(save_lora, kind=diffusers.WanVACETransformer3DModel),
        illegal=ILLEGAL,
    ),
]  # fmt: skip
