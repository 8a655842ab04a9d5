"""The project with which two generators are tried on the same prompts."""

from __future__ import annotations

from collections.abc import Sequence

import tomli_w

from rushes.errors import UsageError
from rushes.route.choose import Selection

PROMPTS = {
    "people": "two people talk at a kitchen table, medium shot, handheld camera",
    "motion": "a cyclist rides through heavy rain at night, the camera follows",
    "product": "a glass bottle turns slowly on a white table, soft light",
    "landscape": "clouds pass over a mountain lake at dawn, slow pan to the left",
    "physics": "a stack of wooden blocks tips over and falls on a stone floor",
    "speech": "a woman looks into the camera and says good morning",
}
"""What such models differ in."""

HEAD = """\
# A trial of {models}: the same prompts on both. Put your own prompts in the place of these,
# then: rushes lock && rushes make. out/report.html shows the clips side by side.
# The seeds are those of [project]; three takes would be seed = 7, 8, 9.

"""


def write_suite(selection: Selection) -> str:
    """A rushes.toml that makes every prompt on each of the two models.

    Raises:
        UsageError: the task is not to generate, or there is nothing to try.
    """
    question, names = selection.question, selection.tries
    if question.task != "generate":
        raise UsageError(
            f"--suite writes a project for generators, and the task is {question.task}",
            hint="try the two on your own material",
        )
    if not names:
        raise UsageError("nothing is left to try", hint="see why each model is excluded")
    use = question.use
    policy: dict[str, object] = {"paid": "never"}
    stated = {
        "licences": None if use.allowed is None else list(use.allowed),
        "revenue_usd": use.revenue_usd,
        "users": use.users,
        "territory": list(use.territories) or None,
        "purpose": use.purpose,
        "granted": list(use.granted) or None,
    }
    policy |= {key: value for key, value in stated.items() if value is not None}
    document = {
        "project": {"name": "trial", "model": names[0], "seed": 7},
        "policy": policy,
        "defaults": {"attempts": 1},
        "presets": {name: {"prompt": prompt} for name, prompt in PROMPTS.items()},
        "shots": _list_shots(names),
    }
    return HEAD.format(models=" and ".join(names)) + tomli_w.dumps(document)


def _list_shots(names: Sequence[str]) -> dict[str, dict[str, str]]:
    return {
        f"{prompt}-{name.replace('.', '-')}": {"preset": prompt, "model": name}
        for prompt in PROMPTS
        for name in names
    }
