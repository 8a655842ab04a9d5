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
from bench.sprite.adherence import wilson
from rushes.checks.prompt_statements import ask_for_things
from rushes.readers.sampling import EVERYTHING
from rushes.readers.windows import overlap
from rushes.run.finding import Search, find_in
from rushes.run.locating import ask_when, list_statements
from rushes.run.parts import find_scenes, read_parts
from rushes.run.reading import Session, open_reading
from rushes.run.scoring import list_windows
from training.spotter.events import find_first

RESULTS = Path(__file__).parent / "results" / "long_files.json"
LEAST_OVERLAP, BAR_FIND, BAR_WHEN = 0.6, 0.8, 0.9
DOINGS = {
    "bounces": ("floor", "touch the floor"),
    "slides": ("wall", "touch a wall"),
    "blinks": ("off", "go off"),
}
"""By motion, what it brings about and how that is asked."""


def draw_events(film: list[Shown], count: int, questions: list[str]) -> list[str]:
    """Events to search for, each of at least one scene, of objects that are asked about too: what
    was seen of them need not be read twice."""
    things = {thing for question in questions for thing in ask_for_things(question)}
    events = sorted({say_event(shown.scene) for shown in film})
    events = [event for event in events if Search(event).questions[0] in things or not things]
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


def find_all(session: Session, path: Path, film: list[Shown], events: list[str]) -> Iterator[dict]:
    for event in events:
        finding = find_in(session, str(path), Search(event))
        given = [(one.start_seconds, one.end_seconds) for one in finding.intervals]
        truth = list_truth(film, event)
        best = [max((overlap(span, one) for one in given), default=0.0) for span in truth]
        right = sum(any(overlap(span, one) >= LEAST_OVERLAP for span in truth) for one in given)
        row = {"event": event, "truth": truth, "given": given, "right": right}
        yield row | {"overlaps": [round(value, 3) for value in best]}
        print(event, row, flush=True)


def draw_questions(film: list[Shown], count: int) -> list[tuple[str, float]]:
    """When-questions with one answer: up to the scene in which it first happens it can be told of
    every scene with such an object whether and when it does."""
    asked: list[tuple[str, float]] = []
    nouns = sorted({(shown.scene.colour, shown.scene.shape) for shown in film})
    for colour, shape in nouns:
        same = [s for s in film if (s.scene.colour, s.scene.shape) == (colour, shape)]
        for kind, does in DOINGS.values():
            for shown in same:
                seconds, told = find_first(shown.clip, shown.clip.actors[0], kind)
                if told and seconds is not None:
                    question = f"when does the {colour} {shape} first {does}?"
                    asked.append((question, shown.start + seconds))
                if not told or seconds is not None:
                    break
    rng = np.random.default_rng(SEED)
    return [asked[k] for k in rng.permutation(len(asked))[:count]]


def read_ahead(session: Session, path: Path, events: list[str], questions: list[str]) -> None:
    """Ask every window all that will be asked first, in one look: the store has it then."""
    statements = [Search(event).questions[0] for event in events]
    statements += [list_statements(question)[0] for question in questions]
    longest = session.asked.entry.sampling.window_seconds
    windows = list_windows(find_scenes(session, path, EVERYTHING), longest)
    unique = sorted(set(statements))
    print(len(windows), "windows", len(unique), "statements", flush=True)
    for part in read_parts(session, path, windows, unique, weigh=True, among=windows):
        print(f"{part.span[1]:.1f}", end=" ", flush=True)


def ask_all(session: Session, path: Path, film: list[Shown], count: int) -> Iterator[dict]:
    step = 1 / session.settings.sampling.fps
    for question, truth in draw_questions(film, count):
        answer = ask_when(session, path, question, EVERYTHING)
        given = [span.start_seconds for span in answer.spans]
        off = min((abs(t - truth) for t in given), default=None)
        row = {"question": question, "truth": round(truth, 3), "given": given, "off": off}
        sure = not answer.answer.startswith("perhaps")
        row |= {"right": off is not None and off <= step + 1e-6 and len(given) == 1, "sure": sure}
        yield row
        print(row, flush=True)


def count_right(right: list[bool]) -> dict:
    """How many, their share, and its 95 % interval."""
    return wilson(sum(right), len(right))


def sum_up(found: list[dict], asked: list[dict]) -> dict:
    overlaps = [value for row in found for value in row["overlaps"]]
    precise = [k < row["right"] for row in found for k in range(len(row["given"]))]
    return {
        "find": {
            "events": len(found), "least_overlap": LEAST_OVERLAP, "bar": BAR_FIND,
            "reached": count_right([v >= LEAST_OVERLAP for v in overlaps]),
            "precision": count_right(precise),
        },
        "when": {
            "questions": len(asked), "bar": BAR_WHEN,
            "right": count_right([row["right"] for row in asked]),
            "unknown": sum(not row["given"] for row in asked),
            "within_a_second": sum(r["off"] is not None and r["off"] <= 1 for r in asked),
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--seed", type=int, default=SEED, help="of the film")
    parser.add_argument("--folder", type=Path, help="of film and store, to go on from")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    film = draw_film(60 * args.minutes, args.seed)
    about = {"minutes": args.minutes, "seed": args.seed, "scenes": len(film)}
    with tempfile.TemporaryDirectory() as name:
        folder = args.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "film.mp4"
        if not path.exists():
            write_film(film, path)
        with open_reading(folder, command="bench") as session:
            asked, found = list[dict](), list[dict]()
            questions = [question for question, _ in draw_questions(film, args.questions)]
            events = draw_events(film, args.events, questions)
            read_ahead(session, path, events, questions)
            for row in ask_all(session, path, film, args.questions):
                asked.append(row)
                write_results(args.results, about, found, asked)
            for row in find_all(session, path, film, events):
                found.append(row)
                write_results(args.results, about, found, asked)
    print(json.dumps(about | sum_up(found, asked), indent=1))


def write_results(to: Path, about: dict, found: list[dict], asked: list[dict]) -> None:
    """All so far."""
    document = {**about, **sum_up(found, asked), "find_rows": found, "when_rows": asked}
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
