"""With what two models are tried: a project for generators, a suite of questions for readers."""

from __future__ import annotations

from collections.abc import Sequence

import tomli_w

from rushes.errors import UsageError
from rushes.evals import suite as evals
from rushes.evals.suite import Case, Expected, Suite
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


READ_HEAD = """\
# A trial of {models} on your own footage. Put your own videos and questions in the place of these,
# forty or more that tell the two apart, then: rushes eval THIS.toml --html eval.html
# A case expects one of: choice (a letter, or the option), text (any of a list), interval (seconds),
# number (with a tolerance), unknown = true (it cannot be told from the video).

"""
CASES = (
    Case("entrance.mp4", "What does the person carry?", Expected(choice="B"),
         ["nothing", "a ladder", "a parcel", "a bicycle"], group="objects"),
    Case("entrance.mp4", "Does anybody fall?", Expected(text=["no"]), group="events"),
    Case("dock.mp4", "When is the gate open?", Expected(interval=(12.0, 31.5)), group="times"),
    Case("dock.mp4", "How many vans arrive?", Expected(number=2.0), group="counts"),
    Case("dock.mp4", "What is the driver's name?", Expected(unknown=True), group="unknown"),
)  # fmt: skip
"""One of each kind, to be replaced."""


def write_suite(selection: Selection) -> str:
    """What tries the two models: a rushes.toml that makes every prompt on each generator, or for
    readers a suite for ``rushes eval``.

    Raises:
        UsageError: the task is neither, or there is nothing to try.
    """
    question, names = selection.question, selection.tries
    if question.task not in ("generate", "understand"):
        raise UsageError(
            f"--suite is for generators and readers, and the task is {question.task}",
            hint="try the two on your own material",
        )
    if not names:
        raise UsageError("nothing is left to try", hint="see why each model is excluded")
    if question.task == "understand":
        suite = Suite("trial", list(CASES), list(names), "footage")
        return evals.write_suite(suite, READ_HEAD.format(models=" and ".join(names)))
    return _write_project(selection)


def _write_project(selection: Selection) -> str:
    use, names = selection.question.use, selection.tries
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
