"""A model behind an address, as a project's ``[remotes.NAME]`` describes it: paid, or a server of
one's own that runs an open model."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import Literal

from msgspec import Struct

from rushes.catalogue.grid import AudioGrid, Grid, LatentGrid
from rushes.catalogue.load import find_entry
from rushes.catalogue.model import Defaults, Model
from rushes.catalogue.server import find_origin
from rushes.catalogue.source import Licence, RemoteSource
from rushes.catalogue.text import read_text_entry, text_names

RemoteTask = Literal["generate", "understand", "reason", "code"]
Sendable = Literal["prompt", "frames", "audio"]
"""What may leave: words, pictures of any kind, sound."""

MESSAGE_TOKENS = 64
"""Around a message, at most: roles, marks, the beginning of the answer."""
NANO = Decimal("0.000000001")


class Remote(Struct, frozen=True):
    """One model that others run.

    Args:
        provider: who is paid; "" for a server of one's own.
        like: the open model of the catalogue that it is; "" for a closed one.
        protocol: LiteLLM's name of the provider's protocol; ``openai`` is also what vLLM speaks.
        model: what the provider calls it.
        url: up to and with the version.
        key_env: the environment variable that holds the token; "" for none.
        price prefixed ``usd_``: as text, since money is decimal; "" where there is none.
        tokens_per_image: that a picture counts for, at most.
        gone: the day on which it closed; "" while it is there.
        input_image: whether a clip may be given its first picture.
    """

    name: str
    provider: str
    model: str
    url: str
    tasks: tuple[RemoteTask, ...]
    protocol: str = "openai"
    like: str = ""
    key_env: str = ""
    usd_per_second: str = ""
    usd_per_item: str = ""
    usd_per_million_in: str = ""
    usd_per_million_out: str = ""
    tokens_per_image: int = 2000
    max_tokens: int = 1024
    sound: bool = False
    input_image: bool = False
    sizes: tuple[str, ...] = ()
    seconds: tuple[int, ...] = ()
    fps: float = 24.0
    classes: tuple[str, ...] = ()
    timeout_seconds: float = 300.0
    retries: int = 4
    hedge_seconds: float = 0.0

    @property
    def is_paid(self) -> bool:
        """Whether a provider is paid for it."""
        return bool(self.provider)

    @property
    def origin(self) -> str:
        """What a policy lists for servers of one's own."""
        return find_origin(self.url)

    def price_clip(self, seconds: float) -> Decimal | None:
        """USD of a clip; None where it has no price for that."""
        if not self.is_paid:
            return Decimal(0)
        if self.usd_per_item:
            return round_up(Decimal(self.usd_per_item))
        if self.usd_per_second:
            return round_up(Decimal(self.usd_per_second) * Decimal(str(seconds)))
        return None

    def price_tokens(self, tokens_in: int, tokens_out: int) -> Decimal | None:
        """USD of an answer; None where it has no price for that."""
        if not self.is_paid:
            return Decimal(0)
        if self.usd_per_item:
            return round_up(Decimal(self.usd_per_item))
        if not self.usd_per_million_in or not self.usd_per_million_out:
            return None
        whole = Decimal(self.usd_per_million_in) * tokens_in
        whole += Decimal(self.usd_per_million_out) * tokens_out
        return round_up(whole / 1_000_000)

    def bound_tokens(self, text_bytes: int, messages: int, images: int) -> int:
        """Tokens that go in, at most: no tokeniser makes more tokens than there are bytes."""
        return text_bytes + MESSAGE_TOKENS * messages + self.tokens_per_image * images


def find_licence(remote: Remote) -> Licence | None:
    """That of the open model it is like; None for a closed one."""
    if not remote.like:
        return None
    if remote.like in text_names():
        return read_text_entry(remote.like).licence
    return find_entry(remote.like).licence


def round_up(usd: Decimal) -> Decimal:
    """To a billionth of a dollar, never down."""
    return usd.quantize(NANO, rounding=ROUND_UP)


def make_remote_model(remote: Remote) -> Model:
    """A remote that makes clips in the shape of a catalogue entry, for grids and plans; it has no
    parts, and nothing of it is on this machine."""
    fps = remote.fps
    lengths = sorted(remote.seconds) or [5]
    step = round(min(b - a for a, b in zip([0, *lengths], lengths, strict=False)) * fps)
    return Model(
        name=remote.name,
        title=remote.model,
        about=f"Run by {remote.provider or remote.origin}.",
        family="remote",
        source=RemoteSource(remote.provider or remote.origin, remote.model),
        licence=Licence("provider-terms", "the provider's terms", remote.url, ""),
        dtype="float32",
        grid=Grid(
            frames_multiple=max(step, 1),
            frames_offset=0,
            frames_min=round(lengths[0] * fps),
            frames_max=round(lengths[-1] * fps),
            size_multiple=2,
            sizes=list(remote.sizes),
            fps=[fps],
        ),
        latents=LatentGrid(1, 1, 1, AudioGrid(1, 1, 1.0, 48_000) if remote.sound else None),
        defaults=Defaults(
            steps=1, guidance=1.0, size=remote.sizes[0] if remote.sizes else "1280x720",
            frames=round(lengths[0] * fps), fps=fps,
        ),
        parts=[],
        limits=[],
        verified="Not run here.",
        controls=["image"] if remote.input_image else [],
        remote=remote.name,
    )  # fmt: skip
