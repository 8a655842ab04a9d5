"""What a project means: shots and films with every setting decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rushes.catalogue.licences import Use
from rushes.catalogue.model import Model, Sampling, Speed
from rushes.catalogue.remote import Remote
from rushes.catalogue.server import OwnText, ServedReader
from rushes.media.formats import ExportFormat
from rushes.spec.auto import make_use
from rushes.spec.gate import Rules
from rushes.spec.given import Conditions, RetakePart, Sound, SourceFile
from rushes.spec.read import Source
from rushes.spec.tables import PolicyTable, SigningTable
from rushes.types import VideoShape


@dataclass(frozen=True, slots=True)
class Golden:
    """The clip that a shot is held to. ``file`` is None until a take is accepted.

    Args:
        said: its path as the project says it.
    """

    said: str
    file: SourceFile | None


@dataclass(frozen=True, slots=True)
class Mend:
    """What of a take is made again, by a seed of its own.

    Args:
        spans: frames, from and up to.
        part: of these frames.
    """

    spans: tuple[tuple[int, int], ...]
    part: RetakePart
    seed: int


@dataclass(frozen=True, slots=True)
class Shot:
    """One clip to make.

    Args:
        template: with ``{variables}``, of which ``variables`` gives those it uses.
        sampling: how it is denoised, with every setting that the model knows decided.
        sound: where the clip's sound comes from.
        upscale: how many times larger it is made than it is denoised.
        speed: shortcuts of its denoise; None for an exact one.
        gate: what is asked of its checks besides their own thresholds.
        repair: whether a failed span is made again before the whole.
        golden: a clip that it has to look and sound like; None where none is named.
        mended: spans of the first take that were made again before it was accepted.
        remote: who makes it, where it is not made here.
        fallback: the same shot by a paid model, for takes after so many that failed.
        auto: whether the project left the choice of the model to Rushes.
    """

    name: str
    model: Model
    template: str
    negative: str
    variables: tuple[tuple[str, str], ...]
    seed: int
    shape: VideoShape
    asked_seconds: float | None
    sampling: Sampling
    attempts: int
    checks: tuple[str, ...]
    export: ExportFormat
    conditions: Conditions
    sound: Sound = "model"
    upscale: int = 1
    speed: Speed | None = None
    gate: Rules = ()
    repair: bool = False
    golden: Golden | None = None
    mended: tuple[Mend, ...] = ()
    remote: Remote | None = None
    fallback: Shot | None = None
    auto: bool = False

    def for_attempt(self, attempt: int, failures: int) -> Shot:
        """The shot as its take ``attempt`` makes it, where ``failures`` takes let it be paid."""
        return self.fallback if self.fallback is not None and attempt >= failures else self

    @property
    def length_note(self) -> str:
        """What ``seconds`` became, for the plan."""
        new = "new " if self.conditions.extend is not None else ""
        made = f"{self.shape.frames} {new}frames, {self.shape.seconds:.4g} s"
        if self.asked_seconds is None:
            return made
        return f"{self.asked_seconds:g} s at {self.shape.fps:g} fps → {made}"


@dataclass(frozen=True, slots=True)
class Film:
    """Shots one after the other; ``crossfade`` is in seconds, 0 for cuts."""

    name: str
    shots: tuple[str, ...]
    crossfade: float
    checks: tuple[str, ...]
    export: ExportFormat
    gate: Rules = ()


@dataclass(frozen=True, slots=True)
class Project:
    """A project file with every setting decided; shots and films in file order.

    Args:
        vram: the most memory of a card that a stage may take, in bytes; None for what there is.
        signing: None for the test certificate.
        readers: servers of the project's own, by name.
        remotes: models that others run, by name.
        texts: text models of the project's own, by name.
    """

    name: str
    folder: Path
    source: Source = field(repr=False)
    policy: PolicyTable
    checkpoint_seconds: float
    shots: dict[str, Shot]
    films: dict[str, Film]
    vram: int | None = None
    signing: SigningTable | None = None
    readers: dict[str, ServedReader] = field(default_factory=dict)
    remotes: dict[str, Remote] = field(default_factory=dict)
    texts: dict[str, OwnText] = field(default_factory=dict)

    @property
    def use(self) -> Use:
        """What the policy states of who uses the models, where, for what."""
        return make_use(self.policy)

    @property
    def models(self) -> list[Model]:
        """The checkpoints the shots use, each once, in order of first use."""
        return list({model.id: model for model in self._made_here()}.values())

    @property
    def instances(self) -> list[Model]:
        """The same, once for each of the numerics that shots state."""
        return list({model.instance: model for model in self._made_here()}.values())

    def _made_here(self) -> list[Model]:
        return [shot.model for shot in self.shots.values() if shot.remote is None]

    @property
    def makes_remotely(self) -> bool:
        """Whether a shot is, or may come to be, made by others."""
        return any(s.remote is not None or s.fallback is not None for s in self.shots.values())
