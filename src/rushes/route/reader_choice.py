"""Who answers about a clip where the command says ``auto``."""

from __future__ import annotations

from rushes.catalogue.allowance import Allowance
from rushes.catalogue.defaults import read_defaults, seems_here
from rushes.catalogue.licences import judge_licence
from rushes.catalogue.load import find_reader_entry
from rushes.catalogue.reader import DEFAULT_READER
from rushes.catalogue.remote import Remote
from rushes.catalogue.server import ServedReader
from rushes.errors import PolicyRefused, RushesError
from rushes.route.question import Question
from rushes.route.reasons import Circumstance, list_reasons
from rushes.route.remotes import exclude_remote
from rushes.route.route import Request
from rushes.spec.project import Project
from rushes.spec.servers import check_server


def choose_reader(project: Project | None, allowance: Allowance | None) -> str | Remote:
    """A reader on this machine, else one that a listed server runs, else a paid one for which the
    policy knows a reason; the embedded one where nothing else is there.

    Raises:
        PolicyRefused: the policy allows none.
    """
    here = _list_here(project)
    if here and here[0] != DEFAULT_READER:
        return here[0]
    if project is not None:
        for name, server in project.readers.items():
            if _may_ask(project, server):
                return name
        if not here and allowance is not None:
            for remote in _list_paid(project, allowance):
                return remote
    if here:
        return here[0]
    raise PolicyRefused(
        "no reader may answer: none that the policy's licences allow is here",
        where="policy.licences",
        hint="rushes models choose --task understand",
    )


def _list_here(project: Project | None) -> list[str]:
    """Readers that seem to be on this machine and that the policy allows."""
    found = []
    for name in read_defaults()["understand"]:
        entry = find_reader_entry(name)
        allowed = project is None or judge_licence(entry.licence, project.use) is None
        if allowed and seems_here(entry.source):
            found.append(name)
    return found


def _may_ask(project: Project, server: ServedReader) -> bool:
    try:
        check_server(project, server)
    except RushesError:
        return False
    return judge_licence(find_reader_entry(server.like).licence, project.use) is None


def _list_paid(project: Project, allowance: Allowance) -> list[Remote]:
    reasons = list_reasons(project.policy.paid_after, Circumstance(has_open=False))
    if not any(reason.holds for reason in reasons):
        return []
    request = Request("understand", Question("understand", project.use))
    return [
        remote
        for remote in project.remotes.values()
        if "understand" in remote.tasks
        and exclude_remote(remote, request, project, allowance, None) is None
    ]
