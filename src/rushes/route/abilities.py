"""What a model cannot do of what is asked: sound, conditioning, length, further training."""

from __future__ import annotations

from typing import get_args

from rushes.catalogue.model import Control, ControlKind, Model
from rushes.catalogue.reader import ReaderEntry
from rushes.errors import UsageError
from rushes.route.offers import Offer
from rushes.route.question import Question

CONTROLS: tuple[str, ...] = (*get_args(Control), *get_args(ControlKind))
"""What ``--controls`` takes: keys of ``[shots.NAME]``, and what a ``control`` video shows."""


def find_lack(offer: Offer, question: Question) -> tuple[str, str] | None:
    """The first thing that is asked for and that the model cannot do, and the flag that asked."""
    model = offer.entry
    if isinstance(model, ReaderEntry) and question.sound:
        return "hears nothing", "--sound"
    if not isinstance(model, Model):
        return None
    if question.sound and model.latents.audio is None:
        return "makes no sound", "--sound"
    for control in question.controls:
        if control not in model.controls and control not in model.control_kinds:
            return f"cannot be given {control}", f"--controls {control}"
    if question.use.fine_tune and "loras" not in model.controls:
        return "takes no LoRA", "--fine-tune"
    if question.max_seconds is not None and model.reach is None:
        longest = model.grid.frames_max / min(model.grid.fps)
        if longest < question.max_seconds:
            reason = f"makes at most {longest:.3g} s, and does not go on from a clip"
            return reason, f"--max-seconds {question.max_seconds:g}"
    return None


def check_question(question: Question) -> None:
    """Refuse what does not go together.

    Raises:
        UsageError: a flag that means nothing for the task, or a control that nobody knows.
    """
    if question.task in ("reason", "code") and question.sound:
        raise UsageError(f"--sound means nothing for the task {question.task}")
    if question.task != "generate" and question.controls:
        hint = "leave it out, or ask with --task generate"
        raise UsageError(f"--controls means nothing for the task {question.task}", hint=hint)
    unknown = [name for name in question.controls if name not in CONTROLS]
    if unknown:
        raise UsageError(
            f"there is no control {unknown[0]!r}", hint=f"known: {', '.join(CONTROLS)}"
        )
