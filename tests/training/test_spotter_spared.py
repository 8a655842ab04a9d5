"""Nothing is taught about triples that are kept from training, not even that they never are."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("cv2")

from training.spotter import labels, wordings  # noqa: E402
from training.spotter.events import MOTION_OF  # noqa: E402
from training.spotter.model import Spotter  # noqa: E402
from training.spotter.questions import draw_questions, mend_articles  # noqa: E402
from training.spotter.render import pick_frames  # noqa: E402
from training.spotter.scenes import sample_clip  # noqa: E402
from training.spotter.sequences import Writer, join_sequences  # noqa: E402
from training.spotter.settings import SETTINGS  # noqa: E402
from training.spotter.spared import AXES, AXIS, list_spared  # noqa: E402
from training.spotter.tokenizer import train_tokenizer  # noqa: E402
from training.sprite import world  # noqa: E402

few = settings(max_examples=40)
GRID = (2, 8, 8)


def draw_scene(colour, shape, motion):
    rng = np.random.default_rng(0)
    return world.sample_scene(rng, colour=colour, shape=shape, motion=motion, include_held_out=True)


MEANING = {other: word for word, others in wordings.NOUNS.items() for other in others}
CROSS = draw_scene("red", "cross", "orbits")
BALL = draw_scene("green", "ball", "slides")


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer()


@pytest.mark.parametrize(
    ("answer", "about", "spared"),
    [
        ("orbits", (CROSS,), [(0, "bounces"), (0, "slides"), (0, "blinks")]),
        ("slides", (BALL,), []),
        ("cross", (replace(CROSS, motion="pulses"),), []),
        ("cross", (replace(CROSS, motion="rises"),), [(0, "square")]),
        ("the red cross", (replace(CROSS, motion="rises"),), [(2, "square")]),
        ("purple", (draw_scene("purple", "square", "rises"),), [(0, "red")]),
        (
            "a red cross orbits fast and a green ball slides fast on a grey background",
            (CROSS, BALL),
            [(3, "bounces"), (3, "slides"), (3, "blinks")],
        ),
        ("at 0.8 s", (), []),
    ],
)
def test_words_that_would_make_a_kept_triple_are_spared(answer, about, spared):
    assert list_spared(answer.split(), about) == spared


@few
@given(st.integers(0, 10**6))
def test_the_spared_are_those_of_the_object_that_is_named(seed):
    rng = np.random.default_rng(seed)
    clip = sample_clip(rng)
    for question in draw_questions(clip, rng, 12, teaching=True):
        words = question.answer.split()
        spared = list_spared(words, question.about)
        for place, word in spared:
            told = replace_word(question, words, place, word)
            assert world.is_held_out(*told), (question, place, word)
        if question.kind == "motion" and question.about:
            scene = question.about[0]
            kept = {m for m in world.MOTIONS if world.is_held_out(scene.colour, scene.shape, m)}
            assert {word for _, word in spared} == kept


def replace_word(question, words, place, word):
    """The triple that the answer would tell of with another word in one place."""
    if len(words) == 1:
        scene = question.about[0]
    else:
        before = [w for w in words[: place + 1] if w in AXES["colour"]]
        scene = question.about[max(len(before), 1) - 1]
    told = replace(scene, **{AXIS[word]: word})
    return told.colour, told.shape, told.motion


def ask_when(clip, rng, teaching):
    """Colour, shape and event of what is asked when it happens, and is not there to be seen."""
    doings = {w: k for k, forms in wordings.DOINGS.items() for form in forms for w in form}
    thing = clip.actors[0].scene
    for question in draw_questions(clip, rng, 150, kinds=TIMES, teaching=teaching):
        if not question.absent:
            continue
        words = {MEANING.get(w, w) for w in re.findall(r"[a-z]+", question.text)}
        named = [words & set(AXES[axis]) for axis in ("colour", "shape")]
        says = max((w for w in doings if w in question.text), key=len, default=None)
        if says is None or any(len(one) > 1 for one in named):
            continue
        colour, shape = (next(iter(one), None) for one in named)
        if colour in (None, thing.colour) and shape in (None, thing.shape):
            colour, shape = thing.colour, thing.shape
        yield colour, shape, doings[says]


TIMES = dict.fromkeys(
    ("colour", "shape", "motion", "speed", "background", "count", "which", "objects", "describe",
     "order", "yes_no"), 0.0,
) | {"time": 1.0}  # fmt: skip


def test_no_question_says_that_a_kept_triple_never_is():
    def count(teaching):
        rng, found = np.random.default_rng(5), 0
        for _ in range(40):
            clip = sample_clip(rng, count=1)
            for colour, shape, event in ask_when(clip, rng, teaching):
                found += world.is_held_out(colour, shape, MOTION_OF.get(event, ""))
        return found

    assert count(teaching=False) > 20
    assert count(teaching=True) == 0


def test_a_spared_word_is_learnt_neither_for_nor_against(tokenizer):
    rng = np.random.default_rng(3)
    writer, model = Writer(tokenizer), Spotter(tokenizer)
    clip = sample_clip(rng, count=1)
    while not list_spared([clip.actors[0].scene.motion], [clip.actors[0].scene]):
        clip = sample_clip(rng, count=1)
    asked = [mend_articles(q) for q in draw_questions(clip, rng, 40, teaching=True)]
    seconds = [k / clip.rate for k in pick_frames(clip, SETTINGS.sampling)][: 2 * GRID[0]]
    sequence = writer.write(seconds, GRID, asked)
    batch = join_sequences([sequence, sequence], torch.zeros(0), [GRID, GRID])
    assert len(batch.spared) == 2 * len(sequence.spared) > 0
    logits = torch.randn(len(batch.targets), len(tokenizer), requires_grad=True)
    loss = model.measure_answers(logits, batch)
    loss.backward()
    assert loss.isfinite()
    rows, tokens = batch.spared.T
    assert not logits.grad[rows, tokens].any()
    assert (logits.grad[rows, batch.targets[rows]] < 0).all()
    kept = torch.zeros_like(logits, dtype=torch.bool)
    kept[rows, tokens] = True
    plain = torch.isnan(batch.moments)
    assert (logits.grad != 0)[plain][~kept[plain]].all()
    told = {tokenizer.decode([t]).strip() for t in tokens.tolist()}
    assert told <= set(AXIS)


def test_the_story_says_nothing_of_kept_triples(tokenizer):
    model = Spotter(tokenizer)
    clip = sample_clip(np.random.default_rng(1), count=2, rate=8, seconds=2.0)
    truth = labels.label_clip(clip, np.arange(16) / 8, (8, 8, 8))
    states = torch.randn(8, model.story.in_features)
    loss = model.measure_story(states, truth)
    loss.backward()
    assert loss.isfinite()
    grads = model.story.bias.grad.view(labels.KINDS, labels.STORY)
    events = len(labels.EVENTS)
    motions = grads[:, 2 + 3 * events :]
    assert not motions[labels.KEPT_MOTIONS].any()
    assert not grads[:, 2 : 2 + events][labels.KEPT_EVENTS].any()
    seen = truth.met.any(0)
    assert motions[seen][~labels.KEPT_MOTIONS[seen]].all()


def test_what_is_kept_is_what_the_world_keeps():
    assert int(labels.KEPT_MOTIONS.sum()) == 14
    assert labels.KEPT_MOTIONS[labels.name_kind("red", "cross")].tolist() == [
        motion in ("bounces", "slides", "blinks") for motion in world.MOTIONS
    ]
    floor = labels.EVENTS.index("floor")
    assert labels.KEPT_EVENTS[labels.name_kind("blue", "square"), floor]
