"""What a shot is given besides its prompt: read, checked, refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from rushes.catalogue.load import find_model
from rushes.errors import ProjectError
from rushes.spec import choosing
from rushes.spec.given import Retake, SourceFile
from rushes.store.files import digest_file
from tests.media_files import write_clip, write_picture, write_sound
from tests.spec.tools import HEAD, SHOT, error_of, marked_place, read


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_picture(folder / "a.png")
    write_sound(folder / "beeps.wav", 3.0)
    write_clip(folder / "clip.mp4", 2.5)
    write_clip(folder / "short.mp4", 0.5)
    (folder / "text.txt").write_text("no picture")
    return folder


@pytest.fixture
def folder(files: Path, tmp_path: Path) -> Path:
    for path in files.iterdir():
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def test_pictures_take_their_frames(folder: Path) -> None:
    text = SHOT + (
        'image = "a.png"\nlast_image = "a.png"\n'
        'keyframes = [{ image = "a.png", at = 1.0 }, { image = "a.png", frame = 4 }]\n'
    )
    shot = read(folder, HEAD + text).shots["one"]
    pictures = shot.conditions.pictures
    assert [(p.frame, p.key) for p in pictures] == [
        (0, "image"), (4, "keyframes"), (16, "keyframes"), (32, "last_image"),
    ]  # fmt: skip
    assert pictures[0].file.sha256 == digest_file(folder / "a.png")
    assert shot.conditions.shots == ()


def test_an_extension_counts_the_new_material_and_inherits_the_prompt(folder: Path) -> None:
    project = read(folder, HEAD + SHOT + '[shots.two]\nextend = "one"\nseconds = 6.0\n')
    two = project.shots["two"]
    assert two.shape.frames == 96
    assert two.template == project.shots["one"].template
    assert two.conditions.extend == "one"
    assert "96 new frames" in two.length_note


def test_a_shot_may_refer_to_one_below_it(folder: Path) -> None:
    project = read(folder, HEAD + '[shots.two]\nextend = "one"\n' + SHOT)
    assert list(project.shots) == ["two", "one"]
    assert project.shots["two"].shape.frames == 32


def test_a_long_shot_is_as_long_as_asked(folder: Path) -> None:
    shot = read(folder, HEAD + SHOT + "seconds = 30\n").shots["one"]
    assert shot.shape.frames == 481


def test_a_video_gives_its_length(folder: Path) -> None:
    project = read(folder, HEAD + SHOT + 'frames = 25\n[shots.two]\nvideo = "one"\n')
    assert project.shots["two"].shape.frames == 25


def test_a_retake_is_in_frames(folder: Path) -> None:
    text = SHOT + 'video = "clip.mp4"\nretake = { from = 0.5, to = 1.0, what = "sound" }\n'
    conditions = read(folder, HEAD + text).shots["one"].conditions
    assert conditions.retake == Retake(8, 16, "sound")
    assert isinstance(conditions.video, SourceFile)
    assert conditions.video.sound


WRONG = {
    "no such file": ('image = "b.png" # <-\n', "no file 'b.png'"),
    "a path that leaves the project": ('image = "../a.png" # <-\n', "leaves the project folder"),
    "an absolute path": ('audio = "/tmp/a.wav" # <-\n', "leaves the project folder"),
    "not a picture": ('image = "text.txt" # <-\n', "text.txt"),
    "a folder": ('image = "." # <-\n', "no file"),
    "a sound as a picture": ('image = "beeps.wav" # <-\n', "not a picture"),
    "a picture as a sound": ('audio = "a.png" # <-\n', "no sound"),
    "no shot and no file": ('extend = "nobody" # <-\n', "no shot of this name, and no file"),
    "itself": ('extend = "one" # <-\n', "circle: one → one"),
    "two ways on": ('image = "a.png"\nextend = "clip.mp4"\n', "exclude each other"),
    "all given": ('video = "clip.mp4"\naudio = "beeps.wav" # <-\n', "nothing is left"),
    "a retake of nothing": ("retake = { from = 0, to = 1 } # <-\n", "needs a 'video'"),
    "an empty span": (
        'video = "clip.mp4"\nretake = { from = 1, to = 1 } # <-\n', "is empty",
    ),
    "a span past the end": (
        'video = "clip.mp4"\nretake = { from = 1, to = 3 } # <-\n', "ends at 2.062 s",
    ),
    "a short sound": ('audio = "beeps.wav" # <-\nseconds = 4\n', "lasts 3 s"),
    "a short video": ('video = "short.mp4" # <-\n', "2.062 s of it are needed"),
    "a short beginning": ('extend = "short.mp4" # <-\n', "1.062 s of it are needed"),
    "a video for a long shot": ('video = "clip.mp4" # <-\nseconds = 5\n', "at most 65 frames"),
    "a moment between frames": (
        'keyframes = [{ image = "a.png", at = 0.99 }] # <-\n', "no frame starts at 0.99 s",
    ),
    "a moment past the end": (
        'keyframes = [{ image = "a.png", at = 9 }] # <-\n', "after the clip's end",
    ),
    "at and frame": (
        'keyframes = [{ image = "a.png", at = 1, frame = 16 }] # <-\n', "either 'at'",
    ),
    "neither at nor frame": ('keyframes = [{ image = "a.png" }] # <-\n', "either 'at'"),
    "two pictures of a frame": (
        'image = "a.png"\nkeyframes = [{ image = "a.png", frame = 0 }]\n', "two pictures",
    ),
    "no keyframe": ("keyframes = [] # <-\n", "length >= 1"),
    "an unknown key of a retake": (
        'video = "clip.mp4"\nretake = { start = 0, to = 1 } # <-\n', "start",
    ),
    "an unknown part": (
        'video = "clip.mp4"\nretake = { from = 0, to = 1, what = "all" } # <-\n', "all",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_one_error_with_its_line(name: str, folder: Path) -> None:
    text, words = WRONG[name]
    error = error_of(folder, HEAD + SHOT + text)
    assert words in f"{error.message} {error.hint}"
    if "# <-" in text:
        assert error.where == marked_place(HEAD + SHOT + text)


def test_shots_in_a_circle(folder: Path) -> None:
    text = HEAD + '[shots.a]\nextend = "b"\n[shots.b]\nextend = "a" # <-\n'
    error = error_of(folder, text)
    assert "circle" in error.message


def test_shots_that_differ_in_length(folder: Path) -> None:
    text = HEAD + SHOT + '[shots.two]\nvideo = "one" # <-\nframes = 17\n'
    error = error_of(folder, text)
    assert error.hint == "frames = 33"
    assert error.where == marked_place(text)


def test_a_model_that_cannot(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = msgspec.structs.replace(find_model("sprite"), controls=[], reach=None)
    monkeypatch.setattr(choosing, "find_model", lambda name: plain)
    error = error_of(folder, HEAD + SHOT + 'image = "a.png" # <-\n')
    assert "cannot be given 'image'" in error.message
    assert error.hint is not None
    assert error.hint.startswith("models that can: ")
    assert "sprite" in error.hint
    with pytest.raises(ProjectError, match="at most 65") as caught:
        read(folder, HEAD + SHOT + "seconds = 5\n")
    assert "film" in str(caught.value.hint)
