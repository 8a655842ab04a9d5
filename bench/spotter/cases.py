"""The held-out questions: clips of their own seed, half with held-out triples and wordings."""

from dataclasses import dataclass

import numpy as np

from bench.spotter.others import OTHERS
from training.spotter.questions import Question, draw_questions
from training.spotter.scenes import Clip, sample_clip
from training.sprite import world

SEED, OTHER_SEED = 909, 910
ASKED = 5  # questions a clip
CRF = 12  # of clips whose look says no compression: a file needs some


@dataclass(frozen=True)
class Case:
    """One clip and what is asked about it; `wording`: whether each question's is held out."""

    number: int
    clip: Clip
    held_out: bool
    questions: tuple[Question, ...]
    wording: tuple[bool, ...]


def has_held_out(clip: Clip) -> bool:
    """Whether an object of the clip is of a triple that training never sees."""
    scenes = (actor.scene for actor in clip.actors)
    return any(world.is_held_out(s.colour, s.shape, s.motion) for s in scenes)


def draw_cases(questions: int) -> list[Case]:
    """Clips in turn without and with a held-out triple, wordings in turn known and held out."""
    rng = np.random.default_rng(SEED)
    cases = []
    for number in range(-(-questions // ASKED)):
        held_out = bool(number % 2)
        clip = sample_clip(rng, include_held_out=held_out)
        while held_out and not has_held_out(clip):
            clip = sample_clip(rng, include_held_out=True)
        wording = tuple(bool((number // 2 + k) % 2) for k in range(ASKED))
        asked = tuple(draw_questions(clip, rng, 1, held_out=held)[0] for held in wording)
        cases.append(Case(number, clip, held_out, asked, wording))
    return cases


def draw_other_cases(questions: int) -> list[Case]:
    """The same kinds of clips, of their own seed, asked in the wordings of another author."""
    rng = np.random.default_rng(OTHER_SEED)
    cases = []
    for number in range(-(-questions // ASKED)):
        clip = sample_clip(rng, include_held_out=bool(number % 2))
        asked = tuple(draw_questions(clip, rng, ASKED, wordings=OTHERS))
        cases.append(Case(number, clip, has_held_out(clip), asked, (True,) * ASKED))
    return cases
