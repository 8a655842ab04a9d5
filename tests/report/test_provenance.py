"""Signed copies: what they say, when they are written, and that a change shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from rushes.errors import MediaError, ProjectError, StoreError
from rushes.media import ExportFormat, FrameItem, encode_clip, probe, read_both, tag_clip
from rushes.report import write
from rushes.report.certificate import issue_test_certificate
from rushes.report.credentials import KEY_VARIABLE, load_credentials
from rushes.report.inspect import read_credential
from rushes.run.build import Build
from rushes.spec.given import Conditions, SourceFile
from rushes.spec.tables import PolicyTable, SigningTable
from rushes.types import Digest

Wanted = Callable[..., Any]


def sign(build: Build, builder: Any) -> list[str]:
    """Names of the copies that were written."""
    project = build.plan.project
    (project.folder / "rushes.lock").write_text("version = 1\n")
    before = stamps(project.folder)
    credentials = load_credentials(project, builder.store.folder)
    write.write_reports(build, builder.store, credentials)
    return [name for name, at in stamps(project.folder).items() if before.get(name) != at]


def stamps(folder: Path) -> dict[str, int]:
    copies = (folder / "out" / "signed").glob("[!.]*.mp4")
    return {path.name: path.stat().st_mtime_ns for path in sorted(copies)}


def with_project(build: Build, **changes: Any) -> Build:
    plan = replace(build.plan, project=replace(build.plan.project, **changes))
    return replace(build, plan=plan)


def stream(path: Path) -> list[tuple[float, bytes]]:
    items = read_both(path)
    return [
        (i.seconds, (i.pixels if isinstance(i, FrameItem) else i.samples).tobytes()) for i in items
    ]


def test_a_signed_copy_says_what_made_it_and_the_clip_stays_as_it_was(
    builder: Any, wanted: Wanted
) -> None:
    build = builder.build([wanted("opening", ran=True), wanted("closing")], film="teaser")
    clip = builder.folder / "out" / "opening.mp4"
    before = clip.read_bytes()
    assert sign(build, builder) == ["closing.mp4", "opening.mp4", "teaser.mp4"]
    assert clip.read_bytes() == before
    copy = builder.folder / "out" / "signed" / "opening.mp4"
    found = read_credential(copy)
    assert found.validity == "valid"  # whole, but nobody trusts the test certificate
    assert found.signer == "Rushes test certificate, untrusted"
    assert found.source_type == "trainedAlgorithmicMedia"
    assert found.problems == ()
    assert found.build is not None
    assert found.build["models"][0]["name"] == "sprite"
    assert found.build["models"][0]["licence"] == "apache-2.0"
    assert len(found.build["lock_sha256"]) == 64
    assert "prompt" not in json.dumps(found.build)
    sidecar = json.loads(copy.with_name("opening.mp4.provenance.json").read_text())
    assert sidecar["claim"] == found.build
    assert sidecar["trusted"] is False
    assert "sprite" in tags_of(copy)["comment"]
    teaser = read_credential(builder.folder / "out" / "signed" / "teaser.mp4")
    assert teaser.build is not None
    assert [m["name"] for m in teaser.build["models"]] == ["sprite"]


def tags_of(path: Path) -> dict[str, str]:
    import av

    with av.open(str(path)) as box:
        return dict(box.metadata)


def test_pictures_sound_and_times_of_a_copy_are_those_of_the_clip(
    builder: Any, wanted: Wanted
) -> None:
    sign(builder.build([wanted("opening", ran=True)]), builder)
    out = builder.folder / "out"
    assert stream(out / "signed" / "opening.mp4") == stream(out / "opening.mp4")
    first, second = probe(out / "opening.mp4"), probe(out / "signed" / "opening.mp4")
    assert (first.video, first.audio) == (second.video, second.audio)


@pytest.mark.parametrize("container", ["mov", "mkv", "webm"])
def test_other_containers_keep_their_streams_and_get_the_comment(
    builder: Any, tmp_path: Path, container: str
) -> None:
    import numpy as np

    codecs = {"mov": ("h264", "aac"), "mkv": ("h264", "opus"), "webm": ("vp9", "opus")}[container]
    fmt = ExportFormat(container, codecs[0], 30, "ultrafast", codecs[1], 64)
    frames = (np.full((64, 64, 3), k * 8, np.uint8) for k in range(17))
    sound = (np.zeros((1000, 2), np.float32) for _ in range(17))
    clip = tmp_path / f"a.{container}"
    encode_clip(frames, Fraction(16), sound, 16000, clip, fmt)
    to = tmp_path / f"b.{container}"
    tag_clip(clip, to, {"comment": "made by a model"})
    assert stream(to) == stream(clip)
    said = {name.lower(): value for name, value in tags_of(to).items()}
    assert said["comment"] == "made by a model"


def test_a_changed_copy_is_told(builder: Any, wanted: Wanted) -> None:
    sign(builder.build([wanted("opening", ran=True)]), builder)
    copy = builder.folder / "out" / "signed" / "opening.mp4"
    data = bytearray(copy.read_bytes())
    at = data.index(b"mdat") + 200
    data[at] ^= 0xFF
    copy.write_bytes(data)
    found = read_credential(copy)
    assert found.validity == "invalid"
    assert any("hash" in code.lower() for code in found.problems)
    assert read_credential(builder.folder / "out" / "opening.mp4").validity == "none"
    with pytest.raises(MediaError):
        read_credential(builder.folder / "out" / "nothing.mp4")


def test_nothing_is_signed_twice(make_builder: Callable[[], Any], wanted: Wanted) -> None:
    first, second, third = make_builder(), make_builder(), make_builder()
    assert sign(first.build([wanted("opening", ran=True)]), first) == ["opening.mp4"]
    copy = first.folder / "out" / "signed" / "opening.mp4"
    stamp = copy.stat().st_mtime_ns
    assert sign(second.build([wanted("opening")], run="run2"), second) == []
    assert copy.stat().st_mtime_ns == stamp
    copy.unlink()
    assert sign(third.build([wanted("opening")], run="run3"), third) == ["opening.mp4"]


def test_another_certificate_signs_again_and_an_unchanged_clip_does_not(
    make_builder: Callable[[], Any], wanted: Wanted, tmp_path: Path
) -> None:
    first, second, third = make_builder(), make_builder(), make_builder()
    sign(first.build([wanted("opening", ran=True)]), first)
    more = second.build([wanted("opening"), wanted("closing", ran=True)])
    assert sign(more, second) == ["closing.mp4"]
    own = name_key(third.build([wanted("opening"), wanted("closing")]), tmp_path)
    assert sign(own, third) == ["closing.mp4", "opening.mp4"]


def name_key(build: Build, folder: Path) -> Build:
    chain, key = issue_test_certificate()
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    table = SigningTable(str(folder / "chain.pem"), str(folder / "key.pem"))
    return with_project(build, signing=table)


def test_given_footage_or_sound_makes_a_composite(builder: Any, wanted: Wanted) -> None:
    build = builder.build([wanted("opening", ran=True)])
    plan = build.plan.shots[0]
    video = SourceFile(Path("a.mp4"), Digest("ab" * 32))
    given = replace(plan, shot=replace(plan.shot, conditions=Conditions(video=video)))
    build = replace(build, plan=replace(build.plan, shots=(given,)))
    sign(build, builder)
    found = read_credential(builder.folder / "out" / "signed" / "opening.mp4")
    assert found.source_type == "compositeWithTrainedAlgorithmicMedia"


def test_policy_turns_it_off(builder: Any, wanted: Wanted) -> None:
    build = builder.build([wanted("opening", ran=True)])
    build = with_project(build, policy=PolicyTable(provenance="none"))
    assert sign(build, builder) == []
    assert not (builder.folder / "out" / "signed").exists()


def test_wrong_keys_are_told_before_anything_is_built(
    builder: Any, wanted: Wanted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = name_key(builder.build([wanted("opening", ran=True)]), tmp_path)
    project, store = good.plan.project, builder.store.folder
    loaded = load_credentials(project, store)
    assert loaded is not None
    assert (loaded.algorithm, loaded.trusted) == ("es256", True)
    assert "PRIVATE" not in repr(loaded)
    other = tmp_path / "other.pem"
    other.write_bytes(issue_test_certificate()[1])
    monkeypatch.setenv(KEY_VARIABLE, str(other))
    with pytest.raises(ProjectError, match="not that of the"):
        load_credentials(project, store)
    other.write_bytes(b"nonsense")
    with pytest.raises(ProjectError, match="not PEM"):
        load_credentials(project, store)
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "nowhere.pem"))
    with pytest.raises(ProjectError, match="cannot be read") as caught:
        load_credentials(project, store)
    assert KEY_VARIABLE in (caught.value.hint or "")
    monkeypatch.delenv(KEY_VARIABLE)
    (tmp_path / "chain.pem").write_bytes(b"nonsense")
    with pytest.raises(ProjectError, match="not a PEM chain"):
        load_credentials(project, store)


def test_a_damaged_test_certificate_is_one_clear_error(builder: Any, wanted: Wanted) -> None:
    project = builder.build([wanted("opening", ran=True)]).plan.project
    load_credentials(project, builder.store.folder)
    (builder.store.folder / "signing" / "test.pem").write_bytes(b"nonsense")
    with pytest.raises(StoreError, match="damaged"):
        load_credentials(project, builder.store.folder)


def test_a_key_locked_by_a_password_is_refused(
    builder: Any, wanted: Wanted, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives import serialization

    build = name_key(builder.build([wanted("opening", ran=True)]), tmp_path)
    key = serialization.load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    (tmp_path / "key.pem").write_bytes(locked)
    with pytest.raises(ProjectError, match="password"):
        load_credentials(build.plan.project, builder.store.folder)


def test_the_test_key_is_kept_and_only_its_owner_reads_it(builder: Any, wanted: Wanted) -> None:
    project = builder.build([wanted("opening", ran=True)]).plan.project
    first = load_credentials(project, builder.store.folder)
    assert first == load_credentials(project, builder.store.folder)
    path = builder.store.folder / "signing" / "test.pem"
    assert path.stat().st_mode & 0o077 == 0


def test_processes_that_make_the_test_key_at_once_end_with_one(
    builder: Any, wanted: Wanted
) -> None:
    project = builder.build([wanted("opening", ran=True)]).plan.project
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(load_credentials, project, builder.store.folder) for _ in range(24)]
        found = {(c.chain, c.key) for f in futures if (c := f.result()) is not None}
    assert len(found) == 1


def test_the_command_says_who_signed(builder: Any, wanted: Wanted) -> None:
    sign(builder.build([wanted("opening", ran=True)]), builder)
    copy = builder.folder / "out" / "signed" / "opening.mp4"
    words = ["rushes", "provenance", str(copy), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["valid"] is True
    assert said["files"][0]["validity"] == "valid"
    plain = str(builder.folder / "out" / "opening.mp4")
    done = subprocess.run(
        [sys.executable, "-m", "rushes", "provenance", plain],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "not signed" in done.stdout
