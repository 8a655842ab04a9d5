"""The truth of a clip: which objects of sprite's world are there, where and when.

A `Clip` holds up to three `Actor`s, each a `Scene` of `training.sprite.world`. Places are in the
world's units: the shorter side of the picture is `world.SIZE` units, whatever its pixels. Times are
seconds from the clip's start.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np

from training.sprite import world
from training.sprite.world import Scene

UNIT = world.SIZE / 64  # the figures below were chosen for a world of 64 units
COUNTS = (0.07, 0.51, 0.35, 0.07)  # shares of clips with 0, 1, 2 and 3 objects
GLIDE = 0.5  # seconds to move in or out of the picture
LATE = 0.35  # share of the objects that come late or go early, where the clip is long enough
SHORTEST_STAY = 1.2  # seconds
CLEAR = 0.35  # seconds of the clip before an object comes, or after it went
RATES = (8, 10, 12, 15, 16, 16, 16, 20, 24, 25, 30)  # frames a second
ASPECTS = ((1.0, 0.75), (4 / 3, 0.1), (3 / 4, 0.06), (16 / 9, 0.05), (9 / 16, 0.04))


@dataclass(frozen=True)
class Look:
    """What the camera and the codec do. `crf` of H.264, or None for no compression.

    `gain` multiplies, `lift` (of 255) adds; `noise` is a deviation (of 255); `blur` is a deviation
    in units; `tint` shifts the background's, then each object's colour.
    """

    crf: int | None = None
    gain: float = 1.0
    lift: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    tint: tuple[tuple[float, float, float], ...] = ((0.0, 0.0, 0.0),) * 4
    seed: int = 0


@dataclass(frozen=True)
class Actor:
    """An object that is there from `start` to `end`; it glides in and out at `side`, if not 0."""

    scene: Scene
    start: float
    end: float
    side: int = 0


@dataclass(frozen=True)
class Clip:
    """`frames` pictures of `height` x `width` pixels at `rate` a second.

    `meant` is the shape that was asked for, in a clip that was generated; what is seen may differ.
    """

    actors: tuple[Actor, ...]
    background: str
    frames: int
    rate: int
    width: int
    height: int
    look: Look = Look()
    meant: str | None = None

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    @property
    def scale(self) -> float:
        """Pixels a unit."""
        return min(self.width, self.height) / world.SIZE

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height in units."""
        return self.width / self.scale, self.height / self.scale

    def to_dict(self) -> dict:
        return asdict(self)


def read_clip(data: dict) -> Clip:
    """The inverse of `Clip.to_dict`, also after JSON."""
    look = data["look"] | {"tint": tuple(tuple(t) for t in data["look"]["tint"])}
    actors = tuple(Actor(**(a | {"scene": Scene(**a["scene"])})) for a in data["actors"])
    return Clip(**(data | {"look": Look(**look), "actors": actors}))


def sample_clip(rng: np.random.Generator, *, include_held_out: bool = False, **fixed) -> Clip:
    """A random clip; `fixed` pins count, seconds, rate, width, height, look or background."""
    width, height = _draw_size(rng)
    width, height = fixed.get("width", width), fixed.get("height", height)
    rate = int(fixed.get("rate", rng.choice(RATES)))
    seconds = fixed.get("seconds") or (
        33 / 16 if rng.random() < 0.3 else float(rng.uniform(1.0, 4.0))
    )
    clip = Clip(
        actors=(),
        background=str(fixed.get("background") or rng.choice(list(world.BACKGROUNDS))),
        frames=max(int(np.ceil(rate)), round(seconds * rate)),
        rate=rate,
        width=int(width),
        height=int(height),
        look=fixed.get("look") or draw_look(rng),
    )
    count = int(fixed.get("count", rng.choice(len(COUNTS), p=COUNTS)))
    while True:
        actors = _draw_actors(clip, count, rng, include_held_out)
        candidate = replace(clip, actors=actors)
        if is_clear(candidate):
            return candidate


def _draw_size(rng: np.random.Generator) -> tuple[int, int]:
    """Even numbers of pixels, sides of 48 to 160, most often sprite's own."""
    short = int(rng.choice((64, 96))) if rng.random() < 0.5 else 2 * int(rng.integers(24, 61))
    shares = np.array([share for _, share in ASPECTS])
    aspect = ASPECTS[int(rng.choice(len(ASPECTS), p=shares / shares.sum()))][0]
    long = min(160, 2 * round(short * max(aspect, 1 / aspect) / 2))
    return (long, short) if aspect > 1 else (short, long)


def draw_look(rng: np.random.Generator) -> Look:
    """Compression, light, noise and blur, each of them in about half of the clips."""

    def sometimes(low: float, high: float, share: float, otherwise: float) -> float:
        return float(rng.uniform(low, high)) if rng.random() < share else otherwise

    return Look(
        crf=int(rng.integers(14, 35)) if rng.random() < 0.6 else None,
        gain=sometimes(0.8, 1.2, 0.5, 1.0),
        lift=sometimes(-14, 14, 0.5, 0.0),
        noise=sometimes(0.5, 9, 0.4, 0.0),
        blur=sometimes(0.3, 1.1, 0.4, 0.0) * UNIT,
        tint=tuple(tuple(float(v) for v in rng.uniform(-10, 10, 3)) for _ in range(4)),
        seed=int(rng.integers(2**31)),
    )


def _draw_actors(
    clip: Clip, count: int, rng: np.random.Generator, include_held_out: bool
) -> tuple[Actor, ...]:
    actors: list[Actor] = []
    while len(actors) < count:
        scene = world.sample_scene(
            rng, include_held_out=include_held_out, background=clip.background
        )
        if any((a.scene.colour, a.scene.shape) == (scene.colour, scene.shape) for a in actors):
            continue
        radius = float(rng.uniform(7.5, 11.5) if count == 1 else rng.uniform(6.5, 9.5)) * UNIT
        x, y, extent = _place(scene.motion, radius, clip.extent, rng)
        scene = replace(scene, radius=radius, x=x, y=y, extent=extent)
        actors.append(_draw_stay(clip, scene, rng))
    return tuple(actors)


def _place(
    motion: str, radius: float, size: tuple[float, float], rng: np.random.Generator
) -> tuple[float, float, float]:
    """Resting point and reach as `world._place` has them, in a picture of any aspect."""
    wide, high = size
    low, right, floor = radius + 2 * UNIT, wide - radius - 2 * UNIT, high - radius - 2 * UNIT
    if motion == "bounces":
        return float(rng.uniform(low, right)), floor, float(rng.uniform(0.8, 1.0)) * (floor - low)
    if motion == "slides":
        return wide / 2, float(rng.uniform(low, floor)), (right - low) / 2
    if motion == "orbits":
        reach = float(rng.uniform(0.8, 1.0)) * (min(wide, high) / 2 - radius - 3 * UNIT)
        x = float(rng.uniform(low + reach, right - reach)) if wide > high else wide / 2
        y = float(rng.uniform(low + reach, floor - reach)) if high > wide else high / 2
        return x, y, reach
    if motion == "rises":
        return float(rng.uniform(low, right)), high / 2, high / 2 + radius
    swell = 1.4 * radius + 2 * UNIT if motion == "pulses" else low
    return (
        float(rng.uniform(swell, wide - swell)), float(rng.uniform(swell, high - swell)), 0.0
    )  # fmt: skip


def _draw_stay(clip: Clip, scene: Scene, rng: np.random.Generator) -> Actor:
    """Most objects stay; some come late or go early, at once or by gliding over a side."""
    start, end, last = 0.0, clip.seconds, (clip.frames - 1) / clip.rate
    may = scene.motion in ("bounces", "slides", "orbits", "pulses") and last > 2.0
    if may and rng.random() < LATE:
        late, early = [(True, False), (False, True), (True, True)][int(rng.integers(3))]
        latest = last - SHORTEST_STAY - CLEAR * early
        if late:
            start = float(rng.uniform(CLEAR, latest))
        if early:
            end = float(rng.uniform(start + SHORTEST_STAY, last - CLEAR))
        if scene.motion != "slides" and rng.random() < 0.5:
            return Actor(scene, start, end, int(rng.choice((-1, 1))))
    return Actor(scene, start, end)


def locate(
    clip: Clip, actor: Actor, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Centre x, y and radius in units, and visibility (0 or 1), at the times t (seconds)."""
    x, y, radius, visible = world.track(actor.scene, t)
    visible = visible * ((t >= actor.start) & (t < actor.end))
    if not actor.side:
        return x, y, radius, visible
    edge = -actor.scene.radius if actor.side < 0 else clip.extent[0] + actor.scene.radius
    if actor.start > 0:
        part = np.clip((t - actor.start) / GLIDE, 0, 1)
        x = edge + (x - edge) * part
    if actor.end < clip.seconds:
        part = np.clip((actor.end - t) / GLIDE, 0, 1)
        x = edge + (x - edge) * part
    return x, y, radius, visible


def is_clear(clip: Clip) -> bool:
    """Objects are long enough in sight, and not much in front of each other."""
    t = np.linspace(0, (clip.frames - 1) / clip.rate, 25)
    places = [locate(clip, a, t) for a in clip.actors]
    for actor, (_, y, _, visible) in zip(clip.actors, places, strict=True):
        seen = (visible > 0) & (y > 0) & (y < clip.extent[1])
        if seen.mean() < (0.25 if actor.scene.motion == "blinks" else 0.4) * (
            (actor.end - actor.start) / clip.seconds
        ):
            return False
    for i, (x, y, r, on) in enumerate(places):
        for x2, y2, r2, on2 in places[i + 1 :]:
            hidden = (np.hypot(x - x2, y - y2) < 0.8 * (r + r2)) & (on > 0) & (on2 > 0)
            if hidden.mean() > 0.2:
                return False
    return True
