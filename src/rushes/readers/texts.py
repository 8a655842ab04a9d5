"""Text models: words in, words out. In process over transformers' classes, or behind a server that
speaks as OpenAI's. Decoding is greedy; only safetensors are loaded, and no code of a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rushes.catalogue.server import OwnText
from rushes.errors import UsageError
from rushes.readers.base import Answer, ServedBy, Words
from rushes.readers.chat import follow_answer, read_answer
from rushes.readers.http import Sender
from rushes.readers.openai import read_token
from rushes.readers.speaking import Speaker

NO_THINKING = "qwen3"
"""Models whose templates think first unless they are told not to begin so."""


class TextModel(Protocol):
    """A text model that is open."""

    def write(self, prompt: str, max_tokens: int, on_words: Words | None = None) -> Answer:
        """What it says to a prompt; ``frames`` and ``spans`` of the answer are empty."""

    def count(self, text: str) -> int:
        """Tokens of a text, at most."""


@dataclass(slots=True)
class LoadedText:
    """A checkpoint in the hub's layout on a device; its weights are loaded at the first prompt."""

    folder: Path
    device: str
    name: str
    _parts: dict[str, Any] = field(default_factory=dict)

    def _part(self, what: str) -> Any:
        import transformers

        if what not in self._parts:
            place = str(self.folder)
            try:
                self._parts[what] = (
                    transformers.AutoTokenizer.from_pretrained(place, local_files_only=True)
                    if what == "tokenizer"
                    else transformers.AutoModelForCausalLM.from_pretrained(
                        place, local_files_only=True, use_safetensors=True,
                        dtype="float32" if self.device == "cpu" else "auto",
                    ).to(self.device).eval()
                )  # fmt: skip
            except (OSError, ValueError) as exc:
                raise UsageError(
                    f"{self.folder} has no {what} of a text model that can be loaded",
                    where=place,
                    hint="only safetensors of classes that transformers knows are loaded",
                ) from exc
        return self._parts[what]

    def count(self, text: str) -> int:
        return len(self._part("tokenizer")(text)["input_ids"])

    def write(self, prompt: str, max_tokens: int, on_words: Words | None = None) -> Answer:
        import torch

        tokenizer, model = self._part("tokenizer"), self._part("model")
        turns = [{"role": "user", "content": prompt}]
        text = prompt if tokenizer.chat_template is None else tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )  # fmt: skip
        asked = tokenizer(text, return_tensors="pt", add_special_tokens=False).to(self.device)
        with torch.inference_mode():
            out = model.generate(
                input_ids=asked["input_ids"], attention_mask=asked["attention_mask"],
                do_sample=False, num_beams=1, max_new_tokens=max_tokens,
                streamer=None if on_words is None else _Streamer(Speaker(tokenizer, on_words)),
            )  # fmt: skip
        said = out[0, asked["input_ids"].shape[1] :].tolist()
        words = str(tokenizer.decode(said, skip_special_tokens=True)).strip()
        return Answer(words, (), (), self.name, int(out.shape[1]))


@dataclass(slots=True)
class _Streamer:
    """What transformers' ``generate`` gives its tokens to: the prompt's first."""

    speaker: Speaker
    _begun: bool = False

    def put(self, tokens: Any) -> None:
        if self._begun:
            self.speaker.hear(tokens.reshape(-1).tolist())
        self._begun = True

    def end(self) -> None:
        self.speaker.end()


@dataclass(slots=True)
class ServedText:
    """A text model behind an address."""

    server: OwnText
    sender: Sender

    def count(self, text: str) -> int:
        """A token is never less than a byte."""
        return len(text.encode())

    def write(self, prompt: str, max_tokens: int, on_words: Words | None = None) -> Answer:
        url = f"{self.server.url}/chat/completions"
        request: dict[str, Any] = {
            "model": self.server.served,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": max_tokens,
            "stream": False,
        }
        if self.server.like.startswith(NO_THINKING):
            request["chat_template_kwargs"] = {"enable_thinking": False}
        said = self.sender.post(url, request) if on_words is None else (
            follow_answer(self.sender, url, request, on_words)
        )  # fmt: skip
        text, model, tokens = read_answer(said, self.sender.where)
        by = ServedBy(self.server.url, model)
        return Answer(text, (), (), self.server.name, tokens, server=by)


@contextmanager
def open_text(
    own: OwnText | None, name: str, folder: Path, device: str, environment: Mapping[str, str]
) -> Iterator[TextModel]:
    """A text model; nothing is loaded or sent until it is asked.

    Args:
        own: where the project says it is; None for one of the catalogue.
        folder: of the checkpoint, where it is run here.

    Raises:
        UsageError: the token of its server is not there.
    """
    if own is None or not own.url:
        yield LoadedText(folder, device, name)
        return
    where = f"the server of {own.name} ({own.origin})"
    token = read_token(own, environment)
    sender = Sender(where, own.retries, own.timeout_seconds, token)
    with sender.client:
        yield ServedText(own, sender)
