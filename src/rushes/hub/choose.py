"""Which files of a repository a model consists of: its parts' safetensors and what describes them.

A repository often holds more: the same weights as pickles, in other precisions, or under other
names. A pickle is never chosen, and neither is code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rushes.catalogue.load import find_config
from rushes.catalogue.model import Model
from rushes.catalogue.reader import Entry
from rushes.catalogue.source import HubSource, Part

INDEX = "model_index.json"
"""What a pipeline of parts begins with; a single model, as readers are, with ``CONFIG``."""
CONFIG = "config.json"
LOADED = (".safetensors", ".gguf", ".json", ".txt", ".model", ".jinja")
"""Files of a checkpoint that are loaded; pickles never are."""
PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
HELPERS = (
    "tokenizer", "tokenizer_2", "scheduler", "processor", "image_processor", "feature_extractor",
    "guider",
)  # fmt: skip
"""Folders of a checkpoint without weights."""

_SHARD = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<count>\d{5})\.safetensors")


def revisions_of(model: Entry) -> dict[str, str]:
    """The repositories that a model comes from, its own first, each with the revision."""
    own = [model.source, *(part.source for part in model.parts)]
    return {s.repo: s.revision for s in reversed(own) if isinstance(s, HubSource)}


def choose_files(model: Entry, repo: str, names: Iterable[str]) -> dict[str, str]:
    """What a model needs of a repository.

    Args:
        names: of all files there, with ``/``.

    Returns:
        Paths in the checkpoint, each with the path in the repository.
    """
    names = list(names)
    chosen: dict[str, str] = {}
    if isinstance(model.source, HubSource) and repo == model.source.repo:
        inside = _below(model.source.folder, names)
        chosen = _choose_own(model, inside)
    for part in model.parts:
        if part.source is not None and part.source.repo == repo:
            chosen |= _choose_elsewhere(part, part.source, names)
    return chosen


def find_fault(model: Entry, repo: str, names: Iterable[str], chosen: Mapping[str, str]) -> str:
    """Why what was chosen of a repository is not enough for the model; "" where it is."""
    names = list(names)
    own = isinstance(model.source, HubSource) and repo == model.source.repo
    head = INDEX if isinstance(model, Model) else CONFIG
    if own and head not in chosen:
        return f"there is no {head}"
    for part in model.parts:
        mine = own if part.source is None else part.source.repo == repo
        if mine and (fault := find_part_fault(part, chosen, names)):
            return fault
    return ""


def find_part_fault(part: Part, chosen: Iterable[str], names: Iterable[str]) -> str:
    """What a part lacks; "" where it is whole.

    Args:
        chosen: paths in the checkpoint. names: of all files there, also of those not chosen.
    """
    if part.folder == ".":
        mine = [name for name in chosen if "/" not in name]
        label, home = "the model", ""
    else:
        folder = f"{part.folder}/"
        mine = [name.removeprefix(folder) for name in chosen if name.startswith(folder)]
        label, home = part.folder, f"/{part.folder}"
    weights = [name for name in mine if name.endswith(".safetensors")]
    if not weights:
        pickled = [n for n in names if _lies_in(n, home)]
        pickled = [name for name in pickled if name.endswith(PICKLES)]
        if pickled:
            return f"{label} holds pickled weights only ({pickled[0]})"
        return f"there are no weights of {label}"
    shards = [found for name in weights if (found := _SHARD.fullmatch(name))]
    if shards and len(shards) < int(shards[0]["count"]):
        missing = int(shards[0]["count"]) - len(shards)
        return f"{missing} of {int(shards[0]['count'])} files of {label} are missing"
    if part.config and "config.json" not in mine:
        return f"there is no {part.folder}/config.json"
    return ""


def _lies_in(name: str, home: str) -> bool:
    """Whether a file lies in a folder, at whatever depth that is; "" is the top itself."""
    place = f"/{name}".rpartition("/")[0]
    return place.endswith(home) if home else not place


def _below(folder: str, names: Iterable[str]) -> dict[str, str]:
    """Names in a folder of the repository without it, each with the whole."""
    prefix = f"{folder}/" if folder else ""
    return {name.removeprefix(prefix): name for name in names if name.startswith(prefix)}


def _choose_own(model: Entry, inside: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(model, Model):
        (part,) = model.parts
        return {n: remote for n, remote in inside.items() if "/" not in n and _is_wanted(part, n)}
    parts = {part.folder: part for part in model.parts if part.source is None}
    chosen = {}
    for name, remote in inside.items():
        folder, _, file = name.rpartition("/")
        wanted = name == INDEX
        if folder in parts:
            wanted = _is_wanted(parts[folder], file)
        elif folder in HELPERS:
            wanted = file.endswith(LOADED) and not file.endswith(".safetensors")
        if wanted:
            chosen[name] = remote
    return chosen


def _choose_elsewhere(part: Part, source: HubSource, names: list[str]) -> dict[str, str]:
    if source.file:
        name = source.file.rpartition("/")[2]
        return {f"{part.folder}/{name}": source.file} if source.file in names else {}
    inside = _below(source.folder or part.folder, names)
    wanted = {file: remote for file, remote in inside.items() if "/" not in file}
    return {f"{part.folder}/{f}": remote for f, remote in wanted.items() if _is_wanted(part, f)}


def _is_wanted(part: Part, file: str) -> bool:
    """Whether a file of a part's folder is loaded: one set of weights, and small files."""
    stems = _stems_of(part)
    if file.endswith(".safetensors"):
        shard = _SHARD.fullmatch(file)
        return (shard["stem"] if shard else file.removesuffix(".safetensors")) in stems
    if file.endswith(".index.json"):
        return file.removesuffix(".safetensors.index.json") in stems
    return file.endswith(LOADED)


def _stems_of(part: Part) -> tuple[str, ...]:
    """How diffusers and transformers name the files of weights."""
    config = find_config(part)
    if "_class_name" in config:
        return ("diffusion_pytorch_model",)
    return ("model",) if config else ("model", "diffusion_pytorch_model")
