"""What changes a key, and what does not."""

from __future__ import annotations

import dataclasses
import json

import msgspec
import pytest

from rushes.checks.registry import DEFAULT
from rushes.lock import (
    Lock,
)
from rushes.needs import (
    READING_STAGES,
)
from rushes.stages.registry import STAGES
from tests.plan.tools import (
    FOLDERS,
    LOCK,
    PACKAGES,
    PARTS,
    PROJECT,
    SPRITE,
    change_package,
    change_weights,
    changed,
    followers,
    keys_of,
    plan_text,
    text_changed,
)

NOT_HERE = (
    "assemble",
    "upsample",
    "refine",
    "encode_condition",
    "encode_given",
    "cut_track",
    "ask",
    "ask_server",
    "repair",
    "golden",
    "gate",
    "generate",
    *READING_STAGES,
)
"""Stages that no shot of this project has."""
SHOT_STAGES = [name for name in STAGES if name not in NOT_HERE]
FILM = {("both", "assemble"), ("both", "check")}
ALL = {(shot, stage) for shot in ("one", "two") for stage in SHOT_STAGES} | FILM


def of(shot: str, stages: set[str]) -> set[tuple[str, str]]:
    return {(shot, stage) for stage in stages if stage in SHOT_STAGES}


def test_every_place_has_a_key_of_its_own() -> None:
    keys = keys_of(plan_text())
    assert set(keys) == ALL
    assert None not in keys.values()
    assert len(set(keys.values())) == len(ALL)


def test_export_of_one_shot() -> None:
    line = 'prompt = "a blue square slides on a black background"\n'
    for export in (
        '{ format = "mkv" }',
        "{ crf = 30 }",
        '{ preset = "slow" }',
        "{ audio_kbps = 64 }",
    ):
        found = text_changed(line, f"{line}export = {export}\n")
        assert found == {("two", "export"), ("two", "check")}


def test_export_of_all() -> None:
    found = text_changed("attempts = 3\n", "attempts = 3\nexport = { crf = 30 }\n")
    assert (
        found == {(shot, stage) for shot in ("one", "two") for stage in ("export", "check")} | FILM
    )


def test_a_cross_fade() -> None:
    assert text_changed("crossfade = 0.25", "crossfade = 0.5") == FILM


def test_a_prompt_of_one_shot() -> None:
    assert text_changed("a blue square", "a green square") == of("two", set(SHOT_STAGES)) | FILM
    assert text_changed('"red"', '"green"') == of("one", set(SHOT_STAGES)) | FILM


def test_the_seed_keeps_texts() -> None:
    after = followers("denoise")
    assert text_changed("seed = 7", "seed = 8") == of("one", after) | of("two", after) | FILM


@pytest.mark.parametrize(
    "line", ["steps = 3", "guidance = 4.0", "audio_guidance = 4.0", "seed = 1"]
)
def test_settings_of_denoise(line: str) -> None:
    found = text_changed("[shots.two]\n", f"[shots.two]\n{line}\n")
    assert found == of("two", followers("denoise")) | FILM


def test_a_speed_and_what_it_stands_for() -> None:
    """Its shortcuts are in the key, its description is not."""
    head, fast = "[shots.two]\n", '[shots.two]\nspeed = "fast"\n'
    assert text_changed(head, '[shots.two]\nspeed = "exact"\n') == set()
    assert text_changed(head, fast) == of("two", followers("denoise")) | FILM
    rows = plan_text(PROJECT.replace(head, fast)).rows()
    said = {name: node.params.speed for name, *_, node in rows if node.stage == "denoise"}
    assert said["one"] is None
    assert said["two"] == msgspec.structs.replace(SPRITE.speeds["fast"], about="")


def test_length() -> None:
    found = text_changed("[shots.two]\n", "[shots.two]\nframes = 17\n")
    assert found == of("two", followers("denoise")) | FILM


def test_a_negative_prompt() -> None:
    found = text_changed("[shots.two]\n", '[shots.two]\nnegative = "blurry"\n')
    assert found == of("two", set(SHOT_STAGES)) | FILM


def test_checks_run_alone() -> None:
    found = text_changed("[shots.two]\n", '[shots.two]\nchecks = ["black"]\n')
    assert found == {("two", "check")}
    by_name = text_changed(
        "[shots.two]\n",
        f"[shots.two]\nchecks = {json.dumps(DEFAULT)}\n",
    )
    assert by_name == set()


NOTHING = {
    "a comment": ("[shots.two]\n", "[shots.two] # the second\n# and last\n"),
    "the name of the project": ('name = "p"', 'name = "q"'),
    "attempts": ("attempts = 3", "attempts = 9"),
    "a whole number for another": ("crossfade = 0.25", "crossfade = 2.5e-1"),
    "what is the default": (
        "[shots.two]\n",
        '[shots.two]\nfps = 16\nexport = { format = "mp4" }\n',
    ),
    "policy": ("[defaults]", "[policy]\nlicences = ['apache-2.0']\n[defaults]"),
    "checkpoints": ("seed = 7", "seed = 7\ncheckpoint_seconds = 5"),
    "an unused preset": ("[shots.one]", "[presets.x]\nseed = 3\n[shots.one]"),
    "the order of variables": (
        '{ colour = "red", ground = "grey" }',
        '{ ground = "grey", colour = "red" }',
    ),
    "the model's own name": ("[shots.two]\n", '[shots.two]\nmodel = "sprite"\n'),
}


@pytest.mark.parametrize("case", NOTHING)
def test_what_changes_nothing(case: str) -> None:
    assert text_changed(*NOTHING[case]) == set()


def test_order_of_tables_and_keys_changes_nothing() -> None:
    head, *tables = PROJECT.split("\n[")
    blocks = [head, *(f"[{table.rstrip()}" for table in tables)]
    turned = []
    for block in reversed(blocks):
        first, *lines = block.splitlines()
        turned.append("\n".join([first, *reversed(lines)]))
    found = keys_of(plan_text("\n".join(turned) + "\n"))
    assert changed(keys_of(plan_text()), found) == set()


def test_another_folder_changes_nothing() -> None:
    assert keys_of(plan_text()) == keys_of(plan_text())


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_weights_change_the_stages_that_load_them(part: str, file: str) -> None:
    readers = {stage for stage in SHOT_STAGES if part in FOLDERS.get(stage, ())}
    found = changed(keys_of(plan_text()), keys_of(plan_text(lock=change_weights(f"{part}/{file}"))))
    after = followers(*readers)
    assert found == of("one", after) | of("two", after) | FILM
    assert ("one", "render_prompt") not in found


def test_new_and_removed_weights_count() -> None:
    more = change_weights("vae/more.safetensors")
    found = changed(keys_of(plan_text()), keys_of(plan_text(lock=more)))
    after = followers("decode_video")
    assert found == of("one", after) | of("two", after) | FILM
    assert not changed(keys_of(plan_text(lock=more)), keys_of(plan_text(lock=more)))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_changes_the_stages_that_use_it(package: str) -> None:
    found = changed(keys_of(plan_text()), keys_of(plan_text(lock=change_package(package))))
    after = followers(*(s for s in (*SHOT_STAGES, "assemble") if package in STAGES[s].packages))
    expected = of("one", after) | of("two", after)
    expected |= {(name, stage) for name, stage in FILM if stage in after}
    assert found == expected


@pytest.mark.parametrize("name", [*SHOT_STAGES, "assemble"])
def test_a_stage_version_changes_the_stage_and_what_follows(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys_of(plan_text())
    monkeypatch.setitem(STAGES, name, dataclasses.replace(STAGES[name], version=99))
    after = followers(name)
    expected = FILM if "assemble" in after else set()
    if name != "assemble":
        expected = expected | of("one", after) | of("two", after)
    if name == "check":
        expected = expected | {("both", "check")}
    assert changed(before, keys_of(plan_text())) == expected


def test_without_a_lock_nothing_has_a_key() -> None:
    assert set(keys_of(plan_text(lock=Lock())).values()) == {None}


def test_without_weights_only_prompts_have_a_key() -> None:
    keys = keys_of(plan_text(lock=Lock(1, {}, LOCK.toolchains)))
    assert {stage for (_, stage), key in keys.items() if key is not None} == {"render_prompt"}


def test_one_stage_that_is_not_locked() -> None:
    toolchains = {name: tools for name, tools in LOCK.toolchains.items() if name != "export"}
    keys = keys_of(plan_text(lock=Lock(1, LOCK.models, toolchains)))
    unknown = {place for place, key in keys.items() if key is None}
    assert unknown == {(shot, stage) for shot in ("one", "two") for stage in ("export", "check")}


def test_equal_shots_are_one_piece_of_work() -> None:
    text = PROJECT.replace("[films.both]", '[shots.three]\npreset = "bounce"\n'
        'vars = { colour = "red", ground = "grey" }\n[films.both]')  # fmt: skip
    plan = plan_text(text)
    nodes = {(name, node.stage): node for name, *_, node in plan.rows()}
    for stage in SHOT_STAGES:
        assert nodes["one", stage] is nodes["three", stage]


def test_a_key_does_not_tell_places_apart() -> None:
    """A shot may be renamed and stays stored."""
    keys = keys_of(plan_text(PROJECT.replace("[shots.two]", "[shots.zwei]").replace(
        '["one", "two"]', '["one", "zwei"]')))  # fmt: skip
    assert keys["zwei", "check"] == keys_of(plan_text())["two", "check"]
