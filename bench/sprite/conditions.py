"""What sprite does with what it is given: pictures, sound, footage, a span, another shot.

Writes a project of shots that are given things rendered from the world, builds it with
`rushes make`, and judges the finished clips: PSNR where a picture was given, distances between
events of picture and sound, jumps where two takes meet, colour and shape at the end of long shots.
`python -m bench.sprite.conditions` writes `bench/sprite/results/conditions.json`.
"""

import argparse
import json
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from bench.common import (
    RUSHES,
    describe_machine,
    describe_versions,
    make_parser,
    open_workspace,
    run,
    say,
    write_result,
)
from bench.sprite.adherence import wilson
from rushes.media import AudioWriter, ExportFormat, FrameWriter, encode_image, export_clip
from training.sprite import mel, oracle, world
from training.sprite.cache import PIXELS
from training.sprite.noising import TIME
from training.sprite.prompts import write_plain

SEED = 505
HEAD = '[project]\nname = "given"\nmodel = "sprite"\n[defaults]\nchecks = []\n'
FRAME = 1 / world.FPS


def psnr(one: np.ndarray, two: np.ndarray) -> float:
    """dB, of uint8 pictures of one size."""
    error = float(((one.astype(np.float64) - two) ** 2).mean())
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


class Project:
    """A project that grows by shots, and their truths."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines = [HEAD]
        self.scenes: dict[str, world.Scene] = {}

    def add(self, name: str, scene: world.Scene, seed: int, *keys: str) -> None:
        prompt = json.dumps(write_plain(scene, with_speed=True))
        self.lines.append(f"[shots.{name}]\nprompt = {prompt}\nseed = {seed}")
        self.lines += keys
        self.scenes[name] = scene

    def write_frame(self, name: str, scene: world.Scene, frame: int) -> np.ndarray:
        picture = world.render_video(scene, size=PIXELS)[frame]
        (self.folder / name).write_bytes(encode_image(picture))
        return picture

    def write_sound(self, name: str, scene: world.Scene) -> Path:
        path = self.folder / name
        wave = np.ascontiguousarray(world.render_audio(scene, mel.SAMPLES + 400).T)
        with AudioWriter(path, world.SAMPLE_RATE, 2) as writer:
            writer.write(wave)
        return path

    def write_clip(self, name: str, scene: world.Scene) -> None:
        frames = self.folder / "frames.mkv"
        with FrameWriter(frames, PIXELS, PIXELS, Fraction(world.FPS)) as writer:
            for picture in world.render_video(scene, size=PIXELS):
                writer.write(picture)
        sound = self.write_sound("sound.wav", scene)
        export_clip(frames, sound, self.folder / name, ExportFormat(crf=8))

    def make(self) -> None:
        (self.folder / "rushes.toml").write_text("\n".join(self.lines) + "\n")
        run([RUSHES, "make", "--json"], self.folder, codes=(0,))

    def judge(self, name: str) -> tuple[np.ndarray, oracle.Verdict]:
        frames, wave = oracle.read_file(self.folder / "out" / f"{name}.mp4")
        return frames, oracle.judge(frames, wave)


def draw_scenes(count: int, *motions: str) -> list[world.Scene]:
    rng = np.random.default_rng(SEED)
    motions = motions or world.MOTIONS
    return [
        world.sample_scene(rng, motion=motions[i % len(motions)], silent=False)
        for i in range(count)
    ]


def spread(values: list[float], unit: str) -> dict[str, object]:
    """Median and range."""
    v = np.array(values)
    low, middle, high = (round(float(np.percentile(v, q)), 3) for q in (5, 50, 95))
    return {"unit": unit, "count": len(v), "p5": low, "median": middle, "p95": high}


def measure_pictures(project: Project, count: int) -> dict[str, object]:
    """A first, a last and a middle picture, each in shots of its own."""
    given: dict[str, tuple[int, np.ndarray]] = {}
    frames = {"first": 0, "last": world.FRAMES - 1, "middle": world.FRAMES // 2}
    keys = {
        "first": 'image = "{}"', "last": 'last_image = "{}"',
        "middle": 'keyframes = [{{ image = "{}", frame = 16 }}]',
    }  # fmt: skip
    for n, scene in enumerate(draw_scenes(count)):
        for kind, frame in frames.items():
            name = f"{kind}{n}"
            given[name] = frame, project.write_frame(f"{name}.png", scene, frame)
            project.add(name, scene, n, keys[kind].format(f"{name}.png"))
    project.make()
    found: dict[str, list[float]] = {kind: [] for kind in frames}
    colours = 0
    for name, (frame, picture) in given.items():
        pictures, verdict = project.judge(name)
        found[name.rstrip("0123456789")].append(psnr(pictures[frame], picture))
        colours += verdict.colour == project.scenes[name].colour
    return {
        **{f"{kind}_picture": spread(values, "dB") for kind, values in found.items()},
        "colour": wilson(colours, len(given)),
    }


def measure_sound(project: Project, count: int) -> dict[str, object]:
    """Sound given and picture made, and the other way about: how far events are apart."""
    for n, scene in enumerate(draw_scenes(count, *world.EVENT_OF)):
        project.write_sound(f"s{n}.wav", scene)
        project.write_clip(f"v{n}.mp4", scene)
        project.add(f"bysound{n}", scene, n, f'audio = "s{n}.wav"')
        project.add(f"bypicture{n}", scene, n, f'video = "v{n}.mp4"')
    project.make()
    result: dict[str, object] = {}
    for kind in ("bysound", "bypicture"):
        near = events = 0
        for n, scene in enumerate(draw_scenes(count, *world.EVENT_OF)):
            _, verdict = project.judge(f"{kind}{n}")
            truth = [t for t, _ in world.list_events(scene) if FRAME < t < world.SECONDS - FRAME]
            made = verdict.picture_events if kind == "bysound" else verdict.sound_events
            events += len(truth)
            near += sum(any(abs(m - t) <= FRAME for m in made) for t in truth)
        result[f"{kind}_events_within_a_frame"] = wilson(near, events)
    return result


def jump(frames: np.ndarray, place: int) -> float:
    """The change from frame `place - 1` to `place` over the 95th percentile of those elsewhere."""
    changes = np.abs(np.diff(frames.astype(np.float32), axis=0)).mean((1, 2, 3))
    others = np.delete(changes, place - 1)
    return float(changes[place - 1] / max(np.percentile(others, 95), 0.25))


def measure_span(project: Project, count: int) -> dict[str, object]:
    """A span of a rendered clip made again."""
    for n, scene in enumerate(draw_scenes(count)):
        project.write_clip(f"r{n}.mp4", scene)
        span = "retake = { from = 0.75, to = 1.25 }"
        project.add(f"again{n}", scene, n, f'video = "r{n}.mp4"', span)
    project.make()
    kept, seams, motions = [], [], 0
    for n, scene in enumerate(draw_scenes(count)):
        frames, verdict = project.judge(f"again{n}")
        truth = world.render_video(scene, size=PIXELS)
        kept += [psnr(frames[f], truth[f]) for f in (0, 2, 28, 30)]
        seams += [jump(frames, 9), jump(frames, 21)]
        motions += verdict.motion == scene.motion
    return {
        "kept_frames": spread(kept, "dB"),
        "seams_over_other_changes": spread(seams, "ratio"),
        "motion": wilson(motions, count),
    }


def measure_extension(project: Project, count: int, seconds: float) -> dict[str, object]:
    """Long shots: colour, shape and motion of the last two seconds, seams, sound at the end."""
    begun = time.time()
    for n, scene in enumerate(draw_scenes(count)):
        project.add(f"long{n}", scene, n, f"seconds = {seconds:g}")
    project.make()
    right = dict.fromkeys(("colour", "shape", "motion", "audible"), 0)
    seams: list[float] = []
    for n, scene in enumerate(draw_scenes(count)):
        frames, wave = oracle.read_file(project.folder / "out" / f"long{n}.mp4")
        last = oracle.judge(frames[-world.FRAMES :], wave[-int(world.SAMPLES) :])
        first = oracle.judge(frames[: world.FRAMES], wave[: world.SAMPLES])
        right["colour"] += last.colour == scene.colour
        right["shape"] += last.shape == first.shape
        right["motion"] += last.motion == scene.motion
        right["audible"] += last.audible
        places = [TIME.frames_of(w.first + w.given) for w in TIME.windows(len(frames))[1:]]
        seams += [jump(frames, place) for place in places]
    held = {f"{name}_held": wilson(value, count) for name, value in right.items()}
    return {
        "seconds": seconds, **held, "seams_over_other_changes": spread(seams, "ratio"),
        "wall_seconds_a_clip": round((time.time() - begun) / count, 1),
    }  # fmt: skip


def parse() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.set_defaults(results=Path(__file__).parent / "results")
    parser.add_argument("--count", type=int, default=24, help="shots of each kind")
    parser.add_argument("--long", type=int, default=50, help="long shots")
    parser.add_argument("--seconds", type=float, default=30.0, help="of a long shot")
    return parser.parse_args()


def main() -> None:
    args = parse()
    machine = describe_machine()
    parts = {
        "pictures": lambda p: measure_pictures(p, args.count),
        "sound": lambda p: measure_sound(p, args.count),
        "span": lambda p: measure_span(p, args.count),
        "extension": lambda p: measure_extension(p, args.long, args.seconds),
    }
    found = {}
    for name, measure in parts.items():
        with open_workspace(args.folder) as folder:
            found[name] = measure(Project(folder))
        say(json.dumps({name: found[name]}, indent=1))
    document = {
        "what": "sprite's clips with something given, judged by the oracle on MP4 files",
        "versions": describe_versions("torch", "diffusers", "av"),
        "settings": {"count": args.count, "long": args.long, "seed": SEED},
        **found,
    }
    write_result("conditions", document, machine, args.results)


if __name__ == "__main__":
    main()
