"""Trace what a model's stages take of memory, without weights, and write its footprint.

    python -m bench.memory.trace sprite ltx-2 …

Every stage runs through the family's own adapter on tensors without data, at several shapes. The
figures become laws in ``src/rushes/catalogue/footprints``; shapes that were kept out of the fit say
how well the laws hold.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import tomli_w
import torch

from bench.memory.cases import Case, find_cases, make_extra
from bench.memory.fit import Sample, fit_law
from bench.memory.hollow import build_part, open_hollow, read_config, shorten
from bench.memory.meter import Meter
from bench.memory.weigh import weigh
from rushes.catalogue.footprint import (
    Footprint,
    Law,
    StageWork,
    Weights,
    Work,
    read_footprint,
)
from rushes.catalogue.load import find_named
from rushes.catalogue.model import Model
from rushes.models.base import Family, Placement, find_family
from rushes.models.placing import find_blocks

FOOTPRINTS = Path(__file__).parents[2] / "src" / "rushes" / "catalogue" / "footprints"
HEADER = (
    "# Written by bench/memory/trace.py. What the figures mean: rushes/catalogue/footprint.py.\n"
)


Configs = Mapping[str, dict[str, Any]]


@dataclass(slots=True)
class Traced:
    """One run of a stage: by part, bytes on a GPU and on a CPU, arithmetic, and what lay beside."""

    cuda: dict[str, int]
    cpu: dict[str, int]
    flops: dict[str, float]
    beside: dict[str, set[str]]
    calls: dict[str, int]


class Tracer:
    """A hollow model whose parts say when they begin to work."""

    def __init__(self, model: Model, configs: Configs = MappingProxyType({})) -> None:
        self.model, self.configs = model, configs
        self.loaded: Any = open_hollow(
            model, make=lambda name: make_extra(model, name), configs=configs
        )
        self.loaded.place(Placement("parts"))
        self.weights: dict[str, Weights] = {}
        self.meter = Meter()
        self.present: set[str] = set()
        self.beside: dict[str, set[str]] = {}
        self.calls: dict[str, int] = {}
        self._parts: dict[str, Any] = {}
        self.loaded.part, self.loaded.leave = self._part, self._leave

    def _part(self, name: str) -> Any:
        if name not in self._parts:
            with torch.utils._python_dispatch._disable_current_modes():
                self._parts[name] = self._load(name)
        if isinstance(self._parts[name], torch.nn.Module):
            self.present.add(name)
            self._begin(name)
        return self._parts[name]

    def _load(self, name: str) -> Any:
        """The part: its weights are counted whole, and it runs with a few of its blocks."""
        part = self.loaded._load(name)
        if not isinstance(part, torch.nn.Module):
            return part
        self.weights[name] = weigh(part)
        if blocks := find_blocks(part):
            entry = next(entry for entry in self.model.parts if entry.folder == name)
            config = self.configs.get(name) or read_config(self.model, entry)
            form = next(part.parameters()).dtype
            part = build_part(entry.class_name, shorten(config), form)
            kept = find_blocks(part)
            for block in kept:
                block.register_forward_pre_hook(lambda *_: self._repeat(len(blocks) / len(kept)))
                block.register_forward_hook(lambda *_: self._repeat(1.0))
        part.register_forward_pre_hook(lambda *_: self._call(name))
        return part

    def _call(self, name: str) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1
        self._begin(name)

    def _repeat(self, times: float) -> None:
        self.meter.repeats = times

    def _begin(self, name: str) -> None:
        self.meter.ignore(self._parts[name])
        self.meter.enter_part(name)
        self.beside.setdefault(name, set()).update(self.present - {name})

    def _leave(self, name: str) -> None:
        self.present.discard(name)

    def run(self, work: Callable[[Any], Any]) -> Traced:
        """Run a stage; what comes before its first part is counted with that."""
        self.present, self.beside, self.calls, self.meter = set(), {}, {}, Meter()
        with torch.no_grad(), self.meter:
            work(self.loaded)
        first = next(iter(self.beside))
        for peaks in (self.meter.peaks, self.meter.host_peaks):
            peaks[first] = max(peaks.get(first, 0), peaks.pop("", 0))
        meter = self.meter
        return Traced(meter.peaks, meter.host_peaks, meter.flops, self.beside, self.calls)


def trace_stage(tracer: Tracer, case: Case) -> dict[str, Work]:
    """Laws of one stage, by part."""
    runs: list[tuple[Mapping[str, float], Traced, bool]] = []
    for shape in case.shapes:
        start = time.perf_counter()
        traced = tracer.run(shape.work)
        runs.append((shape.quantities, traced, shape.kept_out))
        seconds = time.perf_counter() - start
        peaks = ", ".join(f"{part} {peak / 1e6:.1f} MB" for part, peak in traced.cuda.items())
        print(
            f"  {case.stage} {dict(shape.quantities)}: {peaks} ({seconds:.1f} s)", file=sys.stderr
        )
    works = {}
    for part in runs[0][1].beside:

        def law(field: str, products: list[str], part: str = part) -> Any:
            known: list[Sample] = []
            kept_out: list[Sample] = []
            for quantities, traced, apart in runs:
                value = float(getattr(traced, field).get(part, 0)) / (
                    case.steps if field == "flops" else 1
                )
                (kept_out if apart else known).append((quantities, value))
            law = fit_law(known, kept_out, products)
            if field == "flops" or "frames" not in runs[0][0]:
                return law
            places = {f"{q['frames']:g}x{q['area']:g}": y for q, y in [*known, *kept_out]}
            return msgspec.structs.replace(law, points=places)

        works[part] = Work(
            law("cuda", case.products),
            law("cpu", case.products),
            law("flops", case.flops),
            sorted(runs[0][1].beside[part]),
            max(runs[0][1].calls.get(part, 1) / case.steps, 1.0),
        )
    return works


def trace_model(
    model: Model,
    configs: Configs = MappingProxyType({}),
    *,
    tiles: bool = True,
    known: Footprint | None = None,
) -> Footprint:
    """The footprint of a model.

    Args:
        tiles: also trace coders that work in tiles.
        configs: of parts, by folder, in place of the catalogue's: a model of another size.
        known: of some stages, which are not traced again.
    """
    tracer = Tracer(model, configs)
    stages: dict[str, StageWork] = {}
    if known is not None:
        tracer.weights.update(known.parts)
        stages.update(known.stages)
    for case in find_cases(model, tracer):
        if case.tiled and not tiles:
            continue
        if known is not None and _is_known(case, known):
            if case.stage == "encode_text":  # what follows reads it
                tracer.run(case.shapes[0].work)
            continue
        works = trace_stage(tracer, case)
        _add_alike(works, case.stage, model, tracer)
        if case.stage == "refine":  # its tiles are so many passes; one does what a denoise's does
            denoise = stages["denoise"].parts
            works = {
                part: msgspec.structs.replace(work, flops=denoise[part].flops)
                for part, work in works.items()
            }
        if case.tiled and works == stages[case.stage].parts:
            continue  # it works the same
        if case.tiled:
            stages[case.stage] = msgspec.structs.replace(stages[case.stage], tiled=works)
        else:
            stages[case.stage] = StageWork(works, window=case.window, stride=case.stride)
    versions = {name: version(name) for name in ("torch", "diffusers", "transformers")}
    return Footprint(model.id, versions, tracer.weights, stages)


def _is_known(case: Case, known: Footprint) -> bool:
    """Whether a stage need not be traced; tiles are, where a file has the whole alone."""
    stage = known.stages.get(case.stage)
    return stage is not None and (not case.tiled or bool(stage.tiled))


def _add_alike(works: dict[str, Work], stage: str, model: Model, tracer: Tracer) -> None:
    """A part that did not run, such as a second expert, works as its like does, in its turn."""
    kinds = {part.folder: part.class_name for part in model.parts}
    for folder in _folders(find_family(model.family), stage):
        like = next((name for name in works if kinds.get(folder) == kinds[name]), None)
        if folder not in works and like is not None:
            tracer.weights[folder] = weigh(tracer.loaded._load(folder))
            works[folder] = msgspec.structs.replace(works[like], flops=Law({"1": 0.0}), calls=0.0)


def _folders(family: Family, stage: str) -> tuple[str, ...]:
    """What a stage reads; sound and pictures are one stage of a family."""
    return family.folders[stage.partition(":")[0]]


def take_known(name: str, model: Model, again: set[str]) -> Footprint | None:
    """The stages of a traced model, by id, whose parts this one has too.

    Args:
        again: stages to be left out.
    """
    footprint, other = read_footprint(name), find_named(name)
    if footprint is None:
        raise SystemExit(f"{name} was not traced")
    theirs = {part.folder: (part.class_name, part.config) for part in other.parts}
    mine = {part.folder: (part.class_name, part.config) for part in model.parts}
    family = find_family(model.family)
    stages = {
        stage: work
        for stage, work in footprint.stages.items()
        if stage not in again
        and all(mine.get(p) == theirs.get(p) for p in (*_folders(family, stage), *work.parts))
    }
    if model.id != name:  # with a picture it is called otherwise
        stages.pop("denoise", None)
    if (model.family, model.choice) != (other.family, other.choice):
        stages.pop("encode_given", None)
    used = {part for work in stages.values() for part in work.parts}
    parts = {part: weights for part, weights in footprint.parts.items() if part in used}
    return Footprint(model.id, footprint.versions, parts, stages)


def write_footprint(footprint: Footprint, folder: Path = FOOTPRINTS) -> Path:
    """Write the file; what is at its default is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{footprint.model.replace(':', '.')}.toml"
    path.write_text(HEADER + tomli_w.dumps(_thin(msgspec.to_builtins(footprint))), "utf-8")
    return path


def _thin(value: Any) -> Any:
    if isinstance(value, dict):
        empty = (0, 0.0, [], {})
        return {k: _thin(v) for k, v in value.items() if k == "terms" or v not in empty}
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="+", metavar="MODEL[:VARIANT]")
    parser.add_argument("--whole", action="store_true", help="no tiles: they take minutes")
    parser.add_argument("--like", metavar="MODEL", help="stages of it with the same parts are taken"
                        " from its file; MODEL itself: only what is missing there")  # fmt: skip
    parser.add_argument("--again", action="append", default=[], metavar="STAGE",
                        help="a stage that is not taken")  # fmt: skip
    args = parser.parse_args()
    for name in args.models:
        model = find_named(name)
        known = take_known(args.like, model, {*args.again}) if args.like else None
        footprint = trace_model(model, tiles=not args.whole, known=known)
        print(write_footprint(footprint).name)
        for stage, work in footprint.stages.items():
            for kind, parts in (("whole", work.parts), ("tiled", work.tiled)):
                for part, laws in parts.items():
                    print(f"  {stage} {kind} {part}: cuda ±{laws.cuda.error:.2%}, "
                          f"cpu ±{laws.cpu.error:.2%}, flops ±{laws.flops.error:.2%}")  # fmt: skip


if __name__ == "__main__":
    main()
