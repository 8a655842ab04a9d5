"""Answers on a terminal, word by word as they come."""

from __future__ import annotations

from collections.abc import Sequence

import click

from rushes.cli.asking import Asking
from rushes.plan.order import Step
from rushes.readers.base import Answer
from rushes.run.execute import SilentObserver
from rushes.run.messages import Event, Said


class Speaker(SilentObserver):
    """Prints words, unless ``mute``; ``spoke`` says whether there were any."""

    def __init__(self) -> None:
        self.spoke = self.mute = False

    def see_event(self, step: Step, event: Event) -> None:
        """Words are printed at once."""
        if isinstance(event, Said) and not self.mute:
            self.spoke = True
            click.echo(event.words, nl=False)


def speak_answers(asking: Asking, video: str, questions: Sequence[str]) -> int:
    """Ask one question after the other; what is stored is printed at once.

    Of what is asked window by window, the answer alone is printed.
    """
    from rushes.run.asking import ask_file
    from rushes.run.checking import find_target
    from rushes.run.locating import wants_windows
    from rushes.run.reading import open_reading

    path, speaker, told = find_target(video, asking.folder), Speaker(), set[str]()
    with open_reading(
        asking.folder, asking.model, device=asking.device, project=asking.project,
        keep=asking.keep, jobs=asking.jobs, observer=speaker, speaks=True,
    ) as session:  # fmt: skip
        for question in questions:
            if len(questions) > 1:
                click.echo(click.style(question, bold=True))
            asked = session.offer([question]) if asking.unknown else [question]
            speaker.spoke = False
            speaker.mute = wants_windows(session.settings, path, asked[0], asking.selection)
            (answer,) = ask_file(session, path, asked, asking.selection)
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
