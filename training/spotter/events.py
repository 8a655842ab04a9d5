"""What happens in a clip and when: touches, flashes, comings and goings."""

from dataclasses import dataclass

import numpy as np

from training.spotter.scenes import GLIDE, UNIT, Actor, Clip, locate
from training.sprite import world

OPEN = 0.06  # seconds at the clip's start in which nobody can tell whether something happened
SHUT = 0.16  # and at its end: the last sampled frame may lie that far before it
NEAR = 8 * UNIT  # closer to the floor or a side than this looks like touching


@dataclass(frozen=True)
class Event:
    """`kind` is floor, wall, on, off, top, appears or disappears."""

    kind: str
    seconds: float


# what each motion brings about: kind, and the part of the cycle at which it does
TURNS = {
    "bounces": (("floor", 0.0),),
    "slides": (("wall", 0.0), ("wall", 0.5)),
    "blinks": (("on", 0.0), ("off", 0.5)),
    "rises": (("top", 0.0),),
}
MOTION_OF = {kind: motion for motion, turns in TURNS.items() for kind, _ in turns}
KINDS = ("floor", "wall", "on", "off", "top", "appears", "disappears")


def list_events(clip: Clip, actor: Actor) -> list[Event]:
    """All of an object's events while it is there, in order of their times."""
    scene, found = actor.scene, []
    for kind, part in TURNS.get(scene.motion, ()):
        first = np.ceil(actor.start / scene.period + scene.phase - part - 1e-9) + part
        time = (first - scene.phase) * scene.period
        while time < actor.end:
            found.append(Event(kind, float(time)))
            time += scene.period
    if actor.start > 0:
        found.append(Event("appears", actor.start + _delay(actor)))
    if actor.end < clip.seconds:
        found.append(Event("disappears", actor.end - _delay(actor)))
    return sorted(found, key=lambda e: e.seconds)


def _delay(actor: Actor) -> float:
    """A gliding object is just out of the picture at first; call it there when a quarter shows."""
    return 0.15 * GLIDE if actor.side else 0.0


def is_kept(actor: Actor, kind: str) -> bool:
    """Whether only a triple that is kept from training would do it.

    Of what such an object looks like, "not in this clip" would be the answer each time it is asked.
    """
    return world.is_held_out(actor.scene.colour, actor.scene.shape, MOTION_OF.get(kind, ""))


def find_first(clip: Clip, actor: Actor, kind: str) -> tuple[float | None, bool]:
    """Seconds of the first event of a kind, or None; and whether that can be told from the clip."""
    last = (clip.frames - 1) / clip.rate
    times = [e.seconds for e in list_events(clip, actor) if e.kind == kind]
    if any(t < OPEN for t in times) and kind not in ("appears", "disappears"):
        return None, False
    if actor.side and kind not in ("appears", "disappears"):
        ramps = [actor.start] * (actor.start > 0) + [actor.end - GLIDE] * (actor.end < clip.seconds)
        if any(begin - OPEN < t < begin + GLIDE for t in times for begin in ramps):
            return None, False
    near = [t for t in times if abs(t - actor.start) < OPEN or abs(t - actor.end) < OPEN]
    if near and kind not in ("appears", "disappears"):
        return None, False
    if not times:
        return None, not looks_like(clip, actor, kind)
    if times[0] > last - SHUT:
        return None, False
    return times[0], True


def looks_like(clip: Clip, actor: Actor, kind: str) -> bool:
    """Whether the object comes so near to doing it that one could say it did."""
    motion = actor.scene.motion
    if kind in ("on", "off"):
        return actor.start > 0 or actor.end < clip.seconds
    if kind in ("appears", "disappears"):
        return motion in ("blinks", "rises")
    t = np.linspace(0, clip.seconds, 64)
    x, y, radius, visible = locate(clip, actor, t)
    there = visible > 0
    if not there.any():
        return False
    wide, high = clip.extent
    if kind == "floor":
        return motion == "rises" or bool((high - y - radius)[there].min() < NEAR)
    if kind == "top":
        return bool((y - radius)[there].min() < NEAR)
    return bool(np.minimum(x - radius, wide - x - radius)[there].min() < NEAR)
