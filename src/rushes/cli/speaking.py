"""Answers on a terminal, word by word as they come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rushes.plan.order import Step
from rushes.readers.base import Answer
from rushes.readers.selection import Selection
from rushes.run.execute import SilentObserver
from rushes.run.messages import Event, Said


class Speaker(SilentObserver):
    """Prints words; ``spoke`` says whether there were any."""

    def __init__(self) -> None:
        self.spoke = False

    def see_event(self, step: Step, event: Event) -> None:
        """Words are printed at once."""
        if isinstance(event, Said):
            self.spoke = True
            click.echo(event.words, nl=False)


def speak_answers(
    folder: Path,
    model: str,
    path: Path,
    questions: tuple[str, ...],
    selection: Selection,
    where: dict[str, Any],
) -> int:
    """Ask one question after the other; what is stored is printed at once.

    Args:
        where: further arguments of ``open_reading``.
    """
    from rushes.run.reading import open_reading, take_one

    speaker, told = Speaker(), set[str]()
    with open_reading(folder, model, observer=speaker, speaks=True, **where) as session:
        for question in questions:
            if len(questions) > 1:
                click.echo(click.style(question, bold=True))
            speaker.spoke = False
            (answer,) = take_one(session.read([path], [question], selection)).answers
            click.echo("" if speaker.spoke else answer.answer)
            print_spans(answer)
            for lost in answer.lost:
                if lost not in told:
                    click.echo(f"warning: not all of it could be read: {lost}", err=True)
            told.update(answer.lost)
    return 0


def print_spans(answer: Answer) -> None:
    """The times that an answer names."""
    for span in answer.spans:
        click.echo(f"  {span.start_seconds:.2f}–{span.end_seconds:.2f} s  {span.text}")
