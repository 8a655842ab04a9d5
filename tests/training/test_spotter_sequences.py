"""Many questions in one sequence are worth exactly as many prompts; the tokenizer; one step."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("diffusers")
pytest.importorskip("cv2")

from rushes.readers.qwen3vl_video import cut_patches, normalise_clip  # noqa: E402
from training.spotter import parts, train_reader  # noqa: E402
from training.spotter.cache import write_shard  # noqa: E402
from training.spotter.events import list_events  # noqa: E402
from training.spotter.labels import label_cells  # noqa: E402
from training.spotter.model import Eyes, Spotter, build_model  # noqa: E402
from training.spotter.questions import TRAINED, Question, draw_questions  # noqa: E402
from training.spotter.scenes import sample_clip  # noqa: E402
from training.spotter.sequences import (  # noqa: E402
    AFTER,
    END,
    Writer,
    join_sequences,
    make_mask,
    number_clip,
)
from training.spotter.settings import SETTINGS  # noqa: E402
from training.spotter.tally import Tally  # noqa: E402
from training.spotter.tokenizer import list_pieces, train_tokenizer  # noqa: E402
from training.spotter.train_eyes import draw_pairs  # noqa: E402
from training.sprite.checkpoints import Ema, save  # noqa: E402
from training.sprite.muon import Both  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer()


@pytest.fixture(scope="module")
def data(tmp_path_factory, tokenizer):
    folder = tmp_path_factory.mktemp("cache")
    write_shard(0, folder, 16, 0.0)
    return train_reader.Data(folder, Writer(tokenizer))


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(1)
    return Spotter(tokenizer)


def test_words_and_times_are_one_token_each(tokenizer):
    for piece in list_pieces():
        assert len(tokenizer(piece)["input_ids"]) == 1, piece
    stamp = tokenizer("<0.8 seconds>")["input_ids"]
    assert len(stamp) == 3
    assert stamp[1] in tokenizer("at 0.8 s")["input_ids"]
    assert tokenizer.convert_tokens_to_ids(list(parts.SPECIAL)) == list(range(len(parts.SPECIAL)))


@settings(max_examples=40)
@given(text=st.text(max_size=40))
def test_any_text_tokenises_and_comes_back_in_lower_case(tokenizer, text):
    ids = tokenizer(text, split_special_tokens=True)["input_ids"]
    assert tokenizer.decode(ids) == text.lower()


def test_spotter_is_small(model):
    count = sum(p.numel() for p in model.reader.parameters())
    assert 3e6 < count < 9e6
    assert type(model.reader).__name__ == "Qwen3VLForConditionalGeneration"


@settings(max_examples=40)
@given(
    blocks=st.integers(1, 5), rows=st.integers(1, 6), columns=st.integers(1, 6),
    start=st.floats(0, 9),
)  # fmt: skip
def test_positions_are_those_of_the_class(tokenizer, model, blocks, rows, columns, start):
    seconds = [start + k / 8 for k in range(2 * blocks)]
    ids = Writer(tokenizer).write_clip(seconds, rows * columns)
    grid = (blocks, 2 * rows, 2 * columns)
    tokens = torch.tensor([ids])
    theirs = model.reader.model.get_rope_index(
        tokens, 2 * (tokens == parts.VIDEO_PAD).int(), video_grid_thw=torch.tensor([grid])
    )[0]
    assert torch.equal(torch.from_numpy(number_clip(ids, grid)), theirs[:, 0])


@settings(max_examples=40)
@given(st.lists(st.integers(-1, 3), min_size=1, max_size=12).map(sorted))
def test_a_question_sees_the_clip_and_itself(segments):
    mask = make_mask(torch.tensor([segments]))[0, 0]
    for i, mine in enumerate(segments):
        for j, theirs in enumerate(segments):
            assert bool(mask[i, j]) == (j <= i and theirs in (0, mine))
        assert mask[i, i]


def test_packed_questions_get_the_logits_of_single_prompts(data, model):
    drawn = data.draw(np.array([1, 3]), np.random.default_rng(0), 3)
    batch, writer = drawn.batch, data.writer
    sizes = [int(g.prod()) for g in batch.grids]
    with torch.no_grad():
        hidden = model.reader.model(
            input_ids=batch.ids, position_ids=batch.positions, attention_mask=batch.mask,
            pixel_values_videos=batch.pixels, video_grid_thw=batch.grids, use_cache=False,
        ).last_hidden_state  # fmt: skip
        packed = model.reader.lm_head(hidden)
        for row, pixels in enumerate(batch.pixels.split(sizes)):
            end = int(batch.block_columns[batch.block_rows == row].max()) + 1
            at = end
            for question in drawn.questions[row]:
                text = AFTER.format(question=question.text) + question.answer + END
                tail = list(writer.encode(text))
                ids = torch.tensor([batch.ids[row, :end].tolist() + tail])
                single = model.reader(
                    input_ids=ids, pixel_values_videos=pixels,
                    video_grid_thw=batch.grids[row : row + 1],
                    mm_token_type_ids=2 * (ids == parts.VIDEO_PAD).int(),
                ).logits  # fmt: skip
                torch.testing.assert_close(
                    single[0, end:], packed[row, at : at + len(tail)], atol=1e-4, rtol=1e-3
                )
                at += len(tail)


def test_only_answers_are_learnt(data):
    drawn = data.draw(np.array([0, 2]), np.random.default_rng(3), 4)
    batch = drawn.batch
    said = [data.writer.encode(q.answer + END) for asked in drawn.questions for q in asked]
    assert batch.targets.tolist() == [i for ids in said for i in ids]
    assert torch.equal(batch.ids[batch.rows, batch.columns], batch.targets)


def test_one_step_reaches_every_weight(data, model):
    drawn = data.draw(np.array([0, 1]), np.random.default_rng(5), 8)
    assert len(drawn.batch.dates)
    model.zero_grad()
    out = train_reader.take_step(model, drawn)
    assert float(out["answer"].detach()) == pytest.approx(np.log(950), rel=0.15)
    learns = [(n, p) for n, p in model.named_parameters() if p.requires_grad and "sight" not in n]
    still = [n for n, p in learns if p.grad is None or not p.grad.any()]
    # a key's bias moves all scores of a row alike, so nothing depends on it
    assert [n for n in still if "qkv.bias" not in n] == []


def test_a_mirrored_pair_has_mirrored_labels(data):
    item = data.shards.load(0)
    cells = label_cells(item.clip, np.array(item.seconds[:2]), (1, 8, 8))
    mirrored = cells.mirror()
    assert torch.equal(mirrored.kinds.flip(3), cells.kinds)
    full = cells.kinds > 0
    assert torch.equal(mirrored.places.flip(3)[full][:, 0], -cells.places[full][:, 0])
    assert torch.equal(mirrored.places.flip(3)[full][:, 1:], cells.places[full][:, 1:])
    # whatever has its middle in a cell touches it
    assert (cells.colours[full] > 0).all()
    assert (cells.shapes[full] > 0).all()


def test_the_reader_takes_over_the_eyes_and_keeps_them(data, model, tmp_path):
    torch.manual_seed(3)
    eyes = Eyes()
    pairs = draw_pairs(data.shards, np.random.default_rng(4), 3)
    out = eyes(pairs.pixels, pairs.grids, pairs.truth)
    assert set(out) == {"sight", "colour", "shape"}
    save(tmp_path / "last.pt", eyes, Ema(eyes), Both(eyes, 1e-3), {"step": 1})
    reader = Spotter(train_tokenizer())
    reader.take_eyes(tmp_path / "last.pt")
    visual = reader.reader.model.visual
    assert torch.equal(
        visual.blocks[0].mlp.linear_fc1.weight, eyes.visual.blocks[0].mlp.linear_fc1.weight
    )
    drawn = data.draw(np.array([0, 1]), np.random.default_rng(5), 3)
    train_reader.take_step(reader, drawn)
    moving = {n for n, p in visual.named_parameters() if p.grad is not None}
    assert moving == {n for n, _ in visual.named_parameters() if "deepstack" in n}


def test_layers_that_an_exported_reader_lacks_add_nothing(data, tokenizer, tmp_path, monkeypatch):
    with monkeypatch.context() as fewer:
        fewer.setitem(parts.TEXT, "num_hidden_layers", 4)
        small = build_model(len(tokenizer)).eval()
    small.save_pretrained(tmp_path)
    grown = Spotter(tokenizer)
    grown.take_weights(tmp_path)
    assert len(grown.reader.model.language_model.layers) > 4
    batch = data.draw(np.array([0, 1]), np.random.default_rng(2), 3).batch
    with torch.no_grad():
        before, after = (
            reader.model(
                input_ids=batch.ids, position_ids=batch.positions, attention_mask=batch.mask,
                pixel_values_videos=batch.pixels, video_grid_thw=batch.grids, use_cache=False,
            ).last_hidden_state
            for reader in (small, grown.reader.eval())
        )  # fmt: skip
    assert torch.equal(before, after)


def test_workers_draw_the_same_clips_of_like_length(data):
    picks = [data.pick(k, 4, simple=False) for k in range(train_reader.POOL)]
    again = [data.pick(k, 4, simple=False) for k in range(train_reader.POOL)]
    assert all(np.array_equal(a, b) for a, b in zip(picks, again, strict=True))
    spread = max(np.ptp(data.lengths[p]) for p in picks)
    assert spread < np.ptp(data.lengths)
    simple = data.pick(0, 4, simple=True)
    assert (data.shards.count_actors()[simple] <= 1).all()


def test_a_later_clip_moves_its_times():
    question = Question("time", "when?", "at 0.8 s", closed=False, seconds=0.84)
    moved = train_reader.delay(question, 3.0)
    assert (moved.answer, moved.seconds) == ("at 3.8 s", 3.84)
    assert train_reader.delay(replace(question, dated=(("when", 0.84),)), 3.0).dated == (
        ("when", 3.84),
    )
    other = Question("colour", "what colour is it?", "red")
    assert train_reader.delay(other, 3.0) == other


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_words_for_an_event_are_dated_where_they_end(tokenizer, seed):
    rng = np.random.default_rng(seed)
    writer, clip = Writer(tokenizer), sample_clip(rng, count=2)
    asked = draw_questions(clip, rng, 12, kinds=TRAINED, teaching=True)
    sequence = writer.write([k / 8 for k in range(8)], (4, 8, 8), asked)
    dated = [(words, seconds) for question in asked for words, seconds in question.dated]
    assert np.allclose(sequence.dates, [seconds for _, seconds in dated])
    for at, (words, _) in zip(sequence.dated, dated, strict=True):
        question = sequence.segments[at]
        before = sequence.ids[
            (sequence.segments == question) & (np.arange(len(sequence.ids)) <= at)
        ]
        assert tokenizer.decode(before.tolist()).endswith(words)
    for question in asked:
        events = {e.seconds for actor in clip.actors for e in list_events(clip, actor)}
        assert {seconds for _, seconds in question.dated} <= events
        assert len(question.dated) == {"time": question.seconds is not None, "order": 2}.get(
            question.kind.removeprefix("yes_no_"), 0
        )


def test_dates_teach_when_the_named_events_were(data, model):
    dates = torch.tensor([0.4, 1.97])
    with torch.no_grad():
        weight, bias = model.dates.weight.clone(), model.dates.bias.clone()
        model.dates.weight.zero_()
        losses = {}
        for tick in (4, 5, 40):
            model.dates.bias.zero_()
            model.dates.bias[[tick, 20]] = 9.0
            losses[tick] = float(model.measure_dates(torch.zeros(2, 192), dates))
        assert losses[4] < losses[5] < losses[40]
        assert float(model.measure_dates(torch.zeros(0, 192), dates[:0])) == 0
        model.dates.weight.copy_(weight)
        model.dates.bias.copy_(bias)


def test_the_tally_counts_what_is_right(data, tokenizer):
    drawn = data.draw(np.array([0, 1, 2]), np.random.default_rng(9), 6)
    batch = drawn.batch
    right = Tally(tokenizer, 0.125)
    right.add(batch, drawn.questions, {"guess": batch.targets.clone()})
    assert all(all(hits) for hits in right.right.values())
    assert sum(len(hits) for hits in right.right.values()) == 18
    wrong = Tally(tokenizer, 0.125)
    wrong.add(batch, drawn.questions, {"guess": torch.zeros_like(batch.targets)})
    assert not any(any(hits) for hits in wrong.right.values())


def test_a_time_that_is_nearly_right_costs_little(data, model):
    asked = [
        Question("time", "when does it blink?", "at 1.0 s", closed=False, seconds=0.97),
        Question("colour", "what colour is the ball?", "red"),
    ]
    item = data.shards.load(0)
    cut = cut_patches(normalise_clip(torch.from_numpy(np.array(item.frames)), SETTINGS), SETTINGS)
    sequence = data.writer.write(list(item.seconds), cut.grid, asked)
    batch = join_sequences([sequence], cut.values, [cut.grid])
    (timed,) = np.flatnonzero(~batch.moments.isnan().numpy())
    assert data.writer.encode("1.0") == (int(batch.targets[timed]),)
    assert batch.moments[timed] == np.float32(0.97)
    losses = {}
    for tick in ("0.9", "1.0", "1.1", "1.9"):
        logits = torch.zeros(len(batch.targets), model.reader.config.text_config.vocab_size)
        logits[:, data.writer.encode(tick)[0]] = 9.0
        losses[tick] = float(model.measure_answers(logits, batch))
    assert losses["1.0"] < losses["0.9"] < losses["1.1"] < losses["1.9"]
