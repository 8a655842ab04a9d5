"""The shapes at which the stages of a model are traced."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from bench.memory.given import make_given, make_media, make_pictured_embeds
from bench.memory.hollow import HollowTokenizer
from rushes.catalogue.model import Model
from rushes.models.base import DenoiseSettings, Tiling

STEPS = 2
"""Of a traced denoise: the second step finds what the first one left."""

CELLS = ["1", "cells", "guided*cells", "guided", "sound", "guided*sound", "cells*cells"]
ATTENTION = ["1", "cells", "guided*cells", "cells*cells", "guided*cells*cells"]
CODER = ["1", "area", "edge", "frames*area", "span*area", "span*edge"]
REFINED = ["1", "cells", "sound", "whole", "cells*cells"]
TEXT_LENGTHS = {"ltx2": 1024}
"""Tokens of a prompt, by family, where its tokenizer says it and no checkpoint is at hand."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One run: what it is about, and the work on an opened model."""

    quantities: dict[str, float]
    work: Callable[[Any], Any]
    kept_out: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A stage, whole or in tiles, and the products that its laws are made of."""

    stage: str
    shapes: list[Shape]
    products: list[str]
    flops: list[str] = field(default_factory=lambda: ["1"])
    window: int = 0
    tiled: bool = False
    steps: int = 1
    stride: int = 0


class NoCheckpoint:
    """Keeps nothing."""

    def load(self) -> None:
        return None

    def offer(self, make_state: Any) -> None:
        return None


def make_extra(model: Model, name: str) -> Any:
    """What has no weights: a tokenizer whose prompts fill every place, a standard scheduler."""
    import diffusers

    if name == "image_processor":
        import transformers

        return transformers.CLIPImageProcessorPil()
    if name == "feature_extractor":
        import transformers

        return transformers.SiglipImageProcessorPil(size={"height": 384, "width": 384})
    if name == "guider":
        return diffusers.ClassifierFreeGuidance()
    if name.startswith("tokenizer"):
        return HollowTokenizer(text_length(model))
    schedulers = {
        "ltx2": diffusers.FlowMatchEulerDiscreteScheduler,
        "hunyuan": diffusers.FlowMatchEulerDiscreteScheduler,
        "hunyuan15": diffusers.FlowMatchEulerDiscreteScheduler,
        "wan": diffusers.UniPCMultistepScheduler,
        "wan-vace": diffusers.UniPCMultistepScheduler,
        "cogvideox": diffusers.CogVideoXDDIMScheduler,
    }
    return schedulers[model.family]()


def text_length(model: Model) -> int:
    """Tokens of a prompt."""
    from rushes.catalogue.source import PackageSource
    from rushes.hub import find_checkpoint

    if isinstance(model.source, PackageSource):
        import transformers

        folder = find_checkpoint(model) / "tokenizer"
        return int(transformers.AutoTokenizer.from_pretrained(folder).model_max_length)
    return TEXT_LENGTHS.get(model.family, 512)


def find_cases(model: Model, tracer: Any) -> Iterator[Case]:
    """Every stage that the family has, with its shapes."""
    from rushes.models.base import find_family

    stages = find_family(model.family).folders
    found: dict[str, Any] = {}

    def encode(loaded: Any) -> Any:
        found["embeds"] = loaded.encode_text("a", "b")
        return found["embeds"]

    if model.choice and find_family(model.family).reads_given == "first":
        found["embeds"] = make_pictured_embeds(model)
        from bench.memory.pictured import encode_pictured as encode  # type: ignore[no-redef]
    yield Case("encode_text", [Shape({}, encode), Shape({}, encode, True)], ["1"])
    yield Case("denoise", list(denoise_shapes(model, found)), CELLS, ATTENTION, steps=STEPS)
    sizes = pick_sizes(model)
    if model.upscale is not None:
        yield Case("upsample", list(upsample_shapes(model, sizes)), ["1", "cells", "edge*cells"],
                   ["1", "cells"])  # fmt: skip
        yield Case("refine", list(refine_shapes(model, found)), [*REFINED], ATTENTION, steps=STEPS)
    whole = (False,) if model.latents.video_size * 16 > side_of(model) else (False, True)
    for tiled in whole:
        window, stride = find_window(model)
        alone = tiled and model.family.startswith("wan")
        yield Case("decode_video", list(decode_shapes(model, sizes, window, tiled)),
                   ["1", "area"] if alone else CODER,
                   ["1", "area", "span*area"], window, tiled, stride=stride)  # fmt: skip
    if "decode_audio" in stages:
        yield Case("decode_audio", list(sound_shapes(model)), ["1", "sound"], ["1", "sound"], 52)
        yield Case("encode_condition:sound", list(hearing_shapes(model)), ["1", "sound"],
                   ["1", "sound"])  # fmt: skip
    own = bool(model.choice) or not model.variants  # the checkpoint itself takes pictures
    if "encode_given" in stages and own and "image" in model.controls:
        yield Case("encode_given", list(given_shapes(model, sizes)), CODER,
                   ["1", "area", "span*area"])  # fmt: skip
    if "encode_condition" in stages:
        for tiled in whole:
            yield Case("encode_condition", list(encode_shapes(model, sizes, tiled)), CODER,
                       ["1", "area", "span*area"], 0, tiled)  # fmt: skip


def pick_sizes(model: Model) -> list[tuple[int, int]]:
    """(height, width) in latents: the smallest, the standard one, and the largest."""
    pixels = sorted(
        {tuple(map(int, size.split("x"))) for size in [*model.grid.sizes, model.defaults.size]},
        key=lambda size: size[0] * size[1],
    )
    step = model.latents.video_size
    chosen = [pixels[0], pixels[len(pixels) // 2], pixels[-1]]
    if len({*chosen}) == 1:  # one size: the laws still need others
        w, h = chosen[0]
        even = math.lcm(step, model.grid.size_multiple)
        chosen = [(w, h), (w * 3 // 2 // even * even, h), (w * 2, h * 2)]
    return [(h // step, w // step) for w, h in chosen]


def side_of(model: Model) -> int:
    """The shorter side of a standard clip, in pixels; one of few latents has no tiles."""
    return min(map(int, model.defaults.size.split("x")))


def pick_lengths(model: Model) -> list[int]:
    """Latent frames: few, the standard count, many."""
    grid, latents = model.grid, model.latents
    counts = [grid.frames_min, model.defaults.frames, min(grid.frames_max, 161)]
    return sorted({(n - 1) // latents.video_frames + 1 for n in counts} | {3})


def denoise_shapes(model: Model, found: dict[str, Any]) -> Iterator[Shape]:
    sizes, lengths = pick_sizes(model), pick_lengths(model)
    few, many, middle = lengths[0], lengths[-1], lengths[len(lengths) // 2]
    runs = [
        (sizes[0], few, True), (sizes[1], many, True), (sizes[2], few, True),
        (sizes[2], many, True), (sizes[0], many, False), (sizes[2], many, False),
        (sizes[1], middle, True),
    ]  # fmt: skip
    if model.choice or model.family == "wan-vace":  # the law's form is the plain checkpoint's
        runs = [runs[0], runs[1], runs[2], runs[4], runs[6]]
    if model.family == "cogvideox" and model.choice:  # its places are learned, at one size
        w, h = (int(n) // model.latents.video_size for n in model.defaults.size.split("x"))
        pairs = [(3, True), (7, True), (13, True), (3, False), (13, False), (9, True)]
        runs = [((h, w), n, guided) for n, guided in pairs]
    for number, ((h, w), latents, guided) in enumerate(runs):
        settings = make_settings(model, h, w, latents, guided=guided)
        quantities = {
            "cells": latents * h * w,
            "sound": settings.audio_latents,
            "guided": int(guided),
        }

        def work(loaded: Any, settings: DenoiseSettings = settings) -> Any:
            given = make_given(model, settings)
            return loaded.denoise(found["embeds"], settings, given, _silent, NoCheckpoint())

        yield Shape(quantities, work, number == len(runs) - 1)


def make_settings(
    model: Model, height: int, width: int, latents: int, *, guided: bool = True
) -> DenoiseSettings:
    """Settings of a denoise of this shape, in latents."""
    audio = model.latents.audio
    step = model.latents.video_size
    frames = (latents - 1) * model.latents.video_frames + 1
    scale = model.defaults.guidance if guided else 1.0
    return DenoiseSettings(
        seed=1, first=0, latents=latents, audio_offset=0.0,
        audio_latents=0 if audio is None else round(frames / model.defaults.fps * audio.per_second),
        height=height * step, width=width * step, fps=model.defaults.fps, steps=STEPS,
        guidance=max(scale, 1.5) if guided else 1.0,
        audio_guidance=3.0 if guided else 1.0,
        stg=(model.defaults.stg or 0.0) if guided else 0.0,
        modality_guidance=(model.defaults.modality_guidance or 1.0) if guided else 1.0,
        guidance_2=None if model.defaults.guidance_2 is None else (3.0 if guided else 1.0),
    )  # fmt: skip


def _silent(done: int, total: int) -> None:
    return None


def upsample_shapes(model: Model, sizes: list[tuple[int, int]]) -> Iterator[Shape]:
    """Latents that are made twice as large; the largest size is what comes out."""
    lengths = pick_lengths(model)
    few, many = lengths[0], lengths[-1]
    small, large = sizes[0], tuple(side // 2 for side in sizes[-1])
    pairs = [(small, few), (small, many), (large, few), (large, many), (sizes[1], few)]
    pairs.append((small, lengths[len(lengths) // 2]))
    for number, ((h, w), n) in enumerate(pairs):

        def work(loaded: Any, h: int = h, w: int = w, n: int = n) -> Any:
            video = torch.empty(model.latents.video_channels, n, h, w, device="meta")
            return loaded.upsample({"video": video})

        yield Shape({"cells": n * h * w, "edge": h + w}, work, number == len(pairs) - 1)


def refine_shapes(model: Model, found: dict[str, Any]) -> Iterator[Shape]:
    """Latents that are refined at once, and in two tiles by two."""
    sizes, lengths = pick_sizes(model), pick_lengths(model)
    few, many, middle = lengths[0], lengths[-1], lengths[len(lengths) // 2]
    runs = [
        (sizes[0], few, False), (sizes[1], many, False), (sizes[2], many, False),
        (sizes[0], middle, True), (sizes[1], middle, True), (sizes[2], few, True),
        (sizes[1], middle, False),
    ]  # fmt: skip
    for number, ((h, w), latents, tiled) in enumerate(runs):
        tall, wide = (2 * h - 4, 2 * w - 4) if tiled else (h, w)
        settings = make_settings(model, tall, wide, latents, guided=False)
        settings = replace(settings, sigmas=(0.9, 0.5))
        quantities = {"cells": latents * h * w, "sound": settings.audio_latents,
                      "whole": latents * tall * wide if tiled else 0}  # fmt: skip

        def work(
            loaded: Any, settings: DenoiseSettings = settings, tile: Any = (h, w),
            tiled: bool = tiled,
        ) -> Any:  # fmt: skip
            start = make_start(model, settings)
            tiling = Tiling(tile, 4) if tiled else None
            return loaded.refine(
                found["embeds"], settings, start, None, tiling, _silent, NoCheckpoint()
            )

        yield Shape(quantities, work, number == len(runs) - 1)


def make_start(model: Model, settings: DenoiseSettings, device: str = "meta") -> Any:
    """Latents that a refinement goes on from."""
    audio, step = model.latents.audio, model.latents.video_size
    size = settings.height // step, settings.width // step
    made = {
        "video": torch.zeros(model.latents.video_channels, settings.latents, *size, device=device)
    }
    if audio is not None:
        sound = audio.channels, settings.audio_latents, audio.mel_bins
        made["audio"] = torch.zeros(sound, device=device)
    return made


def find_window(model: Model) -> tuple[int, int]:
    """Latent frames that one pass of the video decoder takes at most, and from one to the next;
    0 for all."""
    if model.family == "hunyuan":  # the defaults of AutoencoderKLHunyuanVideo, in latents
        return 16 // model.latents.video_frames + 1, 12 // model.latents.video_frames
    if model.family == "ltx2":
        from rushes.models.ltx2_decode import VIDEO_STRIDE, VIDEO_WINDOW

        return VIDEO_WINDOW + 1, VIDEO_STRIDE
    return 0, 0


def decode_shapes(
    model: Model, sizes: list[tuple[int, int]], window: int, tiled: bool
) -> Iterator[Shape]:
    lengths = pick_lengths(model)
    lengths = sorted({min(n, window) for n in lengths}) if window else lengths
    few, many = lengths[0], lengths[-1]
    pairs = [(sizes[0], few), (sizes[0], many), (sizes[1], many), (sizes[2], few), (sizes[2], many)]
    pairs.append((sizes[1], lengths[len(lengths) // 2]))
    every_frame = tiled or model.family.startswith("hunyuan")  # of a tile, before the next one
    one_by_one = tiled and model.family.startswith("wan")  # few tiles and frames tell all of it
    if one_by_one:
        small, large = (40, 40), (40, 64)
        pairs = [(small, 3), (small, 5), (large, 3), (small, 2)]
    if model.family == "hunyuan":
        pairs = [(sizes[0], 2), (sizes[0], 3), (sizes[1], 2), (sizes[2], 3)]
        pairs += [(sizes[n], window) for n in range(3)]
        pairs.append((sizes[1], window - 1))
    elif (
        every_frame and not window and not one_by_one
    ):  # few frames are enough, and many would take minutes
        pairs = [(sizes[0], 2), (sizes[1], 2), (sizes[1], 3), (sizes[0], 3)]
    if len(model.grid.sizes) == 1 and not tiled:  # and no other: every length of it
        w, h = (int(n) // model.latents.video_size for n in model.grid.sizes[0].split("x"))
        pairs = [((h, w), n) for n in range(1, 18)]
    for number, ((h, w), n) in enumerate(pairs):

        def work(loaded: Any, h: int = h, w: int = w, n: int = n) -> Any:
            set_tiling(loaded, tiled)
            latents = torch.empty(model.latents.video_channels, n, h, w, device="meta")
            return sum(1 for _ in loaded.decode_video({"video": latents}))

        yield Shape(coder_quantities(model, n, h, w), work, number == len(pairs) - 1)


def coder_quantities(model: Model, frames: int, height: int, width: int) -> dict[str, float]:
    """Of one pass over latents of this shape."""
    span = (frames - 1) * model.latents.video_frames + 1
    return {"frames": frames, "span": span, "area": height * width, "edge": height + width}


def set_tiling(loaded: Any, tiled: bool) -> None:
    """Let the video VAE work in tiles, or as the family does."""
    vae = loaded.part("vae")
    if not hasattr(vae, "tiled_by_family"):
        vae.tiled_by_family = vae.use_tiling
    vae.use_tiling = tiled or vae.tiled_by_family


def encode_shapes(model: Model, sizes: list[tuple[int, int]], tiled: bool) -> Iterator[Shape]:
    step, stride = model.latents.video_size, model.latents.video_frames
    lengths = [1, 3, 5]  # pictures are made on the host, and there are many of them
    few, many = lengths[0], lengths[-1]
    pairs = [(sizes[0], few), (sizes[0], many), (sizes[1], many), (sizes[2], few), (sizes[2], many)]
    pairs.append((sizes[1], 3))
    if len(model.grid.sizes) == 1:  # and no other: every length of it
        w, h = (int(n) // model.latents.video_size for n in model.grid.sizes[0].split("x"))
        pairs = [((h, w), n) for n in range(1, 18)]
    for number, ((h, w), n) in enumerate(pairs):

        def work(loaded: Any, h: int = h, w: int = w, n: int = n) -> Any:
            set_tiling(loaded, tiled)
            frame = np.zeros((h * step, w * step, 3), np.uint8)
            return loaded.encode_video([frame] * ((n - 1) * stride + 1), h * step, w * step)

        yield Shape(coder_quantities(model, n, h, w), work, number == len(pairs) - 1)


def given_shapes(model: Model, sizes: list[tuple[int, int]]) -> Iterator[Shape]:
    """A first picture, encoded together with what else the family makes of it."""
    for number, ((h, w), n) in enumerate(
        [(sizes[0], 2), (sizes[0], 6), (sizes[1], 2), (sizes[2], 2), (sizes[1], 6), (sizes[1], 4)]
    ):

        def work(loaded: Any, h: int = h, w: int = w, n: int = n) -> Any:
            set_tiling(loaded, False)
            return loaded.encode_given(make_media(model, h, w, n))

        yield Shape(coder_quantities(model, n, h, w), work, number == 5)


def sound_shapes(model: Model) -> Iterator[Shape]:
    audio = model.latents.audio
    assert audio is not None
    for number, n in enumerate((9, 30, 52, 40)):

        def work(loaded: Any, n: int = n) -> Any:
            latents = torch.empty(audio.channels, n, audio.mel_bins, device="meta")
            return sum(1 for _ in loaded.decode_audio({"audio": latents}))

        yield Shape({"sound": n}, work, number == 3)


def hearing_shapes(model: Model) -> Iterator[Shape]:
    """A given sound, as long as clips are."""
    assert model.mel is not None
    assert model.latents.audio is not None
    for number, n in enumerate((13, 126, 501, 251)):
        seconds = n / model.latents.audio.per_second
        samples = np.zeros((round(seconds * model.mel.rate), 2), np.float32)

        def work(loaded: Any, n: int = n, samples: Any = samples) -> Any:
            return loaded.encode_audio(samples, n)

        yield Shape({"sound": n}, work, number == 3)
