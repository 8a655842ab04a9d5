"""What all families over transformers' classes share: loading, one reading of a clip, greedy words.

The clip is read once: its keys and values stay in the cache, every question is put behind them and
taken away again. Decoding is greedy whatever the checkpoint's generation settings say, so that an
answer can be had again. A family says which class it is, and what a clip becomes. torch and
transformers are imported at the first question.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rushes.errors import UsageError
from rushes.readers.base import MAX_TOKENS, Answer, Frames, ReaderSettings, Sampling, Words
from rushes.readers.caching import keep_states, rewind
from rushes.readers.speaking import Speaker
from rushes.readers.times import find_end, find_spans

if TYPE_CHECKING:
    import torch


YES, NO = ("yes", "Yes", " yes", " Yes"), ("no", "No", " no", " No")
"""How an answer begins."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What a family makes of frames.

    Args:
        text: what stands for the clip in the prompt, with its placeholders written out.
        inputs: of the model's forward, beside tokens and positions.
        grid: (T, H, W) in patches, of families whose positions need it.
        times: seconds of each step of ``grid``.
    """

    text: str
    inputs: Mapping[str, torch.Tensor]
    grid: tuple[int, int, int] = (0, 0, 0)
    times: tuple[float, ...] = ()


@dataclass(slots=True)
class _Read:
    """A clip that was read: what stands before every question about it."""

    frames: Frames
    clip: Clip
    ids: list[int]
    cache: Any
    states: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)
    first: tuple[list[int], torch.Tensor] | None = None
    """What was asked last, and the logits of the first token after it."""


class LoadedTransformer(ABC):
    """A checkpoint on one device.

    Args:
        dtype: where None, float32 on a CPU and the checkpoint's own type elsewhere.
    """

    MODELS: ClassVar[dict[str, str]] = {}
    """transformers' class by ``model_type``."""

    MARKER = "<|video_pad|>"
    """What a chat template writes in the place of a video."""

    TEMPLATE: ClassVar[dict[str, Any]] = {}
    """Further arguments of the chat template."""

    def __init__(
        self, folder: Path, device: str, settings: ReaderSettings, dtype: str | None = None
    ) -> None:
        self.folder = folder
        self.device = device
        self.dtype = dtype or ("float32" if device == "cpu" else "auto")
        self.settings = settings
        self.loads: dict[str, float] = {}
        self._parts: dict[str, Any] = {}
        self._read: _Read | None = None

    @property
    def sampling(self) -> Sampling:
        """How clips are to be sampled."""
        return self.settings.sampling

    @property
    def name(self) -> str:
        """How answers call the model."""
        return self.folder.name

    @abstractmethod
    def make_clip(self, frames: Frames) -> Clip:
        """What the family makes of frames."""

    def write_after(self, frames: Frames) -> str:
        """What is said of the frames before the question."""
        return ""

    def number_positions(self, ids: list[int], clip: Clip) -> torch.Tensor | None:
        """Positions of the tokens, where the class does not simply count them."""
        return None

    def find_end(self, frames: Frames) -> float:
        """Seconds after which an answer's times are not of the clip."""
        return find_end(frames.seconds)

    def part(self, name: str) -> Any:
        """``model`` or ``tokenizer``, loaded once; ``loads`` keeps the seconds that it took."""
        if name not in self._parts:
            begin = time.perf_counter()
            self._parts[name] = self._load_model() if name == "model" else self._load_tokenizer()
            self.loads[name] = time.perf_counter() - begin
        return self._parts[name]

    def _load_model(self) -> Any:
        import transformers

        kind = json.loads((self.folder / "config.json").read_text("utf-8"))["model_type"]
        try:
            model = getattr(transformers, self.MODELS[kind]).from_pretrained(
                str(self.folder), local_files_only=True, use_safetensors=True, dtype=self.dtype
            )
        except OSError as exc:
            raise UsageError(
                f"{self.folder} has no weights that can be loaded",
                where=str(self.folder),
                hint="only safetensors are loaded; pull the checkpoint again",
            ) from exc
        return model.to(self.device).eval().requires_grad_(False)

    def _load_tokenizer(self) -> Any:
        import transformers

        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                str(self.folder), local_files_only=True, trust_remote_code=False
            )
        except (OSError, ValueError) as exc:
            raise UsageError(
                f"{self.folder} has no tokenizer that can be loaded",
                where=str(self.folder),
                hint="pull the checkpoint again",
            ) from exc
        legacy = self.folder / "chat_template.json"
        if tokenizer.chat_template is None and legacy.is_file():
            tokenizer.chat_template = json.loads(legacy.read_text("utf-8"))["chat_template"]
        return tokenizer

    def ask(
        self,
        frames: Frames,
        question: str,
        *,
        max_tokens: int = MAX_TOKENS,
        on_words: Words | None = None,
    ) -> Answer:
        """Answer a question about a clip."""
        import torch

        before, after = self._write_prompt(question, self.write_after(frames))
        with torch.inference_mode():
            if self._read is None or self._read.frames is not frames:
                self._read = self._read_clip(frames, before)
            asked = self._encode(after)
            speaker = None if on_words is None else Speaker(self.part("tokenizer"), on_words)
            said = self._decode(self._read, asked, max_tokens, speaker)
        text = str(self.part("tokenizer").decode(said, skip_special_tokens=True)).strip()
        return Answer(
            answer=text,
            spans=find_spans(text, self.find_end(frames)),
            frames=frames.seconds,
            model=self.name,
            tokens=len(self._read.ids) + len(asked) + len(said),
        )

    def weigh_yes(self, frames: Frames, question: str) -> float:
        """How likely the answer begins with yes rather than with no, 0 to 1."""
        import torch

        before, after = self._write_prompt(question, self.write_after(frames))
        with torch.inference_mode():
            if self._read is None or self._read.frames is not frames:
                self._read = self._read_clip(frames, before)
            read, asked = self._read, self._encode(after)
            if read.first is None or read.first[0] != asked:
                self._decode(read, asked, 1)
            assert read.first is not None
            logits = read.first[1].float()
        yes, no = (self._first_tokens(words) for words in (YES, NO))
        both = torch.logsumexp(logits[[*yes, *no]], 0)
        return float((torch.logsumexp(logits[[*yes]], 0) - both).exp())

    def _first_tokens(self, words: tuple[str, ...]) -> list[int]:
        """The tokens with which an answer of one of these words begins."""
        return sorted({self._encode(word)[0] for word in words})

    def write_content(self, question: str) -> Any:
        """A user's message, with ``MARKER`` to come out where the clip is."""
        return [{"type": "video"}, {"type": "text", "text": question}]

    def list_controls(self) -> list[str]:
        """Tokens that a question may not hold."""
        return [self.MARKER]

    def _write_prompt(self, question: str, told: str) -> tuple[str, str]:
        """The text before the clip and the text after it."""
        tokenizer = self.part("tokenizer")
        if not question.strip():
            raise UsageError("the question is empty", hint="ask something about the clip")
        controls = [*tokenizer.all_special_tokens, *self.list_controls()]
        control = next((token for token in controls if token in question), None)
        if control:
            raise UsageError(
                f"the question holds {control}, which is a control token of {self.name}",
                hint="leave it out",
            )
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": self.write_content(told + question.strip())}],
            tokenize=False,
            add_generation_prompt=True,
            **self.TEMPLATE,
        )
        before, pad, after = str(prompt).partition(self.MARKER)
        if not pad:
            raise UsageError(
                f"the chat template of {self.name} has no place for a video",
                where=str(self.folder / "chat_template.jinja"),
            )
        return before, after

    def token(self, name: str, default: str) -> str:
        """One of the tokenizer's special tokens, by its role."""
        return str(getattr(self.part("tokenizer"), name, None) or default)

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self.part("tokenizer")(text, add_special_tokens=False)["input_ids"]
        return ids

    def _read_clip(self, frames: Frames, before: str) -> _Read:
        """Run everything up to the clip's end once."""
        model, clip = self.part("model"), self.make_clip(frames)
        ids = self._encode(before + clip.text)
        out = model(
            **self._make_ids(ids),
            **self._place(self.number_positions(ids, clip)),
            **{name: value.to(self.device) for name, value in clip.inputs.items()},
            use_cache=True,
            logits_to_keep=1,
        )
        read = _Read(frames, clip, ids, out.past_key_values)
        read.states = keep_states(read.cache)
        return read

    def _make_ids(self, ids: list[int]) -> dict[str, torch.Tensor]:
        import torch

        return {"input_ids": torch.tensor([ids], device=self.device)}

    @staticmethod
    def _place(positions: torch.Tensor | None) -> dict[str, torch.Tensor]:
        return {} if positions is None else {"position_ids": positions}

    def _decode(
        self,
        read: _Read,
        asked: list[int],
        max_tokens: int,
        speaker: Speaker | None = None,
    ) -> list[int]:
        """The likeliest tokens one by one; the cache is left as it was found."""
        start = len(read.ids)
        positions = self.number_positions(read.ids + asked, read.clip)
        if positions is not None:
            positions = positions[:, :, start:]
        stops, said, given = self._find_stops(), list[int](), asked
        try:
            for _ in range(max_tokens):
                logits = self._forward(read, given, positions)
                if given is asked:
                    read.first = asked, logits
                token = int(logits.argmax())
                if token in stops:
                    break
                said.append(token)
                if speaker is not None:
                    speaker.hear([token])
                given = [token]
                if positions is not None:
                    positions = positions.amax().view(1, 1, 1).expand(3, 1, 1) + 1
        finally:
            rewind(read.cache, start, read.states)
        if speaker is not None:
            speaker.end()
        return said

    def _forward(
        self, read: _Read, given: list[int], positions: torch.Tensor | None
    ) -> torch.Tensor:
        """Logits of the next token, (vocabulary,)."""
        out = self.part("model")(
            **self._make_ids(given),
            **self._place(positions),
            past_key_values=read.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = out.logits[0, -1]
        return logits

    def _find_stops(self) -> set[int]:
        ends = self.part("model").generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        return {
            int(token)
            for token in [*ends, self.part("tokenizer").eos_token_id]
            if token is not None
        }
