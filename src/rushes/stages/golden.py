"""golden: a clip held to one that was accepted, within what machines may differ by."""

from __future__ import annotations

from pathlib import Path

import msgspec

from rushes.checks.base import Span, Verdict
from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.check import to_row

NAME = "golden"
"""The verdict's name, by which ``gate`` may set its threshold."""
THRESHOLD = 0.9


class GoldenParams(Params, frozen=True):
    """Nothing but the two clips decides it."""


def run(job: Job) -> Made:
    """Measure how like the clip and the golden one are."""
    verdict = judge_golden(job.inputs["golden"]["file"], job.inputs["clip"]["clip"])
    path = job.folder / "verdicts.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode([to_row(verdict)]), indent=1))
    return Made({"verdicts": path})


def judge_golden(golden: Path, clip: Path) -> Verdict:
    """The verdict ``golden``: the smaller of the scores of picture and sound.

    Raises:
        MediaError: one of them cannot be read.
    """
    from rushes.checks.likeness import measure_likeness

    like = measure_likeness(golden, clip)
    score = min(like.picture_score, like.sound_score)
    evidence: dict[str, float | int | str] = {"frames": like.counts[1]}
    spans: tuple[Span, ...] = ()
    if (worst := like.worst) is not None:
        evidence |= {"worst_ssim": round(worst.ssim, 6), "worst_psnr_db": round(worst.psnr_db, 3)}
        spans = (Span(worst.seconds, worst.seconds, "least like the golden take"),)
    if like.sound_db:
        evidence["worst_second_db"] = round(max(like.sound_db), 4)
    passed = score >= THRESHOLD
    message = "as the golden take" if passed else _describe(like.counts, like.sizes, like.sounds)
    return Verdict(NAME, score, THRESHOLD, message, () if passed else spans, evidence)


def _describe(counts: tuple[int, int], sizes: tuple[str, str], sounds: tuple[bool, bool]) -> str:
    """What is plainly another, else that it looks or sounds otherwise."""
    if counts[0] != counts[1]:
        return f"the golden take has {counts[0]} frames, this has {counts[1]}"
    if sizes[0] != sizes[1]:
        return f"the golden take is {sizes[0]}, this is {sizes[1]}"
    if sounds[0] != sounds[1]:
        return "one of the two has no sound"
    return "it does not look or sound as the golden take"


PACKAGES = ("av", "numpy", "opencv-python-headless")
STAGE = Stage(NAME, 1, "media", 6, PACKAGES, GoldenParams, run)
