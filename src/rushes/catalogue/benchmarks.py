"""Figures of video benchmarks as data: each with its source, its date, the noise of its scale."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
from msgspec import Struct

VideoTask = Literal["generate", "understand"]


class Figure(Struct, frozen=True, forbid_unknown_fields=True):
    """One published number.

    Args:
        model: name in the catalogue, of a generator or a reader; it need not be there yet.
        date: of publication, YYYY, YYYY-MM or YYYY-MM-DD.
        read: "text" where whoever measured says it there, "second-hand" where it is repeated.
    """

    model: str
    score: float
    source: str
    date: str
    read: Literal["text", "second-hand"] = "text"


class Benchmark(Struct, frozen=True, forbid_unknown_fields=True):
    """A scale. Figures that differ by no more than ``noise`` are a tie."""

    name: str
    task: VideoTask
    about: str
    noise: float
    figures: list[Figure]

    def find(self, model: str) -> Figure | None:
        """A model's figure, if it has one."""
        return next((figure for figure in self.figures if figure.model == model), None)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    benchmarks: list[Benchmark]


@cache
def read_benchmarks() -> tuple[Benchmark, ...]:
    """All scales, in the order in which they are believed."""
    file = resources.files("rushes.catalogue").joinpath("benchmarks.toml")
    return tuple(msgspec.convert(tomllib.loads(file.read_text("utf-8")), _File).benchmarks)
