"""container: the file is whole, and is what it was to be.

Compared are the file's declarations, what was decoded, and what the plan expects where there is
one. The score is the share of requirements that hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Span, Verdict
from rushes.checks.timeline import frame_seconds_of

if TYPE_CHECKING:
    from rushes.checks.base import Frame, Samples
    from rushes.media import MediaInfo

THRESHOLD = 1.0
"""All requirements hold."""
CLOCK_SECONDS = 0.002
"""Matroska and MP4 round durations to a millisecond at each end."""
CODEC_SAMPLES = 2048
"""AAC's priming and padding, a block each, which foreign muxers may declare as sound."""
FPS_TOLERANCE = 0.0005
"""Relative: 24000/1001 and 23.976 are one rate; 24 is another, by 0.1 %."""
MAX_SPANS = 20


class ContainerCheck:
    """The file is whole and as expected."""

    name = "container"
    version = 1
    about = "streams, size, rate and length as expected, decodable to the end"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return ContainerJudge(info, expect)


class ContainerJudge:
    """Counts what was decoded."""

    def __init__(self, info: MediaInfo, expect: Expectation | None) -> None:
        self._info = info
        self._expect = expect
        self._step = frame_seconds_of(info)
        self._frames = 0
        self._picture_end = 0.0
        self._sound_end = 0.0
        self._sizes: set[tuple[int, int]] = set()
        self._damage: list[Span] = []
        self._damages = 0
        self._demands = 0
        self._faults: list[str] = []

    def see_frame(self, seconds: float, frame: Frame) -> None:
        self._frames += 1
        self._picture_end = max(self._picture_end, seconds + self._step)
        self._sizes.add((frame.shape[1], frame.shape[0]))

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        self._sound_end = max(self._sound_end, seconds + len(samples) / rate)

    def see_damage(self, seconds: float, reason: str) -> None:
        """Told by the decoder; the first ``MAX_SPANS`` are kept."""
        self._damages += 1
        if len(self._damage) < MAX_SPANS:
            self._damage.append(Span(max(0.0, seconds), max(0.0, seconds) + self._step, reason))

    def give_verdict(self) -> Verdict:
        self._demands, self._faults = 0, []
        self._compare_decoded()
        self._compare_durations()
        if self._expect is not None:
            self._compare_expected(self._expect)
        info = self._info
        evidence: dict[str, float | int | str] = {
            "format": info.format,
            "frames": self._frames,
            "width": info.width,
            "height": info.height,
            "fps": info.fps,
            "damages": self._damages,
        }
        for name, stream in (("video", info.video), ("audio", info.audio)):
            if stream is not None and stream.duration_seconds is not None:
                evidence[f"declared_{name}_seconds"] = stream.duration_seconds
        message = "; ".join(self._faults) or "the file is whole and as expected"
        score = 1 - len(self._faults) / self._demands
        return Verdict("container", score, THRESHOLD, message, self._spans(), evidence)

    def _demand(self, holds: bool, fault: str) -> None:
        self._demands += 1
        if not holds:
            self._faults.append(fault)

    def _compare_decoded(self) -> None:
        video, audio = self._info.video, self._info.audio
        self._demand(video is not None, "there is no picture")
        first = self._damage[0] if self._damage else None
        self._demand(
            first is None,
            f"{self._damages} places cannot be decoded, the first at"
            f" {first.start_seconds:.2f} s ({first.note})"
            if first
            else "",
        )
        if video is not None:
            declared = video.duration_seconds or 0.0
            counted = video.frames is not None and self._frames >= video.frames
            reached = self._picture_end >= declared - 1.5 * self._step
            self._demand(
                self._frames > 0 and (counted or reached),
                f"the picture ends at {self._picture_end:.2f} s of {declared:.2f} s",
            )
            self._demand(len(self._sizes) <= 1, "frames are of different sizes")
        if audio is not None:
            declared = audio.duration_seconds or 0.0
            slack = CODEC_SAMPLES / max(1, audio.rate) + CLOCK_SECONDS
            self._demand(
                self._sound_end > 0 and self._sound_end >= declared - slack,
                f"the sound ends at {self._sound_end:.2f} s of {declared:.2f} s",
            )

    def _compare_durations(self) -> None:
        video, audio = self._info.video, self._info.audio
        if video is None or audio is None:
            return
        picture, sound = video.duration_seconds, audio.duration_seconds
        if picture is None or sound is None:
            return
        allowed = self._step + CLOCK_SECONDS
        if self._expect is None:
            allowed = max(allowed, CODEC_SAMPLES / max(1, audio.rate) + CLOCK_SECONDS)
            picture = max(picture, self._picture_end)  # some formats only guess theirs
        self._demand(
            abs(picture - sound) <= allowed,
            f"picture ({picture:.3f} s) and sound ({sound:.3f} s) are declared of different length",
        )

    def _compare_expected(self, expect: Expectation) -> None:
        info = self._info
        self._demand(
            self._frames == expect.frames,
            f"{self._frames} frames where {expect.frames} are expected",
        )
        self._demand(
            (info.width, info.height) == (expect.width, expect.height),
            f"{info.width}x{info.height} where {expect.width}x{expect.height} is expected",
        )
        self._demand(
            abs(info.fps - expect.fps) < FPS_TOLERANCE * expect.fps,
            f"{info.fps:.3f} fps where {expect.fps:.3f} is expected",
        )
        wanted = "expected" if expect.audio else "not expected"
        found = "there" if info.audio is not None else "missing"
        self._demand((info.audio is not None) == expect.audio, f"sound is {wanted}, but {found}")

    def _spans(self) -> tuple[Span, ...]:
        """Damages, and what is missing at the end, within the declared duration."""
        limit = self._info.duration_seconds
        spans = self._damage
        video = self._info.video
        audio = self._info.audio
        for stream, end in ((video, self._picture_end), (audio, self._sound_end)):
            declared = (stream.duration_seconds or 0.0) if stream else 0.0
            if self._faults and declared - end > 1.5 * self._step:
                kind = "sound" if stream is audio else "picture"
                spans = [*spans, Span(end, declared, f"{kind} missing")]
        if limit is None:
            return tuple(spans)
        cut = (Span(s.start_seconds, min(s.end_seconds, limit), s.note) for s in spans)
        return tuple(span for span in cut if span.end_seconds > span.start_seconds)


CHECK = ContainerCheck()
