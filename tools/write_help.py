"""Write every command's --help text into docs/command-line.md; a test holds the page to it.

A block of the page begins with ``<!-- help: NAME -->``, where NAME is empty for the group itself,
and holds one fenced text; the fence is replaced and all else stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from rushes.cli.main import cli

PAGE = Path("docs/command-line.md")
BLOCK = re.compile(r"(<!-- help: ?([a-z ]*) -->\n\n```text\n)(.*?)(```\n)", re.DOTALL)
WIDTH = "90"


def read_help(words: list[str]) -> str:
    """The --help text of a command, as 90 columns show it."""
    done = CliRunner().invoke(
        cli, [*words, "--help"], prog_name="rushes", env={"COLUMNS": WIDTH}, color=False
    )
    if done.exit_code:
        raise SystemExit(f"rushes {' '.join(words)} --help: {done.output}")
    return "".join(f"{line.rstrip()}\n" for line in done.output.splitlines())


def list_commands() -> Iterator[str]:
    """The group itself as an empty name, then every command and subcommand."""
    yield ""
    context = click.Context(cli, info_name="rushes")
    for name in cli.list_commands(context):
        yield name
        command = cli.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (f"{name} {inner}" for inner in command.commands)


def fill_page(text: str) -> str:
    """The page with every help text as it is now."""
    return BLOCK.sub(lambda m: f"{m[1]}{read_help(m[2].split())}{m[4]}", text)


if __name__ == "__main__":
    PAGE.write_text(fill_page(PAGE.read_text("utf-8")), "utf-8")
