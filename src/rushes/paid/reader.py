"""Readers that are paid: frames are sampled here, as for any server, and go through the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from rushes.catalogue.remote import Remote
from rushes.catalogue.server import ServedReader
from rushes.paid.gateway import Gateway
from rushes.readers.base import MAX_TOKENS, Answer, Frames, ReaderSettings, ServedBy, Words
from rushes.readers.openai import find_context, make_settings, write_frames
from rushes.readers.times import find_end, find_spans

ASSUMED = "qwen3-vl-8b"
"""As which reader a closed one is shown frames, where the project does not say."""


def describe_server(remote: Remote) -> ServedReader:
    """The remote as a server that runs a reader: its sampling and its room."""
    return ServedReader(remote.name, remote.like or ASSUMED, remote.url, remote.model)


@dataclass(slots=True)
class PaidReader:
    """One that is asked through the gateway; ``usd`` and tokens are of all its answers."""

    remote: Remote
    gateway: Gateway
    intent: str
    loads: Mapping[str, float] = field(default_factory=dict)
    usd: Decimal = Decimal(0)
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def settings(self) -> ReaderSettings:
        """How clips are sampled for it."""
        return make_settings(describe_server(self.remote))

    @property
    def context(self) -> int:
        """Tokens of everything together, at most."""
        return find_context(describe_server(self.remote))

    def ask(
        self,
        frames: Frames,
        question: str,
        *,
        max_tokens: int = MAX_TOKENS,
        on_words: Words | None = None,
    ) -> Answer:
        """Answer a question about a clip.

        Args:
            on_words: is given the answer, whole.

        Raises:
            PolicyRefused, BudgetRefused: it may not be paid, or sent; nothing was.
            PaymentUnclear, ServerError: it was not answered.
        """
        server = describe_server(self.remote)
        content = [*write_frames(server, frames), {"type": "text", "text": question.strip()}]
        said = self.gateway.ask(
            self.remote, [{"role": "user", "content": content}], "understand", self.intent,
            max_tokens,
        )  # fmt: skip
        self.usd += said.usd
        self.tokens_in += said.tokens_in
        self.tokens_out += said.tokens_out
        answer = Answer(
            answer=said.text,
            spans=find_spans(said.text, find_end(frames.seconds)),
            frames=frames.seconds,
            model=self.remote.name,
            tokens=said.tokens_in + said.tokens_out,
        )
        if on_words is not None:
            on_words(said.text)
        return replace(answer, server=ServedBy(self.remote.url, said.served))
