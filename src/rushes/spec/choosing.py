"""Which model makes a shot, how it is sampled, and how much larger the clip is made."""

from __future__ import annotations

from pathlib import Path

from msgspec import UNSET

from rushes.catalogue.load import find_model, model_names
from rushes.catalogue.model import Model, Sampling, Speed
from rushes.errors import UsageError
from rushes.spec import tables
from rushes.spec.given import Lora, SourceFile
from rushes.spec.layers import Layers, suggest
from rushes.spec.own import make_own_model
from rushes.spec.project import Shot
from rushes.spec.read import Source
from rushes.store.files import digest_file


def choose_model(
    name: str, file: tables.ProjectFile, folder: Path, layers: Layers, source: Source
) -> Model:
    """The model of a name: one of the project's own, or a catalogue entry.

    Raises:
        ProjectError: there is none, or its weights are not there.
    """
    if name in file.models:
        return make_own_model(name, file.models[name], folder, source)
    try:
        return find_model(name)
    except UsageError as exc:
        path = layers.where("model")
        path = path if path[-1] == "model" else ("project", "model")
        raise source.error(exc.message, path, exc.hint) from exc


def resolve_loras(
    layers: Layers, model: Model, name: str, folder: Path, source: Source
) -> list[Lora]:
    """The adapters that a shot is given.

    Raises:
        ProjectError: the model takes none, or a file is not there or not safetensors.
    """
    said: list[tables.LoraTable] = layers.pick("loras", [])
    if said and "loras" not in model.controls:
        able = [other for other in model_names() if "loras" in find_model(other).controls]
        hint = f"models that can: {', '.join(able)}" if able else None
        message = f"shot {name!r}: {model.name} cannot be given 'loras'"
        raise source.error(message, layers.where("loras"), hint)
    found = []
    for table in said:
        path = folder / Path(table.path).expanduser()
        if path.suffix != ".safetensors":
            message = f"{table.path!r} is not a safetensors file; nothing else is loaded"
            raise source.error(message, layers.where("loras"))
        if not path.is_file():
            raise source.error(f"there is no file {table.path!r}", layers.where("loras"))
        found.append(Lora(SourceFile(path, digest_file(path)), float(table.scale)))
    return found


SAMPLING_KEYS = (
    "steps", "guidance", "audio_guidance", "guidance_2", "stg", "modality_guidance", "rescale",
    "shift",
)  # fmt: skip
"""Keys of a shot that a schedule of the catalogue says too."""


def resolve_sampling(layers: Layers, model: Model, name: str, source: Source) -> Sampling:
    """The schedule's settings, with what the project says in their place."""
    chosen = layers.pick("schedule", None)
    if chosen is not None and chosen not in model.schedules:
        raise source.error(
            f"shot {name!r}: {model.name} has no schedule {chosen!r}",
            layers.where("schedule"),
            suggest(chosen, list(model.schedules)) or "it has only its standard one",
        )
    base: Sampling = model.defaults if chosen is None else model.schedules[chosen]
    said = {key: layers.pick(key, None) for key in SAMPLING_KEYS}
    said = {key: value for key, value in said.items() if value is not None}
    for key in said:
        if getattr(base, key) is None and key != "shift":
            raise source.error(f"shot {name!r}: {model.name} has no {key}", layers.where(key))
    if base.sigmas and {"steps", "shift"} & said.keys():
        key = "steps" if "steps" in said else "shift"
        raise source.error(
            f"shot {name!r}: the schedule {chosen!r} fixes its {len(base.sigmas)} steps",
            layers.where(key),
            f"leave {key!r} or the schedule out",
        )
    found = {key: getattr(base, key) for key in Sampling.__struct_fields__}
    numbers = {key: value if key == "steps" else float(value) for key, value in said.items()}
    return Sampling(**{**found, **numbers})


def resolve_speed(layers: Layers, model: Model, name: str, source: Source) -> Speed | None:
    """The shortcuts of a shot's denoise; None for "exact".

    Raises:
        ProjectError: the model has none of this name.
    """
    speed = layers.pick("speed", "exact")
    if speed == "exact":
        return None
    if speed not in model.speeds:
        able = [other for other in model_names() if speed in find_model(other).speeds]
        raise source.error(
            f"shot {name!r}: {model.name} has no speed {speed!r}",
            layers.where("speed"),
            f"models that have it: {', '.join(able)}" if able else 'use "exact"',
        )
    return model.speeds[speed]


def resolve_upscale(
    layers: Layers, model: Model, name: str, source: Source, base: Shot | None
) -> int:
    """How many times larger a clip is made than it is denoised; 1 for as it is.

    Raises:
        ProjectError: the model cannot, or the shot goes on from another.
    """
    upscale: int = layers.pick("upscale", 1)
    where = layers.where("upscale")
    if base is not None and (base.upscale > 1 or upscale > 1):
        message = f"shot {name!r} is made from {base.name!r}, and only one that is not made from"
        raise source.error(f"{message} another can be made larger", where, "upscale = 1 in both")
    if upscale == 1:
        return 1
    if model.upscale is None or upscale not in model.upscale.factors:
        factors = [] if model.upscale is None else model.upscale.factors
        able = [other for other in model_names() if find_model(other).upscale is not None]
        hint = f"it can by {', '.join(map(str, factors))}" if factors else None
        hint = hint or (f"models that can: {', '.join(able)}" if able else None)
        raise source.error(
            f"shot {name!r}: {model.name} cannot make a clip {upscale} times larger", where, hint
        )
    for key in ("extend", "video"):
        if getattr(layers.shot, key) is not UNSET:
            message = f"shot {name!r}: {key!r} and 'upscale' exclude each other"
            raise source.error(message, where, "make the clip first, then another one larger")
    return upscale
