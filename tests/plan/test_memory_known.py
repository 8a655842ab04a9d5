"""Of every model and whatever it may be given, the plan knows what each stage takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rushes.catalogue.load import find_model, model_names
from rushes.catalogue.model import Model
from rushes.plan.memory.demand import find_demands
from rushes.plan.memory.standard import list_nodes, standard_shot
from rushes.plan.nodes import Node
from rushes.spec.given import Conditions, Control, Picture, Retake, SourceFile
from rushes.spec.project import Shot
from rushes.types import Digest

FILE = SourceFile(Path("given"), Digest("0" * 64), sound=True)


def list_given(model: Model) -> Iterator[tuple[str, Conditions]]:
    """Each conditioning key that the model takes."""
    last = model.defaults.frames - 1
    first = Picture(0, FILE, "image")
    known = {
        "image": Conditions(pictures=(first,)),
        "last_image": Conditions(pictures=(first, Picture(last, FILE, "last_image"))),
        "keyframes": Conditions(pictures=(Picture(8, FILE, "keyframes"),)),
        "extend": Conditions(extend=FILE),
        "audio": Conditions(audio=FILE),
        "video": Conditions(video=FILE),
        "mask": Conditions(video=FILE, mask=FILE),
        "retake": Conditions(video=FILE, retake=Retake(4, 12, "both")),
        "references": Conditions(references=(FILE, FILE)),
    }
    yield "", Conditions()
    for key in model.controls:
        if key in known:
            yield key, known[key]
        if key == "control":
            for kind in model.control_kinds:
                yield key, Conditions(control=Control(kind, FILE))


def list_shots(name: str) -> Iterator[Shot]:
    model = find_model(name)
    factors = [] if model.upscale is None else model.upscale.factors
    for key, given in list_given(model):
        for upscale in (1, *factors):
            shot = standard_shot(model.variant_for([key]))
            if key == "extend" and model.tail:
                longest = model.grid_of(extends=True).frames_max
                shot = replace(shot, shape=replace(shot.shape, frames=longest))
            yield replace(shot, conditions=given, upscale=upscale)


@pytest.mark.parametrize("name", model_names())
def test_every_stage_of_every_shot_is_known(name: str) -> None:
    for shot in list_shots(name):
        nodes = list_nodes(shot)
        demands = find_demands(nodes, {shot.model.instance: shot.model})
        unknown = {n.stage for n in nodes if n.model is not None and n not in demands.tasks}
        assert not unknown, (shot.model.id, shot.conditions)


def cells_of(shot: Shot) -> float:
    nodes = list_nodes(shot)
    tasks = find_demands(nodes, {shot.model.instance: shot.model}).tasks
    return next(task.quantities["cells"] for node, task in tasks.items() if is_denoise(node))


def is_denoise(node: Node) -> bool:
    return node.stage == "denoise"


def test_references_are_denoised_beside_the_clip() -> None:
    plain = standard_shot(find_model("wan-2.1-vace-1.3b"))
    two = replace(plain, conditions=Conditions(references=(FILE, FILE)))
    area = plain.shape.width * plain.shape.height / 64
    assert cells_of(two) == cells_of(plain) + 2 * area


def test_a_given_sound_is_planned_as_sound() -> None:
    shot = replace(standard_shot(find_model("ltx-2")), conditions=Conditions(audio=FILE))
    tasks = find_demands(list_nodes(shot), {"ltx-2": shot.model}).tasks
    (heard,) = [task for node, task in tasks.items() if node.stage == "encode_condition"]
    assert list(heard.works({})) == ["audio_vae"]
    assert heard.quantities == {"sound": 126.0}
