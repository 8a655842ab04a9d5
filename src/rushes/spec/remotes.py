"""Models that others run (``[remotes.NAME]``), and what the policy lets be paid and be sent."""

from __future__ import annotations

from decimal import Decimal

from msgspec import UNSET, UnsetType

from rushes.catalogue.allowance import Allowance
from rushes.catalogue.hosted import read_hosted
from rushes.catalogue.licences import judge_licence
from rushes.catalogue.load import model_names, reader_names
from rushes.catalogue.remote import Remote, find_licence
from rushes.catalogue.server import find_origin
from rushes.catalogue.text import text_names
from rushes.errors import PolicyRefused
from rushes.spec import tables
from rushes.spec.project import Project
from rushes.spec.read import Source

PRICES = ("usd_per_second", "usd_per_item", "usd_per_million_in", "usd_per_million_out")
JOB_SECONDS, ANSWER_SECONDS = 1800.0, 300.0
"""How long a clip and an answer are waited for, where the project does not say."""


def make_remotes(file: tables.ProjectFile, source: Source) -> dict[str, Remote]:
    """The project's remotes by name.

    Raises:
        ProjectError: a name of the catalogue's, one that is gone, or what does not go together.
    """
    return {name: _make_remote(name, table, source) for name, table in file.remotes.items()}


def _make_remote(name: str, table: tables.RemoteTable, source: Source) -> Remote:
    path = ("remotes", name)
    if name in (*model_names(), *reader_names(), *text_names(), "auto"):
        hint = f"call it another name, as {name}-server"
        raise source.error(f"{name!r} is a name of the catalogue", path, hint)
    try:
        find_origin(table.server)
    except ValueError as exc:
        hint = "a token is named by key_env, the name of an environment variable"
        text = f"the address cannot be used: {exc}"
        raise source.error(text, (*path, "server"), hint) from exc
    provider = "" if table.provider is UNSET else table.provider
    like = "" if table.like is UNSET else table.like
    _check_there(table, provider, path, source)
    if like and like not in (*model_names(), *reader_names(), *text_names()):
        hint = "rushes models list, or rushes models choose --task reason"
        raise source.error(f"the catalogue has no {like!r}", (*path, "like"), hint)
    if not provider and not like:
        message = f"{name!r} names neither a provider, who is paid, nor the open model it is like"
        raise source.error(message, path, 'provider = "openai", or like = "qwen3-8b"')
    prices = {key: value for key in PRICES if (value := getattr(table, key)) is not UNSET}
    if prices and not provider:
        raise source.error(f"{name!r} has a price and no provider", (*path, next(iter(prices))))
    if "generate" in table.tasks and not (table.sizes and table.seconds):
        hint = 'sizes = ["1280x720"], seconds = [4, 8, 12]: what its provider says it makes'
        raise source.error(f"{name!r} makes clips of no size or length", path, hint)
    waits = JOB_SECONDS if "generate" in table.tasks else ANSWER_SECONDS
    return Remote(
        name=name,
        provider=provider,
        model=table.model,
        url=table.server.rstrip("/"),
        tasks=tuple(table.tasks),
        protocol=table.protocol,
        like=like,
        key_env="" if table.key_env is UNSET else table.key_env,
        tokens_per_image=table.tokens_per_image,
        max_tokens=table.max_tokens,
        sound=table.sound,
        input_image=table.image,
        sizes=tuple(table.sizes),
        seconds=tuple(table.seconds),
        fps=float(table.fps),
        classes=tuple(table.classes),
        timeout_seconds=waits if table.timeout_seconds is UNSET else float(table.timeout_seconds),
        retries=table.retries,
        hedge_seconds=float(table.hedge_seconds),
        **prices,
    )


def _check_there(
    table: tables.RemoteTable, provider: str, path: tuple[str, ...], source: Source
) -> None:
    for hosted in read_hosted():
        if hosted.gone and hosted.provider == provider and hosted.name == table.model:
            message = f"{hosted.title} is gone: {provider} closed it on {hosted.gone}"
            raise source.error(message, (*path, "model"), "take another model or provider")


def make_allowance(project: Project, run: str, key: str) -> Allowance:
    """What the policy lets a run pay, and send."""
    policy = project.policy

    def say(usd: float | UnsetType) -> str:
        return "" if usd is UNSET else f"{Decimal(str(usd)):f}"

    return Allowance(
        run=run,
        project=project.name,
        key=key,
        paid=policy.paid,
        providers=tuple(policy.providers),
        send=tuple(policy.send),
        per_run=say(policy.budget_usd),
        per_day=say(policy.budget_day_usd),
        per_project=say(policy.budget_project_usd),
        per_key=say(policy.budget_key_usd),
    )


def check_remote(project: Project, remote: Remote) -> None:
    """Refuse a server of one's own that the policy does not list, and any without a network.

    Raises:
        PolicyRefused: names the key of the policy; nothing was sent.
    """
    if (found := judge_remote(project, remote)) is not None:
        reason, key, hint = found
        raise PolicyRefused(
            f"{remote.name} {reason}", where=f"{project.source.name}:policy.{key}", hint=hint
        )


def judge_remote(project: Project, remote: Remote) -> tuple[str, str, str] | None:
    """Why the policy is against a remote, whoever pays: reason, key, remedy."""
    policy = project.policy
    if policy.network == "none":
        return (
            "is reached over the network, and the policy allows none",
            "network",
            "ask a model on this machine",
        )
    licence = find_licence(remote)
    if licence is not None and (objection := judge_licence(licence, project.use)) is not None:
        return objection.reason, objection.key, objection.clause
    if not remote.is_paid and remote.origin not in {find_origin(s) for s in policy.servers}:
        hint = f'servers = ["{remote.origin}"] allows it; nothing was sent'
        return f"is at {remote.origin}, which the policy does not list", "servers", hint
    return None
