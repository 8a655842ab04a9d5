"""Tiny HunyuanVideo 1.0 checkpoints: text to video, and both kinds of image to video."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.pipelines.hunyuan_video import pipeline_hunyuan_video_image2video as image_to_video
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
    tiny_model,
)
from tests.models.contract.tokens import make_tokenizer, randomise

SIZE, FRAMES = 32, 21
CHANNELS = {None: 4, "token_replace": 4, "latent_concat": 9}


def build(folder: Path, *, way: str | None = None) -> None:
    """Save a tiny pipeline. ``way``: how its transformer is given a picture."""
    torch.manual_seed(0)
    parts = {
        "transformer": diffusers.HunyuanVideoTransformer3DModel(
            in_channels=CHANNELS[way], out_channels=4, num_attention_heads=2,
            attention_head_dim=10, num_layers=1, num_single_layers=1, num_refiner_layers=1,
            patch_size=2, patch_size_t=1, guidance_embeds=way != "latent_concat",
            text_embed_dim=16, pooled_projection_dim=8, rope_axes_dim=(2, 4, 4),
            image_condition_type=way,
        ),
        "vae": diffusers.AutoencoderKLHunyuanVideo(
            latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1,
            norm_num_groups=4, scaling_factor=0.476986,
        ),
        **make_texts(sees=way is not None),
    }  # fmt: skip
    randomise(*(part for part in parts.values() if isinstance(part, torch.nn.Module)))
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0)
    pipeline_of(way)(scheduler=scheduler, **parts).save_pretrained(folder)


def make_texts(*, sees: bool) -> dict[str, Any]:
    """Tokenizers and text encoders; of the template's words every second is one token, by which it
    is as long as the real one's cut wants it."""
    words = image_to_video.DEFAULT_PROMPT_TEMPLATE["template"].split(" ")[::2]
    words = [word for word in words if "<" not in word]
    marks = ["<image>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    tokenizer = make_tokenizer([*words, *(f" {w}" for w in words)], marks, begin="<s>")
    pooled = make_tokenizer(["red"], begin="<|startoftext|>", end="<|endoftext|>", length=77)
    llama = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=37, num_attention_heads=4,
        num_hidden_layers=4, pad_token_id=0, bos_token_id=2, eos_token_id=None,
    )  # fmt: skip
    clip = transformers.CLIPTextConfig(
        vocab_size=len(pooled), hidden_size=8, intermediate_size=37, num_attention_heads=4,
        num_hidden_layers=2, pad_token_id=0, bos_token_id=2, eos_token_id=3,
    )  # fmt: skip
    found = {
        "tokenizer": tokenizer,
        "tokenizer_2": pooled,
        "text_encoder_2": transformers.CLIPTextModel(clip),
    }
    if not sees:
        return {**found, "text_encoder": transformers.LlamaModel(llama)}
    eyes = transformers.CLIPVisionConfig(
        hidden_size=8, intermediate_size=37, num_attention_heads=4, num_hidden_layers=2,
        image_size=336, patch_size=14,
    )  # fmt: skip
    llava = transformers.LlavaConfig(
        vision_config=eyes, text_config=llama, pad_token_id=0,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    return {
        **found,
        "text_encoder": transformers.LlavaForConditionalGeneration(llava),
        "image_processor": transformers.CLIPImageProcessorPil(
            crop_size=336, size={"shortest_edge": 336}
        ),
    }


def pipeline_of(way: str | None) -> Any:
    if way is None:
        return diffusers.HunyuanVideoPipeline
    return diffusers.HunyuanVideoImageToVideoPipeline


def run(folder: Path, model: Model, asked: Asked, *, way: str | None = None) -> Reference:
    settings = asked.settings
    pipe = pipeline_of(way).from_pretrained(
        folder, dtype=getattr(torch, model.dtype), local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.vae.enable_tiling()
    load_adapters(pipe, asked)
    if settings.shift is not None:
        pipe.scheduler.set_shift(settings.shift)
    given = {"image": Image.fromarray(asked.media.pictures["image"])} if asked.media else {}
    frames = asked.frames + (4 if way == "latent_concat" else 0)  # the pipeline cuts as many

    def ask(output: str) -> Any:
        return pipe(
            prompt=asked.prompt, negative_prompt=asked.negative, height=settings.height,
            width=settings.width, num_frames=frames, num_inference_steps=settings.steps,
            guidance_scale=settings.guidance, true_cfg_scale=settings.guidance_2 or 1.0,
            generator=torch.Generator().manual_seed(settings.seed), output_type=output, **given,
        ).frames[0]  # fmt: skip

    return Reference(ask("latent"), ask("np"))


def save_lora(folder: Path, target: Path) -> None:
    transformer = diffusers.HunyuanVideoTransformer3DModel.from_pretrained(folder / "transformer")
    save_lora_of(transformer, target, ["to_q", "to_k", "to_v"])


def give() -> GivenMedia:
    return GivenMedia(FRAMES, SIZE, SIZE, {"image": picture(50, 50)}, {})


def entry(**more: Any) -> Model:
    sizes = [f"{SIZE}x{SIZE}", "288x32"]
    fields: dict[str, Any] = {"latents": LatentGrid(4, 4, 8), "controls": ["loras"]}
    grid = Grid(4, 1, 5, 33, 16, sizes, [16.0])
    size = more.pop("size", sizes[0])
    return tiny_model("tiny-hunyuan", "hunyuan", size, FRAMES, grid=grid, **{**fields, **more})


TEXT = Tiny(
    "hunyuan",
    build,
    entry(),
    run,
    {"text": None},
    settings={"guidance": 1.0},
    save_lora=save_lora,
    illegal=((FRAMES + 1, SIZE, SIZE), (FRAMES, SIZE + 8, SIZE)),
)
GUIDED = {"guidance": 6.0, "guidance_2": 3.0}


def seeing(way: str, **more: Any) -> Tiny:
    made = {"build": partial(build, way=way), "run_pipeline": partial(run, way=way)}
    return replace(TEXT, name=f"hunyuan-{way}", cases={"image": give}, **made, **more)


HUNYUANS = [
    TEXT,
    replace(TEXT, name="hunyuan-guided", settings=GUIDED, save_lora=None),
    replace(
        TEXT,
        name="hunyuan-bf16-tiles",
        model=entry(dtype="bfloat16", size="288x32"),
        settings={**GUIDED, "shift": 3.0},
        save_lora=None,
    ),
    seeing("token_replace", settings=GUIDED),
    seeing("latent_concat", settings=GUIDED),
    seeing("token_replace", model=entry(dtype="bfloat16"), save_lora=None),
]
HUNYUANS[-1] = replace(HUNYUANS[-1], name="hunyuan-token_replace-bf16")
