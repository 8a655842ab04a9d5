"""What ``[policy]`` states of revenue, users, territory and purpose is held to."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.errors import LicenceRefused, ProjectError
from rushes.spec.project import Project
from rushes.spec.resolve import load_project


def read(folder: Path, model: str, policy: str) -> Project:
    shot = '[shots.one]\nprompt = "a red ball"\n'
    head = f'[project]\nname = "p"\nmodel = "{model}"\n'
    (folder / "rushes.toml").write_text(f"{head}[policy]\n{policy}\n{shot}")
    return load_project(folder)


@pytest.mark.parametrize(
    ("model", "policy", "key", "words"),
    [
        ("ltx-2", "revenue_usd = 10_000_000", "revenue_usd", "10 million USD"),
        ("ltx-2.5", "revenue_usd = 12_000_000", "revenue_usd", "12,000,000 is stated"),
        ("hunyuan-video", 'territory = ["US", "DE"]', "territory", "not licensed in DE"),
        ("hunyuan-video", "users = 100_000_001", "users", "100 million monthly users"),
        ("cogvideox-5b", "users = 2_000_000", "users", "one million visits"),
    ],
)
def test_refused_with_the_clause(
    model: str, policy: str, key: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(LicenceRefused) as caught:
        read(tmp_path, model, policy)
    assert caught.value.exit_code == 3
    assert caught.value.where == f"rushes.toml:policy.{key}"
    assert words in caught.value.message
    assert "granted" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("model", "policy"),
    [
        ("ltx-2", "revenue_usd = 9_999_999"),
        ("ltx-2", 'revenue_usd = 1e9\ngranted = ["ltx-2-community"]'),
        ("hunyuan-video", 'territory = ["US", "JP"]\nusers = 5'),
        ("wan-2.2-a14b", 'revenue_usd = 1e12\nusers = 10\nterritory = ["WORLD"]'),
        ("sprite", 'purpose = "commercial"\nrevenue_usd = 1e12'),
    ],
)
def test_allowed(model: str, policy: str, tmp_path: Path) -> None:
    assert read(tmp_path, model, policy).shots


def test_a_territory_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no territory 'ZZ'"):
        read(tmp_path, "sprite", 'territory = ["ZZ"]')
