"""The oracle's eyes: colour, background, shape, motion and speed of a clip, by classical means.

Frames are square, `(F, H, H, 3) uint8`, of any size; places and sizes are measured in the world's
unit, `world.SIZE` a side. Nothing here knows how the clip was made.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from training.sprite import world

OBJECT_DISTANCE = 55.0  # RGB distance from the background that makes a pixel an object's
SMALLEST_AREA = 14.0
SHAPE_FRAMES = 10  # judged for the shape
# of shapes of radius 1: their area, and how far their middle lies below what they are drawn from
AREAS = {"ball": np.pi, "square": 3.24, "triangle": 1.85, "cross": 4 * 0.72 - 0.72**2}
LOWER = {"ball": 0.0, "square": 0.0, "triangle": 0.2333, "cross": 0.0}


@dataclass(frozen=True)
class Track:
    """One value a frame; `x, y` are NaN where nothing is seen. The area is alpha-weighted."""

    x: np.ndarray
    y: np.ndarray
    area: np.ndarray
    seen: np.ndarray
    whole: np.ndarray  # seen, and not touching the border
    alpha: np.ndarray  # (F, H, W) coverage in [0, 1]

    @property
    def unit(self) -> float:
        """Pixels a unit of the world."""
        return self.alpha.shape[1] / world.SIZE


@dataclass(frozen=True)
class Seen:
    """What a clip shows, but for what takes longer to tell; None where nothing is there, or moves
    in no way that is known. Confidences are in [0, 1]."""

    track: Track
    background: str
    colour: str | None
    motion: str | None
    sure: dict[str, float]


def see(frames: np.ndarray) -> Seen:
    """Background, and colour and motion of the object."""
    ground, background, sure_ground = find_background(frames)
    track, rgb = find_object(frames, ground)
    colour, sure_colour = name_colour(rgb, world.COLOURS) if rgb is not None else (None, 0.0)
    motion, sure_motion = judge_motion(track)
    sure = {"background": sure_ground, "colour": sure_colour, "motion": sure_motion}
    return Seen(track, background, colour, motion, sure)


def find_background(frames: np.ndarray) -> tuple[np.ndarray, str, float]:
    """Its RGB, its nearest name and a confidence in [0, 1]."""
    rgb = np.median(frames.reshape(-1, 3), axis=0)
    return rgb, *name_colour(rgb, world.BACKGROUNDS)


def name_colour(rgb: np.ndarray, names: dict[str, tuple[int, int, int]]) -> tuple[str, float]:
    """The nearest name; confidence = 1 - nearest / second nearest distance."""
    distance = sorted((float(np.linalg.norm(rgb - np.array(c))), n) for n, c in names.items())
    return distance[0][1], 1 - distance[0][0] / max(distance[1][0], 1e-6)


def find_object(frames: np.ndarray, ground: np.ndarray) -> tuple[Track, np.ndarray | None]:
    """The largest thing that is not background in each frame, and its RGB (None: nothing)."""
    difference = np.linalg.norm(frames.astype(np.float32) - ground, axis=-1)
    masks = np.stack([_largest(d > OBJECT_DISTANCE) for d in difference])
    empty = np.zeros(len(frames))
    if masks.sum() < SMALLEST_AREA * (frames.shape[1] / world.SIZE) ** 2:
        seen = empty.astype(bool)
        nothing = np.full(len(frames), np.nan)
        return Track(nothing, nothing, empty, seen, seen, np.zeros(difference.shape)), None
    core = masks & (difference > 0.8 * np.percentile(difference[masks], 90))
    rgb = np.median(frames[core], axis=0)
    axis = (rgb - ground) / float(np.sum((rgb - ground) ** 2))
    near = np.stack([cv2.dilate(m.astype(np.uint8), np.ones((3, 3), np.uint8)) for m in masks])
    alpha = np.clip((frames.astype(np.float32) - ground) @ axis, 0, 1) * near
    return _measure(alpha, masks), rgb


def _largest(mask: np.ndarray) -> np.ndarray:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return np.zeros_like(mask)
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return labels == best


def _measure(alpha: np.ndarray, masks: np.ndarray) -> Track:
    unit = alpha.shape[1] / world.SIZE
    area, covered = alpha.sum((1, 2)), masks.sum((1, 2))
    # a ghost in a blink's dark half is far smaller than the shape itself
    seen = covered >= max(SMALLEST_AREA * unit**2, 0.08 * np.percentile(covered, 95))
    grid = np.arange(alpha.shape[1]) + 0.5
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.where(seen, (alpha.sum(1) @ grid) / area, np.nan)
        y = np.where(seen, (alpha.sum(2) @ grid) / area, np.nan)
    border = (
        masks[:, 0].any(1) | masks[:, -1].any(1) | masks[:, :, 0].any(1) | masks[:, :, -1].any(1)
    )
    area = np.where(seen, area, 0.0) / unit**2
    return Track(x / unit, y / unit, area, seen, seen & ~border, alpha)


def _template(shape: str, x: float, y: float, area: float, size: int) -> np.ndarray:
    """Coverage of an ideal shape with this centroid and area."""
    r = np.sqrt(area / AREAS[shape])
    grid = np.arange(size, dtype=np.float32) + 0.5
    distance = world._distance(
        shape, grid[None] - x, grid[:, None] - (y - LOWER[shape] * r), np.float32(r)
    )
    return np.clip(0.5 - distance, 0, 1)


def judge_shape(track: Track) -> tuple[str | None, float]:
    """The shape whose ideal picture of the same centre and area differs least."""
    usable = np.flatnonzero(track.whole)
    if not len(usable):
        usable = np.flatnonzero(track.seen)
    if not len(usable):
        return None, 0.0
    usable = usable[np.argsort(-track.area[usable])]
    usable = usable[: max(3, int(len(usable) * 0.7))]
    picks = usable[np.linspace(0, len(usable) - 1, min(SHAPE_FRAMES, len(usable))).astype(int)]
    errors = {}
    for shape in world.SHAPES:
        total = []
        for f in picks:
            alpha, unit = track.alpha[f], track.unit
            x, y, area = track.x[f] * unit, track.y[f] * unit, track.area[f] * unit**2
            ideal = _template(shape, x, y, area, alpha.shape[0])
            total.append(np.abs(alpha - ideal).sum() / area)
        errors[shape] = float(np.median(total))
    ranked = sorted(errors, key=errors.get)
    return ranked[0], 1 - errors[ranked[0]] / max(errors[ranked[1]], 1e-6)


def judge_motion(track: Track) -> tuple[str | None, float]:
    """From ranges of place and size and from how the shape appears and disappears."""
    if track.seen.sum() < 4:
        return None, 0.0
    whole = track.whole if track.whole.sum() >= 4 else track.seen
    x, y, area = track.x[whole], track.y[whole], track.area[whole]
    wide, high = _spread(x), _spread(y)
    changes = int(np.abs(np.diff(track.seen.astype(int))).sum())
    hidden = 1 - track.seen.mean()
    if max(wide, high) < 6:
        if hidden > 0.15 and changes >= 2:
            return "blinks", min(1.0, hidden * 2)
        swell = _spread(np.sqrt(area)) / np.sqrt(np.median(area))
        if swell > 0.2:
            return "pulses", min(1.0, swell)
        return ("blinks", 0.2) if hidden > 0.1 else (None, 0.0)
    if _rises(track):
        return "rises", 0.9
    if high < 0.3 * wide:
        return "slides", 1 - high / wide
    if wide < 0.3 * high:
        return "bounces", 1 - wide / high
    return "orbits", min(wide, high) / max(wide, high)


def _spread(values: np.ndarray) -> float:
    return float(np.percentile(values, 95) - np.percentile(values, 5))


def _rises(track: Track) -> bool:
    """Mostly upward, one way, with no path back down but a jump."""
    both = track.seen[1:] & track.seen[:-1]
    step = np.diff(track.y)[both]
    if len(step) < 4 or _spread(track.x[track.seen]) > 0.35 * _spread(track.y[track.seen]):
        return False
    small = np.abs(step) < 16
    return small.sum() >= 4 and float(np.mean(step[small] < 0.2)) > 0.85


def estimate_period(track: Track, motion: str) -> float:
    """Seconds of one cycle: the waveform of the motion that fits its own signal best."""
    t = np.arange(len(track.x)) / world.FPS
    if motion == "rises":
        return _rise_period(track)
    signal, good = _signal(track, motion)
    if good.sum() < 6:
        return float("nan")
    best = (np.inf, float("nan"))
    centre = world.PERIODS[motion]
    for period in np.geomspace(centre[1] * 0.6, centre[0] * 1.6, 60):
        for phase in np.linspace(0, 1, 24, endpoint=False):
            wave = _waveform(motion, (t / period + phase) % 1.0)[good]
            basis = np.stack([wave, np.ones_like(wave)], 1)
            solution, *_ = np.linalg.lstsq(basis, signal[good], rcond=None)
            error = float(((basis @ solution - signal[good]) ** 2).sum())
            best = min(best, (error, float(period)))
    return best[1]


def _signal(track: Track, motion: str) -> tuple[np.ndarray, np.ndarray]:
    if motion == "blinks":
        return track.seen.astype(float), np.ones(len(track.x), bool)
    if motion == "pulses":
        return np.sqrt(track.area), track.seen
    if motion == "slides":
        return track.x, track.seen
    return track.y, track.seen


def _waveform(motion: str, u: np.ndarray) -> np.ndarray:
    if motion == "bounces":
        return 4 * u * (1 - u)
    if motion == "slides":
        return 4 * np.abs(u - 0.5) - 1
    if motion == "blinks":
        return (u < 0.5).astype(float)
    return np.sin(2 * np.pi * u)


def _rise_period(track: Track) -> float:
    both = track.whole[1:] & track.whole[:-1]
    step = np.diff(track.y)[both]
    step = step[(step < 0) & (step > -20)]
    if not len(step):
        return float("nan")
    radius = np.sqrt(np.percentile(track.area, 90) / np.pi)
    return float((world.SIZE + 2 * radius) / (-np.median(step) * world.FPS))


def judge_speed(track: Track, motion: str) -> tuple[str | None, float]:
    """Slow or fast, by the nearer of the motion's two periods (on a log scale)."""
    period = estimate_period(track, motion)
    if not np.isfinite(period):
        return None, 0.0
    slow, fast = world.PERIODS[motion]
    place = np.log(period / np.sqrt(slow * fast)) / np.log(np.sqrt(slow / fast))
    return ("slow" if place > 0 else "fast"), float(min(1, abs(place)))


def find_events(track: Track, motion: str) -> list[float]:
    """Seconds at which the picture shows a floor hit, a wall hit or an appearance."""
    if motion == "blinks":
        on = np.flatnonzero(track.seen[1:] & ~track.seen[:-1]) + 1
        return [float((i - 0.5) / world.FPS) for i in on]
    if motion == "bounces":
        return _cusps(track.y, both=False)
    if motion == "slides":
        return _cusps(track.x, both=True)
    return []


def _cusps(values: np.ndarray, *, both: bool) -> list[float]:
    """Sharp maxima (and minima, if both) of a track, between frames, as seconds."""
    times: list[float] = []
    for sign in (1, -1) if both else (1,):
        v = sign * values
        for i in range(2, len(v) - 2):
            around = v[i - 2 : i + 3]
            if np.isnan(around).any() or v[i] < v[i - 1] or v[i] <= v[i + 1]:
                continue
            if 2 * v[i] - v[i - 2] - v[i + 2] < 2.5:
                continue
            times.append(_cross(v, i) / world.FPS)
    return sorted(times)


def _cross(v: np.ndarray, i: int) -> float:
    """Where the lines before and after the peak i meet, in frames."""
    rise, fall = v[i - 1] - v[i - 2], v[i + 2] - v[i + 1]
    if rise - fall < 1e-3:
        return float(i)
    meet = (v[i + 1] - v[i - 1] - fall * (i + 1) + rise * (i - 1)) / (rise - fall)
    return float(np.clip(meet, i - 1, i + 1))
