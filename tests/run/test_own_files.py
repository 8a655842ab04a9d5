"""Builds on single files: the same clip from safetensors, another from packed weights."""

from __future__ import annotations

import tomllib
from pathlib import Path

from rushes.catalogue.load import find_model
from rushes.hub import find_checkpoint
from tests.models.single_files import name_as_ltx2, read_part, save_packed, save_single
from tests.run.projects import make, ran, run_rushes, sums, write_project

SHOT = 'prompt = "a red ball bounces on a grey background"\n'
TEXT = f"""
[project]
name = "small"
[defaults]
steps = 1
checks = []
[shots.plain]
{SHOT}
[shots.single]
{SHOT}model = "mine"
[shots.packed]
{SHOT}model = "small"
[models.mine]
like = "sprite"
path = "mine.safetensors"
[models.small]
like = "sprite"
path = "small.gguf"
"""


def test_clips_of_single_files(tmp_path: Path) -> None:
    folder = write_project(tmp_path, TEXT)
    part = find_checkpoint(find_model("sprite")) / "transformer"
    named = {name_as_ltx2(name): tensor for name, tensor in read_part(part).items()}
    save_single(named, folder / "mine.safetensors", "model.diffusion_model.")
    save_packed(named, folder / "small.gguf", "Q8_0")
    document = make(folder)
    clips = sums(folder, document)
    assert clips["plain"] == clips["single"] != clips["packed"]
    keys = {(c["name"], s["stage"]): s["key"] for c in document["shots"] for s in c["stages"]}
    assert keys["single", "encode_text"] == keys["plain", "encode_text"]
    assert len({keys[name, "denoise"] for name in ("plain", "single", "packed")}) == 3
    lock = tomllib.loads((folder / "rushes.lock").read_text())
    assert lock["models"]["small"]["source"] == "files:small.gguf+package:rushes/weights/sprite"
    assert "transformer/single.gguf" in lock["models"]["small"]["files"]
    assert ran(make(folder)) == set()
    (folder / "small.gguf").write_bytes((folder / "mine.safetensors").read_bytes())
    wrong = run_rushes(folder, "make")
    assert wrong.returncode == 2
    assert wrong.stderr.count("error:") == 1
