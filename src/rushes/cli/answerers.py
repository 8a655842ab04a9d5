"""Who answers ``rushes ask``, where that is chosen for you or paid."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rushes.catalogue.remote import Remote
    from rushes.readers.base import Answer
    from rushes.readers.selection import Selection
    from rushes.spec.project import Project

AUTO = "auto"


def find_answerer(model: str, project: Project | None) -> tuple[str, Remote | None]:
    """Who answers for ``auto``, or for a remote of the project's."""
    from rushes.ledger import describe_user
    from rushes.route.reader_choice import choose_reader
    from rushes.spec.remotes import make_allowance

    chosen: str | Remote = model
    if project is not None and model in project.remotes:
        chosen = project.remotes[model]
    elif model == AUTO:
        allowance = None if project is None else make_allowance(project, "", describe_user())
        chosen = choose_reader(project, allowance)
        name = chosen if isinstance(chosen, str) else chosen.name
        click.echo(f"auto: {name} answers", err=True)
    return (chosen, None) if isinstance(chosen, str) else (chosen.name, chosen)


def ask_paid(
    video: str,
    questions: Sequence[str],
    remote: Remote,
    selection: Selection,
    project: Project,
    folder: Path,
    pay: bool,
) -> list[Answer]:
    """Answers of a model that is paid, about a file or a shot."""
    from rushes.payments import Payments
    from rushes.route.answer import Asker
    from rushes.route.watch import ask_about_clip
    from rushes.run.checking import find_target
    from rushes.run.retention import open_ledger
    from rushes.store.store import Store, find_store

    path = find_target(video, folder)
    asker = Asker(project, Payments(), open_ledger(Store(find_store(folder))), os.environ, pay)
    asked = [("", question) for question in questions]
    return [row.to_answer() for row in ask_about_clip(asker, remote, path, asked, selection)]
