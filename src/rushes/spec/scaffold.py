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
GITIGNORE = "/.rushes/\n/out/\n"


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
