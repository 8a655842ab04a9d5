"""out/manifest.json: round trip, what it tells, and what it must not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rushes.report.manifest import (
    Manifest,
    encode_manifest,
    fingerprint_build,
    has_fingerprint,
    make_manifest,
    read_manifest,
)
from rushes.store.files import digest_file

Wanted = Callable[..., Any]


def test_manifest_round_trips_through_json(builder: Any, wanted: Wanted) -> None:
    build = builder.build([wanted("opening", ran=True), wanted("broken", "error")], film="teaser")
    data = encode_manifest(make_manifest(build, builder.store))
    assert encode_manifest(msgspec.json.decode(data, type=Manifest)) == data


def test_manifest_tells_digest_prompt_length_and_attempts(builder: Any, wanted: Wanted) -> None:
    build = builder.build([wanted("opening", rejected=2)], film="teaser")
    clip, film = make_manifest(build, builder.store).clips
    assert clip.sha256 == digest_file(builder.folder / "out" / "opening.mp4")
    assert clip.prompt == "a red ball bounces on a grey background"
    assert clip.length == "1 s at 16 fps → 17 frames, 1.062 s"
    assert [(a.seed, a.passed, a.kept) for a in clip.attempts] == [
        (7, False, False),
        (8, False, False),
        (9, True, True),
    ]
    assert clip.attempts[0].checks == {"black": False, "silence": True}
    assert film.shots == ["opening"]
    assert film.sha256 == digest_file(builder.folder / "out" / "teaser.mp4")


def test_manifest_has_no_absolute_path_and_no_time_of_day(builder: Any, wanted: Wanted) -> None:
    build = builder.build([wanted("opening"), wanted("broken", "error")])
    text = encode_manifest(make_manifest(build, builder.store)).decode()
    assert str(builder.folder) not in text
    assert "cannot read out/x.mp4: broken" in text
    assert not re.search(r"(?<![\w:/])/(?:root|home|tmp|etc|usr|var|work)/", text)
    assert not re.search(r"20\d\d-\d\d-\d\d|\b1[6-9]\d{8}\b", text)


def test_same_build_differs_only_in_its_run_section(
    make_builder: Callable[[], Any], wanted: Wanted
) -> None:
    first, second = make_builder(), make_builder()
    before = make_manifest(first.build([wanted("opening", ran=True)], run="run1"), first.store)
    after = make_manifest(second.build([wanted("opening", ran=False)], run="run2"), second.store)
    assert before.run != after.run
    assert msgspec.structs.replace(before, run=after.run) == after


def test_the_fingerprint_is_of_what_was_made(builder: Any, wanted: Wanted, tmp_path: Path) -> None:
    ran = builder.build([wanted("opening", ran=True)], run="run1")
    again = builder.build([wanted("opening", ran=False)], run="run2")
    other = builder.build([wanted("opening", prompt="another", colour="red")], run="run3")
    assert fingerprint_build(ran) == fingerprint_build(again)
    assert fingerprint_build(ran) != fingerprint_build(other)
    path = tmp_path / "manifest.json"
    assert not has_fingerprint(path, fingerprint_build(ran))
    path.write_bytes(encode_manifest(make_manifest(ran, builder.store)))
    assert has_fingerprint(path, fingerprint_build(ran))
    assert not has_fingerprint(path, fingerprint_build(other))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"schema": 1}', b"\xff\xfe"])
def test_damaged_manifest_reads_as_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").write_bytes(data)
    assert read_manifest(tmp_path) is None


def test_absent_manifest_reads_as_none(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
