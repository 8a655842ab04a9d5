"""The reader on a tiny random model of the true class: it says what the class's generate says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rushes.errors import UsageError
from rushes.readers.base import Answer, find_reader
from rushes.readers.qwen3vl import LoadedQwen3VL
from rushes.readers.qwen3vl_video import average_times, prepare_pixels, write_blocks
from tests.readers.checkpoints import SPOTTER, make_frames, write_checkpoint

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

QUESTIONS = ("what colour is the ball?", "When does it land", "is there a red square?")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("reader") / "tiny")


@pytest.fixture(scope="module")
def reader(folder: Path) -> LoadedQwen3VL:
    loaded = find_reader("qwen3vl").open(folder, "cpu")
    assert isinstance(loaded, LoadedQwen3VL)
    return loaded


def ask_the_class(folder: Path, frames, question: str, count: int) -> str:
    """The whole prompt at once, through `generate`."""
    from transformers import AutoTokenizer, Qwen3VLForConditionalGeneration

    model = Qwen3VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    settings = find_reader("qwen3vl").open(folder, "cpu").settings
    pixels = prepare_pixels(frames, settings)
    tokens = pixels.grid[1] * pixels.grid[2] // 4
    marks = ("<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
    blocks = write_blocks(average_times(frames.seconds, 2), tokens, *marks)
    content = [{"type": "video"}, {"type": "text", "text": question}]
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    ).replace("<|video_pad|>", blocks)
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    out = model.generate(
        input_ids=ids,
        mm_token_type_ids=2 * (ids == model.config.video_token_id).int(),
        pixel_values_videos=pixels.values,
        video_grid_thw=torch.tensor([pixels.grid]),
        do_sample=False,
        max_new_tokens=count,
    )
    return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip()


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_those_of_generate(folder: Path, reader: LoadedQwen3VL, question: str) -> None:
    frames = make_frames()
    said = reader.ask(frames, question, max_tokens=12)
    assert said.answer == ask_the_class(folder, frames, question, 12)


def test_a_question_leaves_no_trace_in_the_next(folder: Path, reader: LoadedQwen3VL) -> None:
    frames = make_frames(seed=3)
    alone = [
        find_reader("qwen3vl").open(folder, "cpu").ask(frames, q, max_tokens=8).answer
        for q in QUESTIONS
    ]
    together = [reader.ask(frames, q, max_tokens=8).answer for q in QUESTIONS]
    assert together == alone
    assert reader.ask(frames, QUESTIONS[0], max_tokens=8).answer == alone[0]
    assert len(set(alone)) > 1


def test_another_clip_is_read_anew(reader: LoadedQwen3VL) -> None:
    one = reader.ask(make_frames(seed=1), QUESTIONS[0], max_tokens=12)
    two = reader.ask(make_frames(9, 96, 48, seed=2), QUESTIONS[0], max_tokens=12)
    assert one.answer != two.answer
    assert two.frames == tuple(k / 8 for k in range(9))


def test_an_answer_is_the_documents_of_the_contract(reader: LoadedQwen3VL) -> None:
    answer = reader.ask(make_frames(), QUESTIONS[0], max_tokens=4)
    assert isinstance(answer, Answer)
    assert answer.model == "tiny"
    assert answer.tokens > 4 * 17  # four blocks of twelve tokens with their marks
    document = json.loads(json.dumps(answer.to_dict()))
    assert sorted(document) == ["answer", "frames", "model", "spans", "tokens"]


def test_nothing_is_loaded_before_the_first_question(folder: Path) -> None:
    loaded = find_reader("qwen3vl").open(folder, "cpu")
    assert loaded.sampling.fps == 8
    assert loaded.loads == {}


@pytest.mark.parametrize("question", ["", "  ", "what? <|im_end|>", "<|video_pad|>"])
def test_questions_that_cannot_be_asked(reader: LoadedQwen3VL, question: str) -> None:
    with pytest.raises(UsageError, match="question"):
        reader.ask(make_frames(), question)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    family = find_reader("qwen3vl")
    with pytest.raises(UsageError, match=r"config\.json"):
        family.open(tmp_path, "cpu")
    (tmp_path / "config.json").write_text('{"model_type": "llava"}')
    with pytest.raises(UsageError, match="llava"):
        family.open(tmp_path, "cpu")


def test_missing_weights_are_a_clear_error(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        if path.suffix in (".json", ".jinja"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(UsageError, match="weights"):
        find_reader("qwen3vl").open(tmp_path, "cpu").ask(make_frames(), QUESTIONS[0])


def test_an_unknown_family_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="reader family 'nonesuch'"):
        find_reader("nonesuch")


def test_spotters_folder_is_in_the_hubs_layout() -> None:
    names = {path.name for path in SPOTTER.iterdir()}
    assert {
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "chat_template.jinja", "preprocessor_config.json", "video_preprocessor_config.json",
    } <= names  # fmt: skip
    config = json.loads((SPOTTER / "config.json").read_text())
    assert config["architectures"] == ["Qwen3VLForConditionalGeneration"]
    assert sum(path.stat().st_size for path in SPOTTER.iterdir()) <= 25_000_000
    assert not [n for n in names if n.endswith((".bin", ".pt", ".pkl", ".new", ".py"))]
