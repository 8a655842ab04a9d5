"""``model = "auto"``: the first open model that the policy allows and that can make the shot.

What was chosen is written into rushes.lock, so that another machine chooses the same.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import UNSET

from rushes.catalogue.defaults import read_defaults, seems_here
from rushes.catalogue.licences import Use, judge_licence
from rushes.catalogue.load import find_model
from rushes.catalogue.remote import Remote, find_licence
from rushes.catalogue.server import find_origin
from rushes.errors import ProjectError, RushesError
from rushes.spec import tables
from rushes.spec.layers import Layers
from rushes.spec.read import Source

if TYPE_CHECKING:
    from rushes.spec.project import Shot

AUTO = "auto"
LOCK_FILE = "rushes.lock"
Resolve = Callable[[str], "Shot"]


def choose_auto(
    file: tables.ProjectFile,
    name: str,
    folder: Path,
    remotes: Mapping[str, Remote],
    resolve: Resolve,
) -> Shot:
    """The shot by the model that it gets.

    Models on this machine come first, then servers of one's own, then models that would have to be
    fetched; a paid one only where no open one can, and the policy lets that be a reason.

    Raises:
        ProjectError: none may make it; names what each lacks.
    """
    reasons: dict[str, str] = {}
    if (pinned := read_pinned(folder).get(name)) is not None:
        return resolve(pinned)
    for model in _list_open(file, remotes):
        if (shot := _try(file, model, remotes, resolve, reasons)) is not None:
            return shot
    if file.policy.paid_after.capability:
        for remote in _list_paid(file, remotes):
            if (shot := _try(file, remote.name, remotes, resolve, reasons)) is not None:
                return shot
    said = "; ".join(f"{model}: {reason}" for model, reason in list(reasons.items())[:4])
    raise ProjectError(
        f"no model may make shot {name!r}: {said}",
        where=f"shots.{name}",
        hint=f"rushes route {name} says why of all; name a model instead of auto to see its error",
    )


def find_fallback(
    file: tables.ProjectFile, shot: Shot, remotes: Mapping[str, Remote], resolve: Resolve
) -> Shot | None:
    """The same shot by a paid model, the cheapest that makes clips of the same size and rate; the
    length may be another one, on that model's grid."""
    for remote in _list_paid(file, remotes):
        try:
            found = resolve(remote.name)
        except ProjectError:
            continue
        silent = found.sound == "none" and shot.sound != "none"
        alike = (found.shape.size, found.shape.fps) == (shot.shape.size, shot.shape.fps)
        if alike and not silent:
            return found
    return None


def require_generator(remote: Remote, layers: Layers, source: Source) -> None:
    """Refuse a remote that makes no clips.

    Raises:
        ProjectError: it does not.
    """
    if "generate" not in remote.tasks:
        hint = 'tasks = ["generate"], with sizes and seconds, if it does'
        raise source.error(f"{remote.name} makes no clips", layers.where("model"), hint)


def read_pinned(folder: Path) -> dict[str, str]:
    """What rushes.lock says was chosen, by shot; whether the file is right is for its reader."""
    try:
        found = tomllib.loads((folder / LOCK_FILE).read_text("utf-8")).get("auto", {})
    except (OSError, ValueError, RecursionError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: model for name, model in pairs if isinstance(model, str)}


def make_use(policy: tables.PolicyTable) -> Use:
    """What the policy states of who uses the models, where, for what."""
    return Use(
        allowed=None if policy.licences is UNSET else tuple(policy.licences),
        revenue_usd=None if policy.revenue_usd is UNSET else policy.revenue_usd,
        users=None if policy.users is UNSET else policy.users,
        territories=() if policy.territory is UNSET else tuple(policy.territory),
        purpose=None if policy.purpose is UNSET else policy.purpose,
        granted=tuple(policy.granted),
    )


def _list_open(file: tables.ProjectFile, remotes: Mapping[str, Remote]) -> Iterator[str]:
    names = read_defaults()["generate"]
    here = [name for name in names if seems_here(find_model(name).source)]
    yield from here
    allowed = {find_origin(server) for server in file.policy.servers}
    for remote in remotes.values():
        served = file.policy.network != "none" and remote.origin in allowed
        licence = find_licence(remote)
        fine = licence is not None and judge_licence(licence, make_use(file.policy)) is None
        if not remote.is_paid and "generate" in remote.tasks and served and fine:
            yield remote.name
    yield from (name for name in names if name not in here)


def _list_paid(file: tables.ProjectFile, remotes: Mapping[str, Remote]) -> list[Remote]:
    """Those that may be paid, the cheapest second first."""
    policy = file.policy
    if policy.paid == "never" or policy.network == "none":
        return []
    able = [
        r for r in remotes.values()
        if r.provider in policy.providers and "generate" in r.tasks and r.price_clip(1) is not None
    ]  # fmt: skip
    return sorted(able, key=lambda remote: (remote.price_clip(1) or 0, remote.name))


def _try(
    file: tables.ProjectFile,
    model: str,
    remotes: Mapping[str, Remote],
    resolve: Resolve,
    reasons: dict[str, str],
) -> Shot | None:
    if model not in remotes:
        objection = judge_licence(find_model(model).licence, make_use(file.policy))
        if objection is not None:
            reasons[model] = objection.reason
            return None
    try:
        return resolve(model)
    except RushesError as exc:
        reasons[model] = exc.message
        return None
