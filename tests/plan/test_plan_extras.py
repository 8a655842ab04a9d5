"""Checks that need packages of their own: keyed where they are used, refused when missing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from rushes.checks import packages
from rushes.checks.registry import find_check
from rushes.errors import PackageMissing, ProjectError
from rushes.lock import (
    Lock,
    complete_lock,
    missing_entries,
)
from rushes.needs import (
    needed_toolchains,
)
from rushes.spec.resolve import load_project
from rushes.store.store import Store
from tests.plan.tools import LOCK, PROJECT, change_package, changed, keys_of, plan_text

READING = PROJECT.replace("[shots.two]\n", '[shots.two]\nchecks = ["default", "text"]\n')


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda package: True)


def lock_text(version: str = "1.0") -> Lock:
    tools = dict.fromkeys(find_check("text").packages, version)  # type: ignore[attr-defined]
    return msgspec.structs.replace(LOCK, toolchains={**LOCK.toolchains, "check.text": tools})


def test_an_extra_moves_no_key_of_shots_that_do_not_use_it() -> None:
    assert keys_of(plan_text(lock=lock_text())) == keys_of(plan_text(lock=LOCK))
    before = keys_of(plan_text(READING, lock_text()))
    after = keys_of(plan_text(READING, lock_text("2.0")))
    assert changed(before, after) == {("two", "check")}
    moved = keys_of(plan_text(READING, change_package("rapidocr", lock_text())))
    assert changed(before, moved) == {("two", "check")}


def test_a_check_whose_packages_are_not_locked_has_no_key() -> None:
    keys = keys_of(plan_text(READING, LOCK))
    assert {place for place, key in keys.items() if key is None} == {("two", "check")}


def test_the_prompt_is_told_to_checks_that_read_it_alone() -> None:
    plan = plan_text(READING, lock_text())
    prompts = {
        name: node.params.prompts  # type: ignore[attr-defined]
        for name, _, label, node in plan.rows()
        if label == "check"
    }
    assert prompts == {
        "one": (), "two": ("a blue square slides on a black background",), "both": (),
    }  # fmt: skip


def test_a_missing_package_is_refused_when_planning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda package: package != "rapidocr")
    with pytest.raises(PackageMissing, match="rapidocr") as caught:
        plan_text(READING, lock_text())
    assert caught.value.exit_code == 3
    assert caught.value.where == "rushes.toml:shots.two.checks"
    assert "rushes[text]" in str(caught.value.hint)
    plan_text(PROJECT, LOCK)  # nobody else is held up


def test_the_lock_takes_in_the_packages_and_refuses_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rushes.toml").write_text(READING)
    project, store = load_project(tmp_path), Store(tmp_path / "store")
    assert "check.text" in needed_toolchains(project)
    assert "toolchains.check.text" in missing_entries(project, LOCK)
    after, changes = complete_lock(project, LOCK, store)
    assert set(after.toolchains["check.text"]) == set(find_check("text").packages)  # type: ignore[attr-defined]
    assert [change.what for change in changes] == ["toolchains.check.text"]
    monkeypatch.setattr(packages, "is_installed", lambda package: False)
    with pytest.raises(PackageMissing):
        complete_lock(project, LOCK, store)


def test_reference_needs_a_picture() -> None:
    text = PROJECT.replace("[shots.two]\n", '[shots.two]\nchecks = ["reference"]\n')
    with pytest.raises(ProjectError, match="reference"):
        plan_text(text, LOCK)
