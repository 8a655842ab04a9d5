"""The door by which model families enter: ``sprite`` and every other generator alike.

A family says, without importing torch, which folders of a checkpoint each stage reads; opened, it
gives a :class:`LoadedModel` whose methods are the stages' work. Plug-ins register a family under
the entry-point group ``rushes.models``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct

from rushes.catalogue.model import Model, Speed
from rushes.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import torch

    Tensors = dict[str, torch.Tensor]
    Frame = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
    Samples = np.ndarray[tuple[int, int], np.dtype[np.float32]]

INDEX = "model_index.json"
"""The file that says which classes a checkpoint consists of, and for some families more."""

Progress = Callable[[int, int], None]
"""Called with (steps done, steps in all)."""


@dataclass(frozen=True, slots=True)
class DenoiseSettings:
    """What decides a denoise besides its prompt and what is given.

    Args:
        seed: feeds video noise, then audio noise.
        first: 0 where the clip begins; 1 for a later piece, whose first latent stands for as many
            frames as the others.
        latents, audio_latents: how many in time.
        audio_offset: audio latents from the piece's start to the first of them.
        height, width: pixels.
        loras: adapters of the project, files and how strongly each acts.
        speed: shortcuts, see :mod:`rushes.models.speeding`; None for none.
        steps and below: see :class:`rushes.catalogue.model.Sampling`.
    """

    seed: int
    first: int
    latents: int
    audio_offset: float
    audio_latents: int
    height: int
    width: int
    fps: float
    steps: int
    guidance: float
    audio_guidance: float = 1.0
    guidance_2: float | None = None
    stg: float = 0.0
    stg_blocks: tuple[int, ...] = ()
    modality_guidance: float = 1.0
    rescale: float = 0.0
    shift: float | None = None
    sigmas: tuple[float, ...] = ()
    lora: str = ""
    loras: tuple[tuple[Path, float], ...] = ()
    speed: Speed | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """Latents that a denoise keeps as they are, in the form that it gives its own.

    Args:
        video: (C, F, H, W) float32; ``keep_video`` (F,) bool says which latent frames count.
        audio: (C, L, M) float32; ``keep_audio`` (L,) bool. Either is empty where none counts.
        pictures: pictures (C, 1, H, W) of their own, by frame of the piece; the clip comes near
            them at that moment.
        control: footage (C, F, h, w) of the clip's frames that an adapter reads beside them, as
            large as the clip or a whole number of times smaller.
    """

    video: torch.Tensor
    keep_video: torch.Tensor
    audio: torch.Tensor
    keep_audio: torch.Tensor
    pictures: tuple[tuple[int, torch.Tensor], ...] = ()
    control: torch.Tensor | None = None


@dataclass(frozen=True, slots=True)
class GivenMedia:
    """What a shot is given, for families that encode it together.

    Args:
        pictures: (H, W, 3) uint8 RGB of any size, by role: ``image``, ``last_image``,
            ``reference.N``, ``keyframe.N`` at frame N.
        clips: ``frames`` pictures each, by role: ``video``, ``mask``, ``control``; and ``extend``,
            the end of another clip, with which this one begins.
        control_kind: what ``control`` shows: ``depth``, ``pose`` or ``edges``; else "".
        again: frames of ``video``, from the first up to the second, that are made again; (0, 0)
            where ``mask`` alone says it.
    """

    frames: int
    height: int
    width: int
    pictures: Mapping[str, Frame]
    clips: Mapping[str, Sequence[Frame]]
    control_kind: str = ""
    again: tuple[int, int] = (0, 0)


class Placement(Struct, frozen=True):
    """Where parts lie while a stage runs. Changes no byte, and is in no key.

    Args:
        kind: ``resident``: all parts stay on the device; ``parts``: those that do not work now
            leave it; ``blocks``: besides, the large ones pass through it block by block;
            ``leaves``: layer by layer.
        stream: the next block comes while this one works.
        streamed: the parts that pass through.
    """

    kind: Literal["resident", "parts", "blocks", "leaves"] = "resident"
    stream: bool = False
    streamed: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """``resident``, ``parts``, ``blocks+stream``, ``blocks``, ``leaves+stream``, ``leaves``."""
        return self.kind + ("+stream" if self.stream else "")


RESIDENT = Placement()


@dataclass(frozen=True, slots=True)
class Tiling:
    """Tiles of one size (height, width) that neighbours share ``overlap`` of; all in latents."""

    tile: tuple[int, int]
    overlap: int


class Checkpoint(Protocol):
    """Where a denoise keeps its state; see :mod:`rushes.stages.checkpoint`."""

    def load(self) -> Tensors | None:
        """The last saved state, or None."""

    def offer(self, make_state: Callable[[], Tensors]) -> None:
        """Save the state if it is time to."""


class LoadedModel(Protocol):
    """A checkpoint opened on one device; parts are loaded at first use and stay as placed."""

    @property
    def loads(self) -> Mapping[str, float]:
        """Seconds that loading each part took, for those loaded so far."""

    def place(self, placement: Placement) -> None:
        """How parts lie from now on; told before every stage, this model's or another's."""

    def encode_text(self, prompt: str, negative: str) -> Tensors:
        """Text conditioning in the form that denoise reads."""

    def encode_pictured_text(self, prompt: str, negative: str, given: Tensors) -> Tensors:
        """The same of a prompt that is read with what is given, for families whose
        ``reads_given`` is "first"."""

    def encode_given(self, media: GivenMedia) -> Tensors:
        """What :meth:`denoise` is given, for families whose ``reads_given`` is not "apart"."""

    def encode_video(self, frames: Sequence[Frame], height: int, width: int) -> torch.Tensor:
        """Latents (C, F, H, W) of pictures of any size, fitted to height and width (pixels)."""

    def encode_audio(self, samples: Samples, latents: int) -> torch.Tensor:
        """Latents (C, ``latents``, M) of (n, 2) samples at :attr:`audio_input_rate`."""

    def denoise(
        self,
        embeds: Tensors,
        settings: DenoiseSettings,
        given: Given | Tensors | None,
        report: Progress,
        checkpoint: Checkpoint,
    ) -> Tensors:
        """``video`` latents (C, F, H, W) and, for models with sound, ``audio`` (C, L, M)."""

    def upsample(self, latents: Tensors) -> Tensors:
        """The same clip with twice the height and width, for models with ``upscale``."""

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
        """Latents that go on from ``start``, noised up to the first of ``settings.sigmas``."""

    def decode_video(self, latents: Tensors) -> Iterator[Frame]:
        """Frames (H, W, 3) uint8 RGB, in order; memory does not grow with their number."""

    def decode_audio(self, latents: Tensors) -> Iterator[Samples]:
        """Blocks (n, channels) float32, full scale ±1; memory does not grow with duration."""

    @property
    def audio_rate(self) -> int:
        """Samples a second of :meth:`decode_audio`."""

    @property
    def audio_input_rate(self) -> int:
        """Samples a second that :meth:`encode_audio` reads."""


class Family(Protocol):
    """One model family."""

    @property
    def folders(self) -> Mapping[str, tuple[str, ...]]:
        """Folders of the checkpoint that each stage reads, by stage name; all that any checkpoint
        of the family may have, and :data:`INDEX` where it decides more than classes."""

    @property
    def reads_given(self) -> Literal["apart", "together", "always", "first"]:
        """How it reads pictures and footage: each to latents of its own, laid out by the plan
        (:class:`Given`), or all at once (:class:`GivenMedia`); "always": also where a shot gives
        nothing, for models whose denoiser has to be given something; "first": before the prompt,
        for models whose text encoder sees the pictures."""

    def open(self, folder: Path, model: Model, device: str) -> LoadedModel:
        """A checkpoint in the hub's layout; loads nothing yet."""


BUILT_IN = {
    "ltx2": "ltx2:LTX2",
    "wan": "wan:Wan",
    "wan-vace": "wan:WanVACE",
    "hunyuan": "hunyuan:HunyuanVideo",
    "hunyuan15": "hunyuan15:HunyuanVideo15",
    "cogvideox": "cogvideox:CogVideoX",
}
"""Families of this package: module and class."""


def folders_of(model: Model, stage: str) -> tuple[str, ...]:
    """Folders that a stage is expected to read, before the checkpoint's files are known.

    Those that only some checkpoints of the family have (``beside`` of the family) count where the
    catalogue entry lists them among its parts.
    """
    family = find_family(model.family)
    beside: frozenset[str] = getattr(family, "beside", frozenset())
    listed = {part.folder for part in model.parts}
    return tuple(f for f in family.folders[stage] if f not in beside or f in listed)


def find_family(name: str) -> Family:
    """A built-in family, or one of an installed package.

    Raises:
        UsageError: there is none of this name.
    """
    if name in BUILT_IN:
        home, _, kind = BUILT_IN[name].partition(":")
        built_in: Family = getattr(import_module(f"rushes.models.{home}"), kind)()
        return built_in
    for entry in metadata.entry_points(group="rushes.models", name=name):
        family: Family = entry.load()()
        return family
    raise UsageError(f"no installed package knows the model family {name!r}")
