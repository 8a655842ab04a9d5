"""From a prompt to questions that are answered by yes where the clip shows what it says.

A prompt of the embedded models' world is split by rule: one object, perhaps what it does, how fast,
and on which ground. Words for the same become one word. What it says of sound is not asked, since a
reader hears nothing. Of any other prompt the whole is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

COLOURS = {
    **{name: name for name in ("red", "green", "blue", "yellow", "purple", "orange")},
    "violet": "purple",
}
SHAPES = {
    **{name: name for name in ("ball", "square", "triangle", "cross")},
    **{"circle": "ball", "disc": "ball", "box": "square", "plus": "cross"},
}
GROUNDS = {**{name: name for name in ("grey", "black", "white", "brown")}, "gray": "grey"}
MOTIONS = {
    "bounce": ("bounces", "bouncing", "hops", "hopping"),
    "slide": ("slides", "sliding", "glides", "gliding"),
    "blink": ("blinks", "blinking", "flashes", "flashing"),
    "orbit": ("orbits", "orbiting", "circles", "circling", "goes round", "going round"),
    "pulse": ("pulses", "pulsing", "throbs", "throbbing"),
    "rise": ("rises", "rising", "floats up", "floating up"),
}
SPEEDS = {"slowly": "slowly", "fast": "fast", "quickly": "fast"}
_VERBS = {form: base for base, forms in MOTIONS.items() for form in forms}


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_PLACE = r"(?:on|over|against|in front of)"
_SPEED = rf"(?:{_any(SPEEDS)})"
_PROMPT = re.compile(
    rf"(?:{_PLACE} an? (?P<before>{_any(GROUNDS)}) background, )?"
    r"(?:an? (?:video|clip) of )?(?:an? |the )?"
    rf"(?P<colour>{_any(COLOURS)}) (?P<shape>{_any(SHAPES)})"
    rf"(?:(?: that| is)?(?: (?P<early>{_SPEED}))? (?P<motion>{_any(_VERBS)})"
    rf"(?: (?P<late>{_SPEED}))?)?"
    rf"(?:,? {_PLACE} (?:an? )?(?P<after>{_any(GROUNDS)})(?: background)?"
    rf"|, (?P<bare>{_any(GROUNDS)}) background)?"
    r"(?:,? (?:silent|silently|without (?:a )?sound|no sound))?"
)


def make_questions(prompt: str) -> tuple[str, ...]:
    """Questions about a clip that was made from a prompt, each true of it if answered by yes."""
    text = " ".join(prompt.split()).rstrip(".!? ")
    return _split(text.lower()) or (f"is it true that {text}?",)


_THING = re.compile(rf"\bthe (?P<colour>{_any(COLOURS)}) (?P<shape>{_any(SHAPES)})\b")


def ask_for_things(text: str) -> tuple[str, ...]:
    """ "is there a red ball?" for every "the red ball" in a text of this world."""
    found = _THING.finditer(" ".join(text.lower().split()))
    return tuple(dict.fromkeys(_ask_for(one["colour"], one["shape"]) for one in found))


def _ask_for(colour: str, shape: str) -> str:
    thing = f"{COLOURS[colour]} {SHAPES[shape]}"
    return f"is there {'an' if thing[0] in 'aeiou' else 'a'} {thing}?"


def _split(text: str) -> tuple[str, ...]:
    """The parts of a prompt of this world, or nothing where it is none."""
    found = _PROMPT.fullmatch(text)
    if found is None:
        return ()
    grounds = {GROUNDS[found[name]] for name in ("before", "after", "bare") if found[name]}
    speeds = {SPEEDS[found[name]] for name in ("early", "late") if found[name]}
    if len(grounds) > 1 or len(speeds) > 1:
        return ()
    thing = f"{COLOURS[found['colour']]} {SHAPES[found['shape']]}"
    questions = [_ask_for(found["colour"], found["shape"])]
    if found["motion"]:
        questions.append(f"does the {thing} {_VERBS[found['motion']]}?")
    questions += [f"does the {thing} move {speed}?" for speed in speeds]
    questions += [f"is the background {ground}?" for ground in grounds]
    return tuple(questions)
