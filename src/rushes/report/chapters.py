"""Chapters as files that players and people read: WebVTT, SRT, Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from rushes.run.describing import Chapter


def write_vtt(chapters: Iterable[Chapter]) -> str:
    """A WebVTT track. What would end a cue or begin a tag is written as the standard says."""
    cues = ["WEBVTT\n"]
    for number, one in enumerate(chapters, 1):
        text = one.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        cues.append(f"{number}\n{_times(one, '.')}\n{text or '-'}\n")
    return "\n".join(cues)


def write_srt(chapters: Iterable[Chapter]) -> str:
    """SubRip subtitles."""
    cues = [
        f"{number}\n{_times(one, ',')}\n{one.text or '-'}\n"
        for number, one in enumerate(chapters, 1)
    ]
    return "\n".join(cues)


def write_markdown(name: str, chapters: Iterable[Chapter]) -> str:
    """A list under a heading."""
    lines = [f"# {name}", ""]
    lines += [f"- **{show_clock(one.start_seconds)}** {_escape(one.text)}" for one in chapters]
    return "\n".join(lines) + "\n"


def show_clock(seconds: float, mark: str = ".") -> str:
    """``01:02:03.500``."""
    millis = round(seconds * 1000)
    minutes, rest = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, part = divmod(rest, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{mark}{part:03d}"


def _times(one: Chapter, mark: str) -> str:
    return f"{show_clock(one.start_seconds, mark)} --> {show_clock(one.end_seconds, mark)}"


def _escape(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#" else sign for sign in text)
