"""LoRA adapters: read with diffusers' converters, put on a transformer, taken off again.

An adapter stays loaded while the next denoise wants it too, known by its content. What is left
after all are taken off is the transformer as it was, to the bit.

Reference: LoRA, Hu et al. 2021: W x + scale * (alpha / r) * B A x.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rushes.errors import StageFailed
from rushes.store.files import digest_file

if TYPE_CHECKING:
    from rushes.models.base import Tensors

PREFIX = "transformer."


def set_adapters(transformer: Any, loras: Sequence[tuple[Path, float]], loader: Any) -> None:
    """Leave exactly these adapters on a transformer.

    Args:
        transformer: a diffusers model; the adapters take its device and dtype.
        loras: safetensors files, and how strongly each acts; at 0 one is not loaded at all.
        loader: the pipeline mixin that knows the family's formats, ``WanLoraLoaderMixin`` for one.

    Raises:
        StageFailed: a file is no adapter of this transformer.
    """
    wanted: dict[str, tuple[Path, float]] = {}
    for path, scale in loras:
        name = f"lora_{digest_file(path)[:16]}"
        wanted[name] = (path, scale + wanted.get(name, (path, 0.0))[1])
    wanted = {name: pair for name, pair in wanted.items() if pair[1] != 0}
    loaded = set(getattr(transformer, "peft_config", {}))
    if loaded and not wanted:
        transformer.unload_lora()
        return
    if stale := loaded - wanted.keys():
        transformer.delete_adapters(sorted(stale))
    for name, (path, _) in wanted.items():
        if name not in loaded:
            _add(transformer, path, name, loader)
    if wanted:
        transformer.set_adapters(list(wanted), [scale for _, scale in wanted.values()])


def _add(transformer: Any, path: Path, name: str, loader: Any) -> None:
    tensors, metadata = _read(path, loader)
    if expand := getattr(loader, "_maybe_expand_t2v_lora_for_i2v", None):
        tensors = expand(transformer, tensors)  # a text-to-video adapter on image-to-video
    _refuse_strangers(transformer, path, tensors)
    try:
        loader.load_lora_into_transformer(
            tensors, transformer, adapter_name=name, metadata=metadata
        )
    except (RuntimeError, ValueError, KeyError) as exc:
        first = (str(exc).strip() or type(exc).__name__).splitlines()[0][:200]
        raise _misfit(path, transformer, first) from exc
    transformer.eval().requires_grad_(False)


def _read(path: Path, loader: Any) -> tuple[Tensors, dict[str, Any] | None]:
    """Tensors by diffusers' names, ``transformer.MODULE.lora_A.weight``, and the metadata."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            if any("dora_scale" in key for key in file.keys()):  # noqa: SIM118
                raise ValueError("it is a DoRA, whose magnitudes diffusers would leave out")
        found = loader.lora_state_dict(
            str(path.parent), weight_name=path.name, use_safetensors=True,
            local_files_only=True, return_lora_metadata=True,
        )  # fmt: skip
    except (OSError, SafetensorError, ValueError, KeyError, RuntimeError) as exc:
        first = (str(exc).strip() or type(exc).__name__).splitlines()[0][:200]
        raise StageFailed(
            f"{path.name} cannot be read as a LoRA: {first}",
            where=str(path),
            hint="give a safetensors file in peft's, diffusers' or the model's own LoRA format",
        ) from exc
    tensors, metadata = found[0], found[-1]  # some families give network alphas between the two
    named = any(key.startswith(PREFIX) for key in tensors)
    return (tensors if named else {PREFIX + k: v for k, v in tensors.items()}), metadata


def _refuse_strangers(transformer: Any, path: Path, tensors: Tensors) -> None:
    """Diffusers only warns of keys that it has no place for, and goes on without them."""
    modules = {name for name, _ in transformer.named_modules()}
    modules |= {name.replace(".base_layer", "") for name in modules}
    strange = []
    for key in tensors:
        target = key.removeprefix(PREFIX).partition(".lora")[0]
        if ".lora" not in key or target not in modules:
            strange.append(key)
    if strange:
        said = f"it has no {strange[0].removeprefix(PREFIX)!r}"
        if len(strange) > 1:
            said = f"{len(strange)} of {len(tensors)} keys have no place, the first {strange[0]!r}"
        raise _misfit(path, transformer, said)
    if not tensors:
        raise _misfit(path, transformer, "the file is empty")


def _misfit(path: Path, transformer: Any, why: str) -> StageFailed:
    return StageFailed(
        f"{path.name} is no adapter of this {type(transformer).__name__}: {why}",
        where=str(path),
        hint="use a LoRA that was trained for this model and size",
    )
