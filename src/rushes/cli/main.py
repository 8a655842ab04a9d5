"""The command line: names of commands, and the one place where errors become exit codes.

A command's module is imported when it is called, so that ``--help`` starts fast.
"""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from importlib import import_module

import click

from rushes import __version__
from rushes.errors import Interrupted, RushesError

COMMANDS = {
    "init": "Start a project that builds at once on the embedded model.",
    "make": "Build shots and films: run what is missing, check it, re-roll what fails.",
    "plan": "Show what make would run, in which order, and what is loaded when.",
    "graph": "Print the graph of stages as text, Mermaid or JSON.",
    "diff": "Compare the graph with that of another git revision.",
    "compare": "Set two takes, files or revisions side by side.",
    "why": "Say in words why a stage would run, or why not.",
    "lock": "Pin weights and toolchain in rushes.lock.",
    "verify": "Re-run stages in a fresh store and compare the bytes.",
    "check": "Run checks on any video file, or on shots of the project.",
    "ask": "Ask about any video file, or about shots of the project.",
    "describe": "Write what is shown when: chapters as text, JSON, WebVTT, SRT or Markdown.",
    "find": "Find when something happens, in one file or thousands.",
    "eval": "Try readers on your own data: accuracy, times, cost, with their uncertainty.",
    "watch": "Watch a live stream, a device or a growing file for an event.",
    "digest": "Turn many readings into one summary, by a text model.",
    "report": "Write (and open) the report of the last build.",
    "provenance": "Read who signed a clip, and what made it (C2PA).",
    "log": "Show the ledger: what ran, how long, and for whom.",
    "cache": "Look after the store: status, gc, verify, purge.",
    "models": "Look at the catalogue; choose, fetch and carry models.",
    "cost": "Find where own cards, bought or rented, beat an API.",
    "paid": "List payments, and settle those of which nobody knows.",
    "route": "Say where requests would go, at which price and time, and why not elsewhere.",
    "doctor": "Look at this machine and this project, and say what is wrong.",
    "completion": "Print the shell completion script.",
}
EPILOG = """\b
Start here:
  rushes init hello && cd hello    a project with two shots
  rushes make                      build it; a second time nothing runs
  rushes why opening:denoise       what would make it run again
Exit codes: 0 done · 1 built, but a check failed · 2 usage or project file ·
3 refused by lock, licence, policy, budget or memory · 4 a stage failed · 130 interrupted."""


class LazyGroup(click.Group):
    """Knows its commands' names and one-line help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"rushes.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]}?" if close else " See: rushes --help"
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", prog_name="rushes")
def cli() -> None:
    """Rushes builds generated video as a build system builds software.

    rushes.toml declares shots; make builds them on open models, checks them, re-rolls what fails,
    and rebuilds only what changed.
    """


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns its exit code."""
    args = sys.argv[1:] if argv is None else argv
    as_json = "--json" in args
    try:
        code = cli.main(args=args, prog_name="rushes", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as exc:
        return _report_usage(exc, as_json)
    except (KeyboardInterrupt, click.Abort):
        return _report(Interrupted("interrupted"), as_json)
    except RushesError as exc:
        return _report(exc, as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as exc:
        if os.environ.get("RUSHES_DEBUG"):
            traceback.print_exc()
        fault = RushesError(
            f"a fault of Rushes itself: {type(exc).__name__}: {exc}",
            hint="run again with RUSHES_DEBUG=1 and report what it prints",
        )
        return _report(fault, as_json)


def _report_usage(exc: click.ClickException, as_json: bool) -> int:
    if not as_json:
        exc.show()
        return 2
    error = {"type": "UsageError", "message": exc.format_message(), "where": None, "hint": None}
    print(json.dumps({"error": error}))
    return 2


def _report(exc: RushesError, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"error": exc.to_dict()}))
        return exc.exit_code
    where = f"{exc.where}: " if exc.where else ""
    click.echo(f"{click.style('error', fg='red', bold=True)}: {where}{exc.message}", err=True)
    if exc.hint:
        click.echo(f"  → {exc.hint}", err=True)
    return exc.exit_code


def run() -> None:
    """Entry of the ``rushes`` script; a terminal without an arrow gets a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(main())


if __name__ == "__main__":
    run()
