"""A project's own check: a Python file, keyed by what is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import blink, make_clip, slide

from rushes.checks.registry import asking_checks, check_file, expand_checks, find_check
from rushes.errors import UsageError
from rushes.lock import Lock
from rushes.plan.build import build_plan
from rushes.plan.nodes import Plan
from rushes.run.checking import check_target
from rushes.spec.resolve import load_project

PAGE = Path(__file__).parents[2] / "docs" / "own-checks.md"
PROJECT = """[project]
name = "p"
model = "sprite"
[shots.one]
prompt = "a red ball bounces on a grey background"
checks = ["default", "./checks/red.py"]
"""


def read_example() -> str:
    """The file that the page shows."""
    return PAGE.read_text("utf-8").split("```python\n")[1].split("```")[0]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "red.py").write_text(read_example())
    (tmp_path / "rushes.toml").write_text(PROJECT)
    return tmp_path


def plan_of(folder: Path) -> Plan:
    return build_plan(load_project(folder), Lock(), lambda keys: {})


def test_the_example_of_the_page_judges(project: Path) -> None:
    name = str(project / "checks" / "red.py")
    for frames, passed in (
        (slide("grey"), True),
        ([f[..., ::-1].copy() for f in blink("grey")], False),
    ):
        (verdict,) = check_file(make_clip(project, frames, None), [name])
        assert verdict.passed is passed, verdict
        assert verdict.check == "red"


def test_check_finds_it_from_the_project_s_folder(project: Path) -> None:
    make_clip(project, slide("grey"), None)
    document = check_target("clip.mp4", project, ["./checks/red.py", "black"])
    assert [row["check"] for row in document["checks"]] == ["red", "black"]  # type: ignore[attr-defined]


def test_its_digest_is_planned_and_it_is_not_run(project: Path) -> None:
    file = project / "checks" / "red.py"
    before = plan_of(project).shots[0].kept.nodes["check"]
    assert [name for name, _ in before.files] == ["./checks/red.py"]
    file.write_text("raise SystemExit('planning runs me')\n")
    after = plan_of(project).shots[0].kept.nodes["check"]
    assert before.files[0][1].sha256 != after.files[0][1].sha256
    assert before != after


def test_a_missing_file_is_said_with_its_place(project: Path) -> None:
    (project / "checks" / "red.py").unlink()
    with pytest.raises(UsageError, match=r"no check file \./checks/red\.py") as caught:
        plan_of(project)
    assert "rushes.toml" in str(caught.value.where)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "has no CHECK"),
        ("CHECK = 5", "is not a check"),
        ("def", "SyntaxError"),
        ("import no_such_module_at_all", "no_such_module_at_all"),
        ("CHECK = 1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        find_check(str(tmp_path / "bad.py"))
    assert "CHECK" in str(caught.value.hint)


def test_names_and_files_go_together() -> None:
    assert expand_checks(["black", "./a.py", "./a.py"]) == ["black", "./a.py"]
    assert asking_checks(["./not/there.py"]) == []
