"""Cards as data: how much memory, which numbers they compute in, how fast.

One TOML file a card. Figures are the maker's, of dense arithmetic; ``source`` says where they
stand. What a build runs on is described from the machine itself (:mod:`rushes.run.machine`).
"""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
from msgspec import Struct

from rushes.errors import UsageError

Format = Literal["float32", "bfloat16", "float16", "float8", "int8", "nvfp4"]


class Device(Struct, frozen=True, forbid_unknown_fields=True):
    """What models run on.

    Args:
        name: what ``--device`` takes.
        kind: ``cuda``, or ``cpu``, where device and host are one.
        memory_bytes: as the driver reports it.
        overhead_bytes: what is taken before the first tensor: the CUDA context and the libraries'
            kernels; on a CPU the process with its libraries.
        reserve: how much of the working memory the allocator cannot give out again, as a share.
        formats: in which it has arithmetic units; others are stored narrow and widened to compute.
        tflops: dense bfloat16 arithmetic with float32 sums (float16 where it has no bfloat16), in
            10^12 operations a second.
        bandwidth_gbs: of its memory, in 10^9 bytes a second.
        link_gbs: between host and card, a direction, as it is reached rather than named.
        products: names that ``nvidia-smi`` gives it.
    """

    name: str
    title: str
    kind: Literal["cuda", "cpu"]
    memory_bytes: int
    architecture: str
    formats: list[Format]
    tflops: float
    bandwidth_gbs: float
    link_gbs: float
    source: str
    checked: str
    overhead_bytes: int = 900_000_000
    reserve: float = 0.05
    products: list[str] = []


def device_names() -> list[str]:
    """Names of all described cards, sorted by memory."""
    folder = resources.files("rushes.catalogue").joinpath("devices")
    names = [e.name.removesuffix(".toml") for e in folder.iterdir() if e.name.endswith(".toml")]
    return sorted(names, key=lambda name: (_read(name).memory_bytes, name))


def find_device(name: str) -> Device:
    """The card of a name.

    Raises:
        UsageError: there is none of this name; suggests the nearest.
    """
    names = device_names()
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}, cuda:N"
        raise UsageError(f"there is no device {name!r}", hint=hint)
    return _read(name)


@cache
def _read(name: str) -> Device:
    file = resources.files("rushes.catalogue").joinpath("devices", f"{name}.toml")
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Device)
