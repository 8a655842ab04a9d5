"""What a stage is: a name, a version, what it depends on, and the function that does its work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from rushes.catalogue.allowance import Allowance
from rushes.catalogue.remote import Remote

if TYPE_CHECKING:
    from rushes.models.base import Checkpoint, LoadedModel, Progress
    from rushes.readers.base import LoadedReader

Lane = Literal["device", "media", "remote"]
"""Where a stage runs: beside the loaded models, in a process that never imports torch, or in one of
several of those that wait for others to make it."""


class Params(msgspec.Struct, frozen=True):
    """Base of the settings that matter to a stage; they are part of its key."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a stage made: files in its scratch folder, and facts small enough for the index."""

    files: dict[str, Path]
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a stage.

    Args:
        inputs: the output files of each input, by the input's name and the output's.
        folder: scratch space for the outputs, removed afterwards.
        model: the opened checkpoint, for stages that load a model.
        reader: the same for stages that load a reader.
        key: of the node.
        remote: who is asked to do the work, where it is not done here.
        allowance: what may be paid for that.
        speak: is given the words of an answer as they come; None where nobody listens.
        tell_paid: is given the USD that were spent, once they are, whatever becomes of the rest.
    """

    params: Any
    inputs: Mapping[str, Mapping[str, Path]]
    folder: Path
    report: Progress
    model: LoadedModel | None = None
    checkpoint: Checkpoint | None = None
    reader: LoadedReader | None = None
    key: str = ""
    remote: Remote | None = None
    allowance: Allowance | None = None
    speak: Callable[[str], None] | None = None
    tell_paid: Callable[[Decimal], None] = lambda usd: None


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage.

    Args:
        version: raised by hand when the same inputs give another output.
        group: order of work on a device; stages of a group take turns, shot by shot, so that each
            part of a model is loaded once a build.
        packages: the toolchain, distributions whose version is part of the key.
        loads_model: whether its key takes in weight files of a generator.
        loads_reader: whether it takes in those of a reader.
        leaves_core: whether other shots' exports run beside it; on a CPU it then leaves them a
            core, since torch's threads wait for each other in a spin and starve beside others.
    """

    name: str
    version: int
    lane: Lane
    group: int
    packages: tuple[str, ...]
    params: type[Params]
    run: Callable[[Job], Made]
    loads_model: bool = False
    loads_reader: bool = False
    leaves_core: bool = False
