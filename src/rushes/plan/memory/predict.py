"""The peak of one stage: weights, what its work adds, what is taken besides, and the time it takes.

Nothing here is measured: the figures are a model's footprint, a card's description and arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rushes.catalogue.device import Device
from rushes.catalogue.footprint import Footprint, Quantities, StageWork, Weights, Work
from rushes.catalogue.model import NARROW_BITS, Numerics
from rushes.models.base import Placement

EFFICIENCY = 0.5
"""Of the arithmetic that a card is said to do, what transformers and convolutions reach."""

NVFP4_PIECE, NVFP4_SCRATCH = 1 << 22, 6
"""Weights that :mod:`rushes.models.nvfp4` widens at once, and bytes a weight that it needs then."""
NVFP4_MOVED = 20
"""Bytes that are read and written for each on the way, beside the narrow and the wide weight."""

ChosenNumerics = Mapping[str, Numerics]
"""By part; one that is not named computes as it is stored."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a stage takes on a device, in bytes and seconds.

    Args:
        weights: that lie on the device when it needs most.
        work: tensors besides: activations, latents, what a step keeps.
        widened: the largest layer that is kept narrow, at its full width while it computes.
        overhead: CUDA context or process, and what the allocator cannot give out again.
        loading: the device's peak while parts are loaded.
        peak: of all these together: what the device must have.
        host: memory of the host, for what lies off the device and while parts are loaded.
        seconds: of computing and moving; only good to compare.
    """

    weights: int
    work: int
    widened: int
    overhead: int
    loading: int
    peak: int
    host: int
    seconds: float

    @property
    def allocated(self) -> int:
        """What PyTorch's allocator gives out at the peak: the figure that a build measures."""
        return max(self.weights + self.work + self.widened, self.loading)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A stage to be predicted: its laws at the shapes of its passes, and how often one is made.

    Compared by identity: equal work is one task (:func:`rushes.plan.memory.demand.find_demands`).
    """

    footprint: Footprint
    stage: str
    shapes: tuple[Quantities, ...]
    passes: float

    @property
    def quantities(self) -> Quantities:
        """Of the longest pass."""
        return self.shapes[0]

    def works(self, numerics: ChosenNumerics) -> Mapping[str, Work]:
        """By part, in tiles where a part is to work so."""
        work: StageWork = self.footprint.stages[self.stage]
        return {
            part: work.tiled[part] if numerics.get(part) == "tiled" and part in work.tiled else laws
            for part, laws in work.parts.items()
        }


def stored_bytes(weights: Weights, numerics: str | None) -> int:
    """Bytes of a part's weights in these numerics."""
    return weights.nbytes - _spared(weights.castable, weights, numerics)


def _spared(castable: int, weights: Weights, numerics: str | None) -> int:
    """Bytes by which castable layers of so many are smaller in these numerics."""
    if numerics is None or numerics not in NARROW_BITS:
        return 0
    return castable - round(castable * NARROW_BITS[numerics] / 8 / weights.width)


def _widened(weights: Weights, numerics: str | None) -> int:
    """Bytes of the largest layer that is kept narrow, once it is widened, and on the way there."""
    if numerics not in NARROW_BITS and not weights.packed:
        return 0
    scratch = 0
    if numerics == "nvfp4":
        scratch = round(NVFP4_SCRATCH * min(weights.widest / weights.width, NVFP4_PIECE))
    return weights.widest + scratch


def predict(
    task: Task, device: Device, placement: Placement, numerics: ChosenNumerics, others: int
) -> Prediction:
    """The peak of a stage.

    Args:
        others: bytes of weights that lie on the device besides the stage's own parts.
    """
    parts = task.footprint.parts
    works = task.works(numerics)
    moments = []
    for part, work in works.items():
        here = [part, *(name for name in work.beside if name in parts)]
        if placement.kind == "resident":
            here = list(works)
        weights = sum(_on_device(name, parts[name], placement, numerics) for name in here)
        law = work.cpu if device.kind == "cpu" else work.cuda
        active = max(law.value(shape) for shape in task.shapes)
        spare = max(law.spare(shape) for shape in task.shapes) * active
        widened = _widened(parts[part], numerics.get(part))
        moments.append((weights + others, round(active), widened, round(spare)))
    weights, work_bytes, widened, spare_bytes = max(moments, key=sum, default=(0, 0, 0, 0))
    loading = _loading_bytes(works, parts, device, numerics, others)
    overhead = device.overhead_bytes + round(device.reserve * (work_bytes + widened)) + spare_bytes
    return Prediction(
        weights=weights,
        work=work_bytes,
        widened=widened,
        overhead=overhead,
        loading=loading,
        peak=max(weights + work_bytes + widened, loading) + overhead,
        host=_host_bytes(task.footprint, works, device, placement, numerics),
        seconds=_seconds(task, works, device, placement, numerics),
    )


def _on_device(part: str, weights: Weights, placement: Placement, numerics: ChosenNumerics) -> int:
    """Bytes of a part's weights that lie on the device at once."""
    whole = stored_bytes(weights, numerics.get(part))
    if part not in placement.streamed:
        return whole
    held = 2 if placement.stream else 1  # with a stream the next one comes meanwhile
    if placement.kind == "blocks" and weights.blocks:
        how = numerics.get(part)
        block = weights.block - _spared(weights.block_castable, weights, how)
        moving = weights.streamed - _spared(weights.streamed_castable, weights, how)
        return whole - moving + held * block
    return min(whole, held * weights.leaf)


def _loading_bytes(
    works: Mapping[str, Work],
    parts: Mapping[str, Weights],
    device: Device,
    numerics: ChosenNumerics,
    others: int,
) -> int:
    """A part is loaded on the host as it is stored and changed there; a CPU is its own host."""
    if device.kind != "cpu":
        return 0
    return others + max((parts[part].nbytes for part in works), default=0)


def _host_bytes(
    footprint: Footprint,
    works: Mapping[str, Work],
    device: Device,
    placement: Placement,
    numerics: ChosenNumerics,
) -> int:
    if device.kind == "cpu":
        return 0
    loading = max((footprint.parts[part].nbytes for part in works), default=0)
    if placement.kind == "resident":
        return loading
    kept = sum(stored_bytes(w, numerics.get(part)) for part, w in footprint.parts.items())
    return max(kept, loading)


def _seconds(
    task: Task,
    works: Mapping[str, Work],
    device: Device,
    placement: Placement,
    numerics: ChosenNumerics,
) -> float:
    """Arithmetic, widening and moving of all passes."""
    total = 0.0
    for part, work in works.items():
        weights = task.footprint.parts[part]
        once = work.flops.value(task.quantities) / (device.tflops * 1e12 * EFFICIENCY)
        calls = work.calls if task.quantities.get("guided", 1.0) else 1.0
        how = numerics.get(part)
        if how is not None and how in NARROW_BITS:  # read narrow, written and read wide
            moved = weights.castable * (NARROW_BITS[how] / 8 / weights.width + 2)
            moved += NVFP4_MOVED * weights.castable / weights.width if how == "nvfp4" else 0
            once += calls * moved / (device.bandwidth_gbs * 1e9)
        if weights.packed:  # read packed; what it unpacks to is written and read, see Packed.weigh
            share = weights.widest / max(weights.leaf, 1)
            once += calls * weights.nbytes * (1 + share) / (device.bandwidth_gbs * 1e9)
        if part in placement.streamed:
            gone = stored_bytes(weights, numerics.get(part))
            transfer = calls * gone / (device.link_gbs * 1e9)
            once = max(once, transfer) if placement.stream else once + transfer
        total += once * task.passes
    return total
