"""Whether clips fit, asked without a project: for what-ifs, and the smallest card of a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rushes.catalogue.device import Device, device_names, find_device
from rushes.catalogue.footprint import find_footprint
from rushes.catalogue.model import Model, Sampling
from rushes.media.formats import ExportFormat
from rushes.plan.memory.fit import MemoryPlan, Target, plan_memory
from rushes.plan.nodes import Node
from rushes.plan.takes import TakePlanner
from rushes.spec.given import Conditions
from rushes.spec.project import Shot
from rushes.types import VideoShape


def standard_shot(model: Model) -> Shot:
    """A clip as the model makes it where nobody says anything."""
    width, height = map(int, model.defaults.size.split("x"))
    said = {name: getattr(model.defaults, name) for name in Sampling.__struct_fields__}
    return Shot(
        name="clip",
        model=model,
        template="a clip",
        negative="",
        variables=(),
        seed=0,
        shape=VideoShape(model.defaults.frames, height, width, model.defaults.fps),
        asked_seconds=None,
        sampling=Sampling(**said),
        attempts=1,
        checks=(),
        export=ExportFormat(),
        conditions=Conditions(),
        sound="none" if model.latents.audio is None else "model",
    )


def list_nodes(shot: Shot) -> list[Node]:
    """The nodes of a shot's first take, without keys, up to its picture and sound."""

    def make(stage, params, inputs=(), model=None, files=()):  # type: ignore[no-untyped-def]
        return Node(None, stage, params, tuple(inputs), model, tuple(files))

    planner = TakePlanner(make, shot, 0, {})
    planner.plan()
    return list(planner.nodes.values())


def plan_shots(shots: Iterable[Shot], target: Target) -> MemoryPlan:
    """How shots would run on a target, with the numerics that suit them."""
    shots = list(shots)
    nodes = [node for shot in shots for node in list_nodes(shot)]
    models = {shot.model.instance: shot.model for shot in shots}
    stated = {name: m.stated.numerics for name, m in models.items() if m.stated is not None}
    return plan_memory(nodes, models.values(), target, stated, propose=True)


def fits_shots(shots: Iterable[Shot], target: Target) -> bool:
    """Whether they fit; of what was never traced that is not known, and does not count."""
    memory = plan_shots(shots, target)
    return not memory.misfits and not memory.untraced


def smallest_card(shots: Iterable[Shot]) -> Device | None:
    """The card with the least memory on which shots fit; None where no described one is enough."""
    shots = list(shots)
    for name in device_names():
        device = find_device(name)
        if device.kind == "cuda" and fits_shots(shots, Target(device)):
            return device
    return None


@dataclass(frozen=True, slots=True)
class SmallestCard:
    """The smallest described card for a model's standard clip.

    Args:
        peak_bytes: what is predicted to be taken of it, overhead included.
        placements: how the stages run there, by stage.
        numerics: what is not computed as it is stored, by part.
    """

    card: str
    title: str
    memory_bytes: int
    peak_bytes: int
    placements: dict[str, str]
    numerics: dict[str, str]


def describe_smallest_card(model: Model) -> SmallestCard | None:
    """See :func:`smallest_card_of`."""
    found = smallest_card_of(model)
    if found is None:
        return None
    card, plan = found
    peak = plan.peak_bytes
    assert peak is not None
    placements = {node.stage: choice.taken.placement.label for node, choice in plan.choices.items()}
    numerics = {part: str(value) for part, value in plan.numerics.get(model.id, {}).items()}
    return SmallestCard(card.name, card.title, card.memory_bytes, peak, placements, numerics)


def smallest_card_of(model: Model) -> tuple[Device, MemoryPlan] | None:
    """The smallest card for a model's standard clip, and how it runs there.

    None where no described card is enough, or nothing is known of the model's memory.
    """
    if find_footprint(model) is None:
        return None
    shot = standard_shot(model)
    card = smallest_card([shot])
    return None if card is None else (card, plan_shots([shot], Target(card)))
