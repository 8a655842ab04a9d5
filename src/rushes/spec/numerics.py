"""Numerics that a project states: what parts compute in, how weights are kept, tiles."""

from __future__ import annotations

from typing import Any

import msgspec

from rushes.catalogue.footprint import find_footprint
from rushes.catalogue.load import find_model, model_names
from rushes.catalogue.model import Model, Numerics, Stated
from rushes.catalogue.source import FilesSource
from rushes.spec import tables
from rushes.spec.layers import Layers
from rushes.spec.read import Source

KEYS = ("dtype", "quantisation", "tiling")
GROUPS = ("transformer", "text_encoder")
"""Kinds of parts whose weights can be kept narrow, by how their folders' names begin."""


def state_numerics(layers: Layers, model: Model, name: str, source: Source) -> Model:
    """The model with the numerics that its shot's tables state; as it is where they state none.

    One key that is stated decides about all: what the others do not say is as it is stored.

    Raises:
        ProjectError: the model cannot compute so.
    """
    said = {key: layers.pick(key, None) for key in KEYS}
    if all(value is None for value in said.values()):
        return model
    dtype = said["dtype"] or model.dtype
    if dtype == "float16" and model.dtype != "float16":
        raise source.error(
            f"shot {name!r}: {model.name} was trained in {model.dtype}, whose range float16 lacks",
            layers.where("dtype"),
            'use "bfloat16" or "float32"',
        )
    numerics = _quantise(said["quantisation"], layers, model, name, source)
    if said["tiling"] is not None:
        numerics |= _tile(said["tiling"], layers, model, name, source)
    return msgspec.structs.replace(model, stated=Stated(dtype, numerics))


def _quantise(
    said: Any, layers: Layers, model: Model, name: str, source: Source
) -> dict[str, Numerics]:
    """Numerics of the transformers and text encoders."""
    if said is None or said == "none":
        return {}
    if isinstance(said, tables.QuantisationTable):
        ways = {group: getattr(said, group) for group in GROUPS}
    else:
        ways = dict.fromkeys(GROUPS, said)
    found: dict[str, Numerics] = {}
    for group, way in ways.items():
        parts = _narrow_parts(model, group)
        if way != "none" and not parts:
            raise source.error(
                f"shot {name!r}: no {group} of {model.name} can be kept in {way}",
                layers.where("quantisation"),
                "say it of the other parts only: quantisation = { transformer = … }",
            )
        found |= {part: way for part in parts if way != "none"}
    return found


def _narrow_parts(model: Model, group: str) -> list[str]:
    """Parts of a kind that have layers to be kept narrow, as far as that was traced."""
    footprint = find_footprint(model)
    folders = [part.folder for part in model.parts if part.folder.startswith(group)]
    if isinstance(model.source, FilesSource):
        packed = {part for part, path in model.source.paths.items() if path.endswith(".gguf")}
        folders = [folder for folder in folders if folder not in packed]
    if footprint is None:
        return folders
    traced = footprint.parts
    return [folder for folder in folders if folder not in traced or traced[folder].castable]


def _tile(
    said: bool, layers: Layers, model: Model, name: str, source: Source
) -> dict[str, Numerics]:
    if model.tiles == "always":
        if not said:
            able = [other for other in model_names() if find_model(other).tiles != "always"]
            raise source.error(
                f"shot {name!r}: {model.name} always works in tiles",
                layers.where("tiling"),
                f"models that need not: {', '.join(able)}",
            )
        return {}
    return {"vae": "tiled"} if said else {}
