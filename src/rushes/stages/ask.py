"""ask: questions about a clip to a reader's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from rushes.catalogue.load import find_reader_entry
from rushes.readers.base import (
    Answer,
    Frames,
    LoadedReader,
    ReaderSettings,
    ServedBy,
    Span,
    Words,
)
from rushes.readers.budget import Look
from rushes.readers.selection import Selection
from rushes.readers.structured import MAX_TOKENS, Form, ask_form
from rushes.stages.base import Job, Made, Params, Stage


class AskParams(Params, frozen=True):
    """Who is asked what.

    Args:
        reader: its name in the catalogue.
        version: of the reader's family.
        questions: the check that asks (empty where a person does), and the question.
        selection: which part of the clip is looked at, and how.
        form: what answers have to look like; None for words.
    """

    reader: str
    version: int
    questions: tuple[tuple[str, str], ...]
    selection: Selection = Selection()
    form: Form | None = None


class AnswerRow(msgspec.Struct, frozen=True):
    """One answer of the output, which is a JSON list of them; times are seconds of the clip.

    ``yes``: how likely a yes is, where that was asked for.
    """

    check: str
    question: str
    answer: str
    spans: tuple[Span, ...]
    frames: tuple[float, ...]
    model: str
    tokens: int
    lost: tuple[str, ...] = ()
    server: ServedBy | None = None
    value: Any = None
    formed: bool = False
    yes: float | None = None

    def to_answer(self) -> Answer:
        """What the reader said, without what it was asked."""
        return Answer(
            self.answer, self.spans, self.frames, self.model, self.tokens, self.lost, self.server,
            self.value, self.formed,
        )  # fmt: skip


def run(job: Job) -> Made:
    """Sample the clip once, and ask about it question by question."""
    assert job.reader is not None
    return answer_questions(job, job.reader, find_reader_entry(job.params.reader).context)


def answer_questions(job: Job, reader: LoadedReader, context: int) -> Made:
    """The answers of a reader that is open.

    Args:
        context: tokens of everything together, at most.
    """
    from rushes.readers.sampling import sample_clip

    params: AskParams = job.params
    clip = job.inputs["clip"]["clip"] if "clip" in job.inputs else job.inputs["file"]["file"]
    asked = [question for _, question in params.questions]
    look = look_at(clip, reader.settings, context, params.selection, asked, params.form)
    frames = sample_clip(clip, look.sampling, params.selection)
    rows = []
    for number, (check, question) in enumerate(params.questions):
        job.report(number, len(params.questions))
        said = answer_one(reader, frames, question, params.form)
        said = replace(said, model=params.reader, lost=frames.lost)
        formed = {"formed": True} if said.formed else {}
        rows.append({"check": check, "question": question, **said.to_dict(), **formed})
    path = job.folder / "answers.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1))
    return Made({"answers": path})


def answer_one(
    reader: LoadedReader,
    frames: Frames,
    question: str,
    form: Form | None,
    speak: Words | None = None,
) -> Answer:
    """The answer to one question, in words or in a form.

    Args:
        speak: is given the words as they come; not those of a form, which may be asked for again.
    """
    if form is None:
        if speak is None:  # a reader of a plug-in need not know of it
            return reader.ask(frames, question)
        return reader.ask(frames, question, on_words=speak)

    def ask(text: str) -> Answer:
        return reader.ask(frames, text, max_tokens=MAX_TOKENS)

    answer, value = ask_form(ask, question, form)
    return replace(answer, value=value, formed=True)


def look_at(
    clip: Path,
    settings: ReaderSettings,
    context: int,
    selection: Selection,
    questions: Sequence[str],
    form: Form | None,
) -> Look:
    """What is looked at, with room for the answers that are asked for."""
    from rushes.readers.budget import plan_look

    if form is None:
        return plan_look(clip, settings, context, selection, questions)
    longest = [form.write_longest(question) for question in questions]
    return plan_look(clip, settings, context, selection, longest, MAX_TOKENS)


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
