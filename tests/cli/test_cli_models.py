"""rushes models, and what other commands say of weights that are not here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rushes.catalogue.load import model_names, reader_names
from rushes.catalogue.model import Model
from rushes.errors import StageFailed
from tests.cli.conftest import Run
from tests.hub.conftest import NEEDED, WAN
from tests.hub.conftest import cache as cache
from tests.hub.conftest import hub as hub
from tests.hub.fake_hub import COMMIT, FakeHub, Repo

PROJECT = """
[project]
name = "large"
model = "wan-2.1-1.3b"
seed = 7
[shots.one]
prompt = "a lighthouse in a storm"
"""


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A project whose weights are not on this machine."""
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "rushes.toml").write_text(PROJECT)
    return folder


def test_list_names_every_model(run: Run, cache: Path) -> None:
    done = run("models", "list")
    assert done.code == 0
    for name in model_names():
        line = next(line for line in done.out.splitlines() if line.startswith(f"{name} "))
        assert ("MB" in line) == (name == "sprite")
    found = run("models", "list", "--json").json["models"]
    assert [model["name"] for model in found] == model_names()
    here = {model["name"] for model in found if model["here"]}
    assert here == {"sprite"}
    cards = {model["name"]: model["smallest_card"] for model in found}
    assert cards["sprite"]["peak_bytes"] < 2e9
    assert cards["ltx-2"]["placements"]["denoise"] == "blocks+stream"
    for card in filter(None, cards.values()):
        assert card["peak_bytes"] <= card["memory_bytes"]
    small = next(model for model in found if model["name"] == "wan-2.1-1.3b")
    assert 28.8e9 < small["nbytes"] < 29e9
    assert small["sound"] is False


def test_show_says_the_licence_with_its_terms(run: Run, cache: Path) -> None:
    text = " ".join(run("models", "show", "hunyuan-video").out.split())
    for said in (
        "Tencent Hunyuan Community License Agreement", "second-hand", "nothing is licensed in: EU",
        "100 million monthly users", "hunyuan-video:i2v, for shots that are given image",
        "HunyuanVideoTransformer3DModel", "Not run here with the real weights.",
    ):  # fmt: skip
        assert said in text
    text = " ".join(run("models", "show", "ltx-2.5").out.split())
    assert "free below 10,000,000 USD of yearly revenue" in text
    assert "gated" in text
    assert "speed balanced After four steps every second one is extrapolated." in text


def test_readers_are_listed_and_shown(run: Run, cache: Path) -> None:
    document = run("models", "list", "--json").json
    assert [reader["name"] for reader in document["readers"]] == reader_names()
    assert not any(r["here"] for r in document["readers"] if r["name"] != "spotter")
    out = run("models", "list").out
    for name in reader_names():
        assert any(line.startswith(f"{name} ") for line in out.splitlines())
    text = " ".join(run("models", "show", "internvl3-78b").out.split())
    for said in (
        "OpenGVLab/InternVL3-78B-hf", "(mit, qwen)", "100 million monthly users", "156.8 GB",
        "InternVLForConditionalGeneration", "Not run here with the real weights.",
    ):  # fmt: skip
        assert said in text
    found = run("models", "show", "qwen3-vl-8b", "--json").json
    assert found["reader"]["source"]["repo"] == "Qwen/Qwen3-VL-8B-Instruct"
    assert found["nbytes"] == 2 * found["parameters"]
    done = run("models", "show", "qwen3-vl-8")
    assert done.code == 2
    assert "did you mean qwen3-vl-8b?" in done.err


def test_a_reader_is_pulled_and_bundled_like_a_model(
    run: Run, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    repo = "Qwen/Qwen3-VL-2B-Instruct"
    wanted = ["config.json", "tokenizer.json", "preprocessor_config.json", "model.safetensors"]
    beside = ["README.md", "pytorch_model.bin", "onnx/model.safetensors", "run.py"]
    hub.repos[repo] = Repo({name: f"{name}\n".encode() * 9 for name in [*wanted, *beside]})
    done = run("models", "pull", "qwen3-vl-2b", "-C", tmp_path, "--json")
    assert done.code == 0, done
    (pulled,) = done.json["models"]
    assert sorted(p.name for p in Path(pulled["folder"]).iterdir()) == sorted(wanted)
    assert run("models", "bundle", "qwen3-vl-2b", "--to", "r.tar", "-C", tmp_path).code == 0
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "other"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "other/hub"))
    done = run("models", "pull", "--from", "r.tar", "-C", tmp_path)
    assert done.code == 0, done
    assert "qwen3-vl-2b is here" in done.out
    del hub.repos[repo].files["model.safetensors"]
    hub.repos[repo].commit = "d" * 40
    done = run("models", "pull", "qwen3-vl-2b", "-C", tmp_path)
    assert done.code == 3
    assert "the model holds pickled weights only (pytorch_model.bin)" in done.err


def test_show_in_json_is_the_entry(run: Run, cache: Path) -> None:
    found = run("models", "show", "ltx-2.3", "--json").json
    assert found["model"]["latents"]["audio"]["rate"] == 48_000
    assert found["model"]["schedules"]["distilled"]["steps"] == 8
    assert found["here"] is False


def test_an_unknown_name_gets_a_suggestion(run: Run) -> None:
    done = run("models", "show", "wan-2.2-ti2v-5")
    assert done.code == 2
    assert "did you mean wan-2.2-ti2v-5b?" in done.err
    done = run("models", "pull", "wan-2.1-14b:v2v")
    assert done.code == 2
    assert "wan-2.1-14b:i2v" in done.err


def test_pull_then_bundle_then_pull_again(
    run: Run, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    done = run("models", "pull", "wan-2.1-1.3b", "-C", tmp_path, "--json")
    assert done.code == 0, done
    [model] = done.json["models"]
    assert model["revision"] == COMMIT
    assert model["files"] == len(NEEDED)
    assert Path(model["folder"]).is_dir()
    assert f"fetching {len(NEEDED)} files of {WAN}" in done.err
    done = run("models", "bundle", "wan-2.1-1.3b", "--to", "m.tar", "-C", tmp_path)
    assert done.code == 0, done
    assert done.out.startswith("m.tar holds wan-2.1-1.3b: ")
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "other"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "other/hub"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    done = run("models", "pull", "--from", "m.tar", "-C", tmp_path)
    assert done.code == 0, done
    assert f"wan-2.1-1.3b is here: commit {COMMIT[:12]}, {len(NEEDED)} files" in done.out


def test_pull_takes_names_or_a_bundle(run: Run) -> None:
    assert run("models", "pull").code == 2
    assert run("models", "pull", "wan-2.1-1.3b", "--from", "m.tar").code == 2


def test_pull_takes_the_commit_of_the_lock(run: Run, hub: FakeHub, large: Path) -> None:
    assert run("models", "pull", "wan-2.1-1.3b", "-C", large).code == 0
    assert run("lock", "-C", large).code == 0
    assert f'revision = "{COMMIT}"' in (large / "rushes.lock").read_text()
    hub.repos[WAN].commit = "c" * 40
    done = run("models", "pull", "wan-2.1-1.3b", "-C", large)
    assert done.code == 4
    assert f"no revision '{COMMIT}'" in done.err


def test_plan_goes_without_weights(run: Run, cache: Path, large: Path) -> None:
    done = run("plan", "-C", large, "--json")
    assert done.code == 0, done
    assert {stage["key"] for stage in done.json["stages"]} == {None}
    assert not any(stage["cached"] for stage in done.json["stages"])


def test_plan_with_a_lock_and_no_weights_has_keys(
    run: Run, hub: FakeHub, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    run("models", "pull", "wan-2.1-1.3b", "-C", large)
    run("lock", "-C", large)
    with_weights = run("plan", "-C", large, "--json").json["stages"]
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    assert run("plan", "-C", large, "--json").json["stages"] == with_weights
    assert None not in {stage["key"] for stage in with_weights}


def test_make_runs_at_the_locked_commit(
    run: Run, hub: FakeHub, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Model] = {}

    def executor(*args: Any) -> None:
        given.update(args[5])  # entries
        raise StageFailed("no need to run")

    monkeypatch.setattr("rushes.run.build.LocalExecutor", executor)
    run("models", "pull", "wan-2.1-1.3b", "-C", large)
    run("lock", "-C", large)
    hub.repos[WAN].commit = "c" * 40
    run("models", "pull", "wan-2.1-1.3b", "-C", large.parent)
    assert run("make", "-C", large).code == 4
    assert given["wan-2.1-1.3b"].source.revision == COMMIT


@pytest.mark.parametrize("command", ["lock", "make"])
def test_what_needs_weights_says_what_to_run(
    run: Run, cache: Path, large: Path, command: str
) -> None:
    done = run(command, "-C", large)
    assert done.code == 3
    assert "the weights of wan-2.1-1.3b are not on this machine" in done.err
    assert "rushes models pull wan-2.1-1.3b" in done.err
    error = json.loads(run(command, "-C", large, "--json").out)["error"]
    assert error["type"] == "WeightsMissing"


def test_doctor_lists_the_weights_that_are_here(run: Run, cache: Path, tmp_path: Path) -> None:
    findings = run("doctor", "-C", tmp_path, "--json").json["findings"]
    weights = next(f for f in findings if "sprite" in f["detail"])
    assert "wan" not in weights["detail"]
