"""Builds made by hand, with real clips, for the reports' tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from rushes.canon import digest_value
from rushes.catalogue.load import find_model
from rushes.checks.base import Span, Verdict
from rushes.lock import Lock, LockedFile, LockedModel
from rushes.media import ExportFormat, encode_clip
from rushes.plan.nodes import Environment, FilmPlan, Node, Plan, ShotPlan, Take
from rushes.plan.windows import Window
from rushes.run.build import Build
from rushes.run.result import ClipResult, ErrorInfo, RunResult, StageResult
from rushes.spec.given import Conditions
from rushes.spec.project import Film, Project, Shot
from rushes.spec.read import Source as File
from rushes.spec.tables import PolicyTable
from rushes.stages.assemble import AssembleParams
from rushes.stages.base import Params
from rushes.stages.check import CheckParams, sum_up, to_row
from rushes.stages.export import ExportParams
from rushes.stages.render_prompt import RenderPromptParams
from rushes.store.files import digest_file
from rushes.store.index import Output, Result
from rushes.store.store import Store
from rushes.types import Digest, Key, VideoShape

WINDOW = Window(0, 5, 0, 0, 27, 0)
SHAPE = VideoShape(frames=17, height=64, width=64, fps=16)
SIZE = (SHAPE.height, SHAPE.width)
FORMAT = ExportFormat(crf=23, preset="ultrafast")
CHECKS = CheckParams((("black", 1), ("silence", 1)), 17, 64, 64, 16.0)

LOCK = Lock(
    models={
        "sprite": LockedModel(
            "1", "package:rushes.weights/sprite", "float32", {"a": LockedFile(Digest("ab" * 32), 9)}
        )
    },
    toolchains={"export": {"av": "18.1.0"}, "check": {"av": "18.1.0", "numpy": "2.4.6"}},
)

Kind = Literal["passed", "failed", "error"]


@dataclass(frozen=True)
class Wanted:
    """A shot of a build: how it ends, how it was come by, and the takes before the kept one."""

    name: str
    status: Kind = "passed"
    ran: bool = False
    prompt: str = "a {colour} ball bounces on a grey background"
    rejected: int = 0
    colour: str = "red"
    checks: list[Verdict] = field(default_factory=list)


def good_verdicts() -> list[Verdict]:
    """Two checks that passed."""
    return [
        Verdict("black", 1.0, 0.9, "", (), {"black_seconds": 0.0}),
        Verdict("silence", 0.98, 0.5, "", (Span(0.9, 1.0, "quiet"),), {"silent_seconds": 0.1}),
    ]


def bad_verdicts() -> list[Verdict]:
    """One that passed, one that did not, with two marks."""
    spans = (Span(0.25, 0.5, "black"), Span(0.75, 0.75, "a <b>flash</b>"))
    black = Verdict("black", 0.4, 0.9, "0.31 s of 1.06 s are black", spans, {"black_seconds": 0.31})
    return [black, good_verdicts()[1]]


def draw_clip(path: Path, shape: VideoShape = SHAPE, sound: bool = True, hue: int = 0) -> None:
    """A real clip: a square that moves over a gradient, with a falling tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.linspace(40, 150, shape.width).astype(np.uint8)
    frames = []
    for number in range(shape.frames):
        frame = np.empty((shape.height, shape.width, 3), np.uint8)
        frame[:] = ramp[None, :, None]
        left = number * (shape.width - shape.height // 4) // shape.frames
        top = shape.height // 2 - int(abs(np.sin(number / 3)) * shape.height / 3)
        side = shape.height // 4
        frame[top : top + side, left : left + side] = np.roll((230, 60, 40), hue)
        frames.append(frame)
    rate = 24000
    time = np.arange(round(shape.frames / shape.fps * rate)) / rate
    tone = 0.6 * np.sin(2 * np.pi * (1800 * time - 600 * time**2)) * np.exp(-3 * (time % 0.35))
    blocks = [tone.astype(np.float32)[:, None]] if sound else None
    encode_clip(iter(frames), Fraction(shape.fps), blocks, rate, path, FORMAT)


class Builder:
    """Makes a project's folder, store and :class:`Build` that agree with each other."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store = folder, store
        self.results: dict[Key, Result] = {}
        self._count = 0

    def node(self, stage: str, params: Params, *inputs: tuple[str, Node]) -> Node:
        self._count += 1
        parts = [self._count, stage, params, [(name, node.key) for name, node in inputs]]
        return Node(Key(digest_value(parts)), stage, params, inputs)

    def put(self, node: Node, facts: dict[str, object], clip: Path | None = None) -> None:
        assert node.key is not None
        outputs = {} if clip is None else {"clip": Output(digest_file(clip), clip.stat().st_size)}
        self.results[node.key] = Result(node.key, node.stage, outputs, facts, 0.1, 1000)

    def take(self, shot: Shot, attempt: int) -> Take:
        prompt = self.node(
            "render_prompt", RenderPromptParams(shot.template, shot.variables, shot.negative)
        )
        clip = self.node("export", ExportParams(**asdict(FORMAT)), ("prompt", prompt))
        check = self.node("check", CHECKS, ("clip", clip))
        nodes = {node.stage: node for node in (prompt, clip, check)}
        return Take(shot, attempt, shot.seed + attempt, nodes, WINDOW)

    def shot(self, want: Wanted) -> tuple[ShotPlan, ClipResult]:
        shot = make_shot(want)
        takes = tuple(self.take(shot, number) for number in range(want.rejected + 1))
        kept = takes[-1]
        for take in takes[:-1]:
            self.judge(take.nodes["check"], bad_verdicts())
        path = None
        if want.status != "error":
            path = self.folder / "out" / f"{want.name}.mp4"
            if not path.exists():
                draw_clip(path, hue=len(self.results) % 3)
            self.put(kept.nodes["export"], {}, path)
            verdicts = want.checks or (
                good_verdicts() if want.status == "passed" else bad_verdicts()
            )
            self.judge(kept.nodes["check"], verdicts)
        return ShotPlan(shot, takes, kept, True, True), self.result(want, kept, path is not None)

    def judge(self, check: Node, verdicts: list[Verdict]) -> None:
        rows = [to_row(verdict) for verdict in verdicts]
        self.put(check, {"verdicts": rows, **sum_up(verdicts)})

    def result(self, want: Wanted, kept: Take, made: bool) -> ClipResult:
        check = kept.nodes["check"].key
        assert check is not None
        facts = self.results[check].facts if check in self.results else {}
        where = str(self.folder / "out" / "x.mp4")
        error = ErrorInfo("MediaError", f"cannot read {where}: broken", where, "look at /etc/x")
        return ClipResult(
            name=want.name, status=want.status, path=f"out/{want.name}.mp4" if made else None,
            seed=kept.seed, attempts=want.rejected + 1, frames=17, fps=16.0, size="64x64",
            stages=stage_results(kept.nodes, want.ran, kept.attempt) if made else [],
            checks=facts.get("verdicts", []),  # type: ignore[arg-type]
            error=None if made else error,
        )  # fmt: skip

    def film(self, name: str, shots: list[ShotPlan]) -> tuple[FilmPlan, ClipResult]:
        inputs = [(f"frames.{n}", shot.kept.nodes["export"]) for n, shot in enumerate(shots)]
        clip = self.node("assemble", AssembleParams(**asdict(FORMAT), crossfade=0.0), *inputs)
        nodes = {"assemble": clip, "check": self.node("check", CHECKS, ("clip", clip))}
        path = self.folder / "out" / f"{name}.mp4"
        shape = VideoShape(17 * len(shots), *SIZE, 16)
        draw_clip(path, shape)
        self.put(clip, {}, path)
        self.judge(nodes["check"], good_verdicts())
        names = tuple(shot.shot.name for shot in shots)
        rows = [to_row(verdict) for verdict in good_verdicts()]
        stages = stage_results(nodes, True, 0)
        result = ClipResult(
            name, "passed", f"out/{name}.mp4", None, 1, shape.frames, 16.0, "64x64", stages, rows
        )
        film = Film(name, names, 0.0, ("default",), FORMAT)
        return FilmPlan(film, nodes, True), result

    def build(self, wants: list[Wanted], film: str | None = None, run: str = "run1") -> Build:
        self._count = 0
        shots = [self.shot(want) for want in wants]
        plans = tuple(plan for plan, _ in shots)
        films = [] if film is None else [self.film(film, list(plans)[:2])]
        self.store.index.put(self.results.values())
        project = Project(
            "spring-launch", self.folder, File("rushes.toml", ""), PolicyTable(), 30.0,
            {plan.shot.name: plan.shot for plan in plans},
            {plan.film.name: plan.film for plan, _ in films},
        )  # fmt: skip
        environments: dict[tuple[str, str | None], Environment] = {}
        environments["export", None] = Environment(1, {}, {"av": "18.1.0"}, {})
        plan = Plan(project, plans, tuple(plan for plan, _ in films), environments)
        clips, joined = [clip for _, clip in shots], [clip for _, clip in films]
        return Build(RunResult(run, 12.3456, 0.0, clips, joined), plan, LOCK)


def make_shot(want: Wanted) -> Shot:
    """A shot as the project file resolves to."""
    return Shot(
        name=want.name, model=find_model("sprite"), template=want.prompt, negative="blur",
        variables=(("colour", want.colour),), seed=7, shape=SHAPE, asked_seconds=1.0,
        sampling=find_model("sprite").defaults, attempts=4, checks=("default",), export=FORMAT,
        conditions=Conditions(),
    )  # fmt: skip


def stage_results(nodes: dict[str, Node], ran: bool, attempt: int) -> list[StageResult]:
    """Stages of a kept take; the first is always reused."""
    rows = []
    for number, node in enumerate(nodes.values()):
        assert node.key is not None
        fresh = ran and number > 0
        seconds = 0.4 * number if fresh else 0.0
        kind: Literal["hit", "ran"] = "ran" if fresh else "hit"
        rows.append(StageResult(node.stage, node.key, kind, seconds, 52_000_000, attempt))
    return rows


@pytest.fixture
def make_builder(tmp_path: Path) -> Callable[[], Builder]:
    """Builders on one folder and store, as one process after the other would be."""
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)

    def make() -> Builder:
        return Builder(folder, Store(folder / ".rushes"))

    return make


@pytest.fixture
def builder(make_builder: Callable[[], Builder]) -> Builder:
    return make_builder()


@pytest.fixture
def wanted() -> type[Wanted]:
    return Wanted


@pytest.fixture(name="draw_clip")
def draw_clip_fixture() -> Callable[..., None]:
    return draw_clip
