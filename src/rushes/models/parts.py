"""A checkpoint in the hub's layout, opened: parts in their true classes, loaded at first use.

``model_index.json`` says which class of diffusers or transformers each folder holds; the catalogue
entry says which it expects. Only safetensors are loaded, only from the disk, and no remote code.
"""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rushes.catalogue.model import Model
from rushes.errors import StageFailed
from rushes.models.base import INDEX, RESIDENT, Placement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

    from rushes.models.base import (
        Checkpoint,
        DenoiseSettings,
        Frame,
        Given,
        GivenMedia,
        Progress,
        Samples,
        Tensors,
        Tiling,
    )
    from rushes.models.placing import Shelf


class OpenedCheckpoint:
    """Base of every family's :class:`rushes.models.base.LoadedModel`; loads nothing by itself.

    Args:
        folder: of the checkpoint, in the hub's layout.
        device: where the parts compute; their inputs belong there.

    Attributes:
        loads: seconds that loading each part took, for those loaded so far.
        placement: how parts lie, see :meth:`place`.

    What a family cannot do it does not override; the plan never asks it to.
    """

    full_precision: ClassVar[frozenset[str]] = frozenset()
    """Parts in float32 whatever the catalogue's dtype, as the model's authors run them."""

    def __init__(self, folder: Path, model: Model, device: str) -> None:
        self.folder = folder
        self.model = model
        self.device = device
        self.loads: dict[str, float] = {}
        self.index: Mapping[str, Any] = json.loads((folder / INDEX).read_text("utf-8"))
        self.placement = RESIDENT
        self._parts: dict[str, Any] = {}
        self._shelves: dict[str, Shelf] = {}
        self._idle: set[str] = set()

    def has_part(self, name: str) -> bool:
        """Whether the checkpoint has this component."""
        library = self.index.get(name)
        return isinstance(library, list) and library[0] is not None

    def part(self, name: str) -> Any:
        """A component, ready to run: in evaluation mode, without gradients, placed."""
        self._idle.discard(name)
        for other in sorted(self._idle):
            self.put_off(other)
        if name not in self._parts:
            start = time.perf_counter()
            self._parts[name] = self._place(name, self._load(name))
            self.loads[name] = time.perf_counter() - start
        if name in self._shelves:
            self._shelves[name].bring()
        return self._parts[name]

    def place(self, placement: Placement) -> None:
        """How parts lie from now on. Unless all stay, those of the stage before go when the next
        one takes its first, and what was streamed otherwise is loaded again."""
        for name, shelf in list(self._shelves.items()):
            if shelf.streamed != self._streams(name, placement) or (
                shelf.streamed and shelf.placement.kind != placement.kind
            ):
                self.release(name)
        self.placement = placement
        self._idle = set() if placement.kind == "resident" else set(self._shelves)

    def leave(self, name: str) -> None:
        """The running stage has done with a part; it goes, unless all parts stay."""
        if self.placement.kind != "resident" and name in self._shelves:
            self.put_off(name)

    def put_off(self, name: str) -> None:
        """Take a part off the device."""
        self._idle.discard(name)
        if self._shelves[name].put_off():
            self.release(name)

    def release(self, name: str) -> None:
        """Forget a component; what it held can be used for another."""
        self._shelves.pop(name, None)
        self._idle.discard(name)
        if self._parts.pop(name, None) is not None:
            import torch

            from rushes.models.placing import empty_cache

            empty_cache(torch.device(self.device))

    def _streams(self, name: str, placement: Placement) -> bool:
        return placement.kind in ("blocks", "leaves") and name in placement.streamed

    def encode_pictured_text(self, prompt: str, negative: str, given: Tensors) -> Tensors:
        """For families that read the prompt with what is given."""
        raise NotImplementedError

    def encode_given(self, media: GivenMedia) -> Tensors:
        """For families that read what is given together."""
        raise NotImplementedError

    def encode_video(self, frames: Sequence[Frame], height: int, width: int) -> torch.Tensor:
        """For families that read what is given apart."""
        raise NotImplementedError

    def encode_audio(self, samples: Samples, latents: int) -> torch.Tensor:
        """For families that are given sound."""
        raise NotImplementedError

    def upsample(self, latents: Tensors) -> Tensors:
        """For families that make a clip larger."""
        raise NotImplementedError

    def refine(
        self,
        embeds: Tensors,
        settings: DenoiseSettings,
        start: Tensors,
        given: Given | None,
        tiling: Tiling | None,
        report: Progress,
        checkpoint: Checkpoint,
    ) -> Tensors:
        """For families that make a clip larger."""
        raise NotImplementedError

    def decode_audio(self, latents: Tensors) -> Iterator[Samples]:
        """For families that make sound."""
        raise NotImplementedError

    @property
    def audio_rate(self) -> int:
        """For families that make sound."""
        raise NotImplementedError

    @property
    def audio_input_rate(self) -> int:
        """For families that are given sound."""
        raise NotImplementedError

    def _load(self, name: str) -> Any:
        """A component as its folder says, on the host."""
        import torch

        kind = self._find_class(name)
        folder = str(self.folder / name)
        if not issubclass(kind, torch.nn.Module):  # a tokenizer, a scheduler, an image processor
            return kind.from_pretrained(folder, local_files_only=True)
        dtype = torch.float32 if name in self.full_precision else getattr(torch, self.model.dtype)
        from rushes.models.single import WrongFile, find_single, load_single

        if (single := find_single(self.folder / name)) is not None:
            try:
                return load_single(kind, single, dtype).eval().requires_grad_(False)
            except WrongFile as exc:
                raise self._wrong(f"has a file as {name} that {exc}") from exc
        part, found = kind.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=dtype,
            output_loading_info=True,
        )  # fmt: skip
        self._refuse_holes(name, [*found["missing_keys"], *found["mismatched_keys"]])
        return part.eval().requires_grad_(False)

    def _place(self, name: str, part: Any) -> Any:
        """A loaded part with the numerics that are locked, where it is placed."""
        import torch

        from rushes.models.placing import Shelf, apply_numerics

        if not isinstance(part, torch.nn.Module):
            return part
        apply_numerics(part, self.model.numerics.get(name, ""))
        streamed = self._streams(name, self.placement)
        self._shelves[name] = Shelf(part, self.device, self.placement if streamed else RESIDENT)
        return part

    def _find_class(self, name: str) -> Any:
        """The class that ``model_index.json`` names.

        Raises:
            StageFailed: the checkpoint has no such part, or one of another class than the
                catalogue says: it is not of this model's architecture.
        """
        if not self.has_part(name):
            raise self._wrong(f"has no {name}")
        library, found = self.index[name]
        expected = {part.folder: part.class_name for part in self.model.parts}.get(name, found)
        if found != expected:
            raise self._wrong(f"has a {found} as {name}, where {self.model.name} has a {expected}")
        paths = {"diffusers": "diffusers", "transformers": "transformers"}
        path = paths.get(library, f"diffusers.pipelines.{library}")
        try:
            home = importlib.import_module(path)
            # image processors come in two makes, with other bits; torchvision need not be there
            return getattr(home, f"{found}Pil", None) or getattr(home, found)
        except (ImportError, AttributeError) as exc:
            raise self._wrong(f"needs {library}.{found} for {name}, which is not known") from exc

    def _refuse_holes(self, name: str, keys: list[Any]) -> None:
        """Both libraries fill up with random numbers what a file does not hold, and only warn."""
        if keys:
            first = ", ".join(str(key) for key in sorted(keys, key=str)[:3])
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            raise self._wrong(f"lacks tensors of its {name}: {first}{more}")

    def _wrong(self, what: str) -> StageFailed:
        return StageFailed(
            f"the checkpoint of {self.model.name} {what}",
            where=str(self.folder / INDEX),
            hint="look at 'like' and 'path' in [models], or pull the model again",
        )
