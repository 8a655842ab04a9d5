"""A footprint as the project's own numerics change it: another dtype than it was traced in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from rushes.catalogue.footprint import Footprint, Law, StageWork, Weights, Work, find_footprint
from rushes.catalogue.model import Model
from rushes.catalogue.packed import read_packed
from rushes.catalogue.source import DTYPE_BYTES, FilesSource


def find_stated_footprint(model: Model) -> Footprint | None:
    """What a model takes of memory in the dtype and the files of the project; None if not traced.

    A wider dtype widens weights and work alike, which is more than work in mixed types takes. For
    a narrower one the figures stay as they were traced: they are never too low.
    """
    footprint = find_footprint(model)
    if footprint is None:
        return None
    return _pack(_in_dtype(footprint, model), model)


def _pack(footprint: Footprint, model: Model) -> Footprint:
    """With the sizes that GGUF files say, for parts that come from such."""
    if not isinstance(model.source, FilesSource):
        return footprint
    width = DTYPE_BYTES[model.dtype if model.stated is None else model.stated.dtype]
    packed = {
        part: read_packed(Path(path)).weigh(width)
        for part, path in model.source.paths.items()
        if path.endswith(".gguf")
    }
    return msgspec.structs.replace(footprint, parts={**footprint.parts, **packed})


def _in_dtype(footprint: Footprint, model: Model) -> Footprint:
    if model.stated is None:
        return footprint
    traced, stated = DTYPE_BYTES[model.dtype], DTYPE_BYTES[model.stated.dtype]
    if stated <= traced:
        return footprint
    wider = {name for name, part in footprint.parts.items() if part.width == traced}
    return msgspec.structs.replace(
        footprint,
        parts={
            name: _widen_weights(part, stated // traced) if name in wider else part
            for name, part in footprint.parts.items()
        },
        stages={
            name: _widen_stage(stage, wider, stated // traced)
            for name, stage in footprint.stages.items()
        },
    )


def _widen_weights(part: Weights, times: int) -> Weights:
    same = ("blocks",)
    figures = {n: getattr(part, n) for n in part.__struct_fields__}
    return Weights(**{n: v if n in same else v * times for n, v in figures.items()})


def _widen_stage(stage: StageWork, wider: set[str], times: int) -> StageWork:
    def widen(works: Mapping[str, Work]) -> dict[str, Work]:
        return {n: _widen_work(w, times) if n in wider else w for n, w in works.items()}

    return msgspec.structs.replace(stage, parts=widen(stage.parts), tiled=widen(stage.tiled))


def _widen_work(work: Work, times: int) -> Work:
    return msgspec.structs.replace(
        work, cuda=_widen_law(work.cuda, times), cpu=_widen_law(work.cpu, times)
    )


def _widen_law(law: Law, times: int) -> Law:
    def widen(figures: Mapping[str, float]) -> dict[str, float]:
        return {name: figure * times for name, figure in figures.items()}

    return msgspec.structs.replace(law, terms=widen(law.terms), points=widen(law.points))
