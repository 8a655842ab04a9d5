"""What spotter finds in a file of ten minutes, and when it says things happen in it.

`python -m bench.readers.long_files` assembles the film, asks, and writes
`bench/readers/results/long_files.json`. Accuracies do not depend on the clock.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.readers.film import MINUTES, SEED, Shown, draw_film, say_event, write_film
from rushes.readers.sampling import EVERYTHING
from rushes.readers.windows import overlap
from rushes.run.finding import Search, find_in
from rushes.run.locating import ask_when
from rushes.run.reading import Session, open_reading

RESULTS = Path(__file__).parent / "results" / "long_files.json"
LEAST_OVERLAP, BAR_FIND, BAR_WHEN = 0.6, 0.8, 0.9
DOINGS = {
    "bounces": ("floor", "touch the floor"),
    "slides": ("wall", "touch a wall"),
    "blinks": ("off", "go off"),
}
"""By motion, what it brings about and how that is asked."""


def draw_events(film: list[Shown], count: int) -> list[str]:
    """Events to search for, each of at least one scene."""
    events = sorted({say_event(shown.scene) for shown in film})
    rng = np.random.default_rng(SEED)
    return [str(event) for event in rng.permutation(events)[:count]]


def list_truth(film: list[Shown], event: str) -> list[tuple[float, float]]:
    """Where it is; scenes that touch are one interval."""
    found: list[tuple[float, float]] = []
    for shown in film:
        if say_event(shown.scene) == event:
            if found and found[-1][1] == shown.start:
                found[-1] = found[-1][0], shown.end
            else:
                found.append((shown.start, shown.end))
    return found


def find_all(session: Session, path: Path, film: list[Shown], count: int) -> Iterator[dict]:
    for event in draw_events(film, count):
        finding = find_in(session, str(path), Search(event))
        given = [(one.start_seconds, one.end_seconds) for one in finding.intervals]
        truth = list_truth(film, event)
        best = [max((overlap(span, one) for one in given), default=0.0) for span in truth]
        right = sum(any(overlap(span, one) >= LEAST_OVERLAP for span in truth) for one in given)
        row = {"event": event, "truth": truth, "given": given, "right": right}
        yield row | {"overlaps": [round(value, 3) for value in best]}
        print(event, row, flush=True)


def draw_questions(film: list[Shown], count: int) -> list[tuple[str, float]]:
    """When-questions with one answer: what is asked about happens in one scene alone."""
    triples = [say_event(shown.scene) for shown in film]
    asked = []
    for shown in film:
        doing = DOINGS.get(shown.scene.motion)
        if doing is None or triples.count(say_event(shown.scene)) > 1:
            continue
        if (seconds := shown.first(doing[0])) is not None:
            noun = f"{shown.scene.colour} {shown.scene.shape}"
            asked.append((f"when does the {noun} first {doing[1]}?", seconds))
    return asked[:count]


def ask_all(session: Session, path: Path, film: list[Shown], count: int) -> Iterator[dict]:
    step = 1 / session.settings.sampling.fps
    for question, truth in draw_questions(film, count):
        answer = ask_when(session, path, question, EVERYTHING)
        given = [span.start_seconds for span in answer.spans]
        off = min((abs(t - truth) for t in given), default=None)
        row = {"question": question, "truth": round(truth, 3), "given": given, "off": off}
        yield row | {"right": off is not None and off <= step + 1e-6 and len(given) == 1}
        print(row, flush=True)


def sum_up(found: list[dict], asked: list[dict]) -> dict:
    overlaps = [value for row in found for value in row["overlaps"]]
    given = sum(len(row["given"]) for row in found)
    return {
        "find": {
            "events": len(found), "intervals": len(overlaps), "least_overlap": LEAST_OVERLAP,
            "bar": BAR_FIND,
            "reached": sum(v >= LEAST_OVERLAP for v in overlaps) / max(len(overlaps), 1),
            "precision": sum(row["right"] for row in found) / max(given, 1),
        },
        "when": {
            "questions": len(asked), "bar": BAR_WHEN,
            "right": sum(row["right"] for row in asked) / max(len(asked), 1),
            "unknown": sum(not row["given"] for row in asked),
            "within_a_second": sum(r["off"] is not None and r["off"] <= 1 for r in asked)
            / max(len(asked), 1),
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    film = draw_film(60 * args.minutes)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "film.mp4")
        write_film(film, path)
        with open_reading(Path(name), command="bench") as session:
            asked = list(ask_all(session, path, film, args.questions))
            found = list(find_all(session, path, film, args.events))
    summary = {"minutes": args.minutes, "scenes": len(film), **sum_up(found, asked)}
    args.results.parent.mkdir(parents=True, exist_ok=True)
    document = {**summary, "find_rows": found, "when_rows": asked}
    args.results.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
