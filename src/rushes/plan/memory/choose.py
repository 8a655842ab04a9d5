"""From what each stage would take to how each will run: the fastest that fits.

Placement is chosen for every stage; numerics for every model, since they change its bytes and are
locked. Weights that stay on the device stay for all stages, so that is chosen for all at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from rushes.catalogue.device import Device
from rushes.catalogue.footprint import Footprint, StageWork
from rushes.catalogue.model import Numerics
from rushes.models.base import RESIDENT, Placement
from rushes.plan.memory.predict import ChosenNumerics, Prediction, Task, predict, stored_bytes

WORTH = 1.05
"""A plan that is no slower than this, against everything resident, is as good as any: its numbers
are not changed to gain less."""

NARROW: tuple[Numerics, ...] = ("fp8", "int8", "nvfp4")
FEW_BITS = 1.5
"""Four bits are proposed only where every plan with more would take so many times as long: they
cost more of the picture than eight do."""
VAES = ("vae", "diffusion_decoder")
"""Parts whose only other numerics are tiles."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run a stage.

    Args:
        slowdown: its seconds over those of the plain numerics with everything resident.
    """

    placement: Placement
    numerics: tuple[tuple[str, Numerics], ...]
    prediction: Prediction
    slowdown: float
    fits: bool


@dataclass(frozen=True, slots=True)
class StageChoice:
    """How one stage of one model runs: the candidate taken, and all there were.

    ``taken`` is the one that needs least where none fits.
    """

    stage: str
    model: str
    taken: Candidate
    candidates: tuple[Candidate, ...]
    parts: tuple[str, ...]

    @property
    def fits(self) -> bool:
        return self.taken.fits

    @property
    def smaller(self) -> Candidate | None:
        """The next placement that needs less, with the same numerics: for a second try."""
        less = [
            c
            for c in self.candidates
            if c.numerics == self.taken.numerics and c.prediction.peak < self.taken.prediction.peak
        ]
        return max(less, key=lambda c: c.prediction.peak, default=None)


def placements(footprint: Footprint, stage: StageWork, device: Device) -> Iterator[Placement]:
    """The ways to lie that a stage has, the fastest first."""
    yield RESIDENT
    yield Placement("parts")
    if device.kind == "cpu":
        return
    parts = footprint.parts
    movable = [p for p in stage.parts if parts[p].castable or parts[p].packed]
    large = tuple(p for p in movable if p not in VAES)
    if not large:
        return
    kinds = ["blocks"] if any(footprint.parts[p].blocks for p in large) else []
    for kind in (*kinds, "leaves"):
        for stream in (True, False):
            yield Placement(kind, stream, large)  # type: ignore[arg-type]


def numerics_of(footprint: Footprint) -> list[dict[str, Numerics]]:
    """Every assignment of numerics to the parts of a model; the plain one first.

    Parts of one kind are treated alike: the transformers, the text encoders, the VAE.
    """
    tiled = any(stage.tiled for stage in footprint.stages.values())
    denoisers = [p for p in footprint.parts if p.startswith("transformer")]
    readers = [p for p in footprint.parts if p.startswith("text_encoder")]
    vaes = [p for p in footprint.parts if p in VAES and tiled]
    axes: list[list[dict[str, Numerics]]] = []
    for group in (denoisers, readers):
        narrow = [p for p in group if footprint.parts[p].castable]
        ways: list[dict[str, Numerics]] = [{}]
        ways += [{part: kind for part in narrow} for kind in NARROW if narrow]  # noqa: C420
        axes.append(ways)
    tiles: dict[str, Numerics] = {part: "tiled" for part in vaes}  # noqa: C420
    axes.append([{}, tiles] if vaes else [{}])
    return [{k: v for part in parts for k, v in part.items()} for parts in product(*axes)]


@dataclass(frozen=True, slots=True)
class Demand:
    """What a plan asks of the device: by model, its stages at their largest and how often."""

    model: str
    footprint: Footprint
    tasks: tuple[tuple[Task, int], ...]

    def resident_bytes(self, numerics: ChosenNumerics) -> int:
        """Weights of all parts that the stages use."""
        used = {part for task, _ in self.tasks for part in task.works(numerics)}
        parts = self.footprint.parts
        return sum(stored_bytes(parts[part], numerics.get(part)) for part in used)


class Chooser:
    """Choices for one device and one limit.

    Args:
        limit: bytes that the device may give, its overhead included; None for all it has.
    """

    def __init__(self, device: Device, limit: int | None) -> None:
        self.device = device
        self.limit = device.memory_bytes if limit is None else limit

    def choose(
        self, demands: Sequence[Demand], numerics: Mapping[str, ChosenNumerics]
    ) -> dict[tuple[str, Task], StageChoice]:
        """How every stage runs, given the numerics of each model.

        Everything stays resident if every stage then fits; else each stage takes its fastest
        placement that fits with what it needs alone on the device.
        """
        whole = {d.model: d.resident_bytes(numerics.get(d.model, {})) for d in demands}
        total = sum(whole.values())
        stay = all(
            self._predict(task, RESIDENT, numerics.get(d.model, {}), total).peak <= self.limit
            for d in demands
            for task, _ in d.tasks
        )
        return {
            (d.model, task): self._choose_stage(
                d, task, numerics.get(d.model, {}), total, stay=stay
            )
            for d in demands
            for task, _ in d.tasks
        }

    def _choose_stage(
        self, demand: Demand, task: Task, numerics: ChosenNumerics, total: int, *, stay: bool
    ) -> StageChoice:
        plain = self._predict(task, RESIDENT, {}, demand.resident_bytes({}))
        said = tuple(sorted(numerics.items()))
        found = []
        for placement in placements(
            demand.footprint, demand.footprint.stages[task.stage], self.device
        ):
            prediction = self._predict(task, placement, numerics, total)
            fits = prediction.peak <= self.limit and (stay or placement.kind != "resident")
            slowdown = prediction.seconds / plain.seconds if plain.seconds else 1.0
            found.append(Candidate(placement, said, prediction, round(slowdown, 3), fits))
        fitting = [c for c in found if c.fits]
        if fitting:
            taken = min(fitting, key=lambda c: c.prediction.seconds)
        else:
            taken = min(found, key=lambda c: c.prediction.peak)
        parts = tuple(task.works(numerics))
        stage = task.stage.partition(":")[0]
        return StageChoice(stage, demand.model, taken, tuple(found), parts)

    def _predict(
        self, task: Task, placement: Placement, numerics: ChosenNumerics, total: int
    ) -> Prediction:
        others = 0
        if placement.kind == "resident":  # all that the plan loads, less the stage's own parts
            parts = task.footprint.parts
            own = sum(stored_bytes(parts[p], numerics.get(p)) for p in task.works(numerics))
            others = max(total - own, 0)
        return predict(task, self.device, placement, numerics, others)

    def propose_numerics(
        self, demands: Sequence[Demand], fixed: Mapping[str, ChosenNumerics]
    ) -> dict[str, dict[str, Numerics]]:
        """The numerics with which each model is fastest and fits; that need least if none does.

        Where plain ones cost less than :data:`WORTH` says, nothing is gained by changing bytes.

        Args:
            fixed: of models that are locked already.
        """
        found: dict[str, dict[str, Numerics]] = {}
        for demand in demands:
            if demand.model in fixed:
                continue
            plain = sum(
                self._predict(task, RESIDENT, {}, demand.resident_bytes({})).seconds * times
                for task, times in demand.tasks
            )
            ranks: list[tuple[tuple[bool, float, int], dict[str, Numerics]]] = []
            for number, numerics in enumerate(numerics_of(demand.footprint)):
                known = {**fixed, **found, demand.model: numerics}
                every = self.choose([d for d in demands if d.model in known], known)
                mine = [every[demand.model, task].taken for task, _ in demand.tasks]
                short = max(max(c.prediction.peak for c in mine) - self.limit, 0)
                times = [times for _, times in demand.tasks]
                seconds = sum(c.prediction.seconds * n for c, n in zip(mine, times, strict=True))
                seconds *= FEW_BITS if "nvfp4" in numerics.values() else 1.0
                cost = float(short) if short else max(seconds, plain * WORTH)
                ranks.append(((short > 0, cost, number), numerics))
            found[demand.model] = min(ranks, key=lambda item: item[0])[1]
        return found
