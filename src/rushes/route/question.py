"""What somebody asks of a model: the answers to the questions of ``rushes models choose``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rushes.catalogue.device import Device
from rushes.catalogue.licences import Use

Task = Literal["generate", "understand", "reason", "code"]
DAYS_A_MONTH = 30
"""Of 24 hours: 720 hours, the month that GPU prices are quoted for."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Args:
        use: who uses it, where, for what: judged against licences.
        data_stays: nothing may leave the building.
        vram: bytes of one card; None where hardware is not asked about.
        device: the card, one of the catalogue's, whose figures are planned with; None for
            :data:`REFERENCE`.
        controls: what a clip is given besides its prompt, as ``[shots.NAME]`` or ``control`` say.
        max_seconds: the longest clip that is wanted.
        volume: items a month.
        stated: name of a model that was asked for; it may then be one of the package's own.
    """

    task: Task
    use: Use = field(default_factory=Use)
    data_stays: bool = False
    vram: int | None = None
    gpus: int = 1
    device: Device | None = None
    sound: bool = False
    controls: tuple[str, ...] = ()
    max_seconds: float | None = None
    volume: int | None = None
    stated: str = ""

    @property
    def seconds_an_item(self) -> float | None:
        """How often an item is wanted, day and night."""
        return None if not self.volume else DAYS_A_MONTH * 86400 / self.volume


REFERENCE = "rtx4090"
"""Whose overhead and formats are planned with where no card is named: a card of consumers."""
