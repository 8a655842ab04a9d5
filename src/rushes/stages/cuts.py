"""cuts: a video file to where its scenes begin; every frame is decoded once."""

from __future__ import annotations

import msgspec

from rushes.stages.base import Job, Made, Params, Stage


class CutsParams(Params, frozen=True):
    """Nothing to choose."""


class Scenes(msgspec.Struct, frozen=True):
    """Seconds at which scenes begin, the first frame's included; ``end`` is where the last ends.

    ``suspected``: where others may begin.
    """

    starts: tuple[float, ...]
    end: float
    lost: tuple[str, ...] = ()
    suspected: tuple[float, ...] = ()

    @property
    def spans(self) -> list[tuple[float, float]]:
        """(start, end) of every scene."""
        ends = [*self.starts[1:], self.end]
        return [span for span in zip(self.starts, ends, strict=True) if span[1] > span[0]]


def run(job: Job) -> Made:
    """Find them."""
    from rushes.media import Damage, probe
    from rushes.media.cuts import suspect_cuts

    file = job.inputs["file"]["file"]
    lost: dict[str, str] = {}

    def note(damage: Damage) -> None:
        lost.setdefault(damage.reason, f"from about {damage.seconds:.1f} s: {damage.reason}")

    cuts = suspect_cuts(file, 0.0, None, note)
    info = probe(file)
    rate = info.video.fps if info.video is not None and info.video.fps else 25.0
    starts = cuts.starts or (0.0,)
    scenes = Scenes(starts, cuts.last + 1 / rate, tuple(lost.values()), cuts.suspected)
    path = job.folder / "scenes.json"
    path.write_bytes(msgspec.json.encode(scenes))
    return Made({"scenes": path})


STAGE = Stage("cuts", 2, "media", 4, ("av", "numpy"), CutsParams, run)
"""In no plan of a project: readings make it."""
