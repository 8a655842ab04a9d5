"""Questions about a clip, each with its true answer, drawn at random from the clip's truth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from training.spotter import wordings as words
from training.spotter.events import MOTION_OF, find_first, is_kept, list_events
from training.spotter.orders import date_sides, draw_pair
from training.spotter.phrases import (
    Voice,
    absent_phrase,
    describe_actor,
    describe_clip,
    list_objects,
    order_actors,
    phrase_event,
    phrase_motion,
    phrase_of,
)
from training.spotter.scenes import Actor, Clip
from training.spotter.statements import draw_statement
from training.sprite import world
from training.sprite.world import Scene

DRESSED, UNMARKED = 0.15, 0.1  # shares of the questions of training
ABSENT_SHARE = 0.14  # of the questions about an object, those about one that is not there


@dataclass(frozen=True)
class Question:
    """One question with the answer that is right.

    `seconds` is the exact time where the answer is one, `closed` says that there is one right
    answer in so many words, `absent` that it asks for what is not there. `about`: the objects that
    the answer names, or says one property of, in its order. `dated`: words of the question by
    whose last an event has been named (all of them, where it asks for a time), and its seconds.
    """

    kind: str
    text: str
    answer: str
    closed: bool = True
    seconds: float | None = None
    absent: bool = False
    about: tuple[Scene, ...] = ()
    dated: tuple[tuple[str, float], ...] = ()


def say_time(seconds: float) -> str:
    """The form of every answer that is a time."""
    return f"at {seconds:.1f} s"


Maker = Callable[[Clip, Voice], Question | None]


def draw_questions(
    clip: Clip,
    rng: np.random.Generator,
    count: int,
    *,
    held_out: bool = False,
    kinds: Mapping[str, float] | None = None,
    wordings: Mapping[str, tuple[str, ...]] | None = None,
    teaching: bool = False,
) -> list[Question]:
    """`count` questions of mixed kinds; `held_out` takes wordings that training never sees.

    `kinds`: how often each kind is asked; as in `SHARES` without it. `wordings`: to ask in.
    `teaching`: nothing is asked whose answer would say that a triple kept from training never is.
    """
    voice = Voice(rng, held_out, wordings, teaching)
    names = list(MAKERS)
    shares = np.array([(kinds or SHARES)[n] for n in names])
    found: list[Question] = []
    while len(found) < count:
        name = names[int(rng.choice(len(names), p=shares / shares.sum()))]
        question = MAKERS[name](clip, voice)
        if question is not None:
            question = question if held_out or wordings else dress(question, voice)
            found.append(mend_articles(question))
    return found


def dress(question: Question, voice: Voice) -> Question:
    """Now and then with something said before or after it, or without its question mark."""
    text, mark = question.text.removesuffix("?"), "?" * question.text.endswith("?")
    dressed = not question.kind.startswith("yes_no") and voice.chance(DRESSED)
    if dressed and voice.chance(0.6):
        text = voice.pick(words.BEFORE) + text
    elif dressed:
        text += voice.pick(words.AFTER)
    return replace(question, text=text + mark * (not voice.chance(UNMARKED)))


def mend_articles(question: Question) -> Question:
    """ "an orange ball" in question and answer."""
    text, answer = (t.replace("a orange", "an orange") for t in (question.text, question.answer))
    return replace(question, text=text, answer=answer)


def _pick_actor(clip: Clip, voice: Voice, without: str = "") -> tuple[Actor | None, str] | None:
    """An object and a phrase that means it alone; or no object and a phrase for none."""
    if not clip.actors or voice.chance(ABSENT_SHARE):
        return None, absent_phrase(clip, voice, without)
    actor = clip.actors[int(voice.rng.integers(len(clip.actors)))]
    phrase = phrase_of(clip, actor, voice, without)
    return None if phrase is None else (actor, phrase)


def _ask_property(kind: str, clip: Clip, voice: Voice) -> Question | None:
    """colour, shape, motion or speed of one object."""
    picked = _pick_actor(clip, voice, without=kind)
    if picked is None:
        return None
    actor, phrase = picked
    text = voice.word(kind).format(ref=phrase)
    if actor is None:
        return Question(kind, text, words.ABSENT, absent=True)
    return Question(kind, text, getattr(actor.scene, kind), about=(actor.scene,))


def _ask_background(clip: Clip, voice: Voice) -> Question:
    return Question("background", voice.word("background"), clip.background)


def _ask_count(clip: Clip, voice: Voice) -> Question:
    if voice.chance(0.6):
        return Question("count", voice.word("count"), str(len(clip.actors)))
    shape = str(voice.rng.choice(world.SHAPES))
    number = sum(a.scene.shape == shape for a in clip.actors)
    plural = {"square": "squares", "cross": "crosses"}.get(shape, f"{shape}s")
    return Question("count", voice.word("count_of").format(plural=plural), str(number))


def _ask_which(clip: Clip, voice: Voice) -> Question | None:
    """Which object does a thing that at most one of them does."""
    motion = str(voice.rng.choice(world.MOTIONS))
    if clip.actors and voice.chance(0.75):
        motion = clip.actors[int(voice.rng.integers(len(clip.actors)))].scene.motion
    doers = [a for a in clip.actors if a.scene.motion == motion]
    if len(doers) > 1:
        return None
    does, base, ing = phrase_motion(motion, voice)
    text = voice.word("which").format(does=does, base=base, ing=ing)
    if not doers:
        return Question("which", text, words.ABSENT, absent=True)
    return Question("which", text, describe_actor(doers[0], "the"), about=(doers[0].scene,))


def _ask_objects(clip: Clip, voice: Voice) -> Question:
    about = tuple(a.scene for a in order_actors(clip))
    return Question("objects", voice.word("objects"), list_objects(clip), about=about)


def _ask_describe(clip: Clip, voice: Voice) -> Question:
    about = tuple(a.scene for a in order_actors(clip))
    text = voice.word("describe")
    return Question("describe", text, describe_clip(clip), closed=False, about=about)


def _ask_time(clip: Clip, voice: Voice) -> Question | None:
    """When an object first (or last) does something."""
    picked = _pick_actor(clip, voice)
    if picked is None:
        return None
    actor, phrase = picked
    kind = _pick_event(clip, actor, voice)
    if voice.teaching and actor is None:
        phrase = absent_phrase(clip, voice, motion=MOTION_OF.get(kind, ""))
    elif voice.teaching and is_kept(actor, kind):
        return None
    doing, ing = phrase_event(kind, voice)
    last = actor is not None and voice.chance(0.15)
    text = voice.word("time_last" if last else "time").format(ref=phrase, doing=doing, ing=ing)
    if actor is None:
        return Question("time", text, words.ABSENT, absent=True)
    seconds, sure = _find_last(clip, actor, kind) if last else find_first(clip, actor, kind)
    if not sure:
        return None
    if seconds is None:
        return Question("time", text, words.ABSENT, absent=True)
    dated = ((text.removesuffix("?"), seconds),)
    answer = say_time(seconds)
    return Question("time", text, answer, closed=False, seconds=seconds, dated=dated)


def _pick_event(clip: Clip, actor: Actor | None, voice: Voice) -> str:
    """Mostly something that the object does."""
    own = [e.kind for e in list_events(clip, actor)] if actor else []
    if own and voice.chance(0.85):
        return str(voice.rng.choice(sorted(set(own))))
    return str(voice.rng.choice(list(words.DOINGS)))


def _find_last(clip: Clip, actor: Actor, kind: str) -> tuple[float | None, bool]:
    first, sure = find_first(clip, actor, kind)
    if not sure or first is None:
        return first, sure
    times = [e.seconds for e in list_events(clip, actor) if e.kind == kind]
    clear = min((clip.frames - 1) / clip.rate, actor.end)
    return times[-1], times[-1] < clear - 0.2


def _ask_order(clip: Clip, voice: Voice) -> Question | None:
    """Which of two objects' first events comes first."""
    sides = draw_pair(clip, voice)
    if sides is None:
        return None
    one, two = sides if voice.chance(0.5) else sides[::-1]
    text = voice.word("order").format(first=one.phrase, second=two.phrase)
    earlier = sides[0].actor
    answer = describe_actor(earlier, "the")
    return Question("order", text, answer, about=(earlier.scene,), dated=date_sides(sides))


def _ask_yes_no(clip: Clip, voice: Voice) -> Question | None:
    statement = draw_statement(clip, voice)
    if statement is None:
        return None
    text = voice.word("yes_no").format(ask=statement.ask, say=statement.say)
    answer = "yes" if statement.true else "no"
    kind, absent = f"yes_no_{statement.kind}", statement.absent
    return Question(kind, text, answer, absent=absent, dated=statement.dated)


MAKERS: dict[str, Maker] = {
    "colour": lambda c, v: _ask_property("colour", c, v),
    "shape": lambda c, v: _ask_property("shape", c, v),
    "motion": lambda c, v: _ask_property("motion", c, v),
    "speed": lambda c, v: _ask_property("speed", c, v),
    "background": _ask_background,
    "count": _ask_count,
    "which": _ask_which,
    "objects": _ask_objects,
    "describe": _ask_describe,
    "time": _ask_time,
    "order": _ask_order,
    "yes_no": _ask_yes_no,
}
SHARES = {
    "colour": 2, "shape": 3, "motion": 4, "speed": 3, "background": 1, "count": 1.5, "which": 2,
    "objects": 1, "describe": 1.5, "time": 8, "order": 5, "yes_no": 12,
}  # fmt: skip
# what is hard is asked more often in training
TRAINED = SHARES | {"motion": 6, "speed": 4, "which": 7, "describe": 6, "time": 26, "order": 12}
GENERATED = SHARES | {"yes_no": 60}  # about clips that were generated: what a check asks
