"""What a check is: a judge that sees every frame and every block of samples once.

All checks of a clip share one decode. A check is a class with a ``name`` and a ``version``; for
each file ``judge`` gives an object that is fed as the file is decoded and then asked for its
verdict. Scores mean the same everywhere: higher is better, and ``passed`` is exactly
``score >= threshold``; what was measured, in its own unit, is in ``evidence``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

    from rushes.media import MediaInfo

    Frame = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
    Samples = np.ndarray[tuple[int, int], np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the clip that a verdict is about, in seconds from its start."""

    start_seconds: float
    end_seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Args:
        score: higher is better; ``passed`` is ``score >= threshold``.
        evidence: what was measured; names carry their unit (``black_seconds``, ``peak_dbfs``).
        message: one sentence for a person, without a full stop.
        part: what has to be made again where it fails; None for what its check is known for.
    """

    check: str
    score: float
    threshold: float
    message: str = ""
    spans: tuple[Span, ...] = ()
    evidence: dict[str, float | int | str] = field(default_factory=dict)
    part: Literal["picture", "sound", "both"] | None = None

    @property
    def passed(self) -> bool:
        return self.score >= self.threshold


@dataclass(frozen=True, slots=True)
class Answered:
    """What a reader of video said to a question about the clip."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the plan says the clip must be; None where a foreign file is judged on its own.

    Args:
        joins: stretches (start, end) in seconds where a film goes from one shot to the next.
        seams: seconds at which a clip goes on from material that was made before.
        prompts: what the clip was made from, for checks that read it: a shot's, or all of a film's.
        pictures: what the clip was given: for each the frame (from 0) that has to show it, or -1
            for a reference that no frame has to show, and the file.
    """

    frames: int
    width: int
    height: int
    fps: float
    audio: bool
    joins: tuple[tuple[float, float], ...] = ()
    seams: tuple[float, ...] = ()
    prompts: tuple[str, ...] = ()
    pictures: tuple[tuple[int, Path], ...] = ()


class Judge(Protocol):
    """Sees one clip, in order of presentation time."""

    def see_frame(self, seconds: float, frame: Frame) -> None:
        """``frame``: (H, W, 3) uint8 RGB, shown at ``seconds``."""

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        """``samples``: (n, channels) float32, full scale ±1, starting at ``seconds``."""

    def give_verdict(self) -> Verdict:
        """Called once, after the last frame and block."""


@runtime_checkable
class DamageWatcher(Protocol):
    """A judge that is also told where the file could not be decoded."""

    def see_damage(self, seconds: float, reason: str) -> None:
        """``reason``: what was lost at about ``seconds``."""


@runtime_checkable
class AnswerJudge(Protocol):
    """A judge that is also told, before the first frame, what a reader answered."""

    def see_answers(self, answers: Sequence[Answered]) -> None:
        """Answers to the questions of this check, in their order."""


class Check(Protocol):
    """The door by which built-in checks and plug-ins (``rushes.checks``) enter."""

    name: str
    version: int
    about: str

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""


@runtime_checkable
class AskingCheck(Protocol):
    """A check that has a reader asked about the clip; its judges are :class:`AnswerJudge`."""

    def make_questions(self, prompt: str) -> tuple[str, ...]:
        """What to ask about a clip that was made from this prompt; pure, without torch."""


@runtime_checkable
class PackagedCheck(Protocol):
    """A check that needs more than Rushes installs by itself.

    ``packages`` are distributions whose versions are part of the key of clips that are judged by
    it, and of no others; ``extra`` is what to install, as for ``pip install``.
    """

    packages: tuple[str, ...]
    extra: str


@runtime_checkable
class PromptReader(Protocol):
    """A check that reads the prompt itself: ``Expectation.prompts`` is filled for it."""

    reads_prompt: bool


@runtime_checkable
class PictureComparer(Protocol):
    """A check that needs a picture that the shot was given: ``Expectation.pictures``."""

    compares_pictures: bool
