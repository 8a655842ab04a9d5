"""Plans of small projects, against a lock made by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from rushes.catalogue.load import find_model
from rushes.lock import Lock, LockedFile, LockedModel
from rushes.models.base import find_family, folders_of
from rushes.plan.build import build_plan
from rushes.plan.nodes import Plan
from rushes.spec.resolve import load_project
from rushes.stages.registry import STAGES
from rushes.types import Digest, Key

PROJECT = """\
[project]
name = "p"
seed = 7
[defaults]
attempts = 3
[presets.bounce]
prompt = "a {colour} ball bounces on a {ground} background"
[shots.one]
preset = "bounce"
vars = { colour = "red", ground = "grey" }
[shots.two]
prompt = "a blue square slides on a black background"
[films.both]
shots = ["one", "two"]
crossfade = 0.25
"""
SPRITE = find_model("sprite")
FOLDERS = {s: folders_of(SPRITE, s) for s in find_family(SPRITE.family).folders}
PARTS = sorted({folder for folders in FOLDERS.values() for folder in folders})
PACKAGES = sorted({package for stage in STAGES.values() for package in stage.packages})
Keys = dict[tuple[str, str], Key | None]


def digest(text: str) -> Digest:
    return Digest(text.encode().hex().ljust(64, "0")[:64])


def make_lock() -> Lock:
    files = {f"{part}/{name}": LockedFile(digest(f"{part}{name}"), 9) for part in PARTS for name in
             ("config.json", "model.safetensors")}  # fmt: skip
    files["model_index.json"] = LockedFile(digest("index"), 9)
    model = LockedModel("v1", "package:rushes/weights/sprite", "float32", files)
    toolchains = {s.name: dict.fromkeys(s.packages, "1.0") for s in STAGES.values()}
    return Lock(1, {"sprite": model}, toolchains)


LOCK = make_lock()


def change_weights(path: str, lock: Lock = LOCK) -> Lock:
    model = lock.models["sprite"]
    files = {**model.files, path: LockedFile(digest("other"), 9)}
    return msgspec.structs.replace(
        lock, models={"sprite": msgspec.structs.replace(model, files=files)}
    )


def change_package(package: str, lock: Lock = LOCK) -> Lock:
    toolchains = {
        stage: {name: "2.0" if name == package else version for name, version in packages.items()}
        for stage, packages in lock.toolchains.items()
    }
    return msgspec.structs.replace(lock, toolchains=toolchains)


class Verdicts:
    """Stored facts of check nodes, as the store would give them; counts what is asked."""

    def __init__(self, facts: Mapping[Key, Mapping[str, object]] | None = None) -> None:
        self.facts = dict(facts or {})

    def __call__(self, keys: Iterable[Key]) -> Mapping[Key, Mapping[str, object]]:
        return {key: self.facts[key] for key in keys if key in self.facts}

    def judge(self, key: Key | None, passed: bool, passes: int = 0, margin: float = 0.0) -> None:
        assert key is not None
        self.facts[key] = {"passed": passed, "passes": passes, "margin": margin}


def plan_text(
    text: str = PROJECT,
    lock: Lock = LOCK,
    verdicts: Verdicts | None = None,
    targets: Iterable[str] = (),
) -> Plan:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "rushes.toml").write_text(text, "utf-8")
        return build_plan(load_project(Path(name)), lock, verdicts or Verdicts(), targets)


def keys_of(plan: Plan) -> Keys:
    return {(name, node.stage): node.key for name, *_, node in plan.rows()}


def changed(before: Keys, after: Keys) -> set[tuple[str, str]]:
    return {
        place for place in before.keys() | after.keys() if before.get(place) != after.get(place)
    }


def text_changed(old: str, new: str) -> set[tuple[str, str]]:
    """Places whose key changes when ``old`` in the project becomes ``new``."""
    assert PROJECT.count(old) == 1
    return changed(keys_of(plan_text()), keys_of(plan_text(PROJECT.replace(old, new))))


def followers(*stages: str) -> set[str]:
    """The stages and all that follow, by what DESIGN draws."""
    after = {
        "render_prompt": {"encode_text"},
        "encode_text": {"denoise"},
        "denoise": {"decode_video", "decode_audio"},
        "decode_video": {"export", "assemble"},
        "decode_audio": {"export", "assemble"},
        "export": {"check"},
        "assemble": {"check"},
        "check": set(),
    }
    found = set(stages)
    pending = list(stages)
    while pending:
        for stage in after[pending.pop()] - found:
            found.add(stage)
            pending.append(stage)
    return found
