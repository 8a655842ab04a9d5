"""Digests: in process on a tiny random text model, and by a server that knows what to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.cli.main import main
from rushes.errors import UsageError
from rushes.readers.base import Answer
from rushes.run.digesting import find_sources, group_lines, make_digest
from tests.readers.contract.tokens import make_tokenizer
from tests.readers.loopback import Server, make_answer, start_server

LINES = [{"file": "a.mp4", "answer": "a van, at 3.0 s"}, {"file": "b.mp4", "answer": "nothing"}]
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}<|im_start|>"


def write_model(folder: Path, kind: str) -> Path:
    """A random checkpoint of the true class of Qwen3 or of Mixtral."""
    import torch
    import transformers

    tokenizer = make_tokenizer({}, ["<|im_start|>", "<|im_end|>"], TEMPLATE)
    shape = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
    }  # fmt: skip
    if kind == "Mixtral":
        shape |= {"num_local_experts": 4, "num_experts_per_tok": 2}
    torch.manual_seed(1)
    model = getattr(transformers, f"{kind}ForCausalLM")(
        getattr(transformers, f"{kind}Config")(**shape)
    )
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.15)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_project(folder: Path, texts: str, policy: str = "") -> Path:
    (folder / "rushes.toml").write_text(
        f'[project]\nname = "a"\n[policy]\n{policy}\n[texts.mine]\n{texts}\n'
    )
    (folder / "a.jsonl").write_text("\n".join(json.dumps(line) for line in LINES) + "\n")
    return folder


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, Any]:
    code = main(["digest", *args, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("kind", "like"), [("Qwen3", "qwen3-8b"), ("Mixtral", "mixtral-8x22b")])
def test_a_model_in_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, like: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("rushes.run.digesting.MAX_TOKENS", 8)
    write_model(tmp_path / "weights", kind)
    write_project(tmp_path, f'like = "{like}"\npath = "weights"', 'network = "none"')
    args = ("a.jsonl", "--model", "mine", "-C", str(tmp_path), "--device", "cpu")
    code, first = run(capsys, *args)
    assert code == 0, first
    assert first["readings"] == 2
    assert first["sources"] == ["a.mp4", "b.mp4"]
    assert first["tokens"] > 100
    assert first == run(capsys, *args)[1], "greedy: the same again"


@pytest.fixture
def server() -> Any:
    with start_server() as server:
        yield server


def serve(server: Server) -> str:
    return f'like = "mixtral-8x22b"\nserver = "{server.url}"\nserved = "mixtral"\nretries = 0'


def test_a_server_sums_up_what_it_was_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], server: Server
) -> None:
    write_project(tmp_path, serve(server), f'servers = ["{server.origin}"]')
    (tmp_path / "form.json").write_text('{"type": "object", "required": ["vans"]}')
    said = iter(["a van", '{"vans": 1}', "One van, in a.mp4 at 3.0 s."])
    server.answer = lambda body: make_answer(next(said))
    args = ("a.jsonl", "--model", "mine", "-C", str(tmp_path))
    code, formed = run(capsys, *args, "--schema", "form.json")
    assert code == 0, formed
    assert (formed["value"], formed["tokens"]) == ({"vans": 1}, 84)
    code, plain = run(capsys, *args, "--task", "How many vans?")
    assert plain["digest"] == "One van, in a.mp4 at 3.0 s."
    assert plain["server"] == {"url": server.url, "model": "its-own"}
    prompt = server.received[-1].body["messages"][0]["content"]
    assert '{"file":"a.mp4","answer":"a van, at 3.0 s"}' in prompt
    assert prompt.endswith("How many vans?")


@pytest.mark.parametrize("policy", ["", 'network = "none"', 'licences = ["mit"]'])
def test_nothing_is_sent_where_the_policy_does_not_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], server: Server, policy: str
) -> None:
    write_project(tmp_path, serve(server), policy)
    code, document = run(capsys, "a.jsonl", "--model", "mine", "-C", str(tmp_path))
    assert code == 3, document
    assert not server.seen


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ('like = "qwen3-8b"', "folder or behind a server"),
        ('like = "qwen3-8b"\npath = "a"\nserver = "http://a/v1"\nserved = "b"', "folder or"),
        ('like = "qwen3-8b"\nserver = "http://a/v1"', "folder or"),
        ('like = "nobody"\npath = "a"', "no text model"),
        ('like = "qwen3-8b"\npath = "a"', "is not here"),
    ],
)
def test_a_text_model_that_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], texts: str, words: str
) -> None:
    write_project(tmp_path, texts)
    code, document = run(capsys, "a.jsonl", "--model", "mine", "-C", str(tmp_path))
    assert code in (2, 3), document
    assert words in document["error"]["message"]


class Counter:
    """A model that says how many lines it was given; a token is a character."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def count(self, text: str) -> int:
        return len(text)

    def write(self, prompt: str, max_tokens: int, on_words: Any = None) -> Answer:
        self.given.append(prompt.count('{"'))
        return Answer("so many", (), (), "counter", 10)


def test_more_than_the_context_holds_is_summed_up_in_parts() -> None:
    lines = [json.dumps({"file": f"{n}.mp4", "answer": "x" * 200}) for n in range(20)]
    model = Counter()
    digest = make_digest(model, 3000, lines)
    assert digest.parts == len(model.given) - 1 > 1
    assert sum(model.given[:-1]) == 20
    assert model.given[-1] == digest.parts
    assert digest.tokens == 10 * len(model.given)
    assert digest.sources == tuple(f"{n}.mp4" for n in range(20))
    with pytest.raises(UsageError, match="there is room for"):
        make_digest(model, 2000, lines)


@given(st.lists(st.text(min_size=1, max_size=30), max_size=40), st.integers(32, 80))
def test_groups_hold_every_line_in_order(lines: list[str], room: int) -> None:
    groups = group_lines(Counter(), lines, room)
    assert [line for group in groups for line in group] == lines
    assert all(sum(len(line) + 2 for line in group) <= room for group in groups)


def test_sources_are_those_that_lines_name() -> None:
    lines = ['{"file": "a"}', "3", '{"source": "b"}', '{"file": "a"}', '{"file": 3}']
    assert find_sources(lines) == ("a", "b")
