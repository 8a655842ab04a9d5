"""LTX-2's guidance: up to four passes of the transformer a step, joined on the x_0 estimates.

References: classifier-free guidance, Ho and Salimans 2022; spatio-temporal guidance (the self-
attention of some blocks left out), Hyung et al. 2024; modality guidance (picture and sound kept
from each other) and the joining of all three as in Lightricks' LTX-2; rescaling, Lin et al. 2023,
section 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from rushes.models.base import DenoiseSettings


@dataclass(frozen=True, slots=True)
class Passes:
    """Velocities of one modality, (1, S, D) float32 each; None for a pass that is not made."""

    prompt: torch.Tensor
    negative: torch.Tensor | None = None
    perturbed: torch.Tensor | None = None
    isolated: torch.Tensor | None = None


def is_guided(settings: DenoiseSettings) -> bool:
    """Whether the negative prompt is looked at."""
    return settings.guidance > 1 or settings.audio_guidance > 1


def guide(
    latents: torch.Tensor,
    passes: Passes,
    sigma: torch.Tensor,
    guidance: float,
    settings: DenoiseSettings,
) -> torch.Tensor:
    """The guided velocity.

    Args:
        latents: (1, S, D) float32, noisy.
        sigma: scalar noise level in (0, 1].
        guidance: this modality's own scale.
    """
    clean = latents - passes.prompt * sigma

    def away_from(other: torch.Tensor, scale: float) -> torch.Tensor:
        return scale * (clean - (latents - other * sigma))

    joined = clean
    if passes.negative is not None:
        joined = joined + away_from(passes.negative, guidance - 1)
    if passes.perturbed is not None:
        joined = joined + away_from(passes.perturbed, settings.stg)
    if passes.isolated is not None:
        joined = joined + away_from(passes.isolated, settings.modality_guidance - 1)
    if settings.rescale > 0:
        joined = rescale(joined, clean, settings.rescale)
    return (latents - joined) / sigma


def rescale(guided: torch.Tensor, clean: torch.Tensor, share: float) -> torch.Tensor:
    """``guided`` with ``share`` of its way back to the standard deviation of ``clean``."""
    axes = list(range(1, clean.ndim))
    ratio = clean.std(dim=axes, keepdim=True) / guided.std(dim=axes, keepdim=True)
    return share * (guided * ratio) + (1 - share) * guided
