"""What the pages show is tried: TOML parses, commands run and print what is shown."""

import json
import os
import re
import subprocess
import sys
import tomllib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rushes.media import ExportFormat, encode_clip
from rushes.spec.resolve import load_project
from rushes.spec.scaffold import write_project
from tests.docs.pages import PAGES, ROOT, Block, all_blocks, read_blocks

NAMED = re.compile(r"^# (?P<name>[\w./-]+\.toml)$")
EXIT = re.compile(r"\s+# exit (?P<code>\d+)$")
NEED_MODEL = ("make", "verify")
SHOT = '\n[shots.snippet]\nprompt = "a red ball bounces on a grey background"\n'
CONSOLE_PAGES = [page for page in PAGES if any(read_blocks(page, "console"))]


def name_of(block: Block) -> str | None:
    """The file that a block's first line says it is."""
    found = NAMED.match(block.text.partition("\n")[0])
    return found["name"] if found else None


@pytest.mark.parametrize("block", all_blocks("toml"), ids=lambda block: block.place)
def test_toml_is_a_project_or_a_part_of_one(block: Block, tmp_path: Path) -> None:
    tables = tomllib.loads(block.text)
    if name_of(block) not in (None, "rushes.toml") or "toolchains" in tables:
        return
    for other in read_blocks(block.page, "toml"):
        if (name := name_of(other)) not in (None, "rushes.toml"):
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(other.text, "utf-8")
    text = block.text
    if "project" not in tables:
        text += '\n[project]\nname = "snippet"\n'
    if "shots" not in tables:
        text += SHOT
    (tmp_path / "rushes.toml").write_text(text, "utf-8")
    assert load_project(tmp_path).shots


@pytest.mark.parametrize("block", all_blocks("json"), ids=lambda block: block.place)
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("page", CONSOLE_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_run_and_print_what_is_shown(page: Path, tmp_path: Path) -> None:
    write_project(tmp_path)
    write_clip(tmp_path / "clip.mp4")
    for block in read_blocks(page, "console"):
        folder = tmp_path
        for command, code, shown in read_commands(block.text):
            if command.startswith("cd "):
                folder = folder / command.removeprefix("cd ")
                continue
            assert command.startswith("rushes "), f"{block.place}: {command}"
            done = run_rushes(command, folder)
            heard = done.stdout + done.stderr
            assert done.returncode == code, f"{block.place}: {command}\n{heard}"
            if shown:
                assert is_shown(shown, done.stdout), (
                    f"{block.place}: {command}\nshown:\n{shown}\nprinted:\n{done.stdout}"
                )


def read_commands(text: str) -> list[tuple[str, int, str]]:
    """(command, exit code, output shown) of each line that begins with ``$``."""
    found: list[tuple[str, int, str]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            ending = EXIT.search(line)
            code = int(ending["code"]) if ending else 0
            found.append((EXIT.sub("", line[2:]), code, ""))
        else:
            assert found, f"output before any command: {line}"
            command, code, shown = found[-1]
            found[-1] = (command, code, f"{shown}{line}\n")
    return found


def is_shown(shown: str, printed: str) -> bool:
    """Whether the output is the one shown, where ``…`` stands for anything."""
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def run_rushes(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line of a page in a shell that knows this environment's ``rushes``.

    One that needs the model is only parsed.
    """
    only_says = "--dry-run" in command or "--explain" in command
    if command.split()[1] in NEED_MODEL and not only_says:
        command = f"{command} --help"
    bin_ = Path(sys.executable).parent
    env = {name: value for name, value in os.environ.items() if name != "RUSHES_STORE"}
    env |= {"PATH": f"{bin_}{os.pathsep}{env.get('PATH', '')}", "COLUMNS": "100"}
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def write_clip(path: Path) -> None:
    """Two seconds of a square that moves, and a tone: a clip that passes."""
    frames = []
    for number in range(32):
        frame = np.full((64, 64, 3), 96, np.uint8)
        frame[24:36, number : number + 12] = 235
        frames.append(frame)
    sound = (np.sin(np.arange(32000) * 0.2) / 4).astype(np.float32)[:, None]
    encode_clip(iter(frames), Fraction(16), iter([sound]), 16000, path, ExportFormat())


def test_read_commands_sees_commands_codes_and_output() -> None:
    text = "$ rushes plan\na\nb\n$ rushes x    # exit 2\n"
    assert read_commands(text) == [("rushes plan", 0, "a\nb\n"), ("rushes x", 2, "")]


def test_an_ellipsis_stands_for_anything() -> None:
    assert is_shown("a …\nb\n", "a 1\nx\nb\n")
    assert not is_shown("a …\nb\n", "a 1\nx\nc\n")
    assert not is_shown("a\n", "b\n")
