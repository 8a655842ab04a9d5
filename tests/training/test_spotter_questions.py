"""Spotter's questions: each answer against the clip's truth, read back out of the words."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("cv2")

from training.spotter import wordings
from training.spotter.events import list_events
from training.spotter.phrases import Voice, absent_phrase, phrase_of
from training.spotter.questions import MAKERS, draw_questions
from training.spotter.scenes import sample_clip
from training.sprite import world

seeds = st.integers(0, 10**6)
few = settings(max_examples=40)
MEANING = {w: w for w in (*world.COLOURS, *world.SHAPES, *world.MOTIONS, *world.BACKGROUNDS)}
MEANING |= {other: word for word, others in wordings.NOUNS.items() for other in others}
MEANING |= {v: k for forms in (wordings.BASE, wordings.ING) for k, v in forms.items()}
VERBS = {form: k for k, verbs in wordings.VERBS.items() for verb in verbs for form in verb}


def draw(seed, count=10, held_out=False, **fixed):
    rng = np.random.default_rng(seed)
    clip = sample_clip(rng, **fixed)
    return clip, draw_questions(clip, rng, count, held_out=held_out)


def read_words(text):
    """Colour, shape and motion that a phrase names; None for each that it does not."""
    for form in sorted(VERBS, key=len, reverse=True):
        text = re.sub(rf"\b{form}\b(?! is| has)", VERBS[form], text) if " " in form else text
    words = [MEANING.get(w, VERBS.get(w, w)) for w in re.findall(r"[a-z]+", text)]

    def first(options):
        return next((w for w in words if w in options), None)

    return first(world.COLOURS), first(world.SHAPES), first(world.MOTIONS)


def matches(clip, colour, shape, motion=None):
    return [
        a
        for a in clip.actors
        if colour in (None, a.scene.colour)
        and shape in (None, a.scene.shape)
        and motion in (None, a.scene.motion)
    ]


@few
@given(seeds)
def test_the_same_seed_asks_the_same(seed):
    assert draw(seed) == draw(seed)


@few
@given(seeds, st.sampled_from(["", "colour", "shape", "motion"]))
def test_a_phrase_means_one_object_and_does_not_give_the_answer_away(seed, without):
    rng = np.random.default_rng(seed)
    clip = sample_clip(rng)
    voice = Voice(rng)
    for actor in clip.actors:
        phrase = phrase_of(clip, actor, voice, without)
        if phrase is None:
            continue
        colour, shape, motion = read_words(phrase)
        assert matches(clip, colour, shape, motion) == [actor], phrase
        hidden = {"colour": colour, "shape": shape, "motion": motion}.get(without)
        assert hidden is None, phrase
    colour, shape, _ = read_words(absent_phrase(clip, voice, without))
    assert (colour, shape) != (None, None)
    assert matches(clip, colour, shape) == []


@few
@given(seeds)
def test_properties_are_those_of_the_object_that_is_meant(seed):
    clip, questions = draw(seed)
    for q in questions:
        if q.kind not in ("colour", "shape", "motion", "speed"):
            continue
        colour, shape, motion = read_words(q.text)
        if q.absent:
            assert q.answer == wordings.ABSENT
            assert matches(clip, colour, shape, motion) == []
        else:
            (actor,) = matches(clip, colour, shape, motion)
            assert q.answer == getattr(actor.scene, q.kind), q.text


@few
@given(seeds, st.booleans())
def test_sentences_are_true_when_they_are_said_to_be(seed, held_out):
    clip, questions = draw(seed, held_out=held_out)
    for q in questions:
        if q.kind != "yes_no_scene":
            continue
        where = re.search(r"on an? (\w+) background", q.text)
        text = q.text[: where.start()] if where else q.text
        ground = MEANING[where[1]] if where else clip.background
        found = matches(clip, *read_words(text))
        if re.search(r"\b(fast|quickly)\b", text):
            found = [a for a in found if a.scene.speed == "fast"]
        if re.search(r"\bslowly\b", text):
            found = [a for a in found if a.scene.speed == "slow"]
        assert (q.answer == "yes") == bool(found and ground == clip.background), q.text


@few
@given(seeds)
def test_times_are_of_an_event_of_the_object(seed):
    clip, questions = draw(seed)
    for q in questions:
        if q.seconds is None:
            continue
        assert q.answer == f"at {q.seconds:.1f} s"
        colour, shape, motion = read_words(q.text.replace("circle the", ""))
        (actor,) = matches(clip, colour, shape, motion)
        times = [e.seconds for e in list_events(clip, actor)]
        assert min(abs(q.seconds - t) for t in times) < 1e-9
        assert 0 < q.seconds < clip.seconds


@few
@given(seeds)
def test_an_empty_clip_has_nothing_in_it(seed):
    rng = np.random.default_rng(seed)
    clip = sample_clip(rng, count=0)
    for q in draw_questions(clip, rng, 14):
        if q.kind in ("background", "yes_no_background", "yes_no_count"):
            continue
        if q.kind == "describe":
            assert q.answer == f"nothing on a {clip.background} background"
        elif q.kind == "objects":
            assert q.answer == "nothing"
        elif q.kind == "count":
            assert q.answer == "0"
        else:
            assert q.absent
            assert q.answer in ("no", wordings.ABSENT)


def test_every_kind_comes_up_and_yes_is_no_better_guess_than_no():
    rng = np.random.default_rng(2)
    counts = Counter()
    for _ in range(150):
        for q in draw_questions(sample_clip(rng), rng, 12):
            counts[q.kind.partition("_")[0], q.answer if q.kind.startswith("yes") else ""] += 1
    kinds = {kind for kind, _ in counts}
    assert kinds == {name.partition("_")[0] for name in MAKERS}
    yes, no = counts["yes", "yes"], counts["yes", "no"]
    assert 0.4 < yes / (yes + no) < 0.6


@pytest.mark.parametrize("count", [1, 2])
def test_held_out_triples_are_in_no_training_question(count):
    rng = np.random.default_rng(count)
    for _ in range(200):
        clip = sample_clip(rng, count=count)
        for q in draw_questions(clip, rng, 8):
            if q.kind in ("yes_no_scene", "yes_no_does"):
                colour, shape, motion = read_words(q.text)
                assert not (colour and shape and world.is_held_out(colour, shape, motion)), q.text


def test_wordings_kept_from_training_have_only_words_that_training_has():
    def split(texts):
        bare = (re.sub(r"\{\w+\}", " ", text) for text in texts)
        return {w for text in bare for w in re.findall(r"[a-z]+", text)}

    known = split(t for group in wordings.TRAIN.values() for t in group)
    known |= split(t for group in wordings.ASKS.values() for pair in group for t in pair)
    known |= split(t for group in wordings.DOINGS.values() for pair in group for t in pair)
    assert set(wordings.HELD_OUT) == set(wordings.TRAIN)
    for kind, group in wordings.HELD_OUT.items():
        assert not set(group) & set(wordings.TRAIN[kind])
        assert split(group) <= known, kind


@few
@given(seeds, st.booleans())
def test_no_wording_is_left_unfilled(seed, held_out):
    for q in draw(seed, held_out=held_out)[1]:
        assert not re.search(r"[{}]|\bNone\b|\ba orange|  ", q.text + " " + q.answer), q.text


def test_what_was_meant_and_is_not_seen_is_often_denied_and_never_affirmed():
    denied, rng = Counter(), np.random.default_rng(5)
    for _ in range(60):
        clip = sample_clip(rng, count=1)
        seen = clip.actors[0].scene.shape
        meant = "square" if seen == "cross" else "cross"
        told, only = replace(clip, meant=meant), dict.fromkeys(MAKERS, 0) | {"yes_no": 1}
        for question in draw_questions(told, rng, 6, kinds=only):
            _, named, _ = read_words(question.text)
            if named == meant:
                assert question.answer != "yes", question.text
            if named not in (None, seen):
                denied["meant" if named == meant else "other"] += 1
    assert denied["meant"] > denied["other"]
