"""The bare side of the overhead benchmark: diffusers' own LTX2Pipeline in a loop, with export.

Started as a process of its own with a JSON file of jobs. The pipeline is loaded once; each clip is
encoded from memory with the project's encoder, which is what a careful script would do. The
arguments are those under which the pipeline's result is Rushes' own, bit for bit.
"""

from __future__ import annotations

import json
import os
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"


def main(jobs_file: str) -> None:
    start = time.perf_counter()
    import torch
    from diffusers import LTX2Pipeline

    document = json.loads(Path(jobs_file).read_text("utf-8"))
    pipeline = LTX2Pipeline.from_pretrained(document["weights"], dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    loaded = time.perf_counter()
    for job in document["jobs"]:
        make_clip(pipeline, job, torch.Generator("cpu").manual_seed(job["seed"]))
    times = {"load_seconds": loaded - start, "loop_seconds": time.perf_counter() - loaded}
    print(json.dumps(times))


def make_clip(pipeline: Any, job: dict[str, Any], generator: Any) -> None:
    """One clip, from prompt to file."""
    from rushes.media import encode_clip
    from rushes.media.formats import ExportFormat

    video, audio = pipeline(
        job["prompt"],
        negative_prompt="",
        height=job["height"],
        width=job["width"],
        num_frames=job["frames"],
        frame_rate=job["fps"],
        num_inference_steps=job["steps"],
        guidance_scale=job["guidance"],
        audio_guidance_scale=job["audio_guidance"],
        stg_scale=0.0,
        audio_stg_scale=0.0,
        modality_scale=1.0,
        audio_modality_scale=1.0,
        guidance_rescale=0.0,
        audio_guidance_rescale=0.0,
        max_sequence_length=pipeline.tokenizer.model_max_length,
        generator=generator,
        output_type="np",
        return_dict=False,
    )
    frames = (video[0] * 255).round().astype("uint8")  # (F, H, W, 3) RGB
    sound = audio[0].T.float().cpu().numpy()  # (n, channels), full scale ±1
    encode_clip(
        iter(frames),
        Fraction(job["fps"]).limit_denominator(1001),
        iter([sound]),
        job["audio_rate"],
        Path(job["to"]),
        ExportFormat(crf=job["crf"]),
    )


if __name__ == "__main__":
    main(sys.argv[1])
