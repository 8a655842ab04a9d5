"""The memory of a build: numerics that are proposed when locking, placements of what runs."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rushes.catalogue.model import Model, Numerics
from rushes.catalogue.reader import Entry
from rushes.lock import Lock, decided_numerics
from rushes.plan.build import build_plan
from rushes.plan.memory.fit import MemoryPlan, Target, plan_memory
from rushes.plan.nodes import Plan
from rushes.spec.project import Project


def fit_plan(plan: Plan, lock: Lock, target: Target) -> MemoryPlan:
    """How every node of a plan runs on a target.

    Models that are not locked get the numerics that would be proposed, if a limit was stated;
    without one nothing is proposed, so that rushes.lock does not depend on who wrote it where.
    """
    nodes = dict.fromkeys(row.node for row in plan.rows())
    propose = target.limit is not None
    decided = decided_numerics(plan.project, lock)
    return plan_memory(nodes, plan.project.instances, target, decided, propose=propose)


def propose_numerics(
    project: Project, target: Target, lock: Lock
) -> Mapping[str, Mapping[str, Numerics]]:
    """Numerics by model for those that the lock lacks; none where no limit was stated."""
    if target.limit is None:
        return {}
    memory = fit_plan(build_plan(project, Lock(), lambda keys: {}), lock, target)
    return {name: memory.numerics[name] for name in memory.proposed}


def with_numerics(model: Entry, lock: Lock) -> Entry:
    """The entry as a worker opens it: a generator with numerics as stated or locked."""
    if not isinstance(model, Model):
        return model
    if model.stated is not None:
        stated = model.stated
        return msgspec.structs.replace(model, dtype=stated.dtype, numerics=stated.numerics)
    locked = lock.models.get(model.id)
    numerics = {} if locked is None else locked.numerics
    return msgspec.structs.replace(model, numerics=numerics)
