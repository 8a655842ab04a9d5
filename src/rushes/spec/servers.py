"""Readers that servers run (``[readers.NAME]``), and to which servers anything may be sent."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from msgspec import UNSET

from rushes.catalogue.load import find_reader_entry, reader_names
from rushes.catalogue.server import OwnText, ServedReader, find_origin
from rushes.catalogue.text import text_names
from rushes.errors import PolicyRefused, UsageError
from rushes.spec import tables
from rushes.spec.project import Project
from rushes.spec.read import PROJECT_FILE, Source, read_project_file


def make_readers(file: tables.ProjectFile, source: Source) -> dict[str, ServedReader]:
    """The project's readers by name.

    Raises:
        ProjectError: a name of the catalogue's, no such entry, or what is no address.
    """
    for server in file.policy.servers:
        _check_address(server, ("policy", "servers"), source)
        if urlsplit(server).path not in ("", "/"):
            hint = f"write {find_origin(server)}: what is allowed, is allowed on all of the server"
            raise source.error(f"{server!r} goes on after the port", ("policy", "servers"), hint)
    return {name: _make_reader(name, table, source) for name, table in file.readers.items()}


def _make_reader(name: str, table: tables.ReaderTable, source: Source) -> ServedReader:
    path = ("readers", name)
    if name in reader_names():
        message = f"{name!r} is a reader of the catalogue"
        raise source.error(message, path, f"call it another name, as {name}-server")
    try:
        find_reader_entry(table.like)
    except UsageError as exc:
        raise source.error(exc.message, (*path, "like"), exc.hint) from exc
    _check_address(table.server, (*path, "server"), source)
    return ServedReader(
        name=name,
        like=table.like,
        url=table.server.rstrip("/"),
        served=table.served,
        frames=table.frames,
        key_env="" if table.key_env is UNSET else table.key_env,
        context=0 if table.context is UNSET else table.context,
        timeout_seconds=float(table.timeout_seconds),
        retries=table.retries,
    )


def make_texts(file: tables.ProjectFile, source: Source) -> dict[str, OwnText]:
    """The project's text models by name.

    Raises:
        ProjectError: a name of the catalogue's, no such entry, or neither folder nor server.
    """
    return {name: _make_text(name, table, source) for name, table in file.texts.items()}


def _make_text(name: str, table: tables.TextTable, source: Source) -> OwnText:
    path = ("texts", name)
    if name in text_names():
        message = f"{name!r} is a text model of the catalogue"
        raise source.error(message, path, f"call it another name, as {name}-server")
    if table.like not in text_names():
        hint = f"known: {', '.join(text_names())}"
        raise source.error(f"there is no text model {table.like!r}", (*path, "like"), hint)
    own, url = table.path is not UNSET, table.server
    if own is (url is not UNSET) or (url is not UNSET) is not bool(table.served):
        raise source.error(
            "a text model lies in a folder or behind a server", path,
            'path = "folder", or server = "http://…/v1" with served = "its name there"',
        )  # fmt: skip
    if isinstance(url, str):
        _check_address(url, (*path, "server"), source)
    return OwnText(
        name, table.like,
        path=table.path if isinstance(table.path, str) else "",
        url=url.rstrip("/") if isinstance(url, str) else "",
        served=table.served,
        key_env="" if table.key_env is UNSET else table.key_env,
        context=0 if table.context is UNSET else table.context,
        timeout_seconds=float(table.timeout_seconds),
        retries=table.retries,
    )  # fmt: skip


def _check_address(url: str, path: tuple[str, ...], source: Source) -> None:
    try:
        find_origin(url)
    except ValueError as exc:
        hint = "a token is named by key_env, the name of an environment variable"
        raise source.error(f"the address cannot be used: {exc}", path, hint) from exc


def check_server(project: Project, reader: ServedReader | OwnText) -> None:
    """Refuse to send anything to a server that the policy does not list.

    Raises:
        PolicyRefused: there is to be no network, or the server is not listed.
    """
    where, policy = f"{project.source.name}:policy", project.policy
    if policy.network == "none":
        raise PolicyRefused(
            f"reader {reader.name!r} is asked over the network, and the policy allows none",
            where=f"{where}.network",
            hint=f"ask a reader on this machine, such as {reader.like}",
        )
    if reader.origin not in {find_origin(server) for server in policy.servers}:
        raise PolicyRefused(
            f"reader {reader.name!r} would be sent frames at {reader.origin}, "
            "which the policy does not list",
            where=f"{where}.servers",
            hint=f'[policy] servers = ["{reader.origin}"] allows it; nothing was sent',
        )


def check_address(project: Project, url: str, what: str) -> None:
    """Refuse an address that the policy does not list.

    Args:
        what: what would go there, as ``events would be sent to``.

    Raises:
        UsageError: it is no address.
        PolicyRefused: there is to be no network, or its server is not listed.
    """
    try:
        origin = find_origin(url.partition("?")[0])
    except ValueError as exc:
        raise UsageError(f"{url!r} cannot be used: {exc}") from exc
    where, policy = f"{project.source.name}:policy", project.policy
    if policy.network == "none":
        text = f"{what} {origin}, and the policy allows no network"
        raise PolicyRefused(text, where=f"{where}.network", hint="watch a file or a device")
    if origin not in {find_origin(server) for server in policy.servers}:
        raise PolicyRefused(
            f"{what} {origin}, which the policy does not list",
            where=f"{where}.servers",
            hint=f'[policy] servers = ["{origin}"] allows it',
        )


def forbid_network(folder: Path, what: str) -> None:
    """Refuse what needs the network, where the project of a folder allows none.

    Raises:
        PolicyRefused: it allows none.
        ProjectError: its file is wrong: what it allows is not known.
    """
    if not (folder / PROJECT_FILE).is_file():
        return
    file, source = read_project_file(folder)
    if file.policy.network == "none":
        raise PolicyRefused(
            f"{what} needs the network, and the policy allows none",
            where=f"{source.name}:policy.network",
            hint="carry it here: rushes models bundle NAME --to FILE.tar, on another machine",
        )
