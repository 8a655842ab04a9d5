"""The published benchmarks, in files of their owners' forms."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rushes.errors import UsageError
from rushes.evals.asking import write_question
from rushes.evals.mvbench import PARTS, TASKS
from rushes.evals.published import load_suite

MME = {
    "video_id": "001", "duration": "short", "domain": "Knowledge", "sub_category": "Humanity",
    "url": "https://www.youtube.com/watch?v=fFjv93ACGo8", "videoID": "fFjv93ACGo8",
    "question_id": "001-1", "task_type": "Counting Problem",
    "question": "How many red socks are above the fireplace?",
    "options": ["A. 1.", "B. 4.", "C. 2.", "D. 3."], "answer": "D",
}  # fmt: skip


def write_json(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow
    import pyarrow.parquet as parquet

    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize("ending", ["parquet", "json", "jsonl"])
def test_video_mme_as_a_table(tmp_path: Path, ending: str) -> None:
    other = MME | {"videoID": "not-here", "question_id": "002-1"}
    path = tmp_path / f"test-00000-of-00001.{ending}"
    if ending == "parquet":
        write_parquet(path, [MME, other])
    elif ending == "json":
        write_json(path, [MME, other])
    else:
        path.write_text("\n".join(json.dumps(row) for row in (MME, other)))
    touch(tmp_path / "data" / "fFjv93ACGo8.mp4")
    loaded = load_suite(path, tmp_path / "data", tmp_path)
    (case,) = loaded.suite.cases
    assert loaded.skipped == {"the video is not there": 1}
    assert (case.id, case.video, case.group) == ("001-1", "fFjv93ACGo8.mp4", "short")
    assert (case.expect.choice, case.options) == ("D", ["1.", "4.", "2.", "3."])
    assert write_question(loaded.suite, case) == (
        "Select the best answer to the following multiple-choice question based on the video. "
        "Respond with only the letter (A, B, C, or D) of the correct option.\n"
        "How many red socks are above the fireplace?\nA. 1.\nB. 4.\nC. 2.\nD. 3.\n"
        "The best answer is:"
    )


def test_video_mme_as_its_owners_take_results(tmp_path: Path) -> None:
    keys = ("question_id", "task_type", "question", "options", "answer")
    questions = [{**{key: MME[key] for key in keys}, "response": "C"}]
    video = {key: MME[key] for key in ("video_id", "duration", "domain", "sub_category")}
    path = write_json(tmp_path / "output_test_template.json", [{**video, "questions": questions}])
    touch(tmp_path / "001.mkv")
    (case,) = load_suite(path, None, tmp_path).suite.cases
    assert (case.video, case.expect.choice, case.group) == ("001.mkv", "D", "short")


def test_mvbench_of_several_tasks(tmp_path: Path) -> None:
    row = {"video": "ZS9XR.mp4", "question": "What happened after the person took the food?",
           "candidates": ["Ate the medicine.", "Tidied up the blanket."],
           "answer": "Ate the medicine.", "start": 11.1, "end": 19.6}  # fmt: skip
    write_json(tmp_path / "json" / "action_sequence.json", [row])
    write_json(tmp_path / "json" / "scene_transition.json", [row | {"video": "s.mp4"}])
    write_json(tmp_path / "json" / "episodic_reasoning.json", [row | {"video": "friends_clip"}])
    touch(tmp_path / "video/star/Charades_v1_480/ZS9XR.mp4")
    touch(tmp_path / "video/scene_qa/video/s.mp4")
    loaded = load_suite(tmp_path, None, tmp_path)
    first, second = loaded.suite.cases
    assert (first.start, first.end, first.group) == (11.1, 19.6, "action_sequence")
    assert (second.start, second.end, second.group) == (None, None, "scene_transition")
    assert first.expect.choice == "A"
    assert loaded.skipped == {"the video is not there": 1}
    assert write_question(loaded.suite, first).endswith(
        "Question: What happened after the person took the food?\nOptions:\n"
        "A. Ate the medicine.\nB. Tidied up the blanket.\nOnly give the best option."
    )
    one = load_suite(tmp_path / "json" / "scene_transition.json", tmp_path, tmp_path)
    assert len(one.suite.cases) == 1


def test_mvbench_has_twenty_tasks() -> None:
    assert len(TASKS) == 20
    assert set(TASKS) > PARTS


def make_picture(kind: str) -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, kind)
    return {"bytes": file.getvalue(), "path": None}


def test_mmmu_pro_standard(tmp_path: Path) -> None:
    row = {"id": "test_History_1", "question": "<image 1> Who is this?",
           "options": "['Bob', \"Al's\", 'see <image 1>']", "answer": "B", "subject": "History",
           "image_1": make_picture("PNG"), "image_2": None}  # fmt: skip
    several = row | {"id": "b", "question": "<image 1> or <image 2>?",
                     "image_2": make_picture("JPEG")}  # fmt: skip
    path = write_parquet(tmp_path / "test-00000-of-00002.parquet", [row, several])
    loaded = load_suite(path, None, tmp_path)
    (case,) = loaded.suite.cases
    assert loaded.skipped == {"it is about several pictures": 1}
    assert (case.expect.choice, case.options) == ("B", ["Bob", "Al's", "see [image]"])
    assert (loaded.folder / case.video).read_bytes() == row["image_1"]["bytes"]  # type: ignore[index]
    assert write_question(loaded.suite, case) == (
        "[image] Who is this?\nA. Bob\nB. Al's\nC. see [image]\n"
        "Answer with the option letter from the given choices directly."
    )


def test_mmmu_pro_vision(tmp_path: Path) -> None:
    row = {"id": "test_Art_1", "image": make_picture("JPEG"), "options": "['x', 'y']",
           "answer": "A", "subject": "Art"}  # fmt: skip
    loaded = load_suite(write_parquet(tmp_path / "vision.parquet", [row]), None, tmp_path)
    (case,) = loaded.suite.cases
    assert case.video == "test_Art_1.jpg"
    assert "Answer: $LETTER" in case.question


def test_charades_sta(tmp_path: Path) -> None:
    lines = ["3MSZA 24.3 30.4##person turn a light on.", "3MSZA 5 5##person stands.",
             "AAAAA 0.0 8.4##a person runs."]  # fmt: skip
    path = tmp_path / "charades_sta_test.txt"
    path.write_text("\n".join(lines) + "\n")
    touch(tmp_path / "Charades_v1_480" / "3MSZA.mp4")
    loaded = load_suite(path, tmp_path / "Charades_v1_480", tmp_path)
    (case,) = loaded.suite.cases
    assert case.expect.interval == (24.3, 30.4)
    assert '"person turn a light on."' in case.question
    assert loaded.skipped == {"the video is not there": 1}


def test_own_suite_needs_its_videos(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        'name = "a"\nvideos = "in"\n[[cases]]\nvideo = "a.mp4"\nquestion = "what?"\n'
        "expect = { number = 1 }\n"
    )
    with pytest.raises(UsageError, match=r"no video a\.mp4"):
        load_suite(path, None, tmp_path)
    touch(tmp_path / "in" / "a.mp4")
    assert load_suite(path, None, tmp_path).suite.name == "a"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "[]", "no list"), ("a.json", "{", "cannot be read"),
        ("a.json", "[3]", "no list"),
        ("a.json", '[{"x": 1}]', "no suite"), ("a.jsonl", "{}\n{", "cannot be read"),
        ("a.txt", "one line\n", "none of Charades"), ("a.parquet", "no", "cannot be read"),
        ("a.json", '[{"videoID": "a"}]', "no 'question'"),
        ("action_count.json", '[{"video": "../../a.mp4", "question": "q", "candidates": ["x", "y"],'
         ' "answer": "x"}]', "none of the videos"),
        ("state_change.json", '[{"video": "a", "question": "q", "candidates": ["x", "y"],'
         ' "answer": "z"}]', "none of the options"),
        ("a.toml", "name = ", "wrong"),
    ],
)  # fmt: skip
def test_files_that_are_none(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    touch(tmp_path / "a.mp4")
    with pytest.raises(UsageError, match=words):
        load_suite(tmp_path / name, None, tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(MME)), JSON), st.booleans())
def test_a_row_of_anything_is_a_case_or_an_error(row: dict[str, Any], whole: bool) -> None:
    from rushes.evals import video_mme

    rows = [MME | row if whole else {"videoID": "a", **row}]
    with suppress(UsageError):
        assert video_mme.read_table(rows, "here").cases


@given(st.text(max_size=60))
def test_a_line_of_anything_is_a_case_or_an_error(tmp_path: Path, line: str) -> None:
    from rushes.evals import charades_sta

    path = tmp_path / "a.txt"
    path.write_text(line, "utf-8")
    with suppress(UsageError):
        assert charades_sta.read_file(path).cases
