"""The window that a repair denoises: the spans, and enough around them to go on from."""

from __future__ import annotations

import math

from rushes.catalogue.model import Model
from rushes.plan.seeds import stage_seed
from rushes.plan.windows import Timeline, Window
from rushes.spec.project import Mend
from rushes.stages.denoise import DenoiseParams, Ranges
from rushes.stages.repair import RepairParams

CONTEXT = 2
"""Latents on either side of the spans that the transformer sees, given."""
STEPS = 0.5
"""Of a take's: what lies around a span decides much of it, and the checks judge the rest. A list of
noise levels that a distilled model was trained for is kept whole."""


def repair_params(base: DenoiseParams, time: Timeline, whole: Window, mend: Mend) -> RepairParams:
    """A denoise's settings, for a window of the latents that it made.

    Args:
        whole: the take, in one window.
    """
    spans = [(time.latent_at(low), time.latent_at(high - 1) + 1) for low, high in mend.spans]
    window = find_window(time, whole, spans)
    heard = [_audio_span(time, span, window) for span in mend.spans]
    seen = [(low - window.first, high - window.first) for low, high in spans]
    said = {name: getattr(base, name) for name in DenoiseParams.__struct_fields__}
    said |= {
        "seed": stage_seed(mend.seed, "repair"),
        "steps": base.steps if base.sigmas else math.ceil(base.steps * STEPS),
        "first": min(window.first, 1),
        "latents": window.latents,
        "audio_offset": time.audio_offset(window),
        "audio_latents": window.audio_latents,
        "kept_video": keep_around([] if mend.part == "sound" else seen, window.latents),
        "kept_audio": keep_around([] if mend.part == "picture" else heard, window.audio_latents),
        "video_from": window.first,
        "audio_from": window.audio_first,
    }
    return RepairParams(**said)


def find_window(time: Timeline, whole: Window, spans: list[tuple[int, int]]) -> Window:
    """The part of a take from ``CONTEXT`` latents before the first span to as many after the
    last."""
    low = max(min(low for low, _ in spans) - CONTEXT, 0)
    high = min(max(high for _, high in spans) + CONTEXT, whole.latents)
    start = time.audio_at(max(low - 1, 0) * time.step)
    end = whole.audio_latents if high == whole.latents else time.audio_at(time.frames_of(high))
    return Window(low, high - low, 0, start, min(end, whole.audio_latents) - start, 0)


def _audio_span(time: Timeline, span: tuple[int, int], window: Window) -> tuple[int, int]:
    """The window's audio latents that frames from and up to ``span`` are heard in."""
    scale = time.audio_rate / time.fps
    low, high = math.floor(span[0] * scale), math.ceil(span[1] * scale)
    return max(low - window.audio_first, 0), min(high - window.audio_first, window.audio_latents)


def keep_around(spans: list[tuple[int, int]], length: int) -> Ranges:
    """What of ``length`` lies in none of the spans, which may touch."""
    kept, place = [], 0
    for low, high in sorted(spans):
        kept.append((place, max(low, place)))
        place = max(high, place)
    kept.append((place, length))
    return tuple((low, high) for low, high in kept if low < high)


def count_token_passes(params: DenoiseParams, model: Model) -> int:
    """Tokens times passes of the transformer that a denoise takes: its work, whatever the clock.

    Both modalities count; guidance is a second pass, and each further kind of it another.
    """
    side = model.latents.video_size
    area = -(-params.height // side) * -(-params.width // side)
    tokens = area * (params.latents + len(params.keyframes)) + params.audio_latents
    guided = params.guidance > 1 or params.audio_guidance > 1
    passes = 1 + guided + (params.stg > 0) + (params.modality_guidance > 1)
    return tokens * passes * params.steps
