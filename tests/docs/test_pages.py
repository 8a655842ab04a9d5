"""What the pages say about the code is held to the code."""

import re
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import fields

import rushes
from rushes.catalogue.load import find_model
from rushes.catalogue.model import Control
from rushes.checks.registry import BUILT_IN
from rushes.cli.main import COMMANDS
from rushes.errors import error_types
from rushes.media.formats import CONTAINERS, PRESETS
from rushes.spec import tables
from rushes.spec.resolve import DEFAULT_CRF
from rushes.stages.registry import STAGES
from tests.docs.pages import PAGES, ROOT
from tools import write_help

LINK = re.compile(r"\[[^\]]+\]\((?P<target>[^)\s]+)\)")
DOCS = ROOT / "docs"


def read(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def test_help_texts_are_the_commands_own() -> None:
    page = read("command-line.md")
    shown = {found[2].strip() for found in write_help.BLOCK.finditer(page)}
    assert shown == set(write_help.list_commands())
    assert write_help.fill_page(page) == page, "run: .venv/bin/python -m tools.write_help"


def test_every_command_has_its_heading() -> None:
    page = read("command-line.md")
    assert [name for name in COMMANDS if f"\n### rushes {name}\n" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for found in LINK.finditer(text):
        target, _, anchor = found["target"].partition("#")
        if "://" in target or not target:
            continue
        assert (page.parent / target).exists(), f"{page.name}: {found['target']}"
        if anchor:
            other = (page.parent / target).read_text("utf-8")
            heads = re.findall(r"^#+ (.+)$", other, re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]
            assert anchor in slugs, f"{page.name}: {found['target']}"


SECTIONS = {
    "## Top level": ["include"],
    "## [project]": [info.encode_name for info in fields(tables.ProjectTable)],
    "## [readers.NAME]": [info.encode_name for info in fields(tables.ReaderTable)],
    "## [remotes.NAME]": [info.encode_name for info in fields(tables.RemoteTable)],
    "## [models.NAME]": [info.encode_name for info in fields(tables.ModelTable)],
    "## Settings": [info.encode_name for info in fields(tables.Settings)],
    "### Only in [presets.NAME] and": ["prompt", "vars"],
    "### Only in [shots.NAME]": [
        "preset",
        *(key for key in get_args(Control) if key != "loras"),
        "golden",
    ],
    "## export": [info.encode_name for info in fields(tables.ExportTable)],
    "## [policy]": [info.encode_name for info in fields(tables.PolicyTable)],
    "## [films.NAME]": [info.encode_name for info in fields(tables.FilmTable)],
}


@pytest.mark.parametrize("head", SECTIONS)
def test_every_key_of_a_table_is_described_and_no_other(head: str) -> None:
    page = read("project-file.md")
    start = page.index(f"\n{head}")
    section = re.split(r"\n#{2,3} ", page[start + 1 :])[0]
    table = section[section.index("| key |") :].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == SECTIONS[head]


def test_the_settings_that_only_presets_and_shots_have_are_these() -> None:
    common = {info.encode_name for info in fields(tables.Settings)}
    preset = {info.encode_name for info in fields(tables.PresetTable)} - common
    shot = {info.encode_name for info in fields(tables.ShotTable)} - common
    assert preset == {"prompt", "vars"}
    assert shot - preset == {"preset", "golden", *get_args(Control)} - {"loras"}


def test_numbers_of_the_project_file_are_the_parsers() -> None:
    page = read("project-file.md")
    policy, project = fields(tables.PolicyTable), fields(tables.ProjectTable)
    defaults = {info.encode_name: info.default for info in (*policy, *project)}
    assert f"at most {tables.MAX_SECONDS} |" in page
    assert f"0 to {tables.MAX_SEED} |" in page
    assert f"1 to {tables.MAX_SECONDS * 120} |" in page
    assert f"at most {tables.MAX_PROMPT} characters" in page
    assert f"| `{defaults['checkpoint_seconds']}` |" in page
    assert tables.MAX_USD == 10**15
    assert ", ".join(f"`{name}`" for name in PRESETS) in page.replace("\n", " ")
    assert all(f"{codec} {crf}" in page for codec, crf in DEFAULT_CRF.items())
    for container, (videos, audios) in CONTAINERS.items():
        row = [", ".join(f"`{name}`" for name in names) for names in (videos, audios)]
        assert f"| `{container}` | {row[0]} | {row[1]} |" in page


def test_what_is_said_of_sprite_is_in_the_catalogue() -> None:
    page, sprite = read("project-file.md").replace("\n", " "), find_model("sprite")
    it, grid = sprite.defaults, sprite.grid
    legal = [n for n in range(grid.frames_max + 1) if grid.is_legal_frames(n)]
    first, second, *_, last = legal
    assert legal == list(range(first, last + 1, second - first))
    assert f"size `{it.size}`, {it.frames} frames at {it.fps:g} fps" in page
    assert (
        f"{it.steps} steps, `guidance` {it.guidance:g}, `audio_guidance` {it.audio_guidance:g}"
        in page
    )
    assert f"It makes {first}, {second}, … {last} frames" in page
    assert grid.sizes == [it.size]
    assert grid.fps == [it.fps]


@pytest.mark.parametrize("name", BUILT_IN)
def test_thresholds_and_evidence_are_the_checks_own(name: str) -> None:
    page = read("checks.md")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    assert float(row.split("|")[-2]) == import_module(f"rushes.checks.{name}").THRESHOLD
    assert f"\n## {name}\n" in page


def test_every_stage_is_described() -> None:
    page = read("how-it-works.md")
    for name, stage in STAGES.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"{stage.lane} worker" in row


def test_exit_codes_are_those_of_the_errors() -> None:
    page = read("command-line.md")
    codes = {kind.exit_code for kind in error_types().values()} | {0, 1}
    shown = re.findall(r"^\| (\d+) \|", page, re.MULTILINE)
    assert {int(code) for code in shown} == codes


@pytest.mark.parametrize("page", sorted(DOCS.glob("adr/*.md")), ids=lambda page: page.stem)
def test_a_decision_has_its_parts(page: Path) -> None:
    heads = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
    assert heads == ["Context", "Decision", "Consequences", "What would change our mind"]


def test_the_changelog_knows_this_version() -> None:
    assert rushes.__version__ in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_no_merge_was_left_half_done() -> None:
    pages = [*ROOT.glob("*.md"), *PAGES]
    left = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)
    assert [page.name for page in pages if left.search(page.read_text("utf-8"))] == []
