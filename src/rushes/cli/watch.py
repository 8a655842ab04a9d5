"""rushes watch."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from rushes.catalogue.reader import DEFAULT_READER
from rushes.cli.common import common_options, pick_device, print_json, require_folder
from rushes.errors import Interrupted, PolicyRefused, UsageError

if TYPE_CHECKING:
    from rushes.run.watching import Watch
    from rushes.run.webhook import Webhook

MAX_EVENTS = 10_000
"""In the document of ``--json``; a watch without it prints lines, and keeps none."""


@click.command(
    "watch",
    epilog="""\b
Examples:
  rushes watch rtsp://camera.local/stream "a person falls" --model qwen3-vl-8b
  rushes watch recording.ts "a red ball bounces" --window 4      a file that still grows
  rushes watch /dev/video0 "is the gate open?" --every 2 > events.jsonl
  rushes watch http://10.0.0.5:8080/live.ts "smoke" --webhook http://10.0.0.9/hook""",
)
@click.argument("source", metavar="SOURCE")
@click.argument("event", metavar="EVENT")
@click.option(
    "--model", default=DEFAULT_READER, show_default=True, metavar="NAME", help="Who watches."
)
@click.option(
    "--window", "seconds", type=click.FloatRange(0, 600, min_open=True), default=8.0,
    show_default=True, metavar="S", help="Seconds that are looked at together.",
)  # fmt: skip
@click.option(
    "--every", type=click.FloatRange(0, 600, min_open=True), metavar="S",
    help="Seconds from one window to the next; default: --window.",
)  # fmt: skip
@click.option("--all", "tell_all", is_flag=True, help="A line for windows without the event too.")
@click.option("--webhook", metavar="URL", help="Send events there too; the policy has to list it.")
@click.option(
    "--for", "limit", type=click.FloatRange(0, min_open=True), metavar="S", help="End after that."
)
@click.option(
    "--reconnects", type=click.IntRange(0), default=10, show_default=True, metavar="N",
    help="Tries in a row to open a lost source again.",
)  # fmt: skip
@click.option(
    "--patience", type=click.FloatRange(0, min_open=True), default=10.0, show_default=True,
    metavar="S", help="Seconds without anything new, after which a source is lost.",
)  # fmt: skip
@click.option("--device", metavar="NAME", help="cpu or cuda:N; default: a GPU if there is one.")
@common_options
def command(
    source: str,
    event: str,
    model: str,
    seconds: float,
    every: float | None,
    tell_all: bool,
    webhook: str | None,
    limit: float | None,
    reconnects: int,
    patience: float,
    device: str | None,
    folder: Path,
    as_json: bool,
) -> int:
    """Watch a live stream, a device or a growing file for an event.

    It prints a line of JSON each time. Nothing of the stream is kept. What cannot be read in time
    is dropped, and said to be.
    """
    from rushes.run.watching import WatchSettings, open_reader, open_watch

    folder = require_folder(folder)
    if not event.strip():
        raise UsageError("the event is empty", hint="say what is watched for")
    source = check_source(source, webhook, folder)
    settings = WatchSettings(source, event, seconds, every or seconds, reconnects, limit, patience)
    with ExitStack() as stack:
        reader = stack.enter_context(open_reader(model, folder, pick_device(device)))
        hook = None
        if webhook is not None:
            from rushes.run.webhook import open_webhook

            hook = stack.enter_context(open_webhook(webhook, tell))
        watch = stack.enter_context(open_watch(settings, reader, tell))
        windows, events = _follow(watch, model, hook, tell_all, as_json)
    if as_json:
        print_json({"windows": windows, "dropped": watch.windows.dropped, "jumps": watch.jumps,
                    "events": events})  # fmt: skip
    else:
        jumps = f", {watch.jumps} jumps of its clock" if watch.jumps else ""
        tell(f"{windows} windows read, {watch.windows.dropped} dropped{jumps}")
    return 0


def _follow(
    watch: Watch, model: str, hook: Webhook | None, tell_all: bool, as_json: bool
) -> tuple[int, list[dict[str, object]]]:
    """Print a line each, until the source is lost; windows that were read, and under ``--json``
    what would have been printed."""
    windows, events = 0, list[dict[str, object]]()
    try:
        for seen in watch.list_seen():
            windows += 1
            if not (seen.seen or tell_all or seen.error):
                continue
            document = {**seen.to_dict(), "model": seen.model or model}
            if hook is not None and seen.seen:
                hook.put(document)
            if not as_json:
                click.echo(msgspec.json.encode(document))
            elif len(events) < MAX_EVENTS:
                events.append(document)
    except KeyboardInterrupt as exc:
        if not as_json:
            raise Interrupted(f"stopped after {windows} windows") from exc
    return windows, events


def tell(line: str) -> None:
    """A line for a person, on standard error."""
    click.echo(line, err=True)


def check_source(source: str, webhook: str | None, folder: Path) -> str:
    """The source as it is opened, if the policy allows it and the webhook.

    Raises:
        UsageError: there is no such file, or it is an address of another kind.
        PolicyRefused: a server is not listed; nothing was opened.
    """
    from rushes.media.live import DEVICES, STREAMS
    from rushes.run.reader import find_policy
    from rushes.spec.servers import check_address

    project = find_policy(folder)
    if webhook is not None:
        if project is None:
            raise PolicyRefused(
                "a webhook needs a project whose policy lists it",
                hint="write rushes.toml with [policy] servers, and run in its folder",
            )
        if not webhook.startswith(("http://", "https://")):
            raise UsageError(f"{webhook!r} is no address of HTTP")
        check_address(project, webhook, "events would be sent to")
    if "://" in source:
        if source.partition("://")[0] not in STREAMS:
            raise UsageError(
                f"{source!r} is of a kind that is not watched",
                hint=f"{', '.join(STREAMS)}, a file, or {DEVICES}N",
            )
        if project is not None:
            check_address(project, source, "the stream is read from")
        return source
    path = Path(source) if source.startswith(DEVICES) else (folder / source)
    if not path.exists():
        raise UsageError(f"there is no {path}", hint="a file that grows has to have begun")
    return str(path)
