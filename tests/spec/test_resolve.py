"""What a project means: which table wins, how long a shot is, how it is exported."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.catalogue.grid import Grid
from rushes.catalogue.load import find_model
from rushes.errors import LicenceRefused, UsageError
from tests.spec.tools import HEAD, SHOT, error_of, read

SPRITE = find_model("sprite")
SAYS = {
    "seed": [11, 12, 13],
    "steps": [3, 4, 5],
    "guidance": [3.0, 4.0, 5.0],
    "audio_guidance": [1.5, 2.0, 9.0],
    "attempts": [2, 3, 4],
    "negative": ['"x"', '"y"', '"z"'],
    "frames": [17, 21, 25],
    "checks": ['["black"]', '["frozen"]', "[]"],
}


@pytest.mark.parametrize("key", SAYS)
@pytest.mark.parametrize("present", list(itertools.product([False, True], repeat=3)))
def test_the_nearest_table_wins(key: str, present: tuple[bool, ...], tmp_path: Path) -> None:
    lines = [
        f"{key} = {value}\n" if on else "" for on, value in zip(present, SAYS[key], strict=True)
    ]
    text = (
        HEAD
        + f"[defaults]\n{lines[2]}[presets.x]\n{lines[1]}"
        + f'[shots.one]\nprompt = "a"\npreset = "x"\n{lines[0]}'
    )
    shot = read(tmp_path, text).shots["one"]
    if key == "frames":
        found = shot.shape.frames
    else:
        found = getattr(shot if hasattr(shot, key) else shot.sampling, key)
    nothing = {
        "seed": 0,
        "steps": SPRITE.defaults.steps,
        "guidance": SPRITE.defaults.guidance,
        "audio_guidance": SPRITE.defaults.audio_guidance,
        "attempts": 1,
        "negative": "",
        "frames": SPRITE.defaults.frames,
        "checks": ("default",),
    }
    if any(present):
        first = SAYS[key][present.index(True)]
        expected = first if not isinstance(first, str) else eval(first)
        assert found == (tuple(expected) if isinstance(expected, list) else expected)
    else:
        assert found == nothing[key]


def test_the_project_has_seed_and_model(tmp_path: Path) -> None:
    shot = read(tmp_path, HEAD + "seed = 7\nmodel = 'sprite'\n" + SHOT).shots["one"]
    assert (shot.seed, shot.model.name) == (7, "sprite")


def test_a_prompt_of_the_shot_beats_that_of_its_preset(tmp_path: Path) -> None:
    text = HEAD + '[presets.x]\nprompt = "p {a}"\nvars = { a = "1" }\n[shots.one]\npreset = "x"\n'
    assert read(tmp_path, text).shots["one"].variables == (("a", "1"),)
    shot = read(tmp_path, text + 'prompt = "s"\n').shots["one"]
    assert (shot.template, shot.variables) == ("s", ())
    shot = read(tmp_path, text + 'vars = { a = "2" }\n').shots["one"]
    assert (shot.template, shot.variables) == ("p {a}", (("a", "2"),))


def test_variables_come_in_the_order_of_the_prompt_each_once(tmp_path: Path) -> None:
    text = HEAD + '[shots.one]\nprompt = "{b} {a} {b} {{c}}"\nvars = { a = "1", b = "{a}" }\n'
    assert read(tmp_path, text).shots["one"].variables == (("b", "{a}"), ("a", "1"))


@pytest.mark.parametrize("near", ["shot", "preset"])
def test_the_nearest_length_wins_whatever_its_unit(near: str, tmp_path: Path) -> None:
    lines = {"shot": "", "preset": ""} | {near: "seconds = 1.0"}
    text = (
        HEAD
        + f"[defaults]\nframes = 25\n[presets.x]\n{lines['preset']}\n"
        + f'[shots.one]\npreset = "x"\nprompt = "a"\n{lines["shot"]}\n'
    )
    shot = read(tmp_path, text).shots["one"]
    assert (shot.shape.frames, shot.asked_seconds) == (17, 1.0)
    text = text.replace("frames = 25", "seconds = 2.0").replace("seconds = 1.0", "frames = 21")
    shot = read(tmp_path, text).shots["one"]
    assert (shot.shape.frames, shot.asked_seconds) == (21, None)


def test_two_seconds_are_33_frames_and_it_is_said(tmp_path: Path) -> None:
    shot = read(tmp_path, HEAD + SHOT + "seconds = 2.0\n").shots["one"]
    assert shot.shape.frames == 33
    assert shot.length_note == "2 s at 16 fps → 33 frames, 2.062 s"


def test_seconds_that_are_whole_frames_get_no_more(tmp_path: Path) -> None:
    for frames in (17, 21, 25, 29, 33):
        for text in (f"{frames / 16!r}", f"{frames / 16 + 1e-9!r}"):
            shot = read(tmp_path, HEAD + SHOT + f"seconds = {text}\n").shots["one"]
            assert shot.shape.frames == frames


@given(st.floats(0.01, 33 / 16))
def test_the_fewest_legal_frames_that_last_so_long(
    tmp_path_factory: pytest.TempPathFactory, seconds: float
) -> None:
    folder = tmp_path_factory.getbasetemp()
    shape = read(folder, HEAD + SHOT + f"seconds = {seconds!r}\n").shots["one"].shape
    assert SPRITE.grid.is_legal_frames(shape.frames)
    assert shape.seconds >= seconds - 1e-6
    fewer = shape.frames - SPRITE.grid.frames_multiple
    assert fewer < SPRITE.grid.frames_min or fewer / shape.fps < seconds


GRIDS = st.builds(
    lambda step, offset, low, count: Grid(
        frames_multiple=step,
        frames_offset=offset % step,
        frames_min=low * step + offset % step,
        frames_max=(low + count) * step + offset % step,
        size_multiple=32,
        sizes=["64x64"],
        fps=[16.0],
    ),
    st.integers(1, 16),
    st.integers(0, 15),
    st.integers(1, 4),
    st.integers(0, 30),
)


@given(GRIDS, st.integers(1, 600))
def test_nearest_frames_are_legal_and_nearest(grid: Grid, frames: int) -> None:
    legal = [n for n in range(grid.frames_min, grid.frames_max + 1) if grid.is_legal_frames(n)]
    below = [n for n in legal if n <= frames]
    above = [n for n in legal if n >= frames]
    if frames not in legal:
        assert grid.nearest_frames(frames) == tuple(below[-1:] + above[:1])
    assert grid.fewest_frames(frames) >= frames
    if above:
        assert grid.fewest_frames(frames) == above[0]


def test_export_tables_are_merged_key_by_key(tmp_path: Path) -> None:
    text = (
        HEAD
        + '[defaults.export]\nformat = "webm"\ncrf = 30\naudio_kbps = 64\n'
        + '[presets.x.export]\ncrf = 31\npreset = "fast"\n'
        + SHOT
        + 'preset = "x"\nexport = { preset = "slow" }\n'
    )
    export = read(tmp_path, text).shots["one"].export
    assert (export.container, export.video_codec, export.audio_codec) == ("webm", "vp9", "opus")
    assert (export.crf, export.preset, export.audio_kbps) == (31, "slow", 64)


def test_codecs_and_quality_follow_the_container(tmp_path: Path) -> None:
    for form, video, audio in (("mp4", "h264", "aac"), ("mkv", "h264", "opus")):
        export = read(tmp_path, HEAD + SHOT + f"export.format = '{form}'\n").shots["one"].export
        assert (export.container, export.video_codec, export.audio_codec) == (form, video, audio)


FILM = HEAD + SHOT + '[shots.two]\nprompt = "b"\nframes = 17\n'


def test_a_film(tmp_path: Path) -> None:
    text = FILM + '[defaults]\nchecks = ["black"]\nexport.crf = 30\n'
    film = read(tmp_path, text + "[films.f]\nshots = ['two', 'one', 'two']\n").films["f"]
    assert (film.shots, film.crossfade, film.checks) == (("two", "one", "two"), 0.0, ("black",))
    assert film.export.crf == 30


def test_a_cross_fade_needs_shots_of_twice_its_length(tmp_path: Path) -> None:
    film = FILM + "[films.f]\nshots = ['one', 'two']\ncrossfade = "
    assert read(tmp_path, film + "0.53\n").films["f"].crossfade == 0.53
    error = error_of(tmp_path, film + "0.54\n")
    assert "1.08 s" in error.message
    assert error.where == "rushes.toml:10"


def test_shots_of_a_film_have_one_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    grid = msgspec.structs.replace(SPRITE.grid, sizes=["96x96", "192x192"], fps=[16.0, 24.0])
    wide = msgspec.structs.replace(SPRITE, name="wide", grid=grid)
    models = {"sprite": SPRITE, "wide": wide}
    monkeypatch.setattr("rushes.spec.choosing.find_model", models.__getitem__)
    film = FILM + "model = 'wide'\n{}\n[films.f]\nshots = ['one', 'two']\n"
    for line in ("size = '192x192'", "fps = 24"):
        error = error_of(tmp_path, film.format(line))
        assert "'one' and 'two' differ" in error.message
        assert error.where == "rushes.toml:11"
    assert read(tmp_path, film.format("")).films


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("", True),
        ('licences = ["apache-2.0"]', True),
        ('licences = ["mit"]', False),
        ("licences = []", False),
        ('licences = ["Apache-2.0"]', False),
    ],
)
def test_licences(policy: str, allowed: bool, tmp_path: Path) -> None:
    text = HEAD + SHOT + f"[policy]\n{policy}\n"
    if allowed:
        assert read(tmp_path, text).shots
        return
    with pytest.raises(LicenceRefused) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == 3
    assert "apache-2.0" in caught.value.message
    assert caught.value.where == "rushes.toml:policy.licences"


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="no model") as caught:
        find_model("sprit")
    assert caught.value.hint == "did you mean sprite?"


def test_order_is_that_of_the_file(tmp_path: Path) -> None:
    names = ["z", "b", "a", "m"]
    text = HEAD + "".join(f'[shots.{name}]\nprompt = "x"\n' for name in names)
    text += "".join(f"[films.f{name}]\nshots = ['{name}']\n" for name in names)
    project = read(tmp_path, text)
    assert list(project.shots) == names
    assert list(project.films) == [f"f{name}" for name in names]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeff" + HEAD + SHOT).name == "p"
