"""Two events of two objects, far enough apart that their order can be seen."""

from dataclasses import dataclass

from training.spotter.events import find_first, list_events
from training.spotter.phrases import Voice, phrase_event, phrase_of
from training.spotter.scenes import Actor, Clip

APART = 0.3  # seconds; two and a half sampled frames


@dataclass(frozen=True)
class Side:
    """An object's first event of a kind, and words for it: "the red ball touching the floor"."""

    seconds: float
    phrase: str
    actor: Actor


def draw_pair(clip: Clip, voice: Voice) -> tuple[Side, Side] | None:
    """Two objects' events, the earlier one first; None where this clip has no clear pair."""
    if len(clip.actors) < 2:
        return None
    picks = voice.rng.permutation(len(clip.actors))[:2]
    sides = [_draw_side(clip, clip.actors[int(k)], voice) for k in picks]
    if sides[0] is None or sides[1] is None or abs(sides[0].seconds - sides[1].seconds) < APART:
        return None
    one, two = sorted((sides[0], sides[1]), key=lambda side: side.seconds)
    return one, two


def date_sides(sides: tuple[Side, Side]) -> tuple[tuple[str, float], ...]:
    """The words for each event, and its seconds."""
    return tuple((side.phrase, side.seconds) for side in sides)


def _draw_side(clip: Clip, actor: Actor, voice: Voice) -> Side | None:
    kinds = sorted({event.kind for event in list_events(clip, actor)})
    if not kinds:
        return None
    kind = voice.pick(kinds)
    seconds, sure = find_first(clip, actor, kind)
    phrase = phrase_of(clip, actor, voice, motions=False)
    if not sure or seconds is None or phrase is None:
        return None
    return Side(seconds, f"{phrase} {phrase_event(kind, voice)[1]}", actor)
