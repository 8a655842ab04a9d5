"""The takes of a shot side by side: what each looks like, and why it was refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.errors import RushesError
from rushes.report.charts import data_uri
from rushes.report.manifest import AttemptRecord, RepairRecord
from rushes.report.sample import ClipSample, sample_clip
from rushes.report.text import escape
from rushes.types import Digest

FindObject = Callable[[Digest], Path | None]
"""Where the store has a clip; None where it is gone."""
MAX_TAKES = 8
"""Pictures of the first so many takes of a shot; the others have their line."""


@dataclass(frozen=True, slots=True)
class TakeSample:
    """A refused take's clip: its pictures, and its bytes where they may be embedded."""

    sample: ClipSample
    data: bytes | None


def load_takes(
    attempts: Sequence[AttemptRecord], find: FindObject, frames: int, seconds: float, left: int
) -> dict[int, TakeSample]:
    """Decode the takes that were not kept and that the store still has, by attempt.

    Args:
        left: bytes that may still be embedded.
    """
    found: dict[int, TakeSample] = {}
    for attempt in attempts[:MAX_TAKES]:
        if attempt.kept or attempt.sha256 is None:
            continue
        try:
            path = find(attempt.sha256)
            if path is None:
                continue
            sample = sample_clip(path, frames, seconds)
            data = path.read_bytes() if path.stat().st_size <= left else None
        except (RushesError, OSError):
            continue
        left -= len(data or b"")
        found[attempt.attempt] = TakeSample(sample, data)
    return found


def draw_attempts(
    name: str,
    attempts: Sequence[AttemptRecord],
    takes: dict[int, TakeSample],
    kept: ClipSample | None,
    stopped: str,
    media_type: str,
) -> str:
    """All takes as figures in a row; nothing where there was one."""
    if len(attempts) < 2:
        return f'<p class="stopped">no further take: {escape(stopped)}</p>' if stopped else ""
    drawn = "".join(
        _draw_take(name, each, takes.get(each.attempt), kept, media_type) for each in attempts
    )
    tail = f'<p class="stopped">no further take: {escape(stopped)}</p>' if stopped else ""
    return (
        f'<section class="takes" aria-label="takes of {escape(name)}"><h4>Takes '
        f'<small>{len(attempts)}</small></h4><div class="reel">{drawn}</div>{tail}</section>'
    )


def _draw_take(
    name: str,
    attempt: AttemptRecord,
    take: TakeSample | None,
    kept: ClipSample | None,
    media_type: str,
) -> str:
    verdict = "not judged" if attempt.passed is None else "passed" if attempt.passed else "refused"
    number = attempt.attempt + 1
    mark = ' <strong class="kept">kept</strong>' if attempt.kept else ""
    seed = f'<span class="number">seed {attempt.seed}</span>'
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in attempt.refused)
    reasons = f'<ul class="why">{reasons}</ul>' if reasons else ""
    repairs = "".join(f"<p>{_say_repair(repair)}</p>" for repair in attempt.repairs)
    return (
        f'<figure class="take {verdict.replace(" ", "-")}">'
        f"{_draw_picture(name, number, attempt, take, kept, media_type)}"
        f'<figcaption><p class="title">take {number} <em>{verdict}</em>{mark}</p>'
        f"<p>{seed}</p>{repairs}{reasons}</figcaption></figure>"
    )


def _draw_picture(
    name: str,
    number: int,
    attempt: AttemptRecord,
    take: TakeSample | None,
    kept: ClipSample | None,
    media_type: str,
) -> str:
    sample = kept if attempt.kept else None if take is None else take.sample
    about = f"take {number} of {name}"
    if sample is None or not sample.poster:
        return '<div class="blank small"><p>no longer stored</p></div>'
    poster = data_uri("image/jpeg", sample.poster)
    if take is not None and take.data is not None:
        return (
            f'<video class="small" controls loop muted playsinline preload="none"'
            f' poster="{poster}" aria-label="{escape(about)}"'
            f' src="{data_uri(media_type, take.data)}"></video>'
        )
    return f'<img class="small" src="{poster}" alt="{escape(about)}">'


def _say_repair(repair: RepairRecord) -> str:
    """For example ``sound of 0.30 to 0.60 s made again, 44 % of a take's work``."""
    spans = ", ".join(f"{low:.2f} to {high:.2f} s" for low, high in repair.spans)
    part = "" if repair.part == "both" else f"{repair.part} of "
    whole = repair.take_token_passes
    share = f", {repair.token_passes / whole:.0%} of a take\N{RIGHT SINGLE QUOTATION MARK}s work"
    return escape(f"{part}{spans} made again{share if whole else ''}")
