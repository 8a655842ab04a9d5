"""Broken files end in a verdict or a clear error: never a crash, never a hang."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from planted import blink, make_beeps, make_clip, slide

from rushes.checks.packages import is_installed
from rushes.checks.registry import check_file, list_packages
from rushes.errors import MediaError, RushesError
from rushes.media import AudioWriter, ExportFormat, export_clip

COUNT = 304
SECONDS = 20
"""A small clip is judged in a fraction of a second; a loop that does not end is what this finds."""
CHECKS = ["default", "sharpness", "banding", "loudness", "peak", "hum", "click"]


HEAVY = [
    name
    for name, packages in list_packages(["text", "speech", "nudity"]).items()
    if all(map(is_installed, packages))
]
"""Models take longer: they look at every 48th file."""


class TooLong(Exception):
    """The time is up."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    def stop(signum: int, frame: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def cut_short(data: bytearray, rng: random.Random) -> bytes:
    return bytes(data[: rng.randrange(len(data))])


def flip_bits(data: bytearray, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 8, 64))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def flip_head(data: bytearray, rng: random.Random) -> bytes:
    """Damage among the first bytes, where formats keep sizes and counts."""
    for _ in range(rng.choice((1, 4, 16))):
        data[rng.randrange(min(len(data), 600))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
    return bytes(data)


def blank_out(data: bytearray, rng: random.Random) -> bytes:
    start, length = rng.randrange(len(data)), rng.choice((4, 100, 2000))
    data[start : start + length] = bytes(len(data[start : start + length]))
    return bytes(data)


def leave_out(data: bytearray, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    del data[start : start + rng.choice((1, 7, 500))]
    return bytes(data)


def repeat_part(data: bytearray, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return bytes(data[:start] + data[start : start + 800] * 3 + data[start:])


def flip_index(data: bytearray, rng: random.Random) -> bytes:
    """Damage in the index: MP4 keeps it in ``moov``, at the end or the beginning."""
    at = max(0, data.find(b"moov"))
    for _ in range(rng.choice((1, 6))):
        data[min(len(data) - 1, at + rng.randrange(900))] = rng.randrange(256)
    return bytes(data)


MUTATIONS = (cut_short, flip_bits, flip_head, blank_out, leave_out, repeat_part, flip_index)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A clip in each container, and a sound file."""
    folder = tmp_path_factory.mktemp("seeds")
    found = [make_clip(folder, blink("grey", 24), make_beeps(1.5, at=0.3))]
    formats = {
        "mkv": ExportFormat("mkv", audio_codec="opus"),
        "webm": ExportFormat("webm", "vp9", audio_codec="opus"),
        "mov": ExportFormat("mov"),
    }
    make_clip(folder, slide("white", 12), make_beeps(0.75, at=0.2))
    for suffix, fmt in formats.items():
        export_clip(folder / "v.mkv", folder / "a.wav", folder / f"x.{suffix}", fmt)
        found.append(folder / f"x.{suffix}")
    with AudioWriter(folder / "only.wav", 16_000, 2) as writer:
        writer.write(make_beeps(0.5, at=0.1))
    return [*found, folder / "only.wav"]


@pytest.mark.slow
def test_mutated_files_end_in_a_verdict_or_a_clear_error(seeds: list[Path], tmp_path: Path) -> None:
    rng = random.Random(20_261_121)
    judged = refused = unsaid = 0
    for number in range(COUNT):
        seed = seeds[number % len(seeds)]
        mutate = MUTATIONS[number // len(seeds) % len(MUTATIONS)]
        broken = tmp_path / f"broken{seed.suffix}"
        broken.write_bytes(mutate(bytearray(seed.read_bytes()), rng))
        place = f"file {number}: {mutate.__name__} of {seed.name}"
        try:
            with limited(SECONDS):
                verdicts = check_file(broken, CHECKS + HEAVY * (number % 48 == 0))
        except MediaError as exc:
            refused += 1
            unsaid += not exc.message
            continue
        except TooLong:
            pytest.fail(f"{place} takes longer than {SECONDS} s")
        except RushesError as exc:
            pytest.fail(f"{place}: {type(exc).__name__}, which is not about the file: {exc}")
        judged += 1
        for verdict in verdicts:
            assert 0 <= verdict.score <= 1, (place, verdict)
            assert verdict.message, (place, verdict)
            numbers = [v for v in verdict.evidence.values() if not isinstance(v, str)]
            assert np.isfinite(numbers).all(), (place, verdict)
    assert not unsaid, "a refusal says nothing"
    assert judged >= 30, "the mutations leave nothing to judge"
    assert refused >= 30, "the mutations break nothing"
