"""Generates with the exported folder, as a user would: the stock LTX2Pipeline.

`python -m training.sprite.sample "a red ball bounces on a grey background" --out clip.mp4`
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import LTX2Pipeline

from rushes.catalogue.load import find_model
from training.sprite import clips, world
from training.sprite.package import WEIGHTS

WIDTH, HEIGHT = map(int, find_model("sprite").defaults.size.split("x"))
STEPS = 20
GUIDANCE = 2.0
AUDIO_GUIDANCE = 2.0
DEFAULTS = {
    "height": HEIGHT,
    "width": WIDTH,
    "num_frames": world.FRAMES,
    "frame_rate": float(world.FPS),
    "max_sequence_length": 32,
    "stg_scale": 0.0,
    "audio_stg_scale": 0.0,
    "modality_scale": 1.0,
    "audio_modality_scale": 1.0,
    "guidance_rescale": 0.0,
    "audio_guidance_rescale": 0.0,
}


def load_pipeline(folder: Path = WEIGHTS) -> LTX2Pipeline:
    pipeline = LTX2Pipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def generate(
    pipeline: LTX2Pipeline,
    prompts: list[str],
    seeds: list[int],
    *,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
    audio_guidance: float = AUDIO_GUIDANCE,
) -> tuple[np.ndarray, np.ndarray]:
    """(B, 33, H, W, 3) uint8 frames and (B, 2, 32800) float32 waves in [-1, 1].

    The noise of the steps is the process's, which the pipeline does not hand its scheduler a
    generator for: it is that of the first seed here.
    """
    torch.manual_seed(seeds[0])
    frames, audio = pipeline(
        prompts,
        num_inference_steps=steps,
        guidance_scale=guidance,
        audio_guidance_scale=audio_guidance,
        generator=[torch.Generator().manual_seed(s) for s in seeds],
        output_type="np",
        return_dict=False,
        **DEFAULTS,
    )
    video = (np.asarray(frames) * 255).round().astype(np.uint8)
    return video, audio.detach().float().numpy()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("prompt")
    parser.add_argument("--out", type=Path, default=Path("clip.mp4"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    video, audio = generate(load_pipeline(), [args.prompt], [args.seed])
    clips.write_mp4(args.out, video[0], audio[0])


if __name__ == "__main__":
    main()
