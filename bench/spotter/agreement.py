"""Whether spotter and the oracle see the same in clips that sprite made."""

import tempfile
from pathlib import Path

import torch

from bench.sprite.adherence import draw_cases, wilson
from rushes.readers.base import find_reader
from rushes.readers.sampling import sample_clip
from training.sprite import clips, oracle, sample

QUESTIONS = {
    "colour": "what colour is the object?",
    "shape": "what shape is the object?",
    "motion": "how does the object move?",
    "background": "what colour is the background?",
    "speed": "is the object slow or fast?",
}
BATCH = 10


def compare_with_oracle(weights: Path, count: int) -> dict[str, object]:
    """Shares of the questions on which both agree where the oracle could tell; every answer."""
    torch.set_num_threads(2)
    pipeline = sample.load_pipeline()
    reader = find_reader("qwen3vl").open(weights, "cpu")
    rows = []
    cases = draw_cases(count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        for at in range(0, count, BATCH):
            some = cases[at : at + BATCH]
            made = sample.generate(pipeline, [c.prompt for c in some], [c.seed for c in some])
            for case, video, wave in zip(some, *made, strict=True):
                clips.write_mp4(path, video, wave)
                rows.append({"prompt": case.prompt, **judge_both(reader, path)})
    out: dict[str, object] = {"clips": count}
    pairs = [pair for row in rows for pair in row["pairs"].values()]
    out["all"] = wilson(sum(a == b for a, b in pairs), len(pairs))
    for name in QUESTIONS:
        found = [row["pairs"][name] for row in rows if name in row["pairs"]]
        out[name] = wilson(sum(a == b for a, b in found), len(found))
    out["rows"] = rows
    return out


def judge_both(reader, path: Path) -> dict[str, object]:
    """What the oracle sees and what spotter says, for each aspect that the oracle could name."""
    verdict = oracle.judge_file(path)
    frames = sample_clip(path, reader.sampling)
    pairs = {}
    for name, question in QUESTIONS.items():
        seen = getattr(verdict, name)
        if seen is not None:
            pairs[name] = (seen, reader.ask(frames, question).answer)
    return {"pairs": pairs}
