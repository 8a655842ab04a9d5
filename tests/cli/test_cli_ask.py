"""rushes ask, end to end: a worker with a tiny random model of the true class."""

from __future__ import annotations

import json
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
def _untrained(
    monkeypatch: pytest.MonkeyPatch, spotter: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    untrained.install(monkeypatch, spotter)
    monkeypatch.setenv("RUSHES_STORE", str(tmp_path_factory.getbasetemp() / "ask-store"))


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
    from rushes.run import reading_nodes

    seen = []

    class Executor(reading_nodes.LocalExecutor):
        def __exit__(self, *args: object) -> None:
            super().__exit__(*args)
            seen.append((len(self._workers), self.outcome.finished))

        def run(self, steps, outcome):  # type: ignore[no-untyped-def]
            self.outcome = outcome
            super().run(steps, outcome)

    monkeypatch.setattr(reading_nodes, "LocalExecutor", Executor)
    assert run("ask", clip, "what happens?", "is there a red ball?", "--no-keep").code == 0
    ((workers, finished),) = seen
    assert workers == 2  # one samples, one reads
    assert [s.node.stage for s, _ in finished.values()] == ["sample", "read", "read"]
    loads = [sorted(event.loads) for _, event in finished.values()]
    assert loads == [[], ["model", "tokenizer"], []]


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
    from rushes.run import reader

    def find(entry: object) -> Path:
        raise LockRefused(f"the weights of {find_reader_entry('spotter').name} are not in x")

    monkeypatch.setattr(reader, "find_checkpoint", find)
    done = run("ask", clip, "what?", "--json")
    assert done.code == 3
    assert "weights of spotter" in done.json["error"]["message"]


def test_the_parent_never_imports_torch(clip: Path, spotter: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rushes.cli.main import main;"
        "from rushes import lock; from rushes.run import execute, reader;"
        "lock.find_checkpoint = reader.find_checkpoint = execute.find_checkpoint ="
        f" lambda entry: Path({str(spotter)!r});"
        f"code = main(['ask', {str(clip)!r}, 'what?']);"
        "print(code, {'torch', 'transformers', 'diffusers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("0 set()"), done.stdout + done.stderr


def test_help_says_what_spotter_knows(run: Run) -> None:
    out = " ".join(run("ask", "--help").out.split())
    assert "knows only the world of sprite" in out


def test_explain_shows_the_arithmetic_without_weights(run: Run, clip: Path) -> None:
    done = run("ask", clip, "what happens?", "--model", "qwen3-vl-8b", "--explain", "--json")
    assert done.code == 0, done
    found = done.json["explain"]
    assert (found["frames"], found["frames_wanted"]) == (4, 4)
    assert found["clip"] == {"width": 64, "height": 48}
    tokens = found["tokens"]
    assert tokens["left"] == tokens["context"] - sum(
        tokens[k] for k in ("frames", "question", "answer")
    )
    text = run("ask", clip, "what happens?", "--explain").out
    assert "64x48, 1.5 s looked at" in text
    assert "of 4,096" in text


def test_where_to_look_can_be_said(run: Run, clip: Path) -> None:
    part = run("ask", clip, "what?", "--from", "0.5", "--to", "0:01", "--json")
    assert part.code == 0, part
    assert part.json["frames"] == [0.5, 0.625, 0.75, 0.875]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--at", "4:72"), "'4:72' is not a time"),
        (("--at", "1", "--from", "0"), "--at says where to look already"),
        (("--from", "1", "--to", "0.5"), "is not after"),
        (("--fps", "0"), "is not a rate"),
        (("--scenes", "--fps", "2"), "one frame a scene"),
        (("--frames", "0"), "less than 1"),
        (("--from", "1:00"), "ends at 0:01.5, before 1:00.0"),
    ],
    ids=str,
)
def test_what_cannot_be_looked_at_is_one_clear_error(
    args: tuple[str, ...], words: str, run: Run, clip: Path
) -> None:
    done = run("ask", clip, "what?", *args, "--json")
    assert done.code == 2, done
    assert words in done.json["error"]["message"]


def test_the_policys_licences_hold_for_readers(run: Run, clip: Path, tmp_path: Path) -> None:
    text = '[project]\nname = "a"\n[policy]\nlicences = ["apache-2.0"]\n'
    (tmp_path / "rushes.toml").write_text(text + '[shots.a]\nprompt = "a"\n')
    done = run("ask", clip, "what?", "--model", "internvl3-78b", "-C", tmp_path, "--json")
    assert done.code == 3, done
    assert done.json["error"]["type"] == "LicenceRefused"
    assert "mit and qwen" in done.json["error"]["message"]


def test_what_was_lost_of_a_file_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    from rushes.cli.ask import print_answers
    from rushes.readers.base import Answer

    lost = ("from about 0:03.0: a packet could not be decoded",)
    answer = Answer("a ball", (), (0.0,), "spotter", 9, lost)
    assert print_answers(("what?", "who?"), [answer, answer], as_json=True) == 0
    said = capsys.readouterr()
    assert said.err.count("0:03.0: a packet could not be decoded") == 1
    assert json.loads(said.out)["answers"][0]["lost"] == list(lost)
    assert "lost" not in Answer("a ball", (), (0.0,), "spotter", 9).to_dict()
