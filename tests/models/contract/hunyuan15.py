"""Tiny HunyuanVideo 1.5 checkpoints: text to video and image to video."""

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
from tests.models.contract.kit import Asked, Reference, Tiny, picture, save_lora_of, tiny_model
from tests.models.contract.tokens import make_tokenizer, randomise

SIZE, FRAMES = 32, 13
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build(folder: Path, *, task: str = "t2v") -> None:
    torch.manual_seed(0)
    words = ["helpful", "assistant", "Describe", " video", " detail", " " * 8]
    tokenizer = make_tokenizer(words, ["<|im_start|>", "<|im_end|>"], length=2000)
    tokenizer.chat_template = CHAT
    parts = {
        "transformer": diffusers.HunyuanVideo15Transformer3DModel(
            in_channels=9, out_channels=4, num_attention_heads=2, attention_head_dim=8,
            num_layers=2, num_refiner_layers=1, mlp_ratio=2.0, patch_size=1, patch_size_t=1,
            text_embed_dim=16, text_embed_2_dim=32, image_embed_dim=12, rope_axes_dim=(2, 2, 4),
            target_size=SIZE, task_type=task,
        ),
        "vae": diffusers.AutoencoderKLHunyuanVideo15(
            latent_channels=4, block_out_channels=(16, 16, 16), layers_per_block=1,
            spatial_compression_ratio=4, temporal_compression_ratio=4,
            downsample_match_channel=False, upsample_match_channel=False,
        ),
        "text_encoder": transformers.Qwen2_5_VLTextModel(
            transformers.Qwen2_5_VLTextConfig(
                vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16,
                num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=2, pad_token_id=0,
                rope_parameters={
                    "mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6,
                },
            )
        ),
        "text_encoder_2": transformers.T5EncoderModel(
            transformers.T5Config(
                vocab_size=400, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4,
                relative_attention_num_buckets=8,
            )
        ),
        **(make_eyes() if task == "i2v" else {}),
    }  # fmt: skip
    randomise(*(part for part in parts.values() if isinstance(part, torch.nn.Module)))
    pipeline_of(task)(
        tokenizer=tokenizer,
        tokenizer_2=transformers.ByT5Tokenizer(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        guider=diffusers.ClassifierFreeGuidance(guidance_scale=6.0),
        **parts,
    ).save_pretrained(folder)


def make_eyes() -> dict[str, Any]:
    config = transformers.SiglipVisionConfig(
        hidden_size=12, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
        image_size=54, patch_size=2,
    )  # fmt: skip
    process = transformers.SiglipImageProcessorPil(size={"height": 54, "width": 54})
    return {"image_encoder": transformers.SiglipVisionModel(config), "feature_extractor": process}


def pipeline_of(task: str) -> Any:
    if task == "t2v":
        return diffusers.HunyuanVideo15Pipeline
    return diffusers.HunyuanVideo15ImageToVideoPipeline


def run(folder: Path, model: Model, asked: Asked, *, task: str = "t2v") -> Reference:
    settings = asked.settings
    pipe = pipeline_of(task).from_pretrained(
        folder, dtype=getattr(torch, model.dtype), local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.vae.enable_tiling()
    pipe.guider = pipe.guider.new(guidance_scale=settings.guidance)
    for number, (path, scale) in enumerate(asked.loras):  # the pipeline itself takes none
        name = f"lora{number}"
        pipe.transformer.load_lora_adapter(str(path), prefix="transformer", adapter_name=name)
        pipe.transformer.set_adapters(name, scale)
    given: dict[str, Any] = {"height": settings.height, "width": settings.width}
    if asked.media is not None:  # this pipeline asks the picture for the size
        given = {"image": Image.fromarray(asked.media.pictures["image"])}

    def ask(output: str) -> Any:
        return pipe(
            prompt=asked.prompt, negative_prompt=asked.negative, num_frames=asked.frames,
            num_inference_steps=settings.steps, output_type=output,
            generator=torch.Generator().manual_seed(settings.seed), **given,
        ).frames[0]  # fmt: skip

    return Reference(ask("latent"), ask("np"))


def save_lora(folder: Path, target: Path) -> None:
    transformer = diffusers.HunyuanVideo15Transformer3DModel.from_pretrained(folder / "transformer")
    save_lora_of(transformer, target, ["to_q", "to_k", "to_v"])


def give() -> GivenMedia:
    return GivenMedia(FRAMES, SIZE, SIZE, {"image": picture(50, 50)}, {})


def entry(**more: Any) -> Model:
    return tiny_model(
        "tiny-hunyuan15", "hunyuan15", f"{SIZE}x{SIZE}", FRAMES, latents=LatentGrid(4, 4, 4),
        grid=Grid(4, 1, 5, 33, 16, [f"{SIZE}x{SIZE}"], [16.0]), controls=["loras"], **more,
    )  # fmt: skip


TEXT = Tiny(
    "hunyuan15",
    build,
    entry(),
    run,
    {"text": None},
    save_lora=save_lora,
    illegal=((FRAMES + 1, SIZE, SIZE), (FRAMES, SIZE + 8, SIZE)),
)

HUNYUANS15 = [
    TEXT,
    replace(TEXT, name="hunyuan15-unguided", settings={"guidance": 1.0}, save_lora=None),
    replace(TEXT, name="hunyuan15-bf16", model=entry(dtype="bfloat16"), save_lora=None),
    replace(
        TEXT,
        name="hunyuan15-i2v",
        build=partial(build, task="i2v"),
        run_pipeline=partial(run, task="i2v"),
        cases={"image": give},
    ),
]
