"""The direction of imports, and what ``import rushes`` brings."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rushes


def modules(repository: Path) -> list[Path]:
    return sorted((repository / "src" / "rushes").rglob("*.py"))


def test_the_contracts_hold(repository: Path) -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [tool, "--no-cache"], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_every_part_has_its_layer(repository: Path) -> None:
    tool = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["tool"]
    layers = tool["importlinter"]["contracts"][0]["layers"]
    named = {name.strip() for layer in layers for name in layer.split("|")}
    inside = (repository / "src" / "rushes").iterdir()
    parts = {
        f"rushes.{p.stem}" for p in inside if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    assert parts - {"rushes.__init__", "rushes.__main__"} == named


def test_import_rushes_is_light() -> None:
    script = "import rushes, sys; print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(ast.literal_eval(done.stdout))
    assert not loaded & {"torch", "av", "numpy", "rich", "click", "msgspec", "diffusers", "ray"}


@pytest.mark.parametrize("name", rushes.__all__)
def test_public_names_are_there_and_documented(name: str) -> None:
    found = getattr(rushes, name)
    assert name.startswith("__") or found.__doc__


def test_a_name_that_is_not_public() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rushes.nothing  # noqa: B018


def test_av_is_imported_in_media_alone(repository: Path) -> None:
    """Also within functions, where the linter of contracts does not look at conditions."""
    for path in modules(repository):
        names = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
        assert "av" not in names or path.parent.name == "media", path
        if path.name == "litellm_worker.py":
            continue  # a script of another environment: whose client it is, it watches
        assert not names & {"pickle", "marshal", "shelve", "requests", "httpx", "urllib3"}, path


def test_every_module_is_annotated_and_says_what_it_is(repository: Path) -> None:
    for path in modules(repository):
        tree = ast.parse(path.read_text("utf-8"))
        assert ast.get_docstring(tree), path
        if len(tree.body) > 1 and path.name != "__main__.py":
            assert "from __future__ import annotations" in path.read_text("utf-8"), path
