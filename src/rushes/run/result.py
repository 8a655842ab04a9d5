"""What a build gives back: the ``make --json`` document, as frozen structs."""

from __future__ import annotations

from typing import Literal

import msgspec

from rushes.types import Key

Status = Literal["passed", "failed", "error", "refused"]


class StageResult(msgspec.Struct, frozen=True):
    """One stage of the kept take. ``hit``: not computed by this run."""

    stage: str
    key: Key
    result: Literal["hit", "ran"]
    seconds: float
    peak_bytes: int
    attempt: int


class ErrorInfo(msgspec.Struct, frozen=True):
    """Why a shot has no clip."""

    type: str
    message: str
    where: str | None
    hint: str | None


class ClipResult(msgspec.Struct, frozen=True):
    """A shot or film. ``path`` is relative to the project, None where there is no clip; ``stopped``
    says why takes that were left were not tried, ``repairs`` counts what was made again of the take
    that ``seed`` gives."""

    name: str
    status: Status
    path: str | None
    seed: int | None
    attempts: int
    frames: int
    fps: float
    size: str
    stages: list[StageResult]
    checks: list[dict[str, object]]
    error: ErrorInfo | None = None
    stopped: str = ""
    repairs: int = 0


class RunResult(msgspec.Struct, frozen=True):
    """The whole build; shots and films in file order."""

    run: str
    seconds: float
    usd: float
    shots: list[ClipResult]
    films: list[ClipResult]

    @property
    def clips(self) -> list[ClipResult]:
        return [*self.shots, *self.films]

    @property
    def exit_code(self) -> int:
        """The highest of 4 (a stage failed), 3 (refused), 1 (a check failed), 0."""
        codes = {"passed": 0, "failed": 1, "refused": 3, "error": 4}
        return max((codes[clip.status] for clip in self.clips), default=0)

    @property
    def ran(self) -> int:
        """How many stages of the kept takes this run computed."""
        return sum(stage.result == "ran" for clip in self.clips for stage in clip.stages)
