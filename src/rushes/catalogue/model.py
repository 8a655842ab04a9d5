"""Models as data: what a catalogue entry says.

One TOML file a model; no code. Sizes, grid and licence are what planning needs, and they are known
without a single weight on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from rushes.catalogue.grid import Grid, LatentGrid, Mel, Reach
from rushes.catalogue.source import Dtype, Licence, Part, Source
from rushes.types import VideoShape

Control = Literal[
    "image", "last_image", "keyframes", "extend", "audio", "video", "retake",
    "mask", "references", "control", "loras",
]  # fmt: skip
"""Keys of ``[shots.NAME]`` by which a clip is conditioned on more than its prompt."""

ControlKind = Literal["depth", "pose", "edges", "reference"]
"""What a ``control`` video may show; a ``reference`` is whatever an adapter was trained to read."""


Numerics = Literal["fp8", "int8", "nvfp4", "tiled"]
"""How a part may be made to need less memory at the price of other bytes: weights cast to float8
between their uses, rounded to int8, rounded to NVFP4's four bits, pictures coded in tiles."""

NARROW_BITS: Mapping[str, float] = {"fp8": 8.0, "int8": 8.0, "nvfp4": 4.5}
"""Bits a weight in numerics that keep weights narrow: NVFP4 has a scale of 8 for every 16."""

NOT_DONE: Mapping[str, str] = {
    "gguf": "a GGUF file is a checkpoint of its own: name it as path in [models.NAME]",
    "nf4": "nf4 needs bitsandbytes, which Rushes does not depend on; nvfp4 takes as little",
}
"""Numerics that are known and not offered, with the reason."""


class Stated(Struct, frozen=True, forbid_unknown_fields=True):
    """The numerics of a model as a project states them; nothing is proposed beside them.

    Args:
        numerics: by part, where it does not compute as it is stored.
    """

    dtype: Dtype
    numerics: dict[str, Numerics] = {}


class Sampling(Struct, frozen=True, forbid_unknown_fields=True):
    """How a clip is denoised. None: the model knows no such setting.

    Args:
        steps: of the sampler; where ``sigmas`` are given, as many as they are.
        sigmas: fixed noise levels, descending, without the final 0.
        shift: of the noise levels; None where the scheduler's own configuration says it.
        guidance: classifier-free, of the picture; 1 is none.
        audio_guidance: the same of the sound.
        guidance_2: the second scale that a model has: of a second, low-noise expert; where
            ``guidance`` is embedded, of classifier-free guidance on top of it, 1 is none.
        stg: scale of spatio-temporal guidance; 0 is none.
        stg_blocks: transformer blocks, from 0, whose self-attention it leaves out.
        modality_guidance: scale of the pass without cross-modal attention; 1 is none.
        rescale: how far guided predictions get back their standard deviation, 0 to 1.
        lora: folder of the checkpoint with the adapter that this needs; "" for none.
    """

    steps: int
    guidance: float
    sigmas: list[float] = []
    shift: float | None = None
    audio_guidance: float | None = None
    guidance_2: float | None = None
    stg: float | None = None
    stg_blocks: list[int] = []
    modality_guidance: float | None = None
    rescale: float | None = None
    lora: str = ""
    about: str = ""


class Defaults(Sampling, frozen=True, forbid_unknown_fields=True):
    """What a shot gets where the project says nothing."""

    size: str = ""
    frames: int = 0
    fps: float = 0.0


SpeedName = Literal["balanced", "fast"]
"""What ``speed`` in a project may say beside ``exact``, which is no shortcut at all."""


class Speed(Struct, frozen=True, forbid_unknown_fields=True):
    """Shortcuts of a denoise. They change the bytes.

    Args:
        cache: ``taylorseer``: some steps are not computed but extrapolated from those before; ""
            for none.
        warmup: steps at the beginning that are computed whole.
        interval: of the steps after those, one in so many is computed.
        order: of the Taylor series.
        compile: the transformer's blocks are compiled where they run on CUDA.
        attention: diffusers' name of another attention backend; "" for the standard one.
    """

    cache: Literal["", "taylorseer"] = ""
    warmup: int = 0
    interval: int = 1
    order: int = 1
    compile: bool = False
    attention: str = ""
    about: str = ""


class Upscale(Struct, frozen=True, forbid_unknown_fields=True):
    """How a clip is made larger than it is denoised: upsampled twofold and refined, again for 4.

    Args:
        factors: what ``upscale`` in a project may say.
        sampling: of the refinement; its first sigma is how much noise is mixed in.
        pixels_max: the largest frame that is refined at once; a larger one in tiles.
        overlap: pixels that tiles share.
    """

    factors: list[int]
    sampling: Sampling
    pixels_max: int
    overlap: int


class Variant(Struct, frozen=True, forbid_unknown_fields=True):
    """Another checkpoint under the same name, for shots that use one of ``controls``.

    ``parts`` replace those of the model in the same folders, and add to them.
    """

    controls: list[Control]
    source: Source
    parts: list[Part] = []


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogue entry.

    Args:
        family: the adapter that runs it, see :func:`rushes.models.base.find_family`.
        controls: what it can be given; ``control_kinds`` what a ``control`` video may show.
        control_loras: where a control is only read with an adapter: by kind, the repository of one,
            or "" where none is known.
        schedules: other ways to sample it, by the name that ``schedule`` in a project takes.
        speeds: shortcuts by the name that ``speed`` in a project takes.
        variants: other checkpoints that stand behind the same name.
        verified: what was checked, and how.
        choice: which variant this is; "" for the model itself.
        like: id of the entry whose architecture this is, for weights of a project's own.
        numerics: by part, where it does not compute as it is stored; from rushes.lock.
        tail: frames of what it extends that a clip begins with, unseen, for models that go on from
            pictures and not from latents.
        tiles: whether its video VAE works in tiles where it is asked to, or always.
        stated: numerics that the project states for its shot; they stand in for locked ones.
        remote: the project's name of it where others run it; "" for one that runs here.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str
    about: str
    family: str
    source: Source
    licence: Licence
    dtype: Dtype
    grid: Grid
    latents: LatentGrid
    defaults: Defaults
    parts: list[Part]
    limits: list[str]
    verified: str
    controls: list[Control] = []
    control_kinds: list[ControlKind] = []
    control_loras: dict[ControlKind, str] = {}
    reach: Reach | None = None
    tail: int = 0
    mel: Mel | None = None
    schedules: dict[str, Sampling] = {}
    speeds: dict[SpeedName, Speed] = {}
    upscale: Upscale | None = None
    variants: dict[str, Variant] = {}
    choice: str = ""
    like: str = ""
    numerics: dict[str, Numerics] = {}
    tiles: Literal["asked", "always"] = "asked"
    stated: Stated | None = None
    remote: str = ""

    @property
    def id(self) -> str:
        """Its name, with the variant's: the checkpoint, by which rushes.lock goes."""
        return f"{self.name}:{self.choice}" if self.choice else self.name

    @property
    def instance(self) -> str:
        """The checkpoint with the numerics that are stated: by which nodes and workers go."""
        if self.stated is None:
            return self.id
        said = [f"{part}={how}" for part, how in sorted(self.stated.numerics.items())]
        return f"{self.id}@{'+'.join([self.stated.dtype, *said])}"

    @property
    def parameters(self) -> int:
        """Of all its parts."""
        return sum(part.parameters for part in self.parts)

    @property
    def nbytes(self) -> int:
        """Of all its parts on the disk."""
        return sum(part.nbytes for part in self.parts)

    def variant_for(self, controls: Iterable[str]) -> Model:
        """The checkpoint for a shot that uses these controls."""
        used = set(controls)
        for name, variant in self.variants.items():
            if used & set(variant.controls):
                parts = {part.folder: part for part in [*self.parts, *variant.parts]}
                return msgspec.structs.replace(
                    self, source=variant.source, parts=list(parts.values()), choice=name
                )
        return self

    def grid_of(self, *, extends: bool, upscale: int = 1) -> Grid:
        """The shapes of a clip that stands alone, or of one that goes on from another.

        Args:
            upscale: how many times larger the clip is made after it is denoised.
        """
        if upscale > 1:
            return self.grid.larger(upscale)
        if extends and self.tail:
            return self.grid.going_on(self.grid.frames_max - self.tail)
        if self.reach is None:
            return self.grid
        return self.grid.going_on() if extends else self.grid.without_end()

    def check_shape(
        self, shape: VideoShape, *, extends: bool = False, upscale: int = 1
    ) -> tuple[str, str] | None:
        """Why the model cannot make this shape, with the key that is at fault; or None."""
        grid = self.grid_of(extends=extends, upscale=upscale)
        if not grid.is_legal_size(shape.width, shape.height):
            near = " or ".join(grid.nearest_sizes(shape.width, shape.height))
            what = "makes" if grid.pixels_max is None else "makes sizes like"
            return "size", f"{self.name} {what} {near}, not {shape.size}"
        if not grid.is_legal_fps(shape.fps):
            known = ", ".join(f"{rate:g}" for rate in grid.fps)
            if grid.fps_max is not None:
                known = f"1 to {grid.fps_max:g}"
            return "fps", f"{self.name} makes {known} frames a second, not {shape.fps:g}"
        if not grid.is_legal_frames(shape.frames):
            near = " or ".join(str(n) for n in grid.nearest_frames(shape.frames))
            text = f"{self.name} cannot make {shape.frames} frames; the nearest it can are {near}"
            return "frames", text
        return None
