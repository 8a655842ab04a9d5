"""Where LiteLLM is: an environment of its own, made by one command, never on the way.

It cannot lie beside transformers 5, whose huggingface-hub it does not take.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

from rushes.errors import HubError, PaidUnavailable

VARIABLE = "RUSHES_LITELLM"
"""Names a Python that has LiteLLM."""
HINT = "once: rushes doctor --install-litellm (about a minute, 340 MB, from your package index)"


def default_folder() -> Path:
    """Where the command puts it."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "rushes" / "litellm"


def find_python() -> Path:
    """The Python that has LiteLLM.

    Raises:
        PaidUnavailable: there is none.
    """
    said = os.environ.get(VARIABLE)
    path = Path(said) if said else default_folder() / "bin" / "python"
    if not path.is_file():
        where = VARIABLE if said else str(default_folder())
        raise PaidUnavailable(f"there is no LiteLLM at {path}", where=where, hint=HINT)
    return path


def requirements() -> str:
    """Every package with its version."""
    return resources.files("rushes.paid").joinpath("litellm.txt").read_text("utf-8")


def install_litellm(folder: Path | None = None) -> Path:
    """Make the environment anew.

    Returns:
        Its Python.

    Raises:
        HubError: the package index does not give what is asked for.
    """
    folder = folder or default_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    wanted = folder / "litellm.txt"
    steps = [
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin" / "pip"), "install", "-q", "-r", str(wanted)],
    ]
    for number, step in enumerate(steps):
        if number:
            wanted.write_text(requirements(), "utf-8")
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            shutil.rmtree(folder, ignore_errors=True)
            raise HubError(
                f"LiteLLM cannot be installed: {said[-1] if said else step[0]}",
                where=str(folder),
                hint="is the package index reachable? pip's own settings are used",
            )
    return folder / "bin" / "python"
