"""What the parent and its workers say to each other: one JSON document a line."""

from __future__ import annotations

import msgspec

from rushes.catalogue.allowance import Allowance
from rushes.catalogue.model import Model
from rushes.catalogue.reader import ReaderEntry
from rushes.catalogue.remote import Remote
from rushes.models.base import RESIDENT, Placement
from rushes.types import Digest, Key


class TaskFile(msgspec.Struct, frozen=True):
    """A file from outside the graph, with the digest that it had when the plan was made."""

    path: str
    sha256: Digest


class TaskModel(msgspec.Struct, frozen=True):
    """A catalogue entry, of a generator or a reader, and the folder where its checkpoint lies."""

    folder: str
    entry: Model | None = None
    reader: ReaderEntry | None = None


class Task(msgspec.Struct, frozen=True):
    """Run one node. ``params`` is the JSON of the stage's params; ``inputs`` their keys.

    Args:
        placement: how the model's parts lie meanwhile.
        limit_bytes: the most that PyTorch may take of a GPU; None for all.
        predicted_bytes: the peak as it was planned, of what the worker measures; None if unknown.
        remote, allowance: who is asked to do it, and what may be paid for that.
        speaks: whether words are told as they come.
    """

    key: Key
    stage: str
    params: msgspec.Raw
    inputs: dict[str, Key]
    model: TaskModel | None
    checkpoint_seconds: float
    files: dict[str, TaskFile] = {}
    placement: Placement = RESIDENT
    limit_bytes: int | None = None
    predicted_bytes: int | None = None
    remote: Remote | None = None
    allowance: Allowance | None = None
    speaks: bool = False


class Waiting(msgspec.Struct, frozen=True, tag="waiting"):
    """Another process is computing this key."""

    key: Key


class Stepped(msgspec.Struct, frozen=True, tag="stepped"):
    """Progress within a node."""

    key: Key
    done: int
    total: int


class Said(msgspec.Struct, frozen=True, tag="said"):
    """The next words of an answer that is not whole yet."""

    key: Key
    words: str


class Paid(msgspec.Struct, frozen=True, tag="paid"):
    """Money was spent for the node, whatever becomes of what it bought; ``usd`` as a decimal."""

    key: Key
    usd: str


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The node has a result; ``ran`` is False where another process had made it meanwhile.

    ``device``: what the models ran on, empty on the media lane; ``placement`` how they lay.
    """

    key: Key
    ran: bool
    started_at: float
    seconds: float
    peak_bytes: int
    resumed_step: int | None
    loads: dict[str, float]
    passed: bool | None
    device: str
    placement: str = ""
    predicted_bytes: int | None = None


class Broken(msgspec.Struct, frozen=True, tag="broken"):
    """The node has no result. ``retry``: the placement that it is tried again with; "" if it is
    not."""

    key: Key
    error_type: str
    message: str
    where: str | None
    hint: str | None
    placement: str = ""
    predicted_bytes: int | None = None
    retry: str = ""


Event = Waiting | Stepped | Said | Paid | Finished | Broken
decode_event = msgspec.json.Decoder(Event).decode
decode_task = msgspec.json.Decoder(Task).decode
encode_message = msgspec.json.encode
