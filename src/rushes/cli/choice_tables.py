"""Selections as text for people."""

from __future__ import annotations

from rich.console import Console

from rushes.route.choose import Selection
from rushes.route.question import REFERENCE
from rushes.route.sheet import NOTICE, list_answers


def print_selection(selection: Selection) -> None:
    """Candidates in order, what is excluded and why, and what to try."""
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    question = selection.question
    unstated = ("not stated", "not asked for", "not asked about", "not named", "nothing", "none")
    answers = list_answers(question)
    said = [f"{name} {text}" for name, text in answers if not text.startswith(unstated)]
    console.print(f"asked: {'; '.join(said)}", style="dim")
    console.print("candidates:" if selection.candidates else "no candidate is left")
    for number, candidate in enumerate(selection.candidates, start=1):
        console.print(f"{number:>3}  {candidate.offer.name}", style="bold")
        console.print(f"     {candidate.why}")
    if selection.excluded:
        console.print("excluded:")
    for exclusion in selection.excluded:
        clause = f" [{exclusion.clause}]" if exclusion.clause else ""
        console.print(f"  ✗  {exclusion.model} {exclusion.reason}{clause}")
    if selection.tries:
        console.print(f"try these on your own material: {' and '.join(selection.tries)}")
    if question.vram is not None and question.device is None:
        console.print(f"planned with the figures of {REFERENCE}; name yours with --device",
                      style="dim")  # fmt: skip
    if question.volume is not None and question.device is None:
        console.print("the volume was not judged: name the card with --device", style="dim")
    if question.task == "generate" and selection.tries:
        console.print("a project that tries them: --suite FILE", style="dim")
    if question.task == "understand" and selection.tries:
        console.print("a suite that tries them (rushes eval): --suite FILE", style="dim")
    console.print(NOTICE, style="dim")
