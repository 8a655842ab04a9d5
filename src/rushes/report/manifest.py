"""out/manifest.json: what a build made, from what, and how it was judged.

Everything but the ``run`` section is the same for the same build: no clock, no host, no absolute
path. ``run`` comes last, so that two manifests are compared without being parsed.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

import rushes
from rushes.canon import digest_bytes
from rushes.catalogue.remote import make_remote_model
from rushes.lock import (
    Lock,
)
from rushes.needs import (
    needed_checkpoints,
)
from rushes.plan.explain import GraphRecord, record_graph
from rushes.plan.mending import count_token_passes
from rushes.plan.nodes import MAKERS, FilmPlan, Node, Plan, ShotPlan, Take
from rushes.plan.rerolls import list_refusals
from rushes.report.text import show_number
from rushes.run.build import Build
from rushes.run.place import OUT_FOLDER
from rushes.run.result import ClipResult, ErrorInfo, RunResult, Status
from rushes.stages.denoise import DenoiseParams
from rushes.stages.render_prompt import fill_template
from rushes.store.index import Result
from rushes.store.store import Store
from rushes.types import Digest, Key

MANIFEST_FILE = "manifest.json"
SCHEMA = 1
HEAD_BYTES = 200
"""The fingerprint stands within so many bytes of the file's start."""
_FOLDERS = re.compile(r"(?<![\w:/.~>])/(?:[^\s/'\":]+/)+")
_NO_RESULTS: Mapping[Key, Result] = {}


class ModelRecord(msgspec.Struct, frozen=True):
    """A model or reader that shots of this build use; its weights are in the lock."""

    name: str
    title: str
    licence: str
    licence_name: str
    licence_url: str


class EnvironmentInfo(msgspec.Struct, frozen=True):
    """Where it was built, without naming the machine; toolchains are in the lock."""

    python: str
    platform: str


class RepairRecord(msgspec.Struct, frozen=True):
    """What was made again of a take.

    Args:
        spans: seconds, from and to.
        part: ``picture``, ``sound`` or ``both``.
        token_passes: the transformer's work for it; ``take_token_passes``: that of a whole take.
    """

    spans: list[tuple[float, float]]
    part: str
    seed: int
    token_passes: int
    take_token_passes: int


class AttemptRecord(msgspec.Struct, frozen=True):
    """One take of a shot. ``passed`` is None where it was not judged; ``checks`` by name.

    Args:
        refused: why, a sentence a check that refused it.
        repairs: what was made again of the take that ``seed`` gives, in order.
        sha256: of its clip, None where that was not made or is gone.
    """

    attempt: int
    seed: int
    kept: bool
    passed: bool | None
    checks: dict[str, bool]
    refused: list[str] = []
    repairs: list[RepairRecord] = []
    sha256: Digest | None = None


class ClipRecord(msgspec.Struct, frozen=True):
    """A shot or film: what was asked for and what became of it.

    Args:
        path: relative to the project, None where there is no clip.
        sha256: of the file at ``path``.
        prompt: as the model read it; None for a film.
        length: what the asked seconds became.
        shots: what a film is made of.
    """

    name: str
    status: Status
    path: str | None
    sha256: Digest | None
    length: str
    model: str | None = None
    prompt: str | None = None
    negative: str = ""
    attempts: list[AttemptRecord] = []
    shots: list[str] = []


class Manifest(msgspec.Struct, frozen=True):
    """The file. ``run`` is the document of ``make --json``."""

    schema: int
    fingerprint: Digest
    rushes: str
    project: str
    environment: EnvironmentInfo
    models: list[ModelRecord]
    lock: Lock
    clips: list[ClipRecord]
    graph: GraphRecord
    run: RunResult


def make_manifest(build: Build, store: Store | None = None) -> Manifest:
    """The manifest of a build.

    Args:
        store: where the takes' verdicts and the clips' digests are; without it, only the kept
            takes are known to be judged and no clip has a digest.
    """
    plan, project = build.plan, build.plan.project
    results = _NO_RESULTS if store is None else store.index.get_many(_needed_keys(plan))
    clips = {clip.name: clip for clip in build.result.clips}
    shots = [_record_shot(shot, clips[shot.shot.name], results) for shot in plan.shots]
    films = [_record_film(film, clips[film.film.name], results) for film in plan.films]
    folders = [project.folder.resolve(), project.folder.absolute()]
    folders += [] if store is None else [store.folder.resolve(), store.folder.absolute()]
    return Manifest(
        schema=SCHEMA,
        fingerprint=fingerprint_build(build),
        rushes=rushes.__version__,
        project=project.name,
        environment=_describe_environment(),
        models=_record_models(plan),
        lock=build.lock,
        clips=shots + films,
        graph=record_graph(plan),
        run=_hide_folders(build.result, folders),
    )


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes of manifest.json, indented."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def fingerprint_build(build: Build) -> Digest:
    """A digest of what a build made: equal for two runs that end with the same clips."""
    clips = [
        (clip.name, clip.status, clip.path, clip.attempts, [s.key for s in clip.stages], clip.error)
        for clip in build.result.clips
    ]
    parts = (rushes.__version__, SCHEMA, build.plan.project.name, build.lock, clips)
    return digest_bytes(msgspec.msgpack.encode(parts, order="deterministic"))


def has_fingerprint(path: Path, fingerprint: Digest) -> bool:
    """Whether the manifest on the disk is of a build with this fingerprint; reads its head only."""
    try:
        with path.open("rb") as file:
            return f'"fingerprint": "{fingerprint}"'.encode() in file.read(HEAD_BYTES)
    except OSError:
        return False


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a project's last build; None where there is none, or not a whole one."""
    try:
        data = (folder / OUT_FOLDER / MANIFEST_FILE).read_bytes()
        manifest = msgspec.json.decode(data, type=Manifest)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return manifest if manifest.schema == SCHEMA else None


def _needed_keys(plan: Plan) -> list[Key]:
    """Keys of the results that a manifest reads: clips and verdicts."""
    nodes = [take.verdict for shot in plan.shots for take in shot.takes]
    nodes += [take.nodes["export"] for shot in plan.shots for take in shot.takes]
    nodes += [node for film in plan.films for node in film.nodes.values()]
    return [node.key for node in nodes if node.key is not None]


def _record_shot(plan: ShotPlan, clip: ClipResult, results: Mapping[Key, Result]) -> ClipRecord:
    shot = plan.shot
    return ClipRecord(
        name=shot.name,
        status=clip.status,
        path=clip.path,
        sha256=_clip_digest(plan.kept.nodes["export"], clip, results),
        length=plan.kept.shot.length_note,
        model=plan.kept.shot.model.name,
        prompt=fill_template(shot.template, shot.variables),
        negative=" ".join(shot.negative.split()),
        attempts=[_record_attempt(take, plan.kept, clip, results) for take in plan.takes],
    )


def _record_film(plan: FilmPlan, clip: ClipResult, results: Mapping[Key, Result]) -> ClipRecord:
    return ClipRecord(
        name=plan.film.name,
        status=clip.status,
        path=clip.path,
        sha256=_clip_digest(plan.nodes["assemble"], clip, results),
        length=f"{clip.frames} frames, {clip.frames / clip.fps:.4g} s",
        shots=list(plan.film.shots),
    )


def _record_attempt(
    take: Take, kept: Take, clip: ClipResult, results: Mapping[Key, Result]
) -> AttemptRecord:
    is_kept = take.attempt == kept.attempt
    key = take.verdict.key
    passed: bool | None = None
    rows: object = []
    if key is not None and key in results:
        passed, rows = bool(results[key].facts.get("passed")), results[key].facts.get("verdicts")
    elif is_kept and clip.status in ("passed", "failed"):
        passed, rows = clip.status == "passed", clip.checks
    verdicts = msgspec.convert(rows or [], list[dict[str, object]])
    checks = {str(row.get("check")): bool(row.get("passed")) for row in verdicts}
    clip_key = take.nodes["export"].key
    made = None if clip_key is None else results.get(clip_key)
    return AttemptRecord(
        take.attempt, take.seed, is_kept, passed, checks,
        refused=[_explain_refusal(row) for row in list_refusals({"verdicts": verdicts})],
        repairs=_record_repairs(take),
        sha256=None if made is None else made.outputs["clip"].digest,
    )  # fmt: skip


def _explain_refusal(row: Mapping[str, object]) -> str:
    """For example ``flicker 0.41 of 0.5: brightness swings``."""
    score, threshold = show_number(row.get("score")), show_number(row.get("threshold"))
    message = row.get("message")
    return f"{row.get('check')} {score} of {threshold}" + (f": {message}" if message else "")


def _record_repairs(take: Take) -> list[RepairRecord]:
    """What each repair made again, and its work beside that of the take."""
    fps, model = take.shot.shape.fps, take.shot.model
    params = [node.params for node in take.nodes.values() if node.stage in MAKERS]
    passes = [count_token_passes(p, model) for p in params if isinstance(p, DenoiseParams)]
    whole = sum(passes[: len(passes) - len(take.mends)])
    mended = zip(take.mends, passes[len(passes) - len(take.mends) :], strict=True)
    return [
        RepairRecord(
            [(round(low / fps, 4), round(high / fps, 4)) for low, high in mend.spans],
            mend.part, mend.seed, work, whole,
        )
        for mend, work in mended
    ]  # fmt: skip


def _clip_digest(node: Node, clip: ClipResult, results: Mapping[Key, Result]) -> Digest | None:
    if clip.path is None or node.key is None or node.key not in results:
        return None
    return results[node.key].outputs["clip"].digest


def _record_models(plan: Plan) -> list[ModelRecord]:
    used = {shot.kept.shot.model.id for shot in plan.shots}
    rows = (node.model for *_, node in plan.rows() if node.model is not None)
    used |= {name.partition("@")[0] for name in rows}
    remotes = [make_remote_model(r) for r in plan.project.remotes.values()]
    return [
        ModelRecord(m.name, m.title, m.licence.id, m.licence.name, m.licence.url)
        for m in [*needed_checkpoints(plan.project), *remotes]
        if m.id in used
    ]


def _describe_environment() -> EnvironmentInfo:
    return EnvironmentInfo(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=f"{platform.system()} {platform.machine()}",
    )


def _hide_folders(result: RunResult, folders: list[Path]) -> RunResult:
    """The result with paths in errors cut to what they are within the project or the store."""

    def cut(text: str | None) -> str | None:
        for folder in folders if text else ():
            text = (text or "").replace(f"{folder}/", "")
        return text and _FOLDERS.sub("", text)

    def clean(clip: ClipResult) -> ClipResult:
        if clip.error is None:
            return clip
        error = clip.error
        found = ErrorInfo(error.type, cut(error.message) or "", cut(error.where), cut(error.hint))
        return msgspec.structs.replace(clip, error=found)

    return msgspec.structs.replace(
        result,
        shots=[clean(clip) for clip in result.shots],
        films=[clean(clip) for clip in result.films],
    )
