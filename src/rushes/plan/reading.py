"""What reading a file takes, decided before anything runs: one sample, one node a question."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from rushes.canon import digest_value
from rushes.catalogue.reader import ReaderEntry
from rushes.catalogue.server import ServedReader
from rushes.plan.nodes import Environment, Node
from rushes.readers.base import Sampling, find_reader
from rushes.readers.budget import Look
from rushes.readers.openai import VERSION
from rushes.readers.selection import Selection
from rushes.readers.structured import Form
from rushes.spec.given import SourceFile
from rushes.stages.ask_server import ServerParams
from rushes.stages.base import Params
from rushes.stages.cuts import CutsParams
from rushes.stages.read import ReadParams
from rushes.stages.registry import STAGES
from rushes.stages.sample import SampleParams
from rushes.types import Key

QUESTION_STEP = 512
"""Room for questions is counted in steps of so many bytes, so that a question of another length
needs no other frames."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who answers.

    Args:
        entry: of the catalogue; for a server, the one that it is like.
        server: None for a reader on this machine.
        environments: what decides the results of each stage besides params and inputs.
    """

    entry: ReaderEntry
    server: ServedReader | None
    environments: Mapping[str, Environment]

    @property
    def name(self) -> str:
        """How answers call it."""
        return self.entry.name if self.server is None else self.server.name

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of a reading with it."""
        return ("sample", "read" if self.server is None else "ask_server")


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """One file's nodes.

    Args:
        sample: its frames.
        answers: one node a question, in their order.
    """

    sample: Node
    answers: tuple[Node, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All of them."""
        return (self.sample, *self.answers)


def pad_questions(questions: Sequence[str], form: Form | None) -> list[str]:
    """Questions as long as room is made for."""
    longest = max((len(question.encode()) for question in questions), default=0)
    padded = math.ceil(longest / QUESTION_STEP) * QUESTION_STEP
    return [" " * padded] if form is None else list(questions)


def plan_reading(
    asked: Asked,
    source: SourceFile,
    look: Look,
    selection: Selection,
    questions: Sequence[str],
    form: Form | None,
) -> ReadingPlan:
    """The nodes of some questions about a file.

    Args:
        look: what there is room for.
    """
    size = look.size.height, look.size.width
    sample = plan_sample(asked, source, look.sampling, selection, size)
    return ReadingPlan(sample, tuple(plan_answer(asked, sample, q, form) for q in questions))


def plan_sample(
    asked: Asked,
    source: SourceFile,
    sampling: Sampling,
    selection: Selection,
    size: tuple[int, int],
) -> Node:
    """The node of a file's frames.

    Args:
        size: (height, width) of a frame as the reader sees it.
    """
    params = SampleParams(sampling, selection, *size)
    key = make_key(asked, "sample", params, file=source)
    return Node(key, "sample", params, (), None, (("file", source),))


def plan_cuts(asked: Asked, source: SourceFile) -> Node:
    """The node of where a file's scenes begin."""
    params = CutsParams()
    return Node(
        make_key(asked, "cuts", params, file=source), "cuts", params, (), None, (("file", source),)
    )


def plan_answer(
    asked: Asked,
    sample: Node,
    question: str,
    form: Form | None = None,
    part: tuple[float, float] | None = None,
    *,
    weigh: bool = False,
) -> Node:
    """The node of one question about frames, or about a part of them.

    Args:
        weigh: also say how likely a yes is.
    """
    version = VERSION if asked.server else find_reader(asked.entry.family).version
    inputs = (("frames", sample),)
    if asked.server is None:
        params = ReadParams(asked.name, version, question, form, part, weigh)
        key = make_key(asked, "read", params, (sample,))
        return Node(key, "read", params, inputs, asked.entry.instance)
    sent = ServerParams(asked.name, version, question, form, part, weigh, server=asked.server)
    decides = msgspec.structs.replace(sent, server=strip_server(asked.server))
    return Node(make_key(asked, "ask_server", decides, (sample,)), "ask_server", sent, inputs)


def strip_server(server: ServedReader) -> ServedReader:
    """What decides its answers: not how long they are waited for, nor whose token is shown."""
    return msgspec.structs.replace(server, key_env="", timeout_seconds=0.0, retries=0)


def make_key(
    asked: Asked,
    stage: str,
    params: Params,
    inputs: Sequence[Node] = (),
    file: SourceFile | None = None,
) -> Key:
    """The key of a node: its stage, what stands behind it, its params, and what it reads."""
    environment = asked.environments[stage]
    assert environment.version == STAGES[stage].version
    read = [node.key for node in inputs]
    return Key(
        digest_value([stage, environment, params, read, None if file is None else file.sha256])
    )
