"""Statements about a clip, true and false: what yes/no questions and checks are made of.

A false one is near the truth: one property changed, or the properties of two objects exchanged.
"""

from dataclasses import dataclass, replace

from training.spotter import wordings as words
from training.spotter.events import find_first, is_kept, list_events
from training.spotter.orders import date_sides, draw_pair
from training.spotter.phrases import (
    Voice,
    absent_phrase,
    phrase_event,
    phrase_motion,
    phrase_of,
    say_noun,
)
from training.spotter.scenes import Clip
from training.spotter.spared import AXES
from training.sprite import world
from training.sprite.world import Scene

TRUE_SHARE = 0.45
MEANT = 0.7  # share of the false claims of a shape that are what was meant, where that is not seen
KINDS = {"exists": 3, "is": 2, "does": 3, "speed": 2, "background": 1, "count": 1, "scene": 5,
         "order": 4, "happens": 1.5}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """As a question without its mark and as a sentence; `absent`: about what is not there.

    `dated`: its words for events, and their seconds.
    """

    kind: str
    ask: str
    say: str
    true: bool
    absent: bool = False
    dated: tuple[tuple[str, float], ...] = ()


def draw_statement(clip: Clip, voice: Voice) -> Statement | None:
    """A statement of a random kind, or None where this clip allows none of that kind."""
    names = list(KINDS)
    shares = [KINDS[n] / sum(KINDS.values()) for n in names]
    kind = str(voice.rng.choice(names, p=shares))
    return _MAKERS[kind](clip, voice, voice.chance(TRUE_SHARE))


def _make(kind: str, voice: Voice, true: bool, absent: bool, **fields: str) -> Statement:
    ask, say = voice.pick(words.ASKS[kind])
    return Statement(kind, ask.format(**fields), say.format(**fields), true, absent)


def _claim(clip: Clip, voice: Voice, true: bool) -> tuple[Scene, bool]:
    """An object as it is, or as none is: one or two properties changed, or two objects mixed."""
    rng, scenes = voice.rng, [a.scene for a in clip.actors]
    if not scenes:
        return world.sample_scene(rng, include_held_out=True), False
    scene = voice.pick(scenes)
    if true:
        return scene, True
    if _misses(clip, scene) and voice.chance(MEANT):
        return replace(scene, shape=str(clip.meant)), False
    changed = scene
    if len(scenes) > 1 and voice.chance(0.5):
        other = voice.pick([s for s in scenes if s is not scene])
        kinds = ("colour", "shape", "motion", "speed")
        for name in rng.choice(kinds, size=int(rng.integers(1, 3)), replace=False):
            changed = replace(changed, **{str(name): getattr(other, str(name))})
    else:
        names = ("colour", "shape", "motion")
        for name in rng.choice(names, size=1 + int(rng.random() < 0.25), replace=False):
            changed = replace(changed, **{str(name): _other(str(name), scene, voice)})
    return changed, False


def _misses(clip: Clip, scene: Scene) -> bool:
    """Whether another shape was asked for than is seen."""
    return clip.meant is not None and clip.meant != scene.shape


def _is_kept(scene: Scene, voice: Voice) -> bool:
    """A triple kept from training must not turn up in false statements alone: it would show."""
    return not voice.held_out and world.is_held_out(scene.colour, scene.shape, scene.motion)


def _other(name: str, scene: Scene, voice: Voice) -> str:
    now = getattr(scene, name)
    return str(voice.pick([v for v in AXES[name] if v != now]))


def _exists(clip: Clip, voice: Voice, true: bool) -> Statement | None:
    claim, _ = _claim(clip, voice, true)
    colour, shape = say_noun(claim.colour, voice), say_noun(claim.shape, voice)
    whole = (claim.colour, claim.shape)
    scenes = [a.scene for a in clip.actors]
    forms = [
        (f"a {colour} {shape}", any((s.colour, s.shape) == whole for s in scenes)),
        (f"a {colour} {shape}", any((s.colour, s.shape) == whole for s in scenes)),
        (f"a {colour} {voice.pick(words.THINGS[:3])}", any(s.colour == whole[0] for s in scenes)),
        (f"a {shape}", any(s.shape == whole[1] for s in scenes)),
    ]
    thing, holds = voice.pick(forms)
    return _make("exists", voice, holds, not holds, thing=thing) if holds == true else None


def _is(clip: Clip, voice: Voice, true: bool) -> Statement | None:
    """The colour or the shape of an object."""
    name = voice.pick(("colour", "shape"))
    if not clip.actors or (not true and voice.chance(0.25)):
        ref, holds, absent = absent_phrase(clip, voice, name), False, True
        what = _other(name, world.sample_scene(voice.rng), voice)
    else:
        actor = voice.pick(clip.actors)
        ref, holds, absent = phrase_of(clip, actor, voice, name), true, False
        what = getattr(actor.scene, name) if true else _other(name, actor.scene, voice)
        if not true and name == "shape" and _misses(clip, actor.scene) and voice.chance(MEANT):
            what = str(clip.meant)
    if ref is None or holds != true:
        return None
    noun = say_noun(what, voice)
    return _make(
        "is", voice, holds, absent, ref=ref, what=noun if name == "colour" else f"a {noun}"
    )


def _does(clip: Clip, voice: Voice, true: bool) -> Statement | None:
    if not clip.actors or (not true and voice.chance(0.25)):
        motion, holds, absent = voice.pick(world.MOTIONS), False, True
        ref = absent_phrase(clip, voice, motion=motion)
    else:
        actor = voice.pick(clip.actors)
        ref, holds, absent = phrase_of(clip, actor, voice, "motion"), true, False
        motion = actor.scene.motion if true else _other("motion", actor.scene, voice)
        if not true and _is_kept(replace(actor.scene, motion=motion), voice):
            return None
    if ref is None or holds != true:
        return None
    does, base, ing = phrase_motion(motion, voice)
    return _make("does", voice, holds, absent, ref=ref, does=does, base=base, ing=ing)


def _speed(clip: Clip, voice: Voice, true: bool) -> Statement | None:
    if not clip.actors:
        return None
    actor = voice.pick(clip.actors)
    ref = phrase_of(clip, actor, voice, "speed")
    now = actor.scene.speed
    speed = now if true else ("fast" if now == "slow" else "slow")
    how = voice.pick(words.SPEED_WORDS[speed])
    return (
        None if ref is None else _make("speed", voice, true, False, ref=ref, how=how, speed=speed)
    )


def _background(clip: Clip, voice: Voice, true: bool) -> Statement:
    others = [g for g in world.BACKGROUNDS if g != clip.background]
    ground = clip.background if true else voice.pick(others)
    return _make("background", voice, true, False, ground=say_noun(ground, voice))


def _count(clip: Clip, voice: Voice, true: bool) -> Statement:
    now = len(clip.actors)
    number = now if true else voice.pick([n for n in range(4) if n != now])
    text = words.NUMBERS[number]
    statement = _make("count", voice, true, False, number=text)
    if number != 1:
        return statement
    return replace(statement, ask=f"is there {text}", say=f"there is {text}")


def _scene(clip: Clip, voice: Voice, true: bool) -> Statement | None:
    """A whole sentence, as prompts are: object, motion, perhaps speed, perhaps background."""
    claim, _ = _claim(clip, voice, true)
    with_speed, with_ground = voice.chance(0.4), voice.chance(0.5)
    ground = clip.background
    if not true and with_ground and voice.chance(0.15):
        ground = voice.pick([g for g in world.BACKGROUNDS if g != clip.background])
    if not true and with_speed and voice.chance(0.15):
        claim = replace(claim, speed="fast" if claim.speed == "slow" else "slow")
    names = ("colour", "shape", "motion") + (("speed",) if with_speed else ())
    holds = any(
        all(getattr(a.scene, n) == getattr(claim, n) for n in names) for a in clip.actors
    ) and (not with_ground or ground == clip.background)
    if holds != true or (not true and _is_kept(claim, voice)):
        return None
    does, base, ing = phrase_motion(claim.motion, voice)
    return _make(
        "scene", voice, holds, not holds,
        thing=f"a {say_noun(claim.colour, voice)} {say_noun(claim.shape, voice)}",
        does=does, base=base, ing=ing,
        how=f" {voice.pick(words.SPEED_WORDS[claim.speed])}" if with_speed else "",
        on=f" on a {say_noun(ground, voice)} background" if with_ground else "",
    )  # fmt: skip


def _order(clip: Clip, voice: Voice, true: bool) -> Statement | None:
    """One event comes before another."""
    sides = draw_pair(clip, voice)
    if sides is None:
        return None
    first, second = sides if true else sides[::-1]
    statement = _make("order", voice, true, False, first=first.phrase, second=second.phrase)
    return replace(statement, dated=date_sides(sides))


def _happens(clip: Clip, voice: Voice, true: bool) -> Statement | None:
    """An event happens at all."""
    if not clip.actors:
        return None
    actor = voice.pick(clip.actors)
    own = sorted({e.kind for e in list_events(clip, actor)})
    kind = voice.pick(own) if true and own else voice.pick(list(words.DOINGS))
    if voice.teaching and is_kept(actor, kind):
        return None
    seconds, sure = find_first(clip, actor, kind)
    ref = phrase_of(clip, actor, voice, "")
    if not sure or ref is None or (seconds is not None) != true:
        return None
    doing, ing = phrase_event(kind, voice)
    return _make("happens", voice, true, False, ref=ref, doing=doing, ing=ing)


_MAKERS = {
    "exists": _exists, "is": _is, "does": _does, "speed": _speed, "background": _background,
    "count": _count, "scene": _scene, "order": _order, "happens": _happens,
}  # fmt: skip
