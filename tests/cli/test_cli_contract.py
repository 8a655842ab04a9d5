"""What every command keeps to: one JSON document, exit codes, help that teaches."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

import rushes
from rushes.cli.main import COMMANDS, cli
from rushes.errors import error_types
from tests.cli.conftest import Run

GOOD: dict[str, tuple[str, ...]] = {
    "plan": ("plan",),
    "plan of a shot": ("plan", "one", "--seed", "3", "--attempts", "2"),
    "make --dry-run": ("make", "--dry-run"),
    "graph": ("graph",),
    "graph of a film": ("graph", "both"),
    "why": ("why", "one"),
    "why of a stage": ("why", "one:denoise"),
    "log": ("log",),
    "log of a run": ("log", "0123456789ab"),
    "cache status": ("cache", "status"),
    "cache gc": ("cache", "gc"),
    "cache gc --dry-run": ("cache", "gc", "--days", "0", "--dry-run"),
    "cache verify": ("cache", "verify"),
    "models list": ("models", "list"),
    "models show": ("models", "show", "wan-2.1-14b:i2v"),
    "init": ("init", "new"),
    "completion": ("completion", "bash"),
}
BAD: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no such command": (("mak",), 2, "UsageError"),
    "no such option": (("plan", "--sead", "3"), 2, "UsageError"),
    "a seed below 0": (("plan", "--seed", "-1"), 2, "UsageError"),
    "a seed too large": (("make", "--seed", str(2**53)), 2, "UsageError"),
    "no such shot": (("plan", "three"), 2, "UsageError"),
    "no such shot to make": (("make", "--dry-run", "three"), 2, "UsageError"),
    "no such place": (("why", "three"), 2, "UsageError"),
    "no such stage": (("why", "one:three"), 2, "UsageError"),
    "why of nothing": (("why",), 2, "UsageError"),
    "no such file": (("check", "clip.mp4"), 2, "UsageError"),
    "no such check": (("check", "clip.mp4", "--checks", "blak"), 2, "UsageError"),
    "not built": (("check", "one"), 2, "UsageError"),
    "nothing to report": (("report",), 2, "UsageError"),
    "nothing to verify": (("verify",), 2, "UsageError"),
    "a project already": (("init",), 2, "UsageError"),
    "no git": (("diff",), 2, "UsageError"),
    "no lock": (("make", "--locked"), 3, "LockRefused"),
    "no subcommand": (("cache",), 2, "UsageError"),
    "no such subcommand": (("cache", "clear"), 2, "UsageError"),
    "no such model": (("models", "show", "wan-2.1-13b"), 2, "UsageError"),
    "no such variant": (("models", "pull", "wan-2.1-14b:v2v"), 2, "UsageError"),
    "nothing to pull": (("models", "pull"), 2, "UsageError"),
    "no such bundle": (("models", "pull", "--from", "none.tar"), 2, "UsageError"),
    "a model that is not here": (
        ("models", "bundle", "wan-2.1-1.3b", "--to", "models.tar"),
        3,
        "WeightsMissing",
    ),
    "no such shell": (("completion", "tcsh"), 2, "UsageError"),
}
UNDER_GROUP = {"cache", "mak"}


@pytest.mark.parametrize("case", GOOD)
def test_one_document_on_success(case: str, run: Run, project: Path) -> None:
    done = run(*GOOD[case], "-C", project, "--json")
    assert done.code == 0, done
    assert isinstance(done.json, dict)
    assert done.out.count("\n") == 1
    assert "error" not in done.json


@pytest.mark.parametrize("case", BAD)
def test_one_document_on_an_error(case: str, run: Run, project: Path) -> None:
    args, code, kind = BAD[case]
    done = run(*args, *(() if args[0] in UNDER_GROUP else ("-C", project)), "--json")
    assert done.code == code, done
    error = done.json["error"]
    assert set(done.json) == {"error"}
    assert set(error) == {"type", "message", "where", "hint"}
    assert error["type"] == kind
    assert error_types()[kind].exit_code == code
    assert error["message"]
    assert "Traceback" not in done.err


@pytest.mark.parametrize("case", BAD)
def test_an_error_for_people_is_on_standard_error(case: str, run: Run, project: Path) -> None:
    args, code, _ = BAD[case]
    done = run(*args, *(() if args[0] in UNDER_GROUP else ("-C", project)))
    assert done.code == code
    assert done.out == ""
    assert "rror" in done.err or "Usage" in done.err
    assert "fault of Rushes" not in done.err


def test_in_processes_of_their_own(start: Run, project: Path) -> None:
    done = start("plan", "-C", project, "--json")
    assert done.code == 0
    assert done.json["totals"]["to_run"] == 16
    assert {"shot", "stage", "key", "cached", "seconds", "peak_bytes", "usd"} <= set(
        done.json["stages"][0]
    )
    (project / "rushes.toml").write_text("[project]\nnam = 1\n")
    done = start("plan", "-C", project, "--json")
    assert done.code == 2
    assert done.json["error"]["where"] == "rushes.toml:2"
    assert "did you mean name?" in done.json["error"]["hint"]
    assert start("mak").code == 2
    assert "Did you mean make?" in start("mak").err


def test_output_that_takes_only_ascii(start: Run, project: Path) -> None:
    for args in (("plan",), ("graph",), ("why", "one"), ("--help",), ("lock", "--help")):
        done = start(
            *args, *(() if "--help" in args else ("-C", project)), PYTHONIOENCODING="ascii"
        )
        assert done.code == 0, done
    odd = project.parent / "p\udcff"
    done = start("plan", "-C", odd, "--json", PYTHONIOENCODING="ascii")
    assert done.code == 2
    assert done.json["error"]["type"] == "UsageError"


def test_a_reader_that_goes_away_is_no_error(project: Path) -> None:
    command = f"{sys.executable} -m rushes graph -C {project} --json | true"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


def commands() -> list[tuple[str, ...]]:
    names: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = import_module(f"rushes.cli.{name}").command
        names.append((name,))
        if isinstance(command, click.Group):
            names += [(name, inner) for inner in command.commands]
    return names


@pytest.mark.parametrize("names", commands(), ids=" ".join)
def test_help(names: tuple[str, ...], run: Run) -> None:
    for option in ("--help", "-h") if len(names) == 1 else ("--help",):
        done = run(*names, option)
        if option == "-h" and done.code:
            continue
        assert done.code == 0
        assert done.out.startswith(f"Usage: rushes {' '.join(names)}")
        assert done.err == ""
        if len(names) == 1:
            examples = re.split(r"\nExamples?:\n", done.out.replace("\n\n  Example", "\nExample"))
            assert len(examples) == 2 or re.search(r"Examples?:", done.out), done.out
            assert f"rushes {names[0]}" in done.out.partition("Usage:")[2].partition("\n")[2]
        else:
            assert f"rushes {' '.join(names)}" in run(names[0], "--help").out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_command_says(name: str) -> None:
    command = import_module(f"rushes.cli.{name}").command
    assert command.name == name
    assert command.help is not None
    first = re.match(r".*?\.(?=\s|$)", command.help.replace("\n", " "))
    assert first is not None
    assert first[0] == COMMANDS[name]


@pytest.mark.parametrize(
    "names", [n for n in commands() if n not in (("cache",), ("models",))], ids=" ".join
)
def test_every_command_takes_json_and_a_folder(names: tuple[str, ...]) -> None:
    command: click.Command = import_module(f"rushes.cli.{names[0]}").command
    for name in names[1:]:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    options = {option for param in command.params for option in param.opts}
    assert {"--json", "-C"} <= options


def test_examples_of_help_are_accepted(run: Run) -> None:
    """Each line of an epilog that starts with ``rushes`` has options that exist."""
    seen = 0
    for name in COMMANDS:
        command = import_module(f"rushes.cli.{name}").command
        for line in (command.epilog or "").splitlines():
            if not line.startswith("  rushes "):
                continue
            words = shlex.split(re.split(r"\s{2,}|&&|>>|>", line.strip())[0])[1:]
            ctx = click.Context(cli)
            _, found, rest = cli.resolve_command(ctx, words)
            assert found is not None
            found.make_context(name, list(rest))
            seen += 1
    assert seen >= 25


def test_the_group(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    for name, text in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(text[:30])}", done.out, re.MULTILINE)
    assert "Exit codes" in done.out
    assert run("--version").out.strip() == f"rushes, version {rushes.__version__}"
    assert run().code == 2


@pytest.mark.parametrize("wrong", ["mke", "plna", "grpah", "dotcor"])
def test_a_command_that_is_not_there(wrong: str, run: Run) -> None:
    right = {"mke": "make", "plna": "plan", "grpah": "graph", "dotcor": "doctor"}[wrong]
    assert f"Did you mean {right}?" in run(wrong).err
    assert f"Did you mean {right}?" in run(wrong, "--json").json["error"]["message"]
    assert "rushes --help" in run("zzz").err


LAZY = """
import sys
from rushes.cli.main import main
code = main(sys.argv[1:])
heavy = ("rich", "msgspec", "torch", "av", "numpy", "diffusers", "sqlite3")
print([name for name in heavy if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("args", "allowed"),
    [
        (["--help"], []),
        (["--version"], []),
        (["zzz"], []),
        (["plan", "--json"], ["msgspec", "sqlite3"]),
        (["why", "one"], ["msgspec", "sqlite3"]),
        (["graph"], ["msgspec", "sqlite3"]),
        (["log"], ["msgspec", "sqlite3"]),
        (["cache", "status"], ["msgspec", "sqlite3"]),
        (["models", "list", "--json"], ["msgspec"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0] != "msgspec" else "",
)
def test_what_a_command_imports(args: list[str], allowed: list[str], project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LAZY, *args],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stderr.splitlines()[-1].replace("'", '"')) == allowed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, run: Run) -> None:
    done = run("completion", shell)
    assert done.code == 0
    assert "_RUSHES_COMPLETE" in done.out
    if shell == "bash":
        checked = subprocess.run(["bash", "-n"], input=done.out.encode(), check=False)
        assert checked.returncode == 0


def test_the_shell_completes_commands_and_options(start: Run) -> None:
    env = {"_RUSHES_COMPLETE": "bash_complete", "COMP_WORDS": "rushes ma", "COMP_CWORD": "1"}
    assert "plain,make" in start(**env).out
    env |= {"COMP_WORDS": "rushes make --se", "COMP_CWORD": "2"}
    assert "plain,--seed" in start(**env).out
