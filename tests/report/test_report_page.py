"""out/report.html: hostile text, broken files, size, and what is left out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import msgspec
import numpy as np
import pytest

from rushes.checks.base import Verdict
from rushes.report.junit import make_junit
from rushes.report.manifest import Manifest, RepairRecord, make_manifest
from rushes.report.page import MAX_CARDS, choose_clips, render_page
from rushes.report.sample import COLUMNS, sample_clip, shrink_frame
from rushes.types import Digest, VideoShape
from tests.report.conftest import draw_clip

Wanted = Callable[..., Any]
HOSTILE = (
    "<script>alert(1)</script> \"quoted' </textarea></style><img src=x onerror=y> $style & \x00"
)
VOID = {"meta", "link", "img", "br", "input"}


class Page(HTMLParser):
    """Tags, attributes and visible text; fails on tags that do not nest."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(data.decode())
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID and tag not in ("path", "polygon"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "polygon"):
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def manifest_of(builder: Any, wants: list[Any], film: str | None = None) -> Manifest:
    return make_manifest(builder.build(wants, film=film), builder.store)


def page_of(builder: Any, wants: list[Any], film: str | None = None) -> Page:
    return Page(render_page(manifest_of(builder, wants, film), builder.folder))


def test_hostile_prompt_stays_text(builder: Any, wanted: Wanted) -> None:
    page = page_of(builder, [wanted("opening", prompt=HOSTILE), wanted("second", "failed")])
    assert len(page.all("script")) == 1
    assert len(page.all("style")) == 1
    assert not page.all("textarea")
    assert not any("onerror" in attrs for _, attrs in page.tags)
    assert "<script>alert(1)</script> \"quoted' </textarea>" in page.text
    assert "a <b>flash</b>" in page.text
    assert "\x00" not in page.text


def test_page_loads_nothing_from_elsewhere(builder: Any, wanted: Wanted) -> None:
    data = render_page(manifest_of(builder, [wanted("opening")], "teaser"), builder.folder)
    page = Page(data)
    for _, attrs in page.tags:
        for name in ("src", "poster", "srcset", "data"):
            assert attrs.get(name, "data:").startswith("data:")
    assert all(attrs["href"] == "data:," for attrs in page.all("link"))
    assert not re.search(rb"url\(|@import|fetch\(|http-equiv=.refresh", data)
    (policy,) = [a["content"] for a in page.all("meta") if "Security" in a.get("http-equiv", "")]
    assert policy.startswith("default-src 'none'")


def test_everything_has_a_name_for_screen_readers(builder: Any, wanted: Wanted) -> None:
    page = page_of(builder, [wanted("opening"), wanted("second", "failed", rejected=2)], "teaser")
    assert len(page.all("video")) == 3
    assert all(attrs.get("aria-label") and "controls" in attrs for attrs in page.all("video"))
    assert all(attrs.get("alt") for attrs in page.all("img"))
    assert all(attrs.get("aria-label") for attrs in page.all("svg"))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    hidden = [a for a in page.all("button") if a.get("aria-hidden") == "true"]
    assert hidden
    assert all(attrs.get("tabindex") == "-1" for attrs in hidden)
    assert any(attrs.get("data-seek") == "0.2500" for attrs in page.all("button"))


def test_missing_and_broken_clips_are_said_not_raised(builder: Any, wanted: Wanted) -> None:
    manifest = manifest_of(builder, [wanted("opening"), wanted("second"), wanted("third")])
    out = builder.folder / "out"
    (out / "opening.mp4").unlink()
    (out / "second.mp4").write_bytes(b"no film at all" * 99)
    whole = (out / "third.mp4").read_bytes()
    (out / "third.mp4").write_bytes(whole[: len(whole) // 2])
    page = Page(render_page(manifest, builder.folder))
    assert "out/opening.mp4 is missing" in page.text
    assert "out/second.mp4 cannot be decoded" in page.text
    assert "out/third.mp4 is damaged" in page.text or "out/third.mp4 cannot" in page.text


def test_a_path_in_the_manifest_cannot_leave_out(
    builder: Any, wanted: Wanted, draw_clip: Any
) -> None:
    manifest = manifest_of(builder, [wanted("opening")])
    draw_clip(builder.folder / "secret.mp4")
    (clip,) = manifest.run.shots
    moved = msgspec.structs.replace(clip, path="out/../secret.mp4")
    run = msgspec.structs.replace(manifest.run, shots=[moved])
    page = Page(render_page(msgspec.structs.replace(manifest, run=run), builder.folder))
    assert not page.all("video")


def test_many_clips_give_a_small_page_that_says_so(builder: Any, wanted: Wanted) -> None:
    first = builder.build([wanted("s0")])
    shot = first.result.shots[0]
    names = [f"s{number}" for number in range(200)]
    shots = [msgspec.structs.replace(shot, name=name) for name in names]
    manifest = make_manifest(first, builder.store)
    record = manifest.clips[0]
    manifest = msgspec.structs.replace(
        manifest,
        clips=[msgspec.structs.replace(record, name=name) for name in names],
        run=msgspec.structs.replace(manifest.run, shots=shots),
    )
    start = time.perf_counter()
    data = render_page(manifest, builder.folder)
    assert time.perf_counter() - start < 30
    assert len(data) < 6_000_000
    page = Page(data)
    assert len(page.all("article")) == MAX_CARDS
    assert "The other 140 clips are links" in page.text
    assert sum(attrs.get("href") == "s0.mp4" for attrs in page.all("a")) == 200


def test_news_come_first(builder: Any, wanted: Wanted) -> None:
    wants = [wanted(f"old{number}") for number in range(3)]
    wants += [wanted("fresh", ran=True), wanted("bad", "failed")]
    clips = builder.build(wants).result.shots
    assert [clip.name for clip in choose_clips(clips).cards] == [
        "bad",
        "fresh",
        "old0",
        "old1",
        "old2",
    ]


def test_long_clips_leave_room_for_fewer_cards(builder: Any, wanted: Wanted) -> None:
    (clip,) = builder.build([wanted("opening")]).result.shots
    long = [
        msgspec.structs.replace(clip, name=f"long{number}", size="3840x2160", frames=500)
        for number in range(5)
    ]
    choice = choose_clips(long)
    assert [clip.name for clip in choice.cards] == ["long0"]
    assert len(choice.rest) == 4


def test_scores_that_are_no_number_are_shown_as_none(builder: Any, wanted: Wanted) -> None:
    odd = Verdict("sharpness", float("nan"), -3.5, "", (), {"db": float("-inf"), "note": "<i>"})
    page = page_of(builder, [wanted("opening", "failed", checks=[odd])])
    assert "sharpness" in page.text
    assert "-3.5" in page.text
    assert not [span for span in page.all("span") if span.get("class") == "gauge"]


def test_sample_follows_sound_and_picture(tmp_path: Any, draw_clip: Any) -> None:
    path = tmp_path / "clip.mp4"
    draw_clip(path)
    sample = sample_clip(path, 17, 17 / 16)
    assert sample.times == pytest.approx([n / 16 for n in (1, 3, 5, 7, 9, 11, 13, 15)])
    assert sample.wave is not None
    assert sample.wave.shape == (COLUMNS, 2)
    assert 0.4 < sample.peak < 0.8
    decayed, struck = int(0.33 / (17 / 16) * COLUMNS), int(0.37 / (17 / 16) * COLUMNS)
    assert sample.wave[struck, 1] > 1.5 * sample.wave[decayed, 1]
    assert not sample.damage


def test_silent_clip_has_a_bench_without_sound(tmp_path: Any, draw_clip: Any) -> None:
    path = tmp_path / "clip.mp4"
    draw_clip(path, sound=False)
    sample = sample_clip(path, 17, 17 / 16)
    assert sample.strip
    assert sample.wave is None
    assert not sample.spectrum


def test_shorter_clip_than_planned_is_drawn(tmp_path: Any, draw_clip: Any) -> None:
    path = tmp_path / "clip.mp4"
    draw_clip(path, VideoShape(3, 64, 64, 16))
    assert len(sample_clip(path, 97, 97 / 16).times) < 8


@pytest.mark.parametrize("size", [(64, 64), (200, 700), (1080, 1920), (1920, 1080), (1, 500)])
def test_shrunk_frames_keep_their_mean_and_fit(size: tuple[int, int]) -> None:
    frame = np.full((*size, 3), 77, np.uint8)
    small = shrink_frame(frame, 160)
    assert max(small.shape[:2]) <= 160
    assert (small == 77).all()


def test_takes_stand_side_by_side_with_why_they_were_refused(builder: Any, wanted: Wanted) -> None:
    clip = builder.folder / "take.mp4"
    draw_clip(clip, hue=2)
    build = builder.build([wanted("opening", rejected=2)])
    manifest = make_manifest(build, builder.store)
    record = manifest.clips[0]
    repair = RepairRecord([(0.25, 0.5)], "sound", 5, 40, 100)
    attempts = [
        msgspec.structs.replace(one, sha256=Digest("ab" * 32), repairs=[repair] * (n == 1))
        for n, one in enumerate(record.attempts)
    ]
    record = msgspec.structs.replace(record, attempts=attempts)
    manifest = msgspec.structs.replace(manifest, clips=[record])
    page = Page(render_page(manifest, builder.folder, lambda digest: clip))
    assert len(page.all("figure")) == 3
    assert len(page.all("video")) == 3
    assert "black 0.4 of 0.9: 0.31 s of 1.06 s are black" in page.text
    assert "sound of 0.25 to 0.50 s made again, 40 % of a take" in page.text.replace("40%", "40 %")
    gone = Page(render_page(manifest, builder.folder))
    assert gone.text.count("no longer stored") == 2


def test_a_warning_shows_and_its_clip_passed(builder: Any, wanted: Wanted) -> None:
    build = builder.build([wanted("opening")])
    clip = build.result.shots[0]
    row = {**clip.checks[0], "passed": False, "score": 0.7, "level": "warn", "calibrated": 0.8}
    clip = msgspec.structs.replace(clip, checks=[row, *clip.checks[1:]], stopped="no seed helps")
    manifest = make_manifest(build, builder.store)
    run = msgspec.structs.replace(manifest.run, shots=[clip])
    manifest = msgspec.structs.replace(manifest, run=run)
    page = Page(render_page(manifest, builder.folder))
    assert next(row["class"] for row in page.all("tr") if "class" in row) == "warned"
    assert "calibrated 0.8" in page.text
    assert "no further take: no seed helps" in page.text
    assert [chip["data-status"] for chip in page.all("button") if "data-status" in chip] == [
        "", "passed",
    ]  # fmt: skip
    junit = make_junit(manifest).decode()
    assert 'failures="0"' in junit
    assert "warning: " in junit


def test_what_begins_is_drawn_above_and_below_a_line(builder: Any, wanted: Wanted) -> None:
    page = page_of(builder, [wanted("opening")])
    kinds = {tick["class"] for tick in page.all("i") if tick.get("class", "").startswith("tick")}
    assert "tick heard" in kinds
