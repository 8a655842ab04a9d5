"""Which model a shot gets, how it is sampled, and where its sound comes from."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.catalogue.load import find_model
from rushes.catalogue.model import Model, Variant
from rushes.catalogue.source import FolderSource, HubSource
from rushes.spec import choosing
from rushes.spec.given import SourceFile
from rushes.spec.reference_loras import read_scale
from tests.media_files import write_clip, write_picture, write_sound
from tests.spec.tools import HEAD, SHOT, error_of, marked_place, read

SPRITE = find_model("sprite")


def test_a_schedule_gives_its_settings_and_the_project_some_of_its_own(tmp_path: Path) -> None:
    fast = SPRITE.schedules["fast"]
    shot = read(tmp_path, HEAD + SHOT + 'schedule = "fast"\nguidance = 5.0\n').shots["one"]
    assert (shot.sampling.steps, shot.sampling.guidance) == (fast.steps, 5.0)
    assert fast.steps < SPRITE.defaults.steps


def test_an_unknown_schedule_is_suggested(tmp_path: Path) -> None:
    error = error_of(tmp_path, HEAD + SHOT + 'schedule = "fst"\n')
    assert "sprite has no schedule 'fst'" in error.message
    assert "fast" in (error.hint or "")


@pytest.mark.parametrize("line", ["guidance_2 = 3.0", "stg = 1.0", "rescale = 0.5"])
def test_a_setting_that_the_model_does_not_know_is_refused(line: str, tmp_path: Path) -> None:
    error = error_of(tmp_path, HEAD + SHOT + line + "\n")
    assert f"sprite has no {line.split()[0]}" in error.message
    assert (error.where or "").startswith("rushes.toml")


def use_model(monkeypatch: pytest.MonkeyPatch, **changes: object) -> Model:
    model = msgspec.structs.replace(SPRITE, **changes)
    monkeypatch.setattr(choosing, "find_model", lambda name: model)
    return model


def test_fixed_noise_levels_leave_no_choice_of_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = msgspec.structs.replace(SPRITE.schedules["fast"], steps=2, sigmas=[1.0, 0.5])
    use_model(monkeypatch, schedules={"distilled": fixed})
    text = HEAD + SHOT + 'schedule = "distilled"\n'
    assert read(tmp_path, text).shots["one"].sampling.sigmas == [1.0, 0.5]
    assert "fixes its 2 steps" in error_of(tmp_path, text + "steps = 4\n").message


def test_a_speed_is_the_models_own(tmp_path: Path) -> None:
    assert read(tmp_path, HEAD + SHOT).shots["one"].speed is None
    assert read(tmp_path, HEAD + SHOT + 'speed = "exact"\n').shots["one"].speed is None
    fast = read(tmp_path, HEAD + SHOT + 'speed = "fast"\n').shots["one"].speed
    assert fast is not None
    assert fast == SPRITE.speeds["fast"]
    assert "speed" in error_of(tmp_path, HEAD + SHOT + 'speed = "faster"\n').message


def test_a_speed_that_the_model_has_not_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = msgspec.structs.replace(SPRITE, speeds={})
    text = HEAD + SHOT + 'speed = "fast"  # <-\n'
    monkeypatch.setattr(choosing, "find_model", lambda name: slow if name == "sprite" else SPRITE)
    error = error_of(tmp_path, text)
    assert error.message == "shot 'one': sprite has no speed 'fast'"
    assert error.where == marked_place(text)
    assert "ltx-2.3" in (error.hint or "")
    use_model(monkeypatch, speeds={})
    assert error_of(tmp_path, text).hint == 'use "exact"'


def test_what_a_shot_is_given_chooses_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(tmp_path / "a.png")
    other = Variant(["image", "last_image"], HubSource("owner/image-to-video"))
    use_model(monkeypatch, variants={"image": other})
    text = HEAD + SHOT + '[shots.two]\nprompt = "a"\nimage = "a.png"\n'
    project = read(tmp_path, text)
    assert [model.id for model in project.models] == ["sprite", "sprite:image"]
    assert project.shots["two"].model.source == other.source


def test_own_weights_have_the_shape_of_an_entry(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    text = HEAD + 'model = "mine"\n[models.mine]\nlike = "sprite"\npath = "weights"\n' + SHOT
    model = read(tmp_path, text).shots["one"].model
    assert (model.id, model.family, model.licence) == ("mine", SPRITE.family, SPRITE.licence)
    assert isinstance(model.source, FolderSource)
    assert (Path(model.source.path), model.source.said) == (tmp_path / "weights", "weights")


def test_own_weights_that_are_not_there(tmp_path: Path) -> None:
    table = '[models.mine]\nlike = "sprte"\npath = "weights"\n'
    text = HEAD + 'model = "mine"\n' + SHOT + table
    assert "no model 'sprte'" in error_of(tmp_path, text).message
    error = error_of(tmp_path, text.replace("sprte", "sprite"))
    assert "there is no 'weights'" in error.message


def test_a_clip_without_sound(tmp_path: Path) -> None:
    shot = read(tmp_path, HEAD + SHOT + 'audio = "none"\n').shots["one"]
    assert (shot.sound, shot.conditions.audio) == ("none", None)


def test_a_model_without_sound_takes_a_track(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sound(tmp_path / "track.wav", 3.0)
    latents = msgspec.structs.replace(SPRITE.latents, audio=None)
    use_model(monkeypatch, latents=latents, controls=[])
    assert read(tmp_path, HEAD + SHOT).shots["one"].sound == "none"
    shot = read(tmp_path, HEAD + SHOT + 'audio = "track.wav"\n').shots["one"]
    assert isinstance(shot.sound, SourceFile)
    assert shot.conditions.audio is None


def test_a_control_is_one_of_those_that_the_model_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "clip.mp4", 2.5)
    use_model(monkeypatch, controls=["control"], control_kinds=["depth"])
    text = HEAD + SHOT
    control = read(tmp_path, text + 'control = { depth = "clip.mp4" }\n').shots["one"].conditions
    assert control.control is not None
    assert control.control.kind == "depth"
    assert "guided by pose" in error_of(tmp_path, text + 'control = {pose = "clip.mp4"}\n').message
    assert "exactly one" in error_of(tmp_path, text + "control = {}\n").message


def test_only_safetensors_are_adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"x")
    (tmp_path / "a.pt").write_bytes(b"x")
    text = HEAD + SHOT + 'loras = [{ path = "a.pt" }]\n'
    assert "cannot be given 'loras'" in error_of(tmp_path, text).message
    use_model(monkeypatch, controls=["loras"])
    assert "not a safetensors file" in error_of(tmp_path, text).message
    good = text.replace("a.pt", "a.safetensors")
    assert [lora.scale for lora in read(tmp_path, good).shots["one"].conditions.loras] == [1.0]
    assert "no file 'b.safetensors'" in error_of(tmp_path, good.replace("/a.", "/b.").replace(
        '"a.', '"b.')).message  # fmt: skip


def write_lora(path: Path, **metadata: str) -> None:
    header = json.dumps({"__metadata__": metadata} if metadata else {}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)


LTX = '[project]\nname = "p"\nmodel = "ltx-2"\n[defaults]\nsize = "768x512"\nframes = 9\n'
GUIDED = LTX + SHOT + 'control = { depth = "clip.mp4" }\n'
WITH = 'loras = [{ path = "a.safetensors" }, { path = "b.safetensors" }]\n'


def test_a_control_of_ltx_2_needs_a_lora_that_reads_it(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", 2.5)
    error = error_of(tmp_path, GUIDED)
    assert "reads a control by a LoRA, and the shot has none" in error.message
    assert "Lightricks/LTX-2-19b-IC-LoRA-Depth-Control is one" in (error.hint or "")
    write_lora(tmp_path / "a.safetensors")
    write_lora(tmp_path / "b.safetensors", reference_downscale_factor="2")
    control = read(tmp_path, GUIDED + WITH).shots["one"].conditions.control
    assert control is not None
    assert (control.kind, control.scale) == ("depth", 2)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"reference_downscale_factor": "4"}, "2 and 4 times smaller"),
        ({"reference_downscale_factor": "0.5"}, "says reference_downscale_factor '0.5'"),
        ({"reference_temporal_scale_factor": "2"}, "footage of fewer frames"),
        ({"reference_downscale_factor": "7"}, "2 and 7 times smaller"),
    ],
)
def test_loras_that_cannot_read_the_control_are_refused(
    metadata: dict[str, str], said: str, tmp_path: Path
) -> None:
    write_clip(tmp_path / "clip.mp4", 2.5)
    write_lora(tmp_path / "a.safetensors", reference_downscale_factor="2")
    write_lora(tmp_path / "b.safetensors", **metadata)
    assert said in error_of(tmp_path, GUIDED + WITH).message


@given(data=st.binary(max_size=64), length=st.integers(0, 80))
def test_any_bytes_are_a_lora_or_an_error(data: bytes, length: int) -> None:
    with tempfile.NamedTemporaryFile() as file:
        path = Path(file.name)
        path.write_bytes(length.to_bytes(8, "little") + data)
        with contextlib.suppress(ValueError):
            assert read_scale(path) >= 1


def test_a_control_has_to_suit_size_and_length(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", 2.5)
    write_lora(tmp_path / "a.safetensors", reference_downscale_factor="2")
    text = GUIDED + 'loras = [{ path = "a.safetensors" }]\n'
    odd = text.replace("768x512", "736x512")
    assert "sides are multiples of 64" in error_of(tmp_path, odd).message
    assert "guided by reference" in error_of(
        tmp_path, HEAD + SHOT + 'model = "wan-2.1-vace-1.3b"\nsize = "832x480"\nframes = 5\n'
        'control = { reference = "clip.mp4" }\n').message  # fmt: skip
    tiled = text.replace('size = "768x512"', 'size = "2560x1408"').replace(
        "[shots.one]", "[shots.one]\nupscale = 2"
    )
    assert "refined whole" in error_of(tmp_path, tiled).message
    long = text.replace("frames = 9", "frames = 489")
    assert "with a control has at most 481 frames" in error_of(tmp_path, long).message
