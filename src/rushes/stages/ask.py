"""ask: questions about a clip to a reader's answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from rushes.catalogue.load import find_reader_entry
from rushes.readers.base import Answer, LoadedReader, ServedBy, Span
from rushes.readers.selection import Selection
from rushes.stages.base import Job, Made, Params, Stage


class AskParams(Params, frozen=True):
    """Who is asked what.

    Args:
        reader: its name in the catalogue.
        version: of the reader's family.
        questions: the check that asks (empty where a person does), and the question.
        selection: which part of the clip is looked at, and how.
    """

    reader: str
    version: int
    questions: tuple[tuple[str, str], ...]
    selection: Selection = Selection()


class AnswerRow(msgspec.Struct, frozen=True):
    """One answer of the output, which is a JSON list of them; times are seconds of the clip."""

    check: str
    question: str
    answer: str
    spans: tuple[Span, ...]
    frames: tuple[float, ...]
    model: str
    tokens: int
    lost: tuple[str, ...] = ()
    server: ServedBy | None = None

    def to_answer(self) -> Answer:
        """What the reader said, without what it was asked."""
        return Answer(
            self.answer, self.spans, self.frames, self.model, self.tokens, self.lost, self.server
        )


def run(job: Job) -> Made:
    """Sample the clip once, and ask about it question by question."""
    assert job.reader is not None
    context = find_reader_entry(job.params.reader).context
    return answer_questions(job, job.reader, context)


def answer_questions(job: Job, reader: LoadedReader, context: int) -> Made:
    """The answers of a reader that is open.

    Args:
        context: tokens of everything together, at most.
    """
    from rushes.readers.budget import plan_look
    from rushes.readers.sampling import sample_clip

    params: AskParams = job.params
    clip = job.inputs["clip"]["clip"] if "clip" in job.inputs else job.inputs["file"]["file"]
    asked = [question for _, question in params.questions]
    look = plan_look(clip, reader.settings, context, params.selection, asked)
    frames = sample_clip(clip, look.sampling, params.selection)
    rows = []
    for number, (check, question) in enumerate(params.questions):
        job.report(number, len(params.questions))
        said = replace(reader.ask(frames, question), model=params.reader, lost=frames.lost)
        rows.append({"check": check, "question": question, **said.to_dict()})
    path = job.folder / "answers.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1))
    return Made({"answers": path})


def read_answers(path: Path) -> list[AnswerRow]:
    """The stage's output."""
    return msgspec.json.decode(path.read_bytes(), type=list[AnswerRow])


STAGE = Stage(
    "ask",
    1,
    "device",
    5,
    ("torch", "transformers", "tokenizers", "av"),
    AskParams,
    run,
    loads_reader=True,
)
"""Between exports and checks, so that a reader is loaded once a build."""
