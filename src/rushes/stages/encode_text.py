"""encode_text: the prompt to the embeddings that denoise reads; with pictures before its eyes
where the model's text encoder sees."""

from __future__ import annotations

import msgspec

from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.render_prompt import Prompt


class EncodeTextParams(Params, frozen=True):
    """Nothing beside the prompt and the weights decides embeddings."""


def run(job: Job) -> Made:
    """Encode the prompt and the negative prompt together."""
    from safetensors.torch import load_file, save_file

    assert job.model is not None
    text = msgspec.json.decode(job.inputs["prompt"]["prompt"].read_bytes(), type=Prompt)
    path = job.folder / "embeds.safetensors"
    if "given" in job.inputs:
        given = load_file(job.inputs["given"]["given"])
        embeds = job.model.encode_pictured_text(text.prompt, text.negative, given)
    else:
        embeds = job.model.encode_text(text.prompt, text.negative)
    save_file(embeds, path)
    return Made({"embeds": path})


STAGE = Stage(
    "encode_text",
    1,
    "device",
    1,
    ("torch", "diffusers", "transformers", "tokenizers", "ftfy"),
    EncodeTextParams,
    run,
    loads_model=True,
)
