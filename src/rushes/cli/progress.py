"""Progress of a build on standard error: bars on a terminal, a line a stage elsewhere."""

from __future__ import annotations

import threading
from importlib import import_module
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from rushes.cli.common import show_seconds
from rushes.plan.order import Step
from rushes.run.messages import Broken, Event, Finished, Paid, Said, Stepped, Waiting
from rushes.types import Key


class TerminalObserver:
    """Shows steps as they run."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, markup=False, emoji=False)
        self._bars = Progress(
            TextColumn("{task.description:<34}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )
        self._whole: TaskID | None = None
        self._running: dict[Key, TaskID] = {}

    def __enter__(self) -> TerminalObserver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def see_steps(self, steps: list[Step]) -> None:
        """A round begins: one bar for all of it."""
        if not self.console.is_terminal:
            self.console.print(f"{len(steps)} stages to run", highlight=False)
            return
        self._bars.start()
        if self._whole is None:
            self._whole = self._bars.add_task("build", total=0)
        total = self._bars.tasks[0].total or 0
        self._bars.update(self._whole, total=total + len(steps))

    def see_start(self, step: Step) -> None:
        """A worker has the step."""
        assert step.node.key is not None
        if self.console.is_terminal:
            name = f"  {step.name} · {step.node.stage}"
            self._running[step.node.key] = self._bars.add_task(name, total=None)

    def see_event(self, step: Step, event: Event) -> None:
        """A step made progress or ended."""
        if isinstance(event, Stepped):
            if (bar := self._running.get(event.key)) is not None:
                self._bars.update(bar, completed=event.done, total=event.total)
        elif isinstance(event, Waiting):
            self._say(f"{step.name} · {step.node.stage}: another process is making it; waiting")
        elif not isinstance(event, Said | Paid):
            self._end(step, event)

    def _end(self, step: Step, event: Finished | Broken) -> None:
        if isinstance(event, Broken) and event.retry:
            self._say(
                f"{step.name} · {step.node.stage}: {event.message}; trying again with {event.retry}"
            )
            return
        if (bar := self._running.pop(event.key, None)) is not None:
            self._bars.remove_task(bar)
            if self._whole is not None:
                self._bars.advance(self._whole)
        if isinstance(event, Broken):
            self._say(f"{step.name} · {step.node.stage}: {event.message}")
        elif event.resumed_step:
            self._say(f"{step.name} · {step.node.stage}: resumed at step {event.resumed_step}")
        elif not self.console.is_terminal and event.ran:
            self._say(f"{step.name} · {step.node.stage}: {show_seconds(event.seconds)}")

    def _say(self, text: str) -> None:
        self._bars.console.print(text, highlight=False)


class MakeObserver(TerminalObserver):
    """Also gets ready, while workers work, what the report of a build that ran something needs."""

    def see_steps(self, steps: list[Step]) -> None:
        """A round begins."""
        super().see_steps(steps)
        threading.Thread(target=import_module, args=("rushes.report.page",), daemon=True).start()
