"""Spotter as it is trained: the true class, and three heads that help it and are thrown away.

Answers alone teach slowly what a picture shows. So while it trains, one linear layer reads from the
vision tower's tokens what lies where, and one from the language model's state after each block what
each object has been doing so far (labels.py); below the last layers, so that an answer's tokens can
look up what is known there. The third says of the words of a question that name an event when that
was, below the last two, which are left to compare what was looked up. None is exported.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLVisionModel

from training.spotter import labels, parts
from training.spotter.labels import Cells, Labels
from training.spotter.sequences import Batch, list_ticks
from training.spotter.tokenizer import TIMES

RARE = 4.0  # events are; what happens counts so much more than what does not
TIME_WEIGHT = 3.0  # of the token that is the time, in an answer
TIME_SPREAD = 0.07  # seconds, deviation: how near a time must be to be nearly right
MOMENT, SHARP = 4.0, 0.1  # weight of when that was; blocks, below which an error counts squared
STORY_LAYERS = 4  # of the language model's; the others are left to look up what these say
DATES_LAYERS = 6  # after which the words for an event know when it was
ADAM = ("embed_tokens", "pos_embed", "patch_embed", "sight", "story", "cover", "dates")


def build_model(vocabulary: int) -> Qwen3VLForConditionalGeneration:
    """Random weights; the configuration says everything that inference needs."""
    config = Qwen3VLConfig(
        text_config=parts.TEXT | {"vocab_size": vocabulary},
        vision_config=dict(parts.VISION),
        tie_word_embeddings=True,
        image_token_id=parts.IMAGE_PAD,
        video_token_id=parts.VIDEO_PAD,
        vision_start_token_id=parts.VISION_START,
        vision_end_token_id=parts.VISION_END,
        pad_token_id=parts.PAD,
        eos_token_id=parts.IM_END,
    )
    model = Qwen3VLForConditionalGeneration(config)
    model.generation_config = GenerationConfig(**parts.GENERATION)
    return model


class Sight(nn.Linear):
    """Reads from the vision tower's tokens which object has its middle in a cell, and where."""

    def __init__(self) -> None:
        super().__init__(parts.TEXT["hidden_size"], parts.DEPTH * (labels.KINDS + 1 + labels.PLACE))

    def measure(self, tokens: torch.Tensor, truth: Cells) -> torch.Tensor:
        """How wrong the tokens (N, width) are about what lies in their cells."""
        out = self(tokens).view(len(tokens), parts.DEPTH, -1)
        kinds, places = out.split((labels.KINDS + 1, labels.PLACE), -1)
        weight = torch.ones(labels.KINDS + 1, device=tokens.device)
        weight[0] = 0.15  # most cells are empty
        loss = functional.cross_entropy(kinds.flatten(0, 1), truth.kinds.flatten(), weight)
        full = truth.kinds > 0
        if full.any():
            loss = loss + functional.smooth_l1_loss(places[full], truth.places[full])
        return loss


class Eyes(nn.Module):
    """The vision tower alone, with the layers that help it see; parts are named as in `Spotter`."""

    def __init__(self) -> None:
        super().__init__()
        config = Qwen3VLConfig(vision_config=dict(parts.VISION)).vision_config
        self.visual = Qwen3VLVisionModel._from_config(config)
        self.sight = Sight()
        self.cover = nn.Linear(
            parts.TEXT["hidden_size"], parts.DEPTH * (labels.COLOURS + 1 + labels.SHAPES + 1)
        )

    def forward(
        self, pixels: torch.Tensor, grids: torch.Tensor, truth: Cells
    ) -> dict[str, torch.Tensor]:
        """Losses `sight`, `colour` and `shape`."""
        tokens = self.visual(pixels, grid_thw=grids, return_dict=True).pooler_output
        out = self.cover(tokens).view(len(tokens), parts.DEPTH, -1)
        colours, shapes = out.split((labels.COLOURS + 1, labels.SHAPES + 1), -1)
        return {
            "sight": self.sight.measure(tokens, truth),
            "colour": functional.cross_entropy(colours.flatten(0, 1), truth.colours.flatten()),
            "shape": functional.cross_entropy(shapes.flatten(0, 1), truth.shapes.flatten()),
        }


class Spotter(nn.Module):
    """What is trained, as one module."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.reader = build_model(len(tokenizer))
        self.ticks = list_ticks(tokenizer)
        width = parts.TEXT["hidden_size"]
        self.sight = Sight()
        self.story = nn.Linear(width, labels.KINDS * labels.STORY)
        self.dates = nn.Linear(width, TIMES)

    def take_eyes(self, path: Path) -> None:
        """The averaged weights that train_eyes.py left at `path`; they are trained no further."""
        kept = torch.load(path, weights_only=True, map_location="cpu")["ema"]
        visual = self.reader.model.visual
        visual.load_state_dict({n: kept[f"visual.{n}"] for n in visual.state_dict()})
        self.sight.load_state_dict({n: kept[f"sight.{n}"] for n in self.sight.state_dict()})
        self.fix_eyes()

    def take_weights(self, folder: Path) -> None:
        """Those of an exported reader, to train it on; the heads begin anew.

        Layers of the language model that it does not have come behind its own and add nothing yet.
        """
        kept = Qwen3VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
        weights, mine = kept.state_dict(), self.reader.state_dict()
        for name in mine.keys() - weights.keys():
            if "language_model.layers." in name:
                adds = name.endswith(("o_proj.weight", "down_proj.weight"))
                weights[name] = torch.zeros_like(mine[name]) if adds else mine[name]
        self.reader.load_state_dict(weights)
        self.fix_eyes()

    def fix_eyes(self) -> None:
        """The vision tower is trained no further, but for what leads into deeper layers."""
        for name, p in self.reader.model.visual.named_parameters():
            p.requires_grad_("deepstack" in name)
        self.sight.requires_grad_(False)

    def see(self, batch: Batch):
        """The vision tower's output for all clips of a batch."""
        return self.reader.model.get_video_features(batch.pixels, batch.grids, return_dict=True)

    def forward(self, batch: Batch, truth: Labels) -> dict[str, torch.Tensor]:
        """The losses `answer`, `sight`, `story` and `dates`; the likeliest answers as `guess`."""
        seen = self.see(batch)
        told: list[torch.Tensor] = []
        layers = self.reader.model.language_model.layers
        hooks = [
            layers[count - 1].register_forward_hook(lambda _layer, _given, out: told.append(out))
            for count in (STORY_LAYERS, DATES_LAYERS)
        ]
        hidden = self.reader.model(
            input_ids=batch.ids,
            position_ids=batch.positions,
            attention_mask=batch.mask,
            mm_encoder_outputs={"video": seen},
            use_cache=False,
        ).last_hidden_state
        for hook in hooks:
            hook.remove()
        logits = self.reader.lm_head(hidden[batch.rows, batch.columns - 1])
        return {
            "answer": self.measure_answers(logits, batch),
            "sight": self.sight.measure(torch.cat(seen.pooler_output), truth.cells),
            "story": self.measure_story(told[0][batch.block_rows, batch.block_columns], truth),
            "dates": self.measure_dates(
                told[1][batch.dated_rows, batch.dated_columns], batch.dates
            ),
            "guess": logits.argmax(-1),
        }

    def measure_answers(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        """How unlikely the answers' tokens are; a time that is nearly right is nearly as good."""
        logits = logits.index_put(tuple(batch.spared.T), logits.new_tensor(-torch.inf))
        timed = ~batch.moments.isnan()
        losses = functional.cross_entropy(logits, batch.targets, reduction="none")
        weight = torch.where(timed, TIME_WEIGHT, 1.0)
        if timed.any():
            nearness = torch.zeros_like(logits[timed])
            nearness[:, self.ticks] = spread(batch.moments[timed]).to(logits.dtype)
            soft = functional.cross_entropy(logits[timed], nearness, reduction="none")
            losses = losses.index_put((timed,), soft)
        return (weight * losses).sum() / weight.sum()

    def measure_dates(self, states: torch.Tensor, dates: torch.Tensor) -> torch.Tensor:
        """How wrong the states after the words for events (N, width) are about their `dates`."""
        if not len(dates):
            return self.dates(states).sum()
        return functional.cross_entropy(self.dates(states), spread(dates))

    def measure_story(self, states: torch.Tensor, truth: Labels) -> torch.Tensor:
        """How wrong the states after the blocks (N, width) are about the objects so far.

        They are taught nothing about triples that are kept from training, not even their absence.
        """
        out = self.story(states).view(len(states), labels.KINDS, labels.STORY)
        events = len(labels.EVENTS)
        met, fast, happens, first, since, motion = out.split(
            (1, 1, events, events, events, labels.STORY - 2 - 3 * events), -1
        )
        loss = tell(met[..., 0], truth.met)
        if not truth.met.any():
            return loss
        there = truth.met
        loss = loss + 0.5 * tell(fast[..., 0][there], truth.fast[there])
        motion = motion.masked_fill(labels.KEPT_MOTIONS.to(motion.device), -torch.inf)
        loss = loss + 0.5 * functional.cross_entropy(motion[there], truth.motion[there])
        told = there[..., None] & ~labels.KEPT_EVENTS.to(there.device)
        for out, true in ((happens, truth.happens), (first, truth.first)):
            loss = loss + RARE * tell(out[told], true[told], RARE)
        recent = ~truth.since.isnan()
        if not recent.any():
            return loss
        off = functional.smooth_l1_loss(since[recent], truth.since[recent], beta=SHARP)
        return loss + MOMENT * off


def spread(seconds: torch.Tensor) -> torch.Tensor:
    """(N,) to (N, TIMES): a bell over tenths of a second from 0, of sum 1."""
    ticks = torch.arange(TIMES, device=seconds.device) / 10
    return (-0.5 * ((seconds[:, None] - ticks) / TIME_SPREAD) ** 2).softmax(-1)


def tell(out: torch.Tensor, true: torch.Tensor, weight: float = 1.0) -> torch.Tensor:
    """How wrong logits are about what is true or not; what is true counts `weight` times."""
    return functional.binary_cross_entropy_with_logits(
        out, true.float(), pos_weight=torch.tensor(weight, device=out.device)
    )
