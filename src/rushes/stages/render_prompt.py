"""render_prompt: a template and its variables to the text that the model reads."""

from __future__ import annotations

from pathlib import Path

import msgspec

from rushes.stages.base import Job, Made, Params, Stage


class RenderPromptParams(Params, frozen=True):
    """``variables``: name and value of each ``{name}`` in the template."""

    template: str
    variables: tuple[tuple[str, str], ...]
    negative: str


class Prompt(msgspec.Struct, frozen=True):
    """The output, as JSON."""

    prompt: str
    negative: str


def fill_template(template: str, variables: tuple[tuple[str, str], ...]) -> str:
    """The text that a model reads; runs of white space become one space."""
    return " ".join(template.format_map(dict(variables)).split())


def read_prompt(path: Path) -> Prompt:
    """What the stage wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Prompt)


def run(job: Job) -> Made:
    """Fill the template."""
    params: RenderPromptParams = job.params
    text = fill_template(params.template, params.variables)
    prompt = Prompt(text, " ".join(params.negative.split()))
    path = job.folder / "prompt.json"
    path.write_bytes(msgspec.json.encode(prompt))
    return Made({"prompt": path}, {"prompt": prompt.prompt})


STAGE = Stage("render_prompt", 1, "media", 0, (), RenderPromptParams, run)
