"""The project that ``rushes init`` writes."""

from __future__ import annotations

import re
from pathlib import Path

from rushes.errors import UsageError
from rushes.spec.read import PROJECT_FILE
from rushes.store.files import write_durable

TEMPLATE = """\
# A Rushes project. Build it with: rushes make

[project]
name = "{name}"
model = "sprite"        # one line to change
seed = 7

[defaults]
checks = ["default"]    # what a clip must pass
attempts = 3            # takes to try until it does

[presets.bounce]
prompt = "a {{colour}} ball bounces on a {{ground}} background"

[shots.opening]
preset = "bounce"
vars = {{ colour = "red", ground = "grey" }}

[shots.closing]
prompt = "a blue square slides on a black background"

[films.teaser]
shots = ["opening", "closing"]
crossfade = 0.25        # seconds; 0 cuts
"""
WORKFLOW_FILE = ".github/workflows/rushes.yml"
WORKFLOW = """\
# Builds the clips that a change touches, checks them, and keeps clips and reports.
name: rushes
on:
  pull_request:
  push:
    branches: [main]

jobs:
  make:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0            # --changed reads the branch that the change goes to
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install rushes   # on no index yet: name your copy, as git+https://...
      - uses: actions/cache@v4      # what was built before is not built again
        with:
          path: .rushes
          key: rushes-${{ hashFiles('rushes.lock') }}-${{ github.sha }}
          restore-keys: rushes-${{ hashFiles('rushes.lock') }}-
      - name: what a pull request changes
        if: github.event_name == 'pull_request'
        run: rushes make --locked --changed=origin/${{ github.base_ref }}
      - name: everything
        if: github.event_name == 'push'
        run: rushes make --locked
      - uses: actions/upload-artifact@v4
        if: always()                # the report is wanted most when a check failed
        with:
          name: rushes
          path: out/
"""
"""GitHub Actions; failed checks show beside their lines of rushes.toml."""
GITIGNORE = "/.rushes/\n/out/\n"


def write_workflow(folder: Path) -> str:
    """Write the workflow for GitHub Actions into a repository's root.

    Returns:
        The file's name.

    Raises:
        UsageError: there is one already, or the folder cannot be made.
    """
    target = folder / WORKFLOW_FILE
    if target.exists():
        raise UsageError(f"there is a {WORKFLOW_FILE} already", where=str(target))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"{target.parent} cannot be made: {exc.strerror}") from exc
    write_durable(target, WORKFLOW.encode())
    return WORKFLOW_FILE


def write_project(folder: Path) -> list[str]:
    """Write a project into a folder, which may exist.

    Returns:
        Names of the files written; an existing .gitignore is left as it is.

    Raises:
        UsageError: there is a project already, or the folder cannot be made.
    """
    if (folder / PROJECT_FILE).exists():
        raise UsageError(f"there is a {PROJECT_FILE} already", where=str(folder / PROJECT_FILE))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"{folder} cannot be made: {exc.strerror}") from exc
    text = TEMPLATE.format(name=_project_name(folder.resolve().name))
    files = {PROJECT_FILE: text, ".gitignore": GITIGNORE}
    written = [name for name in files if not (folder / name).exists()]
    for name in written:
        write_durable(folder / name, files[name].encode())
    return written


def _project_name(folder: str) -> str:
    """The folder's name with only what a project's name may hold."""
    return re.sub(r"[^a-z0-9_-]+", "-", folder.lower()).strip("-_")[:64] or "clips"
