"""Prompts to questions: every wording of sprite's prompts is split, and nothing is made up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.checks.prompt_statements import ask_for_things, make_questions
from training.spotter import wordings
from training.sprite import prompts, world
from training.sprite.world import Scene

FORMS = (prompts.PLAIN, *prompts.FORMS)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    seed = draw(st.integers(0, 2**32 - 1))
    return world.sample_scene(np.random.default_rng(seed), include_held_out=True)


def expected(scene: Scene, *, speed: bool) -> tuple[str, ...]:
    """What spotter's training would ask about the clip."""
    thing = f"{scene.colour} {scene.shape}"
    article = "an" if scene.colour == "orange" else "a"
    questions = [f"is there {article} {thing}?"]
    questions.append(f"does the {thing} {wordings.BASE[scene.motion]}?")
    if speed:
        questions.append(f"does the {thing} move {wordings.SPEED_WORDS[scene.speed][0]}?")
    return (*questions, f"is the background {scene.background}?")


@given(scene=scenes(), data=st.data())
def test_every_wording_of_sprites_prompts_is_split(scene: Scene, data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(FORMS))
    adverb = data.draw(st.sampled_from(("", *(f" {a}" for a in prompts.ADVERBS[scene.speed]))))
    silence = data.draw(st.sampled_from(prompts.SILENCES)) if scene.silent else ""
    words = {
        word: data.draw(st.sampled_from((word, *others)))
        for word, others in prompts.SYNONYMS.items()
    }
    text = prompts.fill(form, scene, adverb, silence, words)
    text = data.draw(st.sampled_from((text, text.replace("a orange", "an orange"), f"{text}.")))
    text = data.draw(st.sampled_from((text, text.capitalize(), f"  {text} ")))
    assert make_questions(text) == expected(scene, speed=bool(adverb))


@given(scene=scenes(), seed=st.integers(0, 2**32 - 1))
def test_random_prompts_of_the_training_are_split_or_asked_whole(scene: Scene, seed: int) -> None:
    """A word that means nothing is disturbance; then nothing but the whole is asked."""
    found = make_questions(prompts.write_prompt(scene, np.random.default_rng(seed)))
    whole = len(found) == 1 and found[0].startswith("is it true that ")
    assert whole or found in (expected(scene, speed=False), expected(scene, speed=True))


@pytest.mark.parametrize(
    ("prompt", "questions"),
    [
        ("a red ball", ("is there a red ball?",)),
        ("a red ball on a grey background",
         ("is there a red ball?", "is the background grey?")),
        ("An orange disc flashes", ("is there an orange ball?", "does the orange ball blink?")),
        ("a red ball bounces and a blue square slides",
         ("is it true that a red ball bounces and a blue square slides?",)),
        ("on a grey background, a red ball bounces on a black background",
         ("is it true that on a grey background, a red ball bounces on a black background?",)),
        ("a red ball slowly bounces fast", ("is it true that a red ball slowly bounces fast?",)),
        ("Two dogs run over a field.", ("is it true that Two dogs run over a field?",)),
        ("a red ballroom", ("is it true that a red ballroom?",)),
        ("red", ("is it true that red?",)),
    ],
)  # fmt: skip
def test_what_is_split_and_what_is_asked_whole(prompt: str, questions: tuple[str, ...]) -> None:
    assert make_questions(prompt) == questions


@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_any_prompt_gives_questions(text: str) -> None:
    found = make_questions(text)
    assert found
    assert all(question.endswith("?") and "\n" not in question for question in found)
    assert make_questions(text) == found


def test_things_of_a_question_are_asked_for_once() -> None:
    question = "When does the orange box touch the red ball after the red ball lands?"
    assert ask_for_things(question) == ("is there an orange square?", "is there a red ball?")
    assert ask_for_things("when does the door open?") == ()
