"""MMMU-Pro: 1,730 questions of college subjects about pictures, with up to ten options.

The Parquet tables of huggingface.co/datasets/MMMU/MMMU_Pro: ``standard (10 options)`` and
``standard (4 options)`` (id, question, options as a list in text, answer, image_1 to image_7,
subject), and ``vision`` (id, image, options, answer, subject), whose question is in the picture.
The words after a question are the ``direct`` ones of github.com/MMMU-Benchmark/MMMU,
mmmu-pro/prompts.yaml. A picture is asked about as a video of one frame; questions about several
pictures are not asked.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rushes.errors import UsageError
from rushes.evals.published import Loaded, make_suite, take, take_text
from rushes.evals.suite import Case, Expected

SOURCE = "MMMU-Pro, huggingface.co/datasets/MMMU/MMMU_Pro"
STANDARD = "Answer with the option letter from the given choices directly."
VISION = (
    "Answer with the option letter from the given choices directly. The last line of your response "
    "should be of the following format: 'Answer: $LETTER' (without quotes) where LETTER is one of "
    "options."
)
SEVERAL = "it is about several pictures"
_IMAGE = re.compile(r"<image\s+(\d+)>")
_HEADS = {b"\x89PNG": ".png", b"\xff\xd8": ".jpg", b"RIFF": ".webp"}


def read_table(rows: Sequence[dict[str, Any]], where: str, folder: Path) -> Loaded:
    """A suite of the questions about one picture, in groups by subject.

    Args:
        folder: where the pictures are written.

    Raises:
        UsageError: a column is missing, or an answer is none of the options.
    """
    cases, several = [], 0
    for row in rows:
        case = _make_case(row, where, folder)
        several += case is None
        if case is not None:
            cases.append(case)
    suite = make_suite("MMMU-Pro", SOURCE, cases, where)
    return Loaded(suite, folder, {SEVERAL: several} if several else {})


def _make_case(row: Mapping[str, Any], where: str, folder: Path) -> Case | None:
    name = take_text(row, "id", where)
    vision = "image" in row
    options = _read_options(take(row, "options", where), f"{where}: {name}")
    words = "" if vision else f"{take_text(row, 'question', where)}\n" + "\n".join(options)
    images = ["image"] if vision else [f"image_{n}" for n in dict.fromkeys(_IMAGE.findall(words))]
    if len(images) > 1:
        return None
    picture = take(row, images[0] if images else "image_1", where)
    file = re.sub(r"\W", "_", name) + _find_ending(picture, f"{where}: {name}")
    (folder / file).write_bytes(picture["bytes"])
    return Case(
        video=file,
        question=VISION if vision else _IMAGE.sub("[image]", str(row["question"])).strip(),
        options=[_IMAGE.sub("[image]", text) for text in options],
        expect=Expected(choice=take_text(row, "answer", where)),
        closing="" if vision else STANDARD,
        group=str(row.get("subject") or ""),
        id=name,
    )


def _read_options(said: Any, where: str) -> list[str]:
    """Options as a list, or as the text of one."""
    try:
        options = ast.literal_eval(said) if isinstance(said, str) else said
    except (ValueError, SyntaxError, MemoryError, RecursionError) as exc:
        raise UsageError("the options are no list", where=where) from exc
    if not isinstance(options, list):
        raise UsageError("the options are no list", where=where)
    return [str(option).strip() or "(empty)" for option in options]


def _find_ending(picture: Any, where: str) -> str:
    data = picture.get("bytes") if isinstance(picture, dict) else None
    for head, ending in _HEADS.items():
        if isinstance(data, bytes) and data.startswith(head):
            return ending
    raise UsageError("the picture of a question is no PNG, JPEG or WebP", where=where)
