"""rushes doctor."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.common import common_options, print_json, require_folder


@click.command(
    "doctor",
    epilog="""\b
Example:
  rushes doctor --json    for a bug report; it names no host and no user
  rushes doctor --install-litellm    what paid calls go through, in an environment of its own""",
)
@click.option("--install-litellm", is_flag=True,
              help="Fetch LiteLLM from your package index first.")  # fmt: skip
@common_options
def command(install_litellm: bool, folder: Path, as_json: bool) -> int:
    """Look at this machine and this project, and say what is wrong. Exit 1 if something is."""
    from rushes.run.diagnose import diagnose

    if install_litellm:
        from rushes.paid.environment import install_litellm as install
        from rushes.spec.servers import forbid_network

        forbid_network(require_folder(folder), "fetching LiteLLM")
        click.echo(f"LiteLLM is at {install()}", err=True)

    findings = diagnose(require_folder(folder))
    if as_json:
        print_json({"ok": all(finding.ok for finding in findings), "findings": findings})
    else:
        for finding in findings:
            mark = click.style("ok  ", fg="green") if finding.ok else click.style("FAIL", fg="red")
            click.echo(f"{mark} {finding.name:<12} {finding.detail}")
            if finding.hint:
                click.echo(f"       → {finding.hint}")
    return 0 if all(finding.ok for finding in findings) else 1
