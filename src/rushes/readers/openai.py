"""Readers that a server runs: anything that answers ``/chat/completions`` as OpenAI's servers do.

vLLM, transformers serve, llama.cpp's server and LiteLLM's proxy do. Frames are sampled here, made
as small as the model would see them, and sent as JPEG: each a picture with its time before it, or,
to vLLM, all of them as one video of ready frames, with their times in a sentence.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rushes.catalogue.load import find_reader_entry
from rushes.catalogue.server import OwnText, ServedReader
from rushes.errors import UsageError
from rushes.readers.base import (
    MAX_TOKENS,
    Answer,
    Frames,
    Measured,
    ReaderSettings,
    Sampling,
    ServedBy,
    Words,
)
from rushes.readers.budget import read_entry
from rushes.readers.chat import follow_answer, read_answer
from rushes.readers.http import Sender
from rushes.readers.qwen3vl_settings import TIME_TOKENS
from rushes.readers.times import find_end, find_spans, list_times

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1
"""Raised by hand when other things are sent for the same clip and question."""

JPEG_QUALITY = 90
MARKS_TOKENS = 8
"""Around one picture, at most."""
NO_THINKING = frozenset({"qwen3_5"})
"""Families whose templates think first unless they are told not to; vLLM, transformers serve and
llama.cpp pass the word on to the template."""


@dataclass(frozen=True, slots=True)
class ServedSettings:
    """How frames for a server are counted: as the catalogue counts those of the same reader.

    Pictures are not read in pairs, as frames of a video are by most families, so that each counts
    for itself.
    """

    base: ReaderSettings
    pictures: bool

    @property
    def sampling(self) -> Sampling:
        """That of the reader."""
        return self.base.sampling

    def measure(self, frames: int, height: int, width: int) -> Measured:
        size = self.base.measure(frames, height, width)
        if not self.pictures:
            return size
        rows, columns = shrink_size(height, width, size)
        one = self.base.measure(1, rows, columns).tokens + TIME_TOKENS + MARKS_TOKENS
        return Measured(rows, columns, frames * one)


def shrink_size(height: int, width: int, seen: Measured) -> tuple[int, int]:
    """(height, width) of the same shape with no more pixels than the model sees."""
    scale = min(math.sqrt(seen.height * seen.width / (height * width)), 1.0)
    return max(round(height * scale), 1), max(round(width * scale), 1)


def make_settings(server: ServedReader) -> ServedSettings:
    """How clips are sampled for a server; nothing is asked of it."""
    return ServedSettings(read_entry(find_reader_entry(server.like)), server.frames == "images")


def find_context(server: ServedReader) -> int:
    """Tokens of frames, question and answer together, at most."""
    return server.context or find_reader_entry(server.like).context


def read_token(server: ServedReader | OwnText, environment: Mapping[str, str]) -> str:
    """The server's token; "" where it needs none.

    Raises:
        UsageError: the variable that should hold it is not set, or holds what cannot be sent.
    """
    if not server.key_env:
        return ""
    token = environment.get(server.key_env, "").strip()
    if not token or not token.isascii() or not token.isprintable():
        fault = "holds what is no token" if token else "is not set"
        table = "readers" if isinstance(server, ServedReader) else "texts"
        raise UsageError(
            f"the variable {server.key_env} {fault}",
            where=f"{table}.{server.name}.key_env",
            hint=f"export {server.key_env}=…, the token of {server.origin}",
        )
    return token


@contextmanager
def open_server(server: ServedReader, environment: Mapping[str, str]) -> Iterator[ServerReader]:
    """A reader behind an address; nothing is sent until it is asked.

    Raises:
        UsageError: its token is not there.
    """
    where = f"the server of {server.name} ({server.origin})"
    token = read_token(server, environment)
    sender = Sender(where, server.retries, server.timeout_seconds, token)
    with sender.client:
        yield ServerReader(server, sender)


@dataclass(slots=True)
class ServerReader:
    """A server that is asked; a clip's frames are encoded once, and sent with every question."""

    server: ServedReader
    sender: Sender
    loads: Mapping[str, float] = field(default_factory=dict)
    _sent: tuple[Frames, list[dict[str, Any]]] | None = None

    @property
    def settings(self) -> ReaderSettings:
        """How clips are sampled for it."""
        return make_settings(self.server)

    @property
    def context(self) -> int:
        """Tokens of everything together, at most."""
        return find_context(self.server)

    def ask(
        self,
        frames: Frames,
        question: str,
        *,
        max_tokens: int = MAX_TOKENS,
        on_words: Words | None = None,
    ) -> Answer:
        """Answer a question about a clip.

        Raises:
            UsageError: there is no question.
            ServerError: the server cannot be reached, refuses, or answers nonsense.
        """
        if not question.strip():
            raise UsageError("the question is empty", hint="ask something about the clip")
        if self._sent is None or self._sent[0] is not frames:
            self._sent = frames, write_frames(self.server, frames)
        content = [*self._sent[1], {"type": "text", "text": question.strip()}]
        url = f"{self.server.url}/chat/completions"
        request = self._write_request(content, max_tokens)
        said = self.sender.post(url, request) if on_words is None else (
            follow_answer(self.sender, url, request, on_words)
        )  # fmt: skip
        text, model, tokens = read_answer(said, self.sender.where)
        return Answer(
            answer=text,
            spans=find_spans(text, find_end(frames.seconds)),
            frames=frames.seconds,
            model=self.server.name,
            tokens=tokens,
            server=ServedBy(self.server.url, model),
        )

    def _write_request(self, content: list[dict[str, Any]], max_tokens: int) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self.server.served,
            "messages": [{"role": "user", "content": content}],
            "temperature": 0,
            "max_tokens": max_tokens,
            "stream": False,
        }
        if find_reader_entry(self.server.like).family in NO_THINKING:
            request["chat_template_kwargs"] = {"enable_thinking": False}
        return request


def write_frames(server: ServedReader, frames: Frames) -> list[dict[str, Any]]:
    """What stands before every question about them."""
    size = make_settings(server).base.measure(len(frames.pixels), *frames.pixels[0].shape[:2])
    coded = [encode_frame(pixels, size) for pixels in frames.pixels]
    if server.frames == "video":
        url = f"data:video/jpeg;base64,{','.join(coded)}"
        video = {"type": "video_url", "video_url": {"url": url}}
        return [video, {"type": "text", "text": list_times(frames.seconds)}]
    parts: list[dict[str, Any]] = []
    for seconds, code in zip(frames.seconds, coded, strict=True):
        parts.append({"type": "text", "text": f"{seconds:.1f} seconds:"})
        url = f"data:image/jpeg;base64,{code}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts


def encode_frame(pixels: NDArray[np.uint8], size: Measured) -> str:
    """(H, W, 3) uint8 as JPEG in base64, with no more pixels than the model sees."""
    import numpy as np
    from PIL import Image

    from rushes.media import encode_image

    height, width = shrink_size(pixels.shape[0], pixels.shape[1], size)
    if (height, width) != pixels.shape[:2]:
        small = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
        pixels = np.asarray(small)
    return base64.b64encode(encode_image(pixels, "jpeg", JPEG_QUALITY)).decode("ascii")
