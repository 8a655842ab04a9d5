"""What to say where nothing fits: which stage, by how much, and what would, computed anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import msgspec

from rushes.catalogue.footprint import find_footprint
from rushes.catalogue.load import find_model, model_names
from rushes.catalogue.model import Model
from rushes.errors import MemoryRefused
from rushes.plan.memory.fit import MemoryPlan, Target
from rushes.plan.memory.standard import fits_shots, list_nodes, smallest_card, standard_shot
from rushes.plan.nodes import Node
from rushes.spec.project import Project, Shot
from rushes.types import VideoShape

MAX_TRIES = 24
"""Shapes that are tried in each direction."""


def refuse_misfit(project: Project, memory: MemoryPlan) -> None:
    """Refuse a plan that does not fit.

    Raises:
        MemoryRefused: with the stage, what it would take at least, and what would fit instead.
    """
    if not memory.misfits:
        return
    node, choice = memory.misfits[0]
    shot = _find_shot(project, node)
    target = memory.target
    limit = target.said or f"{target.device.name}'s {_gb(target.limit_bytes)}"
    name = "" if shot is None else f"shot {shot.name!r}: "
    said = "with the numerics that are locked"
    if shot is not None and shot.model.stated is not None:
        said = "with the numerics that the project states"
    elif memory.proposed or target.limit is None:
        said = "of all numerics that are done here" if memory.proposed else "as it is stored"
    raise MemoryRefused(
        f"{name}{choice.stage} of {choice.model} takes at least "
        f"{_gb(choice.taken.prediction.peak)} on {target.device.name} "
        f"({choice.taken.placement.label}, {said}); the limit is {limit}",
        where=f"{project.source.name}:shots.{shot.name}" if shot else project.source.name,
        hint="; or ".join(_alternatives(project, shot, memory)) or "no smaller shape fits either",
    )


def _find_shot(project: Project, node: Node) -> Shot | None:
    """The first shot that the node is a stage of, as far as its shape says."""
    for shot in project.shots.values():
        alike = [n.params for n in list_nodes(_alone(shot)) if n.stage == node.stage]
        if shot.model.instance == node.model and node.params in alike:
            return shot
    same = (shot for shot in project.shots.values() if shot.model.instance == node.model)
    return next(same, None)


def _alone(shot: Shot) -> Shot:
    """The shot without what it is made from, to look at its shape by itself."""
    given = shot.conditions
    extend = None if isinstance(given.extend, str) else given.extend
    video = None if isinstance(given.video, str) else given.video
    return replace(shot, conditions=replace(given, extend=extend, video=video))


def _alternatives(project: Project, shot: Shot | None, memory: MemoryPlan) -> Iterator[str]:
    """Sentences; each names something that was found to fit."""
    if shot is None:
        return
    plain = [replace(s, model=_unstated(s.model)) for s in map(_alone, project.shots.values())]
    if shot.model.stated is not None and fits_shots(plain, memory.target):
        yield "other numerics would fit: leave dtype, quantisation and tiling out, set vram"
        return
    locked = {m: n for m, n in memory.numerics.items() if m not in memory.proposed}
    if locked and fits_shots(map(_alone, project.shots.values()), memory.target):
        yield "other numerics would fit: set vram in [project] and run rushes lock --update"
        return
    grid = shot.model.grid

    def try_shape(shape: VideoShape) -> bool:
        extends = shot.conditions.extend is not None
        legal = shot.model.check_shape(shape, extends=extends) is None
        return legal and fits_shots([_alone(replace(shot, shape=shape))], memory.target)

    if (size := _first(_smaller_sizes(shot), try_shape)) is not None:
        yield f'it fits with size = "{size.size}"'
    counts = range(shot.shape.frames - 1, grid.frames_min - 1, -1)
    legal = [replace(shot.shape, frames=n) for n in counts if grid.is_legal_frames(n)]
    step = max(len(legal) // MAX_TRIES, 1)
    if (fewer := _first(legal[::step], try_shape)) is not None:
        yield f"it fits with frames = {fewer.frames}"
    others = [name for name in model_names() if name != shot.model.name]
    found = [name for name in others if _can_replace(name, shot, memory.target)]
    if found:
        yield f"it fits with model = {' or '.join(repr(name) for name in found[:3])}"
    if (card := smallest_card([_alone(shot)])) is not None:
        yield f"as it is it fits {card.name} ({_gb(card.memory_bytes)})"


def _unstated(model: Model) -> Model:
    return msgspec.structs.replace(model, stated=None)


def _smaller_sizes(shot: Shot) -> Iterator[VideoShape]:
    """Legal sizes with fewer pixels: listed ones, then those of the same form."""
    width, height, grid = shot.shape.width, shot.shape.height, shot.model.grid
    pixels = width * height
    listed = [tuple(map(int, size.split("x"))) for size in grid.sizes]
    shaped = []
    if grid.pixels_max is not None:
        for w in range(width - grid.size_multiple, grid.side_min - 1, -grid.size_multiple):
            h = round(w * height / width / grid.size_multiple) * grid.size_multiple
            shaped.append((w, h))
    found = sorted(
        {s for s in [*listed, *shaped] if s[0] * s[1] < pixels}, key=lambda s: -s[0] * s[1]
    )
    same = [s for s in found if (s[0] > s[1]) == (width > height)] or found
    for w, h in same[:: max(len(same) // MAX_TRIES, 1)]:
        yield replace(shot.shape, width=w, height=h)


def _first(shapes: Iterable[VideoShape], fits: Callable[[VideoShape], bool]) -> VideoShape | None:
    return next((shape for shape in shapes if fits(shape)), None)


def _can_replace(name: str, shot: Shot, target: Target) -> bool:
    """Whether another model makes a clip of its own standard shape there, and takes no files."""
    if shot.conditions.files or shot.conditions.shots:
        return False
    model = find_model(name)
    return find_footprint(model) is not None and fits_shots([standard_shot(model)], target)


def _gb(nbytes: float) -> str:
    return f"{nbytes / 1e9:.1f} GB"
