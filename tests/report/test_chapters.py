"""Chapters as WebVTT, SRT and Markdown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rushes.report.chapters import show_clock, write_markdown, write_srt, write_vtt
from rushes.run.describing import Chapter, cut_evenly

CHAPTERS = (Chapter(0.0, 2.5, "a <b> & c --> d", (0.0,)), Chapter(2.5, 3725.0004, "*", (3.0,)))


def test_the_forms_are_what_players_read() -> None:
    assert write_vtt(CHAPTERS) == (
        "WEBVTT\n\n1\n00:00:00.000 --> 00:00:02.500\na &lt;b&gt; &amp; c --&gt; d\n"
        "\n2\n00:00:02.500 --> 01:02:05.000\n*\n"
    )
    assert write_srt(CHAPTERS).startswith("1\n00:00:00,000 --> 00:00:02,500\na <b>")
    text = write_markdown("talk.mp4", CHAPTERS)
    assert text.startswith("# talk.mp4\n\n- **00:00:00.000** a \\<b\\> & c")
    assert "- **00:00:02.500** \\*\n" in text


@given(st.floats(0, 1e6))
def test_a_clock_is_what_it_shows(seconds: float) -> None:
    hours, minutes, rest = show_clock(seconds).split(":")
    shown = int(hours) * 3600 + int(minutes) * 60 + float(rest)
    assert abs(shown - seconds) <= 0.0005 + 1e-6


def test_pieces_are_equal_and_no_longer_than_asked_for() -> None:
    assert cut_evenly((1.0, 11.0), 5.0) == [(1.0, 6.0), (6.0, 11.0)]
    assert cut_evenly((0.0, 5.1), 5.0) == [(0.0, 2.55), (2.55, 5.1)]
    assert cut_evenly((0.0, 0.5), 5.0) == [(0.0, 0.5)]
