"""MVBench: 20 tasks of 200 questions about short videos.

The files of huggingface.co/datasets/OpenGVLab/MVBench: one JSON list a task under ``json/``, each
question with video, question, candidates and answer, and of some tasks start and end. Which folder
of ``video/`` a task's videos lie in, and which tasks look at a part, is from the owners'
github.com/OpenGVLab/Ask-Anything, video_chat2/mvbench.ipynb.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rushes.errors import UsageError
from rushes.evals.published import make_suite, read_rows, take_list, take_text
from rushes.evals.suite import Case, Expected, Suite

SOURCE = "MVBench, huggingface.co/datasets/OpenGVLab/MVBench"
TASKS = {
    "action_sequence": "star/Charades_v1_480",
    "action_prediction": "star/Charades_v1_480",
    "action_antonym": "ssv2_video",
    "fine_grained_action": "Moments_in_Time_Raw/videos",
    "unexpected_action": "FunQA_test/test",
    "object_existence": "clevrer/video_validation",
    "object_interaction": "star/Charades_v1_480",
    "object_shuffle": "perception/videos",
    "moving_direction": "clevrer/video_validation",
    "action_localization": "sta/sta_video",
    "scene_transition": "scene_qa/video",
    "action_count": "perception/videos",
    "moving_count": "clevrer/video_validation",
    "moving_attribute": "clevrer/video_validation",
    "state_change": "perception/videos",
    "fine_grained_pose": "nturgbd",
    "character_order": "perception/videos",
    "egocentric_navigation": "vlnqa",
    "episodic_reasoning": "tvqa/frames_fps3_hq",
    "counterfactual_inference": "clevrer/video_validation",
}
"""The folder of a task's videos, below ``video/``."""
PARTS = frozenset(
    ("action_sequence", "action_prediction", "object_interaction", "action_localization")
)
"""Tasks whose questions are about a part of the video. Those of ``episodic_reasoning`` are too, but
its videos are folders of pictures, which are not read here."""
OPENING = (
    "Carefully watch the video and pay attention to the cause and sequence of events, the detail "
    "and movement of objects, and the action and pose of persons. Based on your observations, "
    "select the best option that accurately addresses the question."
)
CLOSING = "Only give the best option."


def read_files(path: Path) -> Suite:
    """A suite of one task's file, or of a folder of them.

    Raises:
        UsageError: it is no file of MVBench's, or a question is wrong.
    """
    files = [path] if path.is_file() else sorted(_list_files(path))
    if not files:
        names = "action_sequence.json and the like"
        raise UsageError(f"there is no task of MVBench in {path}", hint=f"it has {names}")
    return make_suite("MVBench", SOURCE, (c for f in files for c in _list_cases(f)), str(path))


def _list_files(folder: Path) -> Iterator[Path]:
    for inside in (folder, folder / "json"):
        yield from (path for path in inside.glob("*.json") if path.stem in TASKS)


def _list_cases(path: Path) -> Iterator[Case]:
    task = path.stem
    for number, row in enumerate(read_rows(path), start=1):
        where = f"{path}: question {number}"
        start, end = _find_part(row, where) if task in PARTS else (None, None)
        yield Case(
            video=f"video/{TASKS[task]}/{take_text(row, 'video', where)}",
            question=f"{OPENING}\nQuestion: {take_text(row, 'question', where)}\nOptions:",
            options=take_list(row, "candidates", where),
            expect=Expected(choice=take_text(row, "answer", where)),
            start=start,
            end=end,
            closing=CLOSING,
            group=task,
            id=f"{task}-{number}",
        )


def _find_part(row: dict[str, Any], where: str) -> tuple[float | None, float | None]:
    start, end = row.get("start"), row.get("end")
    if start is None or end is None:
        return None, None
    try:
        return float(start), float(end)
    except (TypeError, ValueError) as exc:
        raise UsageError("start and end of a question are no times", where=where) from exc
