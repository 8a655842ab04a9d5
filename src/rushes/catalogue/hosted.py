"""Hosted models as data: what others run for money, and what they ran until it closed."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
from msgspec import Struct

from rushes.catalogue.model import Control


class HostedModel(Struct, frozen=True, forbid_unknown_fields=True):
    """A model behind somebody's API.

    Args:
        price: name of a line of the price list.
        max_seconds: of one clip; None where that is not known or does not apply.
        gone: the day on which it closed, YYYY-MM-DD; "" while it is there.
    """

    name: str
    title: str
    provider: str
    tasks: list[Literal["generate", "understand", "reason", "code"]]
    price: str
    sound: bool = False
    controls: list[Control] = []
    max_seconds: float | None = None
    gone: str = ""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    models: list[HostedModel]


@cache
def read_hosted() -> tuple[HostedModel, ...]:
    """All of them, also those that are gone."""
    file = resources.files("rushes.catalogue").joinpath("hosted.toml")
    return tuple(msgspec.convert(tomllib.loads(file.read_text("utf-8")), _File).models)
