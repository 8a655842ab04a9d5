"""The procedural world that sprite is trained on: one coloured shape that moves and sounds.

A `Scene` is the truth; `render_video` and `render_audio` draw it. Both are functions of continuous
time, so picture and sound agree exactly. Times are seconds, lengths pixels, audio is in [-1, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SIZE = 64  # pixels, width and height
FRAMES = 33
FPS = 16
SECONDS = FRAMES / FPS  # 2.0625
SAMPLE_RATE = 16_000  # Hz
SAMPLES = int(SECONDS * SAMPLE_RATE)  # 33,000
PEAK = 0.8

COLOURS = {
    "red": (225, 30, 35),
    "green": (25, 175, 50),
    "blue": (35, 70, 235),
    "yellow": (245, 220, 35),
    "purple": (165, 45, 200),
    "orange": (250, 130, 15),
}
BACKGROUNDS = {
    "grey": (128, 128, 128),
    "black": (8, 8, 8),
    "white": (245, 245, 245),
    "brown": (95, 60, 35),
}
SHAPES = ("ball", "square", "triangle", "cross")
MOTIONS = ("bounces", "slides", "blinks", "orbits", "pulses", "rises")
SPEEDS = ("slow", "fast")
# seconds for one full cycle of the motion: (slow, fast)
PERIODS = {
    "bounces": (1.25, 0.58),
    "slides": (2.40, 1.15),
    "blinks": (1.25, 0.58),
    "orbits": (2.20, 1.00),
    "pulses": (1.25, 0.58),
    "rises": (2.30, 1.10),
}
EVENT_OF = {"bounces": "thump", "slides": "click", "blinks": "beep"}
HELD_OUT_SEED = 20_26
HELD_OUT_COUNT = 14  # of 144 triples


@dataclass(frozen=True)
class Scene:
    """One clip's truth. `x, y` are the resting point, `phase` in [0, 1) the start of the motion."""

    colour: str
    shape: str
    motion: str
    background: str
    speed: str
    silent: bool
    x: float
    y: float
    radius: float
    extent: float  # how far the motion reaches, pixels
    direction: int  # +1 or -1
    period: float  # seconds
    phase: float


def _draw_held_out() -> frozenset[tuple[str, str, str]]:
    triples = [(c, s, m) for c in COLOURS for s in SHAPES for m in MOTIONS]
    kept = {(c, "ball", "bounces") for c in COLOURS} | {("blue", "square", "slides")}
    triples = [t for t in triples if t not in kept]
    rng = np.random.default_rng(HELD_OUT_SEED)
    picks = rng.permutation(len(triples))[:HELD_OUT_COUNT]
    return frozenset(triples[i] for i in picks)


HELD_OUT = _draw_held_out()


def is_held_out(colour: str, shape: str, motion: str) -> bool:
    """True for the tenth of the triples that training never sees."""
    return (colour, shape, motion) in HELD_OUT


def sample_scene(
    rng: np.random.Generator, *, include_held_out: bool = False, **fixed: object
) -> Scene:
    """A random scene; `fixed` pins colour, shape, motion, background, speed or silent."""
    while True:
        colour = fixed.get("colour") or rng.choice(list(COLOURS))
        shape = fixed.get("shape") or rng.choice(SHAPES)
        motion = fixed.get("motion") or rng.choice(MOTIONS)
        if include_held_out or not is_held_out(str(colour), str(shape), str(motion)):
            break
    background = fixed.get("background") or rng.choice(list(BACKGROUNDS))
    speed = str(fixed.get("speed") or rng.choice(SPEEDS))
    silent = fixed["silent"] if fixed.get("silent") is not None else rng.random() < 0.12
    base = PERIODS[str(motion)][SPEEDS.index(speed)]
    radius = float(rng.uniform(8.0, 11.0))
    x, y, extent = _place(str(motion), radius, rng)
    return Scene(
        colour=str(colour), shape=str(shape), motion=str(motion), background=str(background),
        speed=speed, silent=bool(silent), x=x, y=y, radius=radius, extent=extent,
        direction=int(rng.choice((-1, 1))), period=base * float(rng.uniform(0.93, 1.07)),
        phase=float(rng.random()),
    )  # fmt: skip


def _place(motion: str, radius: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """Resting point and reach, so that the shape stays in the picture (except where it rises)."""
    low, high = radius + 2, SIZE - radius - 2
    if motion == "bounces":
        return float(rng.uniform(low, high)), high, float(rng.uniform(0.8, 1.0)) * (high - low)
    if motion == "slides":
        return SIZE / 2, float(rng.uniform(low, high)), (high - low) / 2
    if motion == "orbits":
        reach = float(rng.uniform(0.8, 1.0)) * (SIZE / 2 - radius - 3)
        return SIZE / 2, SIZE / 2, reach
    if motion == "rises":
        return float(rng.uniform(low, high)), SIZE / 2, SIZE / 2 + radius
    if motion == "pulses":
        low, high = 1.4 * radius + 2, SIZE - 1.4 * radius - 2
    return float(rng.uniform(low, high)), float(rng.uniform(low, high)), 0.0


def track(scene: Scene, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Centre x, y, radius and visibility (0 or 1) at the times t (seconds), each shaped like t."""
    p = t / scene.period + scene.phase
    u = p - np.floor(p)
    x, y = np.full_like(p, scene.x), np.full_like(p, scene.y)
    radius, visible = np.full_like(p, scene.radius), np.ones_like(p)
    if scene.motion == "bounces":
        y = scene.y - scene.extent * 4 * u * (1 - u)
    elif scene.motion == "slides":
        x = scene.x + scene.direction * scene.extent * (4 * np.abs(u - 0.5) - 1)
    elif scene.motion == "blinks":
        visible = (u < 0.5).astype(p.dtype)
    elif scene.motion == "orbits":
        x = scene.x + scene.extent * np.cos(2 * np.pi * p * scene.direction)
        y = scene.y + scene.extent * np.sin(2 * np.pi * p * scene.direction)
    elif scene.motion == "pulses":
        radius = scene.radius * (1 + 0.4 * np.sin(2 * np.pi * p))
    else:
        y = scene.y + scene.extent * (1 - 2 * u)
    return x, y, radius, visible


def list_events(scene: Scene, seconds: float = SECONDS) -> list[tuple[float, str]]:
    """What can be heard as an event: (seconds, kind), within so many seconds, in order."""
    if scene.motion not in EVENT_OF:
        return []
    step = 0.5 if scene.motion == "slides" else 1.0  # both walls click
    first = np.ceil(scene.phase / step) * step
    last = first + seconds / scene.period + 1
    times = (np.arange(first, last, step) - scene.phase) * scene.period
    return [(float(t), EVENT_OF[scene.motion]) for t in times if t < seconds]


def _distance(shape: str, dx: np.ndarray, dy: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Signed distance (pixels, negative inside) to a shape of radius r; dy points down."""
    ax, ay = np.abs(dx), np.abs(dy)
    if shape == "ball":
        return np.sqrt(dx * dx + dy * dy) - r
    if shape == "square":
        return np.maximum(ax, ay) - 0.9 * r
    if shape == "triangle":
        base = dy - 0.85 * r
        side = (ax * 1.85 - dy - r) / np.sqrt(1 + 1.85**2)
        return np.maximum(base, side)
    arm = 0.36 * r
    return np.minimum(np.maximum(ax - r, ay - arm), np.maximum(ay - r, ax - arm))


def render_video(
    scene: Scene, frames: int = FRAMES, size: int = SIZE, first: int = 0
) -> np.ndarray:
    """(frames, size, size, 3) uint8 from frame `first` on; the scene's own unit is SIZE a side."""
    t = np.arange(first, first + frames, dtype=np.float32) / FPS
    return render_track(scene, track(scene, t), size)


def render_track(scene: Scene, places: Sequence[np.ndarray], size: int = SIZE) -> np.ndarray:
    """(F, size, size, 3) uint8: the scene's shape at places of its own, `x, y, radius, visible`,
    (F,) each."""
    alpha = cover(scene.shape, places, size)[..., None]
    colour = np.array(COLOURS[scene.colour], np.float32)
    ground = np.array(BACKGROUNDS[scene.background], np.float32)
    return (ground + alpha * (colour - ground) + 0.5).astype(np.uint8)


def cover(shape: str, places: Sequence[np.ndarray], size: int) -> np.ndarray:
    """(F, size, size) float32: how much of a pixel the shape covers, in [0, 1]."""
    x, y, radius, visible = (np.asarray(v, np.float32)[:, None, None] for v in places)
    scale = np.float32(size / SIZE)
    grid = (np.arange(size, dtype=np.float32) + 0.5) / scale
    distance = scale * _distance(shape, grid[None, None, :] - x, grid[None, :, None] - y, radius)
    return np.clip(0.5 - distance, 0, 1) * visible


def _event_wave(kind: str, tau: np.ndarray) -> np.ndarray:
    """Mono sound of one event, tau seconds after it (tau >= 0)."""
    attack = np.minimum(tau / 0.002, 1)
    if kind == "thump":
        phase = 2 * np.pi * (100 * tau + 150 * 0.04 * (1 - np.exp(-tau / 0.04)))
        return 0.7 * attack * np.exp(-tau / 0.07) * np.sin(phase)
    if kind == "click":
        return 0.45 * attack * np.exp(-tau / 0.015) * np.sin(2 * np.pi * 2400 * tau)
    release = np.clip((0.14 - tau) / 0.01, 0, 1)
    return 0.45 * attack * release * np.sin(2 * np.pi * 1000 * tau)


EVENT_SECONDS = {"thump": 0.5, "click": 0.12, "beep": 0.14}
# Pitches are multiples of 100 Hz in phase with the clip's start and change, as sounds begin, on a
# grid of 10 ms: a wave is then a function of its mel, which a tiny vocoder can learn.
GRID = 0.01  # seconds
NOTE = 100.0  # Hz


def _tone(scene: Scene, t: np.ndarray) -> np.ndarray:
    """The continuous tone whose pitch follows the motion (mono); zeros where there is none."""
    x, y, radius, _ = track(scene, (np.floor(t / GRID + 1e-6) + 0.5) * GRID)
    amplitude = np.full_like(t, 0.28)
    if scene.motion == "slides":
        pitch = 300 + 600 * x / SIZE
    elif scene.motion == "orbits":
        pitch = 500 + 700 * (1 - y / SIZE)
    elif scene.motion == "pulses":
        pitch = 1000 - 700 * (radius / scene.radius - 0.6) / 0.8
    elif scene.motion == "rises":
        pitch = 400 + 1000 * (1 - np.clip(y / SIZE, 0, 1))
        y = track(scene, t)[1]
        amplitude *= np.clip((SIZE / 2 + radius - np.abs(y - SIZE / 2)) / radius, 0, 1)
    else:
        return np.zeros_like(t)
    phase = 2 * np.pi * NOTE * np.round(pitch / NOTE) * t
    fade = np.clip(np.minimum(t, t[-1] - t) / 0.01, 0, 1)
    return fade * amplitude * (np.sin(phase) + 0.25 * np.sin(2 * phase))


def render_audio(scene: Scene, samples: int = SAMPLES) -> np.ndarray:
    """(2, samples) float32 at 16 kHz, peak <= 0.8; zeros for a silent scene.

    What sounds at the end of the clip fades out within its last 10 ms.
    """
    if scene.silent:
        return np.zeros((2, samples), np.float32)
    t = np.arange(samples) / SAMPLE_RATE
    x = track(scene, t)[0] / SIZE
    tone = _tone(scene, t)
    for when, kind in list_events(scene, samples / SAMPLE_RATE):
        begin = round(round(when / GRID) * GRID * SAMPLE_RATE)
        end = min(samples, begin + int(EVENT_SECONDS[kind] * SAMPLE_RATE))
        tone[begin:end] += _event_wave(kind, t[begin:end] - begin / SAMPLE_RATE)
    stereo = np.stack([tone * (1.0 - 0.6 * x), tone * (0.4 + 0.6 * x)])
    return np.clip(stereo, -PEAK, PEAK).astype(np.float32)
