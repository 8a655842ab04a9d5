"""Whether the licence of a model covers what a project's policy states."""

from __future__ import annotations

from rushes.catalogue.licences import judge_licence
from rushes.catalogue.reader import Entry, ReaderEntry
from rushes.catalogue.text import TextEntry
from rushes.errors import LicenceRefused
from rushes.spec.project import Project


def check_licence(project: Project, entry: Entry | TextEntry) -> None:
    """Refuse a model or reader whose licence does not cover what the project's policy states.

    Raises:
        LicenceRefused: names the licence and the clause.
    """
    licence, use = entry.licence, project.use
    objection = judge_licence(licence, use)
    if objection is None:
        return
    kinds = {ReaderEntry: "reader", TextEntry: "text model"}
    what = kinds.get(type(entry), "model")
    where = f"{project.source.name}:policy.{objection.key}"
    if objection.key == "licences":
        missing = [name for name in licence.ids if name not in (use.allowed or ())]
        raise LicenceRefused(
            f"{what} {entry.name!r} is under {' and '.join(licence.ids)}; "
            f"the policy does not list {' and '.join(missing)}",
            where=where,
            hint=f"choose another {what}, or add {', '.join(map(repr, missing))} "
            f"after reading {licence.url}",
        )
    raise LicenceRefused(
        f"{what} {entry.name!r} {objection.reason} ({objection.clause})",
        where=where,
        hint=f"choose another {what} (rushes models choose), or, with an agreement of the "
        f"owner's, granted = [{licence.id!r}]; {licence.url}",
    )
