"""rushes completion."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import get_completion_class

from rushes.cli.common import common_options, print_json


@click.command(
    "completion",
    epilog="""\b
Examples:
  rushes completion bash >> ~/.bashrc
  rushes completion zsh >> ~/.zshrc
  rushes completion fish > ~/.config/fish/completions/rushes.fish""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
def command(shell: str, folder: Path, as_json: bool) -> int:
    """Print the shell completion script."""
    from rushes.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(cli, {}, "rushes", "_RUSHES_COMPLETE").source()
    if as_json:
        print_json({"shell": shell, "script": script})
    else:
        click.echo(script)
    return 0
