"""rushes completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(
    "completion",
    epilog="""\b
Examples:
  rushes completion bash >> ~/.bashrc
  rushes completion zsh >> ~/.zshrc
  rushes completion fish > ~/.config/fish/completions/rushes.fish""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the shell completion script."""
    from rushes.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "rushes", "_RUSHES_COMPLETE").source())
    return 0
