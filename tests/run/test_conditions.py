"""Shots made from files and from each other, built through the real command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rushes.media import count_frames, probe, read_frames
from tests.media_files import write_clip, write_picture, write_sound
from tests.run.projects import make, ran, run_rushes, write_project

PROJECT = """
[project]
name = "given"
seed = 7
[defaults]
steps = 2
checks = ["container"]
[shots.opening]
prompt = "a red ball bounces on a grey background"
[shots.more]
extend = "opening"
seconds = 2.5
[shots.again]
prompt = "a red ball bounces on a grey background"
video = "opening"
retake = { from = 0.5, to = 1.0 }
[shots.sounded]
prompt = "a red ball blinks on a grey background"
audio = "beeps.wav"
image = "first.png"
last_image = "last.png"
[shots.after]
extend = "clip.mp4"
prompt = "a red square slides on a grey background"
seconds = 1.0
[films.whole]
shots = ["opening", "more"]
"""


def write_files(folder: Path) -> None:
    write_picture(folder / "first.png")
    write_picture(folder / "last.png", (225, 30, 35))
    write_sound(folder / "beeps.wav", 2.5)
    write_clip(folder / "clip.mp4", 2.0)


def frames_of(path: Path) -> np.ndarray:
    return np.stack([frame for _, frame in read_frames(path)]).astype(float)


def test_all_ways_of_giving(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "p", PROJECT)
    write_files(folder)
    done = make(folder, codes=(0,))
    clips = {clip["name"]: clip for clip in (*done["shots"], *done["films"])}
    assert {clip["status"] for clip in clips.values()} == {"passed"}
    lengths = {name: count_frames(folder / clip["path"]) for name, clip in clips.items()}
    assert lengths == {
        "opening": 33, "more": 40, "again": 33, "sounded": 33, "after": 16, "whole": 73,
    }  # fmt: skip
    for name, frames in lengths.items():
        audio = probe(folder / "out" / f"{name}.mp4").audio
        assert audio is not None
        assert audio.duration_seconds is not None
        assert abs(audio.duration_seconds - frames / 16) < 1 / 16
    stages = [row["stage"] for row in clips["more"]["stages"]]
    assert stages.count("denoise") == 2
    opening, again = (frames_of(folder / "out" / f"{n}.mp4") for n in ("opening", "again"))
    far = np.abs(opening - again).mean((1, 2, 3))
    assert far[28:].mean() < far[9:15].mean() / 3  # the decoder looks a little around the span
    assert not ran(make(folder, codes=(0,)))


def test_a_file_that_changes_is_made_again(tmp_path: Path) -> None:
    text = PROJECT[: PROJECT.index("[shots.opening]")]
    text += '[shots.one]\nprompt = "a red ball"\nimage = "first.png"\n'
    folder = write_project(tmp_path / "p", text)
    write_picture(folder / "first.png")
    make(folder, codes=(0,))
    write_picture(folder / "first.png", (225, 30, 35))
    why = run_rushes(folder, "why", "one:encode_condition").stdout
    assert "file" in why
    again = {stage for _, stage in ran(make(folder, codes=(0,)))}
    assert again == {
        "encode_condition", "denoise", "decode_video", "decode_audio", "export", "check",
    }  # fmt: skip


def test_what_is_made_from_a_broken_shot_is_an_error_too(tmp_path: Path) -> None:
    """A file that is cut short breaks its shot while it is read, and what goes on from it."""
    text = PROJECT[: PROJECT.index("[shots.opening]")] + (
        '[shots.one]\nprompt = "a red ball"\nextend = "clip.mp4"\n'
        '[shots.two]\nextend = "one"\n[shots.three]\nprompt = "a blue ball"\n'
    )
    folder = write_project(tmp_path / "p", text)
    path = write_clip(folder / "clip.mp4", 3.0)
    data = path.read_bytes()
    start = data.index(b"mdat") + len(data) // 3
    path.write_bytes(data[:start] + bytes(len(data) // 3) + data[start + len(data) // 3 :])
    done = make(folder, codes=(4,))
    status = {shot["name"]: shot["status"] for shot in done["shots"]}
    assert status == {"one": "error", "two": "error", "three": "passed"}
    errors = {shot["name"]: shot["error"]["message"] for shot in done["shots"] if shot["error"]}
    assert "clip.mp4" in errors["one"]
    assert errors["two"] == errors["one"]
