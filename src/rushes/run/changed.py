"""Which shots and films a change touches, by the graphs before and after it."""

from __future__ import annotations

from pathlib import Path

from rushes.plan.explain import compare_graphs, record_graph
from rushes.run.build import BuildOptions
from rushes.run.history import graph_at_revision
from rushes.run.inspect import inspect_project


def find_changed(folder: Path, revision: str, options: BuildOptions) -> tuple[str, ...]:
    """Names of the targets whose graph is not what it was at a git revision, in file order.

    Args:
        options: its targets narrow what is looked at; all when empty.

    Raises:
        UsageError: no git repository, no such revision, no project in it.
        ProjectError: one of the two project files is wrong.
    """
    view = inspect_project(folder, options)
    before, _ = graph_at_revision(folder, revision, view.lock)
    after = record_graph(view.plan)
    touched = {change.name for change in compare_graphs(before, after)}
    wanted = options.targets or tuple(after.nodes)
    return tuple(name for name in after.nodes if name in touched and name in wanted)
