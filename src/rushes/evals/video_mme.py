"""Video-MME: 2,700 questions with four options about 900 videos of 11 s to one hour.

The Parquet table of huggingface.co/datasets/lmms-lab/Video-MME (columns video_id, duration, domain,
sub_category, url, videoID, question_id, task_type, question, options, answer; a video is
``videoID``.mp4), or the JSON in which its owners take results (a list of videos with their
``questions``; github.com/MME-Benchmarks/Video-MME, evaluation/output_test_template.json). The words
around a question are those of that repository's README, without subtitles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rushes.errors import UsageError
from rushes.evals.published import make_suite, take_list, take_text
from rushes.evals.suite import Case, Expected, Suite

SOURCE = "Video-MME, github.com/MME-Benchmarks/Video-MME: its owners allow academic research only"
OPENING = (
    "Select the best answer to the following multiple-choice question based on the video. "
    "Respond with only the letter (A, B, C, or D) of the correct option."
)
CLOSING = "The best answer is:"
_MARK = re.compile(r"^\(?[A-Z][.):]\s*")


def read_table(rows: Sequence[dict[str, Any]], where: str) -> Suite:
    """A suite of all its questions, in groups by the videos' length.

    Raises:
        UsageError: a column is missing, or an answer is none of the options.
    """
    return make_suite("Video-MME", SOURCE, _list_cases(rows, where), where)


def _list_cases(rows: Sequence[dict[str, Any]], where: str) -> Iterator[Case]:
    for row in rows:
        questions = row.get("questions", [row])
        if not isinstance(questions, list) or not all(isinstance(q, dict) for q in questions):
            raise UsageError("the questions of a video are no list", where=where)
        for one in questions:
            yield Case(
                video=take_text(row, "videoID" if "videoID" in row else "video_id", where),
                question=f"{OPENING}\n{take_text(one, 'question', where)}",
                options=[_MARK.sub("", text) or text for text in take_list(one, "options", where)],
                expect=Expected(choice=take_text(one, "answer", where)),
                closing=CLOSING,
                group=str(row.get("duration") or ""),
                id=take_text(one, "question_id", where),
            )
