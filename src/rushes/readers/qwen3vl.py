"""Qwen3-VL and its kin, spotter among them, over transformers' ``Qwen3VLForConditionalGeneration``.

The clip is read once: its keys and values stay in the cache, every question is put behind them and
taken away again. Decoding is greedy whatever the checkpoint's generation settings say, so that an
answer can be had again. torch and transformers are imported at the first question.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rushes.errors import UsageError
from rushes.readers.base import MAX_TOKENS, Answer, Frames, Sampling
from rushes.readers.qwen3vl_settings import read_settings
from rushes.readers.qwen3vl_video import average_times, prepare_pixels, write_blocks
from rushes.readers.times import find_spans

if TYPE_CHECKING:
    import torch

VIDEO, START, END = "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"
"""The family's tokens, where a tokenizer names no others."""

MODEL_TYPES = ("qwen3_vl", "qwen3_vl_moe")


class Qwen3VL:
    """The family."""

    version = 1

    def open(self, folder: Path, device: str, dtype: str | None = None) -> LoadedQwen3VL:
        """A checkpoint folder in the hub's layout.

        Raises:
            UsageError: it is none of this family, or a file of it is missing.
        """
        path = folder / "config.json"
        try:
            kind = json.loads(path.read_text("utf-8")).get("model_type")
        except (OSError, ValueError, AttributeError) as exc:
            raise UsageError(
                f"{folder} is not a checkpoint: its config.json cannot be read",
                where=str(path),
                hint="name a folder in the hub's layout",
            ) from exc
        if kind not in MODEL_TYPES:
            raise UsageError(
                f"{folder} holds a {kind!r}, not a Qwen3-VL",
                where=f"{path}:model_type",
                hint=f"this family reads {' and '.join(MODEL_TYPES)}",
            )
        return LoadedQwen3VL(folder, device, dtype)


@dataclass(frozen=True, slots=True)
class _Clip:
    """A clip that was read: what stands before every question about it."""

    frames: Frames
    ids: list[int]
    grid: tuple[int, int, int]
    cache: Any


class LoadedQwen3VL:
    """A checkpoint on one device.

    Args:
        dtype: where None, float32 on a CPU and the checkpoint's own type elsewhere.
    """

    def __init__(self, folder: Path, device: str, dtype: str | None = None) -> None:
        self.folder = folder
        self.device = device
        self.dtype = dtype or ("float32" if device == "cpu" else "auto")
        self.settings = read_settings(folder)
        self.loads: dict[str, float] = {}
        self._parts: dict[str, Any] = {}
        self._clip: _Clip | None = None

    @property
    def sampling(self) -> Sampling:
        return self.settings.sampling

    @property
    def name(self) -> str:
        """How answers call the model."""
        return self.folder.name

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
        classes = {
            "qwen3_vl": transformers.Qwen3VLForConditionalGeneration,
            "qwen3_vl_moe": transformers.Qwen3VLMoeForConditionalGeneration,
        }
        try:
            model = classes[kind].from_pretrained(
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

    def ask(self, frames: Frames, question: str, *, max_tokens: int = MAX_TOKENS) -> Answer:
        """Answer a question about a clip."""
        import torch

        before, after = self._write_prompt(question)
        with torch.inference_mode():
            if self._clip is None or self._clip.frames is not frames:
                self._clip = self._read_clip(frames, before)
            asked = self._encode(after)
            said = self._decode(self._clip, asked, max_tokens)
        text = str(self.part("tokenizer").decode(said, skip_special_tokens=True)).strip()
        depth = self.settings.temporal_patch_size
        return Answer(
            answer=text,
            spans=find_spans(text, average_times(frames.seconds, depth)[-1] + self._patch_seconds),
            frames=frames.seconds,
            model=self.name,
            tokens=len(self._clip.ids) + len(asked) + len(said),
        )

    @property
    def _patch_seconds(self) -> float:
        return self.settings.temporal_patch_size / self.settings.fps

    def _write_prompt(self, question: str) -> tuple[str, str]:
        """The text before the clip and the text after it."""
        tokenizer = self.part("tokenizer")
        if not question.strip():
            raise UsageError("the question is empty", hint="ask something about the clip")
        control = next((t for t in tokenizer.all_special_tokens if t in question), None)
        control = control or next((t for t in (VIDEO, START, END) if t in question), None)
        if control:
            raise UsageError(
                f"the question holds {control}, which is a control token of {self.name}",
                hint="leave it out",
            )
        content = [{"type": "video"}, {"type": "text", "text": question.strip()}]
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        before, pad, after = str(prompt).partition(self._token("video_token", VIDEO))
        if not pad:
            raise UsageError(
                f"the chat template of {self.name} has no place for a video",
                where=str(self.folder / "chat_template.jinja"),
            )
        return before, after

    def _token(self, name: str, default: str) -> str:
        return str(getattr(self.part("tokenizer"), name, None) or default)

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self.part("tokenizer")(text, add_special_tokens=False)["input_ids"]
        return ids

    def _read_clip(self, frames: Frames, before: str) -> _Clip:
        """Run everything up to the clip's last block once."""
        import torch

        model, settings = self.part("model"), self.settings
        pixels = prepare_pixels(frames, settings)
        pad = self._token("video_token", VIDEO)
        blocks = write_blocks(
            average_times(frames.seconds, settings.temporal_patch_size),
            pixels.grid[1] * pixels.grid[2] // settings.merge_size**2,
            pad,
            self._token("vision_start_token", START),
            self._token("vision_end_token", END),
        )
        ids = self._encode(before + blocks)
        out = model(
            input_ids=torch.tensor([ids], device=self.device),
            position_ids=self._number_positions(ids, pixels.grid),
            pixel_values_videos=pixels.values.to(self.device),
            video_grid_thw=torch.tensor([pixels.grid], device=self.device),
            use_cache=True,
            logits_to_keep=1,
        )
        return _Clip(frames, ids, pixels.grid, out.past_key_values)

    def _number_positions(self, ids: list[int], grid: tuple[int, int, int]) -> torch.Tensor:
        """(3, 1, tokens) int64: time, row and column of each token, as the class numbers them."""
        import torch

        model = self.part("model")
        tokens = torch.tensor([ids], device=self.device)
        kinds = 2 * (tokens == model.config.video_token_id).int()
        positions: torch.Tensor = model.model.get_rope_index(
            tokens, kinds, video_grid_thw=torch.tensor([grid], device=self.device)
        )[0]
        return positions

    def _decode(self, clip: _Clip, asked: list[int], max_tokens: int) -> list[int]:
        """The likeliest tokens one by one; the cache is left as it was found."""
        start = len(clip.ids)
        positions = self._number_positions(clip.ids + asked, clip.grid)[:, :, start:]
        stops, said, given = self._find_stops(), list[int](), asked
        try:
            for _ in range(max_tokens):
                token = self._next(clip, given, positions)
                if token in stops:
                    break
                said.append(token)
                given, positions = [token], positions.amax().view(1, 1, 1).expand(3, 1, 1) + 1
        finally:
            clip.cache.crop(start - clip.cache.get_seq_length())
        return said

    def _next(self, clip: _Clip, given: list[int], positions: torch.Tensor) -> int:
        import torch

        out = self.part("model")(
            input_ids=torch.tensor([given], device=self.device),
            position_ids=positions,
            past_key_values=clip.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return int(out.logits[0, -1].argmax())

    def _find_stops(self) -> set[int]:
        ends = self.part("model").generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        return {
            int(token)
            for token in [*ends, self.part("tokenizer").eos_token_id]
            if token is not None
        }
