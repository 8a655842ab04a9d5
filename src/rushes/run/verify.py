"""Build again in an empty store, and say where and how far the bytes are apart."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec

from rushes.errors import PolicyRefused, UsageError
from rushes.plan.nodes import Node
from rushes.run.build import BuildOptions, build_project
from rushes.run.execute import Observer
from rushes.run.inspect import inspect_project
from rushes.run.retention import open_ledger
from rushes.spec.resolve import load_project
from rushes.store.index import Output
from rushes.store.store import Store, find_store


class Comparison(msgspec.Struct, frozen=True):
    """One output of one stage, twice. ``distance`` is for people; empty where equal."""

    name: str
    stage: str
    output: str
    same: bool
    distance: str


def verify_project(folder: Path, options: BuildOptions, observer: Observer) -> list[Comparison]:
    """Re-run every stage of the kept takes and compare with what the store holds.

    Raises:
        UsageError: nothing is built yet.
        PolicyRefused: something of it was paid.
        LockRefused: rushes.lock is incomplete, or weights or toolchain are others.
    """
    view = inspect_project(folder, options)
    stored = Store(find_store(folder), read_only=True)
    if not any(node.key in view.results for *_, node in view.plan.rows()):
        raise UsageError("nothing is built yet, so there is nothing to verify", hint="rushes make")
    makers = [shot.kept.shot.remote for shot in view.plan.shots]
    if paid := [remote.name for remote in makers if remote is not None and remote.is_paid]:
        raise PolicyRefused(
            f"to make clips again would be to pay {paid[0]} again",
            hint="name the shots that are made here: rushes verify SHOT",
        )
    stored.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="verify-", dir=stored.folder) as name:
        fresh = Store(Path(name))
        project = load_project(folder)
        build = build_project(
            project, fresh, open_ledger(fresh), replace(options, place=False), observer
        )
        rows = []
        seen: set[Node] = set()
        for label, *_, node in build.plan.rows():
            if node not in seen:
                seen.add(node)
                rows += _compare_node(label, node, stored, fresh)
        return rows


def _compare_node(name: str, node: Node, stored: Store, fresh: Store) -> list[Comparison]:
    assert node.key is not None
    old, new = stored.index.get(node.key), fresh.index.get(node.key)
    if old is None or new is None:
        which = "was not stored" if old is None else "could not be made again"
        return [Comparison(name, node.stage, "", False, which)]
    rows = []
    for output, made in new.outputs.items():
        was = old.outputs[output]
        same = was.digest == made.digest
        distance = "" if same else _measure(output, was, made, stored, fresh)
        rows.append(Comparison(name, node.stage, output, same, distance))
    return rows


def _measure(output: str, was: Output, made: Output, stored: Store, fresh: Store) -> str:
    """How far two files are apart, in the unit of their kind."""
    a, b = stored.objects.read(was.digest), fresh.objects.read(made.digest)
    if output in ("embeds", "latents"):
        return _measure_tensors(a, b)
    if output in ("frames", "clip"):
        return _measure_pictures(a, b)
    return f"{was.nbytes} and {made.nbytes} bytes"


def _measure_tensors(a: Path, b: Path) -> str:
    import numpy as np
    from safetensors.numpy import load_file

    first, second = load_file(a), load_file(b)
    if first.keys() != second.keys():
        return "other tensors"
    worst = 0.0
    for name, value in first.items():
        if value.shape != second[name].shape:
            return f"{name} has another shape"
        gap = np.abs(value.astype(np.float64) - second[name].astype(np.float64))
        worst = max(worst, float(gap.max(initial=0.0)))
    return f"largest difference {worst:.3g}"


def _measure_pictures(a: Path, b: Path) -> str:
    import numpy as np

    from rushes.media import read_frames

    total, count = 0.0, 0
    for (_, x), (_, y) in zip(read_frames(a), read_frames(b), strict=False):
        if x.shape != y.shape:
            return f"{x.shape[1]}x{x.shape[0]} and {y.shape[1]}x{y.shape[0]} pixels"
        total += float(((x.astype(np.float64) - y) ** 2).mean())
        count += 1
    error = total / max(count, 1)
    return (
        "other bytes, same pictures"
        if error == 0
        else f"PSNR {10 * math.log10(65025 / error):.1f} dB"
    )
