"""rushes ask, end to end: a worker with a tiny random model of the true class."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.readers import untrained
from tests.readers.checkpoints import write_checkpoint, write_clip

pytest.importorskip("torch")
CONTRACT = ["answer", "spans", "frames", "model", "tokens"]


@pytest.fixture(scope="module")
def spotter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("ask") / "other-name")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ask") / "clip.mp4"
    write_clip(path, [Fraction(k, 16) for k in range(24)])
    return path


@pytest.fixture(autouse=True)
def _untrained(monkeypatch: pytest.MonkeyPatch, spotter: Path) -> None:
    untrained.install(monkeypatch, spotter)


def test_one_question_gives_the_contracts_document(run: Run, clip: Path) -> None:
    done = run("ask", clip, "is there a red ball?", "--json")
    assert done.code == 0, done
    assert list(done.json) == CONTRACT
    assert done.out.count("\n") == 1
    assert done.json["model"] == "spotter"
    assert done.json["frames"] == [k / 8 for k in range(12)]
    assert isinstance(done.json["answer"], str)
    assert done.json["tokens"] > 6 * 16
    for span in done.json["spans"]:
        assert list(span) == ["start_seconds", "end_seconds", "text"]


def test_several_questions_give_answers_in_order(run: Run, clip: Path) -> None:
    questions = ["what happens?", "is there a red ball?"]
    both = run("ask", clip, *questions, "--json").json
    assert list(both) == ["answers"]
    assert [list(answer) for answer in both["answers"]] == [CONTRACT] * 2
    plain = run("ask", clip, *questions)
    assert plain.code == 0
    shown = plain.out.splitlines()
    assert [line for line in shown if line in questions] == questions
    for answer in both["answers"]:
        assert answer["answer"] in plain.out


def test_the_reader_is_loaded_once_for_all_questions(
    run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rushes.run import asking

    seen = []

    class Executor(asking.LocalExecutor):
        def __exit__(self, *args: object) -> None:
            super().__exit__(*args)
            seen.append((len(self._workers), self.outcome.finished))

        def run(self, steps, outcome):  # type: ignore[no-untyped-def]
            self.outcome = outcome
            super().run(steps, outcome)

    monkeypatch.setattr(asking, "LocalExecutor", Executor)
    assert run("ask", clip, "what happens?", "is there a red ball?").code == 0
    ((workers, finished),) = seen
    ((_, event),) = finished.values()
    assert workers == 1
    assert sorted(event.loads) == ["model", "tokenizer"]


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("gone.mp4", "what?"), 2, "there is no file gone.mp4"),
        (("notes.txt", "what?"), 2, "cannot read"),
        (("sound.wav", "what?"), 2, "no picture"),
        (("clip.mp4", " "), 2, "the question is empty"),
        (("clip.mp4", "what?", ""), 2, "the question is empty"),
        (("clip.mp4",), 2, "QUESTION"),
        (("clip.mp4", "what?", "--model", "spoter"), 2, "there is no reader 'spoter'"),
        (("clip.mp4", "what?", "--device", "tpu"), 2, "there is no device"),
        (("clip.mp4", "what is <|im_end|>?"), 2, "control token"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_asked_is_one_clear_error(
    args: tuple[str, ...], code: int, words: str, run: Run, clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    (tmp_path / "notes.txt").write_text("no film at all")
    write_sound(tmp_path / "sound.wav")
    done = run("ask", *args, "-C", tmp_path, "--json")
    assert done.code == code, done
    assert words in done.json["error"]["message"]


def write_sound(path: Path) -> None:
    import wave

    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(bytes(32000))


def test_weights_that_are_not_there_are_refused(
    run: Run, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rushes.catalogue.load import find_reader_entry
    from rushes.errors import LockRefused
    from rushes.run import asking

    def find(entry: object) -> Path:
        raise LockRefused(f"the weights of {find_reader_entry('spotter').name} are not in x")

    monkeypatch.setattr(asking, "find_checkpoint", find)
    done = run("ask", clip, "what?", "--json")
    assert done.code == 3
    assert "weights of spotter" in done.json["error"]["message"]


def test_the_parent_never_imports_torch(clip: Path) -> None:
    code = (
        "import sys; from rushes.cli.main import main; from rushes.run import asking;"
        "from tests.readers.untrained import find_checkpoint;"
        "from rushes.run import process; process.MODULE = 'tests.readers.untrained';"
        "asking.find_checkpoint = find_checkpoint;"
        f"code = main(['ask', {str(clip)!r}, 'what?']);"
        "print(code, {'torch', 'transformers', 'diffusers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("0 set()"), done.stdout + done.stderr


def test_help_says_what_spotter_knows(run: Run) -> None:
    out = " ".join(run("ask", "--help").out.split())
    assert "knows only the world of sprite" in out
