"""A file of ten minutes, assembled from scenes of sprite's world whose truth is known."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from training.spotter.events import find_first
from training.spotter.render import draw_clip
from training.spotter.scenes import Clip, Look, sample_clip
from training.sprite.world import Scene

SIDE, RATE, CRF = 64, 16, 12
MINUTES = 10.0
SEED = 2026


@dataclass(frozen=True)
class Shown:
    """One scene of the film: from when to when it is on the screen, in seconds of the file."""

    clip: Clip
    start: float
    end: float

    @property
    def scene(self) -> Scene:
        return self.clip.actors[0].scene

    def first(self, kind: str) -> float | None:
        """Seconds of the file at which something first happens to its object; None where that
        cannot be told."""
        seconds, told = find_first(self.clip, self.clip.actors[0], kind)
        return self.start + seconds if told and seconds is not None else None


def draw_film(seconds: float = 60 * MINUTES, seed: int = SEED) -> list[Shown]:
    """Scenes of 2 to 4 s with one object each, one after the other; neighbours may share a
    background, as in a drawn lot of 4 they do a quarter of the time."""
    rng, at, film = np.random.default_rng(seed), 0.0, list[Shown]()
    while at < seconds:
        length = round(float(rng.uniform(2.0, 4.0)) * RATE) / RATE
        while True:
            clip = sample_clip(
                rng, count=1, seconds=length, rate=RATE, width=SIDE, height=SIDE, look=Look()
            )
            actor = clip.actors[0]
            if actor.start == 0 and actor.end >= clip.seconds:
                break
        film.append(Shown(clip, at, at + clip.seconds))
        at += clip.seconds
    return film


def write_film(film: list[Shown], to: Path) -> None:
    """H.264 with a key frame every ten seconds, as files of this length have."""
    with av.open(str(to), "w", format="mp4") as box:
        stream = box.add_stream("libx264", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        stream.options = {"crf": str(CRF), "preset": "veryfast", "g": "160",
                          "x264-params": "mbtree=0:threads=1:scenecut=0"}  # fmt: skip
        for shown in film:
            for image in draw_clip(shown.clip):
                box.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        box.mux(stream.encode())


def say_event(scene: Scene) -> str:
    """As it is searched for."""
    return f"a {scene.colour} {scene.shape} {scene.motion}"
