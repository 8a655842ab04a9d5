"""What holds for every check, built in or plugged in."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from planted import CLEAN, FPS, RATE, SIZE, make_beeps, make_clip, make_tone, slide

from rushes.checks import registry
from rushes.checks.base import Check, Expectation, Judge, Verdict
from rushes.checks.registry import (
    asking_checks,
    check_file,
    check_names,
    comparing_checks,
    expand_checks,
    find_check,
    list_packages,
)
from rushes.errors import MediaError, UsageError
from rushes.media import AudioInfo, MediaInfo, VideoInfo

EXPECT = Expectation(frames=33, width=SIZE, height=SIZE, fps=FPS, audio=True)
ALONE = [name for name in check_names() if name not in asking_checks(check_names())]
"""Checks that judge a file by itself, without a reader's answers."""
HEAVY = list_packages(check_names())
"""Checks with a model each; their own tests have them judge more than one clip."""
ALONE = [name for name in ALONE if name not in HEAVY and name not in comparing_checks([name])]


TARGETS = ("r128", "streaming")
"""Checks that ask for the level of a platform, which a clip need not have to be clean."""
BEEPS = {
    "blink-black": lambda: make_beeps(at=0.665),
    "blink-grey": lambda: make_beeps(at=0.665),
    "blink-white": lambda: make_beeps(at=0.665),
    "blink-fast": lambda: make_beeps(every=0.54, at=0.27),
}
"""Beeps at the moments at which the disc appears."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name, frames in CLEAN.items():
        wave = BEEPS[name]() if name in BEEPS else make_tone()
        made[name] = make_clip(tmp_path_factory.mktemp(name), frames, wave)
    return made


@pytest.mark.parametrize("expect", [None, EXPECT], ids=["alone", "planned"])
@pytest.mark.parametrize("clip", CLEAN)
@pytest.mark.parametrize("check", [name for name in ALONE if name not in TARGETS])
def test_a_clean_clip_passes(
    clips: dict[str, Path], clip: str, check: str, expect: Expectation | None
) -> None:
    (verdict,) = check_file(clips[clip], [check], expect)
    assert verdict.passed, verdict
    assert verdict.check == check
    assert verdict.message
    assert verdict.spans == ()


@pytest.mark.parametrize("check", check_names())
def test_a_check_says_what_it_is(check: str) -> None:
    found = find_check(check)
    assert found.name == check
    assert isinstance(found.version, int)
    assert found.version >= 1
    assert found.about


INFOS = {
    "both": MediaInfo(
        "x.mp4",
        "mp4",
        2.0,
        VideoInfo("h264", "yuv420p", 64, 64, FPS, 2.0, 32, 0),  # type: ignore[arg-type]
        AudioInfo("aac", "fltp", RATE, 2, 2.0),
    ),
    "nothing": MediaInfo("x.mp4", "mp4", None, None, None),
}


@pytest.mark.parametrize("info", INFOS)
@pytest.mark.parametrize("check", check_names())
def test_a_judge_that_saw_nothing_still_judges(check: str, info: str) -> None:
    for expect in (None, EXPECT):
        verdict = find_check(check).judge(INFOS[info], expect).give_verdict()
        require_sound_verdict(verdict, 2.0)


@pytest.mark.parametrize("check", ALONE)
def test_verdicts_keep_their_promises(clips: dict[str, Path], tmp_path: Path, check: str) -> None:
    rng = np.random.default_rng(4)
    noise = [rng.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8) for _ in range(8)]
    strobe = [np.full((SIZE, SIZE, 3), 255 * (n % 2), np.uint8) for n in range(20)]
    still = [noise[0]] * 20
    for number, frames in enumerate((noise, strobe, still)):
        wave = make_tone(len(frames) / FPS, gain=number)
        path = make_clip(tmp_path, frames, np.clip(wave, -1, 1))
        (verdict,) = check_file(path, [check])
        require_sound_verdict(verdict, len(frames) / FPS + 0.01)


def require_sound_verdict(verdict: Verdict, seconds: float) -> None:
    assert verdict.passed == (verdict.score >= verdict.threshold)
    assert 0 <= verdict.score <= 1
    assert verdict.message
    assert not verdict.message.endswith(".")
    for span in verdict.spans:
        assert 0 <= span.start_seconds < span.end_seconds <= seconds
    for value in verdict.evidence.values():
        assert isinstance(value, str) or np.isfinite(value)


def test_one_decode_serves_all_checks(
    clips: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import rushes.media

    real, calls = rushes.media.read_both, []

    def count(*args: object, **kwargs: object) -> Iterator[object]:
        calls.append(args)
        return iter(real(*args, **kwargs))  # type: ignore[arg-type]

    monkeypatch.setattr(rushes.media, "read_both", count, raising=False)
    verdicts = check_file(clips["pan"], ["default"], EXPECT)
    assert [verdict.check for verdict in verdicts] == list(registry.DEFAULT)
    assert len(calls) == 1


def test_profiles_expand_once_and_in_order() -> None:
    assert expand_checks(["default"]) == list(registry.DEFAULT)
    assert expand_checks(["silence", "default", "silence"])[0] == "silence"
    assert sorted(expand_checks(["silence", "default"])) == sorted(registry.DEFAULT)
    assert expand_checks([]) == []


@pytest.mark.parametrize("call", [find_check, lambda name: expand_checks([name])])
def test_an_unknown_check_is_a_usage_error_with_a_suggestion(call: object) -> None:
    with pytest.raises(UsageError, match="flikcer") as caught:
        call("flikcer")  # type: ignore[operator]
    assert "flicker" in str(caught.value.hint)
    with pytest.raises(UsageError) as caught:
        call("zzz")  # type: ignore[operator]
    assert "container" in str(caught.value.hint)


def test_what_is_no_media_file_raises(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no film")
    with pytest.raises(MediaError):
        check_file(tmp_path / "x.mp4", ["default"])


def test_planning_with_checks_loads_neither_numpy_nor_ffmpeg() -> None:
    code = (
        "import sys; from rushes.checks.registry import *;"
        "print([find_check(n).version for n in expand_checks(['default'])],"
        " {'numpy', 'av'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("set()")


class Strict:
    """A plug-in that fails everything."""

    name, version, about = "severe", 3, "nothing is good enough"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        return StrictJudge()


class StrictJudge:
    def see_frame(self, seconds: float, frame: object) -> None: ...

    def hear_samples(self, seconds: float, samples: object, rate: int) -> None: ...

    def give_verdict(self) -> Verdict:
        return Verdict("severe", 0.0, 1.0, "no")


@pytest.fixture
def plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    points = {
        "severe": EntryPoint("severe", f"{__name__}:Strict", registry.ENTRY_POINTS),
        "broken": EntryPoint("broken", "no_such_module:X", registry.ENTRY_POINTS),
        "black": EntryPoint("black", f"{__name__}:Strict", registry.ENTRY_POINTS),
    }
    monkeypatch.setattr(registry, "_plug_ins", lambda: points)


@pytest.mark.usefixtures("plug_ins")
def test_plug_ins_enter_by_the_same_door(clips: dict[str, Path]) -> None:
    assert check_names() == [*registry.BUILT_IN, "broken", "severe"]
    check: Check = find_check("severe")
    assert check.version == 3
    verdicts = check_file(clips["pan"], ["severe", "black"])
    assert [verdict.passed for verdict in verdicts] == [False, True]
    with pytest.raises(UsageError, match="broken"):
        find_check("broken")


def run_long(folder: Path, seconds: int) -> None:
    """Check a clip of that length with everything."""
    from fractions import Fraction

    from rushes.media import ExportFormat, encode_clip

    scene = slide("grey", 38) * (seconds * FPS // 38 + 1)
    sound = (make_tone(1.0) for _ in range(seconds))
    fmt = ExportFormat(preset="veryfast")
    encode_clip(scene, Fraction(FPS), sound, RATE, folder / "long.mp4", fmt)
    assert len(check_file(folder / "long.mp4", ["default"])) == len(registry.DEFAULT)


@pytest.mark.slow
def test_memory_does_not_grow_with_duration(tmp_path: Path) -> None:
    peaks = []
    for seconds in (4, 60):
        command = [sys.executable, __file__, str(tmp_path), str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 5_000_000  # 56 s of decoded frames are 11 MB


if __name__ == "__main__":
    run_long(Path(sys.argv[1]), int(sys.argv[2]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
