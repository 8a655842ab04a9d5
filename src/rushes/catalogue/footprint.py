"""What a model takes of memory, as data: weights by part, and laws for what its work adds.

One TOML file a model, written by ``bench/memory/trace.py`` from the true classes and their
configurations; no weight and no GPU was needed for it. A model without such a file is planned
without a prediction, and said so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from rushes.catalogue.model import Model

Quantities = Mapping[str, float]
"""What a run is about, by name: see :data:`QUANTITIES`."""

QUANTITIES = ("cells", "frames", "span", "area", "edge", "sound", "guided", "passes", "whole")
"""``cells``: latents of the clip and of pictures beside it; ``frames``: latent frames of one pass
of a coder, which are ``span`` pictures; ``area``: latents of one frame; ``edge``: its height and
width in latents, added; ``sound``: audio latents; ``guided``: 1 where a second, negative prompt is
denoised too; ``passes``: further guidances, each a pass of its own; ``whole``: latents of a clip
that is refined in tiles, where ``cells`` are a tile's; 0 where it is refined at once."""


class Law(Struct, frozen=True, forbid_unknown_fields=True):
    """A sum of products of quantities.

    Args:
        terms: coefficient by product, such as ``"guided*cells"``; ``"1"`` is the constant.
        error: the worst relative miss on shapes that were kept out of the fit.
        points: figures at the very shapes that were traced, by ``frames x area``: convolutions
            choose their algorithm by shape, which no sum of products follows.
    """

    terms: dict[str, float]
    error: float = 0.0
    points: dict[str, float] = {}

    def value(self, quantities: Quantities) -> float:
        """The law at these quantities; one that is not named is 0."""
        if (traced := self.points.get(_place(quantities))) is not None:
            return traced
        total = 0.0
        for product, coefficient in self.terms.items():
            for name in product.split("*"):
                coefficient *= 1.0 if name == "1" else quantities.get(name, 0.0)
            total += coefficient
        return total

    def spare(self, quantities: Quantities) -> float:
        """What the law may have missed at these quantities, as a share of itself."""
        return 0.0 if _place(quantities) in self.points else self.error


def _place(quantities: Quantities) -> str:
    return f"{quantities.get('frames', 0):g}x{quantities.get('area', 0):g}"


class Weights(Struct, frozen=True, forbid_unknown_fields=True):
    """Bytes of a part's parameters and buffers, in the type it computes in.

    Args:
        nbytes: all of them.
        width: bytes of one number.
        castable: those of layers that compute as well from narrower numbers, fp8 or int8.
        widest: the largest such layer; it is widened again while it runs.
        leaf: the largest single module.
        blocks: how many repeated blocks it has; 0 where it cannot be streamed block by block.
        block: the largest of these; ``block_castable`` of it.
        streamed, streamed_castable: all blocks together.
        packed: layers are kept in few bits by the file itself, and unpacked while they run.
    """

    nbytes: int
    width: int
    castable: int = 0
    widest: int = 0
    leaf: int = 0
    blocks: int = 0
    block: int = 0
    block_castable: int = 0
    streamed: int = 0
    streamed_castable: int = 0
    packed: bool = False


class Work(Struct, frozen=True, forbid_unknown_fields=True):
    """What one part does in a stage: bytes beside its weights at the peak, on a GPU and on a CPU
    (whose convolutions need more), and its floating-point operations a step. ``beside``: parts of
    the stage that lie on the device meanwhile. ``calls``: how often it is called a guided step."""

    cuda: Law
    cpu: Law
    flops: Law
    beside: list[str] = []
    calls: float = 1.0


class StageWork(Struct, frozen=True, forbid_unknown_fields=True):
    """A stage: its parts in the order they work, whole and, where that differs, in tiles.

    Args:
        window: the most latents in time that one pass takes; 0 where it takes all.
        stride: by how many latents one pass begins after the other.
    """

    parts: dict[str, Work]
    tiled: dict[str, Work] = {}
    window: int = 0
    stride: int = 0


class Footprint(Struct, frozen=True, forbid_unknown_fields=True):
    """The file. ``versions``: what it was traced with. ``stages``: by name; ``encode_condition`` of
    a sound, which another part encodes, is ``encode_condition:sound``."""

    model: str
    versions: dict[str, str]
    parts: dict[str, Weights]
    stages: dict[str, StageWork]


@cache
def read_footprint(model_id: str) -> Footprint | None:
    """The file of a model or variant, by :attr:`Model.id`; None where there is none."""
    name = model_id.replace(":", ".") + ".toml"
    file = resources.files("rushes.catalogue").joinpath("footprints", name)
    if not file.is_file():
        return None
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Footprint)


def find_footprint(model: Model) -> Footprint | None:
    """What a catalogue entry takes of memory, or None where that was not traced."""
    return read_footprint(model.like or model.id)
