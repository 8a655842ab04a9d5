"""Objects, motions and events in words: phrases that mean one thing in a clip, or nothing in it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.spotter import wordings as words
from training.spotter.scenes import Actor, Clip
from training.sprite import world

SYNONYMS = 0.2  # share of the words that are replaced by another for the same


@dataclass(frozen=True)
class Voice:
    """Who asks: a source of chance, and in which wordings.

    `held_out`: in those that are kept from training. `wordings`: in these, instead of either.
    `teaching`: says of no object that is there what only a triple kept from training would do.
    """

    rng: np.random.Generator
    held_out: bool = False
    wordings: Mapping[str, tuple[str, ...]] | None = None
    teaching: bool = False

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def word(self, kind: str) -> str:
        """A wording of a kind of question, as a format."""
        forms = (self.wordings or (words.HELD_OUT if self.held_out else words.TRAIN))[kind]
        return forms[int(self.rng.integers(len(forms)))]

    def pick(self, options: tuple | list):
        return options[int(self.rng.integers(len(options)))]


def say_noun(word: str, voice: Voice) -> str:
    """A colour or shape, sometimes by another word."""
    others = words.NOUNS.get(word, ())
    return voice.pick(others) if others and voice.chance(SYNONYMS) else word


def phrase_motion(motion: str, voice: Voice) -> tuple[str, str, str]:
    """ "bounces", "bounce", "bouncing", or another verb for the same."""
    others = words.VERBS[motion]
    if voice.chance(SYNONYMS):
        return voice.pick(others)
    return motion, words.BASE[motion], words.ING[motion]


def phrase_event(kind: str, voice: Voice) -> tuple[str, str]:
    """ "touch the floor" and "touching the floor"."""
    options = words.DOINGS[kind]
    return options[0] if voice.chance(0.5) else voice.pick(options)


def phrase_of(
    clip: Clip, actor: Actor, voice: Voice, without: str = "", *, motions: bool = True
) -> str | None:
    """A phrase that means this object alone and does not give away `without`, or None."""
    scene, others = actor.scene, [a.scene for a in clip.actors if a is not actor]
    options = []
    if not others and without != "shape":
        options += ["it", f"the {voice.pick(words.THINGS[:3])}"]
    elif not others:
        options += ["it", f"the {voice.pick(('object', 'thing'))}"]
    thing = voice.pick(words.THINGS[:2] + words.THINGS[3:]) if without == "shape" else None
    thing = thing or voice.pick(words.THINGS)
    colour, shape = say_noun(scene.colour, voice), say_noun(scene.shape, voice)
    if without != "shape" and all(o.shape != scene.shape for o in others):
        options += [f"the {shape}"] * 2
    if without != "colour" and all(o.colour != scene.colour for o in others):
        options += [f"the {colour} {thing}"] * 2
    if without not in ("colour", "shape"):
        options += [f"the {colour} {shape}"] * 3
    if motions and without != "motion" and all(o.motion != scene.motion for o in others):
        options.append(f"the {phrase_motion(scene.motion, voice)[2]} {thing}")
    return voice.pick(options) if options else None


def absent_phrase(clip: Clip, voice: Voice, without: str = "", motion: str = "") -> str:
    """A phrase for an object that is not there; often it shares a property with one that is.

    With `motion`, said of it, it names no triple that is kept from training: that such a one never
    is there must not be learnt.
    """
    scenes = [a.scene for a in clip.actors]
    for _ in range(50):
        colour, shape = str(voice.pick(list(world.COLOURS))), str(voice.pick(world.SHAPES))
        if scenes and voice.chance(0.6):
            near = voice.pick(scenes)
            colour, shape = (near.colour, shape) if voice.chance(0.5) else (colour, near.shape)
        same_shape = any(s.shape == shape for s in scenes)
        same_colour = any(s.colour == colour for s in scenes)
        options = []
        if without != "shape" and not same_shape:
            options.append(f"the {say_noun(shape, voice)}")
        if without != "colour" and not same_colour:
            thing = voice.pick(("object", "thing", "one"))
            options.append(f"the {say_noun(colour, voice)} {thing}")
        pair = any((s.colour, s.shape) == (colour, shape) for s in scenes)
        kept = world.is_held_out(colour, shape, motion) and not voice.held_out
        if without not in ("colour", "shape") and not pair and not kept:
            options.append(f"the {say_noun(colour, voice)} {say_noun(shape, voice)}")
        if options:
            return voice.pick(options)
    raise AssertionError("three objects cannot have all colours and shapes")


def describe_actor(actor: Actor, article: str) -> str:
    """ "the red ball"."""
    return f"{article} {actor.scene.colour} {actor.scene.shape}"


def order_actors(clip: Clip) -> list[Actor]:
    """The order in which answers name objects: colours as the world lists them, then shapes."""
    colours = list(world.COLOURS)
    return sorted(
        clip.actors,
        key=lambda a: (colours.index(a.scene.colour), world.SHAPES.index(a.scene.shape)),
    )


def list_objects(clip: Clip) -> str:
    """ "a red ball and a blue square", or "nothing"."""
    return " and ".join(describe_actor(a, "a") for a in order_actors(clip)) or "nothing"


def describe_clip(clip: Clip) -> str:
    """ "a red ball bounces fast and a blue square slides slowly on a grey background"."""
    parts = [
        f"{describe_actor(a, 'a')} {a.scene.motion} {words.SPEED_WORDS[a.scene.speed][0]}"
        for a in order_actors(clip)
    ]
    return f"{' and '.join(parts) or 'nothing'} on a {clip.background} background"
