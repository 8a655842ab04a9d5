"""From a project and its lock to a plan. Pure: no torch, no network, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import cache

from rushes.canon import encode_value
from rushes.catalogue.model import Model
from rushes.catalogue.reader import ReaderEntry
from rushes.checks.own import is_own
from rushes.checks.registry import (
    asking_checks,
    expand_checks,
    find_check,
    make_questions,
    require_no_prompt,
    require_pictures,
)
from rushes.errors import UsageError
from rushes.lock import (
    Lock,
)
from rushes.media.formats import ExportFormat
from rushes.needs import (
    needed_instances,
    require_check_packages,
)
from rushes.plan.entries import list_parts, pick_files
from rushes.plan.gates import Gates
from rushes.plan.joins import list_joins
from rushes.plan.judging import Named, describe_checks, fill_prompts, list_given
from rushes.plan.nodes import Environment, FilmPlan, Node, Plan, ShotPlan, Take
from rushes.plan.rerolls import SEAM_CHECKS, plan_mend, rank_take, why_stop
from rushes.plan.seeds import attempt_seed
from rushes.plan.takes import TakePlanner
from rushes.plan.targets import choose_targets
from rushes.readers.base import find_reader
from rushes.spec.given import SourceFile
from rushes.spec.project import Film, Mend, Project, Shot
from rushes.stages.ask import AskParams
from rushes.stages.assemble import AssembleParams
from rushes.stages.base import Params
from rushes.stages.check import CheckParams
from rushes.stages.export import ExportParams
from rushes.stages.registry import STAGES
from rushes.stages.render_prompt import fill_template
from rushes.store.files import digest_file
from rushes.types import Digest, Key, VideoShape

Facts = Mapping[str, object]
FindFacts = Callable[[Iterable[Key]], Mapping[Key, Facts]]
"""Stored facts of those of the keys that have a result."""


def build_plan(
    project: Project, lock: Lock, find_facts: FindFacts, targets: Iterable[str] = ()
) -> Plan:
    """The plan, as far as stored verdicts let it be known.

    A failed verdict with attempts left adds the next attempt; what follows a shot uses the take
    that is kept. Run, then plan again, until nothing changes.

    Args:
        find_facts: looks stored results up.
        targets: names of shots and films to build; all when empty.

    Raises:
        UsageError: a target or a check does not exist.
        PackageMissing: a check needs a package that is not installed.
    """
    require_check_packages(project)
    builder = _Builder(project, lock)
    shots, films = choose_targets(project, list(targets))
    plans = _plan_shots(builder, shots, find_facts)
    known = {plan.shot.name: plan for plan in plans}
    film_plans = tuple(
        builder.plan_film(film, [known[name] for name in film.shots]) for film in films
    )
    return Plan(project, tuple(plans), film_plans, builder.environments)


def _plan_shots(builder: _Builder, shots: list[Shot], find_facts: FindFacts) -> list[ShotPlan]:
    """Shots in file order; those that are made from others after these."""
    done: dict[str, ShotPlan] = {}
    waiting = shots
    while waiting:
        level = [shot for shot in waiting if all(name in done for name in shot.conditions.shots)]
        done.update(_plan_level(builder, level, done, find_facts))
        waiting = [shot for shot in waiting if shot.name not in done]
    return [done[shot.name] for shot in shots]


def _plan_level(
    builder: _Builder, shots: list[Shot], done: Mapping[str, ShotPlan], find_facts: FindFacts
) -> dict[str, ShotPlan]:
    """Shots that do not depend on each other: take after take, while verdicts say so."""
    named = {shot.name: shot for shot in shots}
    takes = {shot.name: [builder.plan_take(shot, 0, done)] for shot in shots}
    ready = {s.name for s in shots if all(done[name].settled for name in s.conditions.shots)}
    facts: dict[Key, Facts] = {}
    fresh = [takes[shot.name][0] for shot in shots if shot.name in ready]
    stopped: dict[str, str] = {}
    while fresh:
        keys = {take.verdict.key for take in fresh}
        facts.update(find_facts([key for key in keys if key is not None]))
        following = []
        for take in fresh:
            shot = named[take.shot.name]
            known = takes[shot.name]
            history = [v for one in known if (v := _verdict(one, facts)) is not None]
            left = take.attempt + 1 < shot.attempts
            if len(history) < len(known) or history[-1]["passed"] or not left:
                continue
            mend = None
            if builder.choose_maker(shot, take.attempt + 1) is take.shot:
                stopped[shot.name] = why_stop(known, history)
                mend = plan_mend(known, history)
            if not stopped.get(shot.name):
                following.append(builder.plan_take(shot, take.attempt + 1, done, mend))
                known.append(following[-1])
        fresh = following
    return {
        shot.name: _settle(shot, takes[shot.name], facts, stopped.get(shot.name, ""))
        if shot.name in ready
        else ShotPlan(shot, tuple(takes[shot.name]), takes[shot.name][0], False, False)
        for shot in shots
    }


def _verdict(take: Take, facts: Mapping[Key, Facts]) -> Facts | None:
    key = take.verdict.key
    return facts.get(key) if key is not None else None


def _settle(shot: Shot, takes: list[Take], facts: Mapping[Key, Facts], stopped: str) -> ShotPlan:
    """Keep the passing take, else (when none is left to try) the best of those that failed."""
    verdicts = [_verdict(take, facts) for take in takes]
    last = verdicts[-1]
    if last is None or last["passed"]:
        return ShotPlan(shot, tuple(takes), takes[-1], last is not None, True)
    pairs = zip(takes, verdicts, strict=True)
    ranks = [rank_take(take, verdict) for take, verdict in pairs if verdict is not None]
    best = max(range(len(takes)), key=ranks.__getitem__)
    return ShotPlan(shot, tuple(takes), takes[best], True, True, stopped)


class _Builder:
    """Makes nodes; equal work becomes one node."""

    def __init__(self, project: Project, lock: Lock) -> None:
        self.project = project
        self.lock = lock
        self.gates = Gates(self.node, project, lock)
        self.environments: dict[tuple[str, str | None], Environment] = {}
        self._heads: dict[tuple[str, str | None], bytes | None] = {}
        self._nodes: dict[tuple[object, ...], Node] = {}
        self._encoded: dict[Params, bytes] = {}
        self._checks: dict[tuple[str, tuple[str, ...], bool], Named] = {}
        self._asking: dict[tuple[str, ...], bool] = {}
        self._by_key: dict[Key, Node] = {}
        self._entries = needed_instances(project)
        self._own: dict[str, SourceFile] = {}

    def choose_maker(self, shot: Shot, attempt: int) -> Shot:
        """The shot as its take ``attempt`` is made: by another model after so many failures."""
        return shot.for_attempt(attempt, self.project.policy.paid_after.qa_failures)

    def plan_take(
        self,
        shot: Shot,
        attempt: int,
        bases: Mapping[str, ShotPlan],
        mend: tuple[Take, Mend] | None = None,
    ) -> Take:
        """One attempt, over the kept takes of what it is made from.

        Args:
            mend: an earlier take, and what is made again of it; None for another seed.
        """
        kept = {name: bases[name].kept for name in shot.conditions.shots}
        shot = self.choose_maker(shot, attempt)
        seed, mends = attempt_seed(shot.seed, attempt), shot.mended
        if mend is not None:
            seed, mends = mend[0].seed, (*mend[0].mends, mend[1])
        planner = TakePlanner(self.node, shot, seed, kept, mends)
        last = planner.plan()
        nodes = planner.nodes
        extra = _seam_checks(shot, mends)
        made = Take(shot, attempt, seed, nodes, last, mends, len(extra))
        inputs = [("frames", made.frames)]
        inputs += [("sound", made.sound)] if made.sound is not None else []
        clip = nodes["export"] = self.node("export", _export_params(shot.export), inputs)
        given = list_given(shot)
        path = ("shots", shot.name, "checks")
        checks = self._find_checks(shot.name, (*shot.checks, *extra), path, bool(given))
        judged = [("clip", clip)]
        if (ask := self._ask_node(shot, clip)) is not None:
            nodes["ask"] = ask
            judged.append(("answers", ask))
        sounds = made.sound is not None
        nodes["check"] = self._check_node(
            checks, shot.shape, sounds, judged, seams=tuple(planner.seams), shots=(shot,),
            given=given,
        )  # fmt: skip
        self.gates.add(shot, nodes)
        return made

    def plan_film(self, film: Film, shots: list[ShotPlan]) -> FilmPlan:
        """A film over its shots' kept takes."""
        inputs: list[tuple[str, Node]] = []
        for number, shot in enumerate(shots):
            inputs.append((f"frames.{number}", shot.kept.frames))
            if shot.kept.sound is not None:
                inputs.append((f"sound.{number}", shot.kept.sound))
        shapes = [shot.kept.shot.shape for shot in shots]
        first = shapes[0]
        overlap = round(film.crossfade * first.fps) * (len(shots) - 1)
        frames = sum(shape.frames for shape in shapes) - overlap
        shape = VideoShape(frames, first.height, first.width, first.fps)
        export = _export_params(film.export)
        fields = {name: getattr(export, name) for name in export.__struct_fields__}
        clip = self.node("assemble", AssembleParams(**fields, crossfade=film.crossfade), inputs)
        sounds = any(shot.kept.sound is not None for shot in shots)
        checks = self._find_checks(film.name, film.checks, ("films", film.name, "checks"))
        joins = list_joins([shape.frames for shape in shapes], first.fps, film.crossfade)
        made_of, judged = [plan.kept.shot for plan in shots], [("clip", clip)]
        check = self._check_node(checks, shape, sounds, judged, joins=joins, shots=made_of)
        settled = all(shot.settled for shot in shots)
        nodes = {"assemble": clip, "check": check}
        self.gates.add(film, nodes)
        return FilmPlan(film, nodes, settled)

    def _find_checks(
        self, name: str, checks: tuple[str, ...], path: tuple[str, ...], given: bool = False
    ) -> Named:
        """The checks that a shot or film names; a film has no prompt, and no given pictures."""
        place = (path[0], checks, given)
        if place not in self._checks:
            try:
                names = expand_checks(checks)
                require_pictures(checks, given)
                if path[0] == "films":
                    require_no_prompt(checks)
            except UsageError as exc:
                raise self.project.source.error(f"{name!r}: {exc.message}", path, exc.hint) from exc
            for check in filter(is_own, names):
                self._read_own(name, check, path)
            versions = [
                (check, 0 if is_own(check) else find_check(check).version) for check in names
            ]
            self._checks[place] = describe_checks(tuple(versions), self.lock)
        return self._checks[place]

    def _read_own(self, name: str, check: str, path: tuple[str, ...]) -> None:
        """Digest the file of a project's own check; it is not run here."""
        file = self.project.folder / check
        if not file.is_file():
            message = f"{name!r}: there is no check file {check}"
            raise self.project.source.error(message, path, "paths begin at the project's folder")
        if check not in self._own:
            self._own[check] = SourceFile(file, digest_file(file))

    def _ask_node(self, shot: Shot, clip: Node) -> Node | None:
        """What a reader is asked about a shot's clip; None where no check asks."""
        if shot.checks not in self._asking:
            self._asking[shot.checks] = bool(asking_checks(shot.checks))
        if not self._asking[shot.checks]:
            return None
        questions = make_questions(shot.checks, fill_template(shot.template, shot.variables))
        reader = next(e for e in self._entries.values() if isinstance(e, ReaderEntry))
        version = find_reader(reader.family).version
        params = AskParams(reader.name, version, questions)
        return self.node("ask", params, [("clip", clip)], reader.id)

    def _check_node(
        self,
        named: Named,
        shape: VideoShape,
        sounds: bool,
        inputs: list[tuple[str, Node]],
        joins: tuple[tuple[float, float], ...] = (),
        seams: tuple[float, ...] = (),
        shots: Iterable[Shot] = (),
        given: Iterable[tuple[int, str, SourceFile]] = (),
    ) -> Node:
        given = list(given) if named.compares else []
        params = CheckParams(
            checks=named.checks,
            frames=shape.frames,
            height=shape.height,
            width=shape.width,
            fps=shape.fps,
            audio=sounds,
            joins=joins,
            seams=seams,
            packages=named.packages,
            prompts=fill_prompts(shots) if named.reads_prompt else (),
            pictures=tuple((frame, name) for frame, name, _ in given),
        )
        files = [(name, self._own[name]) for name, _ in named.checks if is_own(name)]
        files += [(name, file) for _, name, file in given]
        return self.node("check", params, inputs, files=files, locked=named.locked)

    def node(
        self,
        stage: str,
        params: Params,
        inputs: Iterable[tuple[str, Node]] = (),
        model: str | None = None,
        files: Iterable[tuple[str, SourceFile]] = (),
        locked: bool = True,
    ) -> Node:
        """The node of this work, made at its first use; ``locked`` False gives it no key."""
        inputs = tuple(inputs)
        files = tuple(files)
        digests = tuple((name, file.sha256) for name, file in files)
        identity = (stage, params, model, inputs, digests)
        if (known := self._nodes.get(identity)) is not None:
            return known
        key = self._key(stage, params, inputs, model, digests) if locked else None
        node = Node(key, stage, params, inputs, model, files)
        if key is not None:  # numerics that are stated as they are locked make equal work
            node = self._by_key.setdefault(key, node)
        self._nodes[identity] = node
        return node

    def _key(
        self,
        stage: str,
        params: Params,
        inputs: tuple[tuple[str, Node], ...],
        model: str | None,
        files: tuple[tuple[str, Digest], ...],
    ) -> Key | None:
        head = self._head(stage, model)
        if head is None or any(node.key is None for _, node in inputs):
            return None
        body = self._encoded.get(params)
        if body is None:
            body = self._encoded[params] = encode_value(params)
        read = [(name, node.key) for name, node in inputs]
        tail = encode_value([*read, *files])
        return Key(hashlib.sha256(head + body + tail).hexdigest())

    def _head(self, stage: str, model: str | None) -> bytes | None:
        """Canonical bytes of what all nodes of a stage share; None where it is not locked."""
        place = (stage, model)
        if place not in self._heads:
            environment = self._environment(stage, model)
            if environment is not None:
                self.environments[place] = environment
            self._heads[place] = None if environment is None else encode_value([stage, environment])
        return self._heads[place]

    def _environment(self, stage: str, model: str | None) -> Environment | None:
        files: dict[str, str] = {}
        numerics: dict[str, str] = {}
        if stage not in self.lock.toolchains:
            return None
        if model is not None and model in self.project.remotes:
            return Environment(STAGES[stage].version, {}, self.lock.toolchains[stage], {})
        if model is not None:
            entry = self._entries[model]
            if entry.id not in self.lock.models:
                return None
            locked = self.lock.models[entry.id]
            read = pick_files(entry, stage, locked.files)
            files = {path: locked.files[path].sha256 for path in read}
            parts = list_parts(entry, stage, files)
            stated = entry.stated if isinstance(entry, Model) else None
            decided = locked.numerics if stated is None else stated.numerics
            changed = {part: n for part, n in decided.items() if part in parts}
            dtype = locked.dtype if stated is None else stated.dtype
            numerics = {"dtype": dtype, **changed}
        return Environment(STAGES[stage].version, files, self.lock.toolchains[stage], numerics)


def _seam_checks(shot: Shot, mends: tuple[Mend, ...]) -> tuple[str, ...]:
    """What a repaired take is judged by that its shot does not name."""
    named = set(expand_checks(shot.checks)) if mends else set()
    wanted = dict.fromkeys(check for mend in mends for check in SEAM_CHECKS[mend.part])
    return tuple(check for check in wanted if check not in named)


@cache
def _export_params(export: ExportFormat) -> ExportParams:
    return ExportParams(**asdict(export))
