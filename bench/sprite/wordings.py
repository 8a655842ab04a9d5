"""Whether it matters how one says it: the same scenes and noise in the plain wording and in others.

Five other wordings of every motion, all of kinds that training has: the motion as "is bouncing",
before and behind its background, as a clause, and in another word where there is one.
`python -m bench.sprite.wordings` writes `bench/sprite/results/wordings.json`.
"""

import argparse
import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from bench.sprite.adherence import ASPECTS, Case, judge_cases, wilson
from training.sprite import prompts, sample, world

RESULTS = Path(__file__).parent / "results" / "wordings.json"
SEED = 606
SCENES = 60
GOAL = 0.03  # the most that a wording may lose against the plain one
PLAIN = "plain"
WORDINGS = {
    PLAIN: prompts.PLAIN,
    "background first": prompts.FORMS[2],
    "clause": prompts.FORMS[3],
    "another word": prompts.FORMS[4],
    "is doing it": prompts.FORMS[6],
    "video of": prompts.FORMS[7],
}


def draw_scenes(count: int) -> list[world.Scene]:
    """Motions in turn; seen and held-out triples as they come, all with sound."""
    rng = np.random.default_rng(SEED)
    motions = [world.MOTIONS[i % len(world.MOTIONS)] for i in range(count)]
    return [
        world.sample_scene(rng, include_held_out=True, motion=motion, silent=False)
        for motion in motions
    ]


def say(wording: str, scene: world.Scene) -> str:
    """The scene in this wording; orbits have no other word and keep theirs."""
    other = {scene.motion: prompts.SYNONYMS.get(scene.motion, (scene.motion,))[0]}
    words = other if wording == "another word" else {}
    return prompts.fill(WORDINGS[wording], scene, "", "", words)


def list_cases(scenes: list[world.Scene]) -> list[Case]:
    """Wording by wording, so that a batch of one has the noise of the same batch of the others."""
    return [
        Case(
            prompt=say(wording, scene),
            seed=seed,
            held_out=world.is_held_out(scene.colour, scene.shape, scene.motion),
            colour=scene.colour,
            shape=scene.shape,
            motion=scene.motion,
            background=scene.background,
            speed=None,
            silent=False,
        )
        for wording in WORDINGS
        for seed, scene in enumerate(scenes)
    ]


def is_right(row: dict) -> bool:
    """Colour, shape, motion and background are those that were asked for."""
    return all(row["asked"][a] == row["seen"][a] for a in ASPECTS)


def compare(rows: list[dict], count: int) -> dict[str, dict]:
    """Each wording's share, and the scenes that it alone lost or won against the plain one."""
    right = np.array([is_right(row) for row in rows]).reshape(len(WORDINGS), count)
    plain, found = right[list(WORDINGS).index(PLAIN)], {}
    for k, wording in enumerate(WORDINGS):
        mine, some = right[k], rows[k * count : (k + 1) * count]
        moved = sum(r["asked"]["motion"] == r["seen"]["motion"] for r in some)
        found[wording] = {
            "right": wilson(int(mine.sum()), count),
            "motion": wilson(moved, count),
            "lost": int((plain & ~mine).sum()),
            "won": int((mine & ~plain).sum()),
            "within_goal": bool(plain.mean() - mine.mean() <= GOAL),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=SCENES, help="a multiple of --batch")
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--steps", type=int, default=sample.STEPS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--weights", type=Path, default=sample.WEIGHTS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    if args.scenes % args.batch:
        parser.error(f"--scenes {args.scenes} is no multiple of --batch {args.batch}")
    args.guidance, args.audio_guidance = sample.GUIDANCE, sample.AUDIO_GUIDANCE
    args.without_noise = False
    begin = time.time()
    rows = judge_cases(list_cases(draw_scenes(args.scenes)), args)
    result = {
        "what": "the same scenes in other wordings: colour, shape, motion and background right",
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "versions": {n: version(n) for n in ("torch", "diffusers", "transformers", "av", "numpy")},
        "settings": {"scenes": args.scenes, "seed": SEED, "steps": args.steps, "goal": GOAL},
        "wordings": WORDINGS,
        "seconds": round(time.time() - begin, 1),
        "found": compare(rows, args.scenes),
        "rows": rows,
    }
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["found"], indent=1))


if __name__ == "__main__":
    main()
