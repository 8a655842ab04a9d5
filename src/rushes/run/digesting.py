"""Readings into one summary: read, then reason.

A line of JSON each is what ``find``, ``describe``, ``watch`` and ``ask --batch`` write. Where all
of them are more than the model's context holds, parts are summed up first, and then the summaries.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rushes.catalogue.server import OwnText
from rushes.catalogue.text import read_text_entry, text_names
from rushes.errors import UsageError, WeightsMissing
from rushes.hub.find import find_text
from rushes.readers.base import Answer, Words
from rushes.readers.structured import Form, ask_form
from rushes.readers.texts import TextModel, open_text
from rushes.spec.licence import (
    check_licence,
)
from rushes.spec.project import Project
from rushes.spec.servers import check_server

MAX_TOKENS = 1024
"""Of an answer."""
SPARE_TOKENS = 512
"""Around the readings: the chat template, and what is wrong with an answer that is asked for
again."""
MAX_ROUNDS = 8
"""Of summaries of summaries; each is a fraction of what it sums up."""
TASK = "Sum up what was seen, in a few sentences. Name files and times for every claim."
RULES = (
    "Below are readings of videos, one JSON document a line; times are seconds of the file that a "
    "line names. Use nothing that is not in them. Where they do not say, say unknown."
)


@dataclass(frozen=True, slots=True)
class Digest:
    """A summary.

    Args:
        readings: lines that it is made of; ``parts`` of them were summed up before.
        sources: the files that they name, in order.
    """

    answer: Answer
    readings: int
    parts: int
    sources: tuple[str, ...]
    tokens: int

    def to_dict(self) -> dict[str, object]:
        """The document of ``digest --json``."""
        said = self.answer
        value = {"value": said.value} if said.formed else {}
        server = {} if said.server is None else {"server": said.server.to_dict()}
        return {
            "digest": said.answer, **value, "model": said.model, "readings": self.readings,
            "parts": self.parts, "sources": list(self.sources), "tokens": self.tokens, **server,
        }  # fmt: skip


def read_lines(paths: Iterable[Path]) -> list[str]:
    """Readings, one compact JSON document each.

    Raises:
        UsageError: a file cannot be read, a line is no JSON, or there is none.
    """
    lines = []
    for path in paths:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise UsageError(f"{path} cannot be read", hint="name files of readings") from exc
        lines += list(_read_documents(text, path))
    if not lines:
        raise UsageError("there is no reading", hint="rushes ask --batch … --out readings.jsonl")
    return lines


def _read_documents(text: str, path: Path) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError) as exc:
            raise UsageError(
                f"line {number} is no JSON", where=f"{path}:{number}", hint="one document a line"
            ) from exc
        yield json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def find_sources(lines: Iterable[str]) -> tuple[str, ...]:
    """The files that readings name."""
    found: dict[str, None] = {}
    for line in lines:
        document = json.loads(line)
        if isinstance(document, dict):
            for key in ("file", "source", "video"):
                if isinstance(document.get(key), str):
                    found[document[key]] = None
    return tuple(found)


@contextmanager
def open_model(name: str, project: Project | None, device: str) -> Iterator[tuple[TextModel, int]]:
    """A text model as the policy allows it, and its context in tokens.

    Raises:
        UsageError: there is none of this name.
        Refused: the policy does not allow it, or its weights are not here.
    """
    own: OwnText | None = None if project is None else project.texts.get(name)
    like = name if own is None else own.like
    if like not in text_names():
        hint = f"known: {', '.join(text_names())}; or [texts.NAME] of the project"
        raise UsageError(f"there is no text model {name!r}", hint=hint)
    entry = read_text_entry(like)
    if project is not None:
        check_licence(project, entry)
        if own is not None and own.url:
            check_server(project, own)
    folder = Path()
    if project is not None and own is not None and own.path:
        folder = project.folder / own.path
    if own is None:
        folder = find_text(entry)
    elif own.path and not folder.is_dir():
        raise WeightsMissing(f"{folder} is not here", where=f"texts.{name}.path")
    if device == "auto" and not (own is not None and own.url):
        import torch

        device = "cuda:0" if torch.cuda.is_available() else "cpu"
    context = own.context if own is not None and own.context else entry.context
    with open_text(own, name, folder, device, os.environ) as model:
        yield model, context


def make_digest(
    model: TextModel,
    context: int,
    lines: Sequence[str],
    task: str = TASK,
    form: Form | None = None,
    on_words: Words | None = None,
) -> Digest:
    """Sum readings up.

    Args:
        context: tokens of prompt and answer together, at most.
        form: what the summary has to look like; None for words.
        on_words: is given the words of the last summary as they come, where it has no form.

    Raises:
        UsageError: the context has no room for a single reading.
        AnswerInvalid: the summary does not follow the form, however often it is asked for.
    """
    asked = task if form is None else form.write_longest(task)
    room = context - MAX_TOKENS - SPARE_TOKENS - model.count(f"{RULES}\n{asked}")
    tokens, parts, left = 0, 0, list(lines)
    for _ in range(MAX_ROUNDS):
        groups = group_lines(model, left, room)
        if len(groups) == 1:
            answer = _ask(model, left, task, form, on_words)
            total = tokens + answer.tokens
            return Digest(answer, len(lines), parts, find_sources(lines), total)
        said = [_ask(model, group, TASK, None, None) for group in groups]
        tokens += sum(one.tokens for one in said)
        parts += len(said)
        left = [json.dumps({"summary": one.answer}, ensure_ascii=False) for one in said]
    raise UsageError(
        f"{len(lines)} readings do not fit into {context} tokens, summed up or not",
        hint="give fewer, or a model with more context",
    )


def group_lines(model: TextModel, lines: Sequence[str], room: int) -> list[list[str]]:
    """Lines in order, in groups that the room is enough for.

    Raises:
        UsageError: a single line is longer.
    """
    groups: list[list[str]] = [[]]
    used = 0
    for number, line in enumerate(lines, start=1):
        size = model.count(line) + 2
        if size > room:
            raise UsageError(
                f"reading {number} is {size} tokens, and there is room for {max(room, 0)}",
                hint="name a model with more context",
            )
        if used + size > room:
            groups.append([])
            used = 0
        groups[-1].append(line)
        used += size
    return groups


def _ask(
    model: TextModel, lines: Sequence[str], task: str, form: Form | None, on_words: Words | None
) -> Answer:
    from dataclasses import replace

    readings = "\n".join(lines)

    def ask(text: str) -> Answer:
        return model.write(f"{RULES}\n{readings}\n\n{text}", MAX_TOKENS)

    if form is None:
        return model.write(f"{RULES}\n{readings}\n\n{task}", MAX_TOKENS, on_words)
    answer, value = ask_form(ask, task, form)
    return replace(answer, value=value, formed=True)
