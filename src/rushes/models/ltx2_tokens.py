"""LTX-2's tokens: how latents are packed, where they lie in time, and one call over them.

Tokens may have noise levels of their own (a given frame has none, its neighbours have much). In
diffusers 0.42.1 one sigma, the other modality's, sets scale, shift and gate of the cross-modal
attention. Lightricks' own code takes scale and shift from the tokens' own times and the other
modality's sigma for the gate alone; this module does as Lightricks does. Where both modalities
share one sigma (text to video and sound) the two are the same function.
"""

from __future__ import annotations

from typing import Any

import torch


def pack_video(latents: torch.Tensor) -> torch.Tensor:
    """(B, C, F, H, W) → tokens (B, F*H*W, C); the transformer's patch size is 1."""
    return latents.flatten(2).transpose(1, 2)


def pack_audio(latents: torch.Tensor) -> torch.Tensor:
    """(B, C, L, M) → tokens (B, L, C*M)."""
    return latents.transpose(1, 2).flatten(2, 3)


def keyframe_coords(rope: Any, frame: int, height: int, width: int, fps: float) -> torch.Tensor:
    """Bounds (1, 3, height*width, 2) of one picture's tokens: seconds, then pixels down and across.

    Args:
        rope: the transformer's ``rope``.
        frame: the picture's number in the clip, from 0; it lasts from frame to frame + 1.
        height, width: of the latents.
    """
    coords: torch.Tensor = rope.prepare_video_coords(
        1, 1, height, width, torch.device("cpu"), fps=fps
    )
    coords[:, 0] += frame / fps
    return coords


def control_coords(rope: Any, shape: tuple[int, int, int], scale: int, fps: float) -> torch.Tensor:
    """Bounds (1, 3, tokens, 2) of a control's tokens: where the clip's are that they are about.

    Args:
        shape: frames, height and width of its latents.
        scale: how many times smaller than the clip it is.
    """
    coords: torch.Tensor = rope.prepare_video_coords(1, *shape, torch.device("cpu"), fps=fps)
    coords[:, 1:] *= scale
    return coords


def predict(
    transformer: Any, timestep: torch.Tensor, audio_timestep: torch.Tensor, **call: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Velocities of video and audio tokens.

    Args:
        timestep: 1000 times the noise level of each clip (B,) or of each video token (B, S).
        audio_timestep: the same of the audio, (B,) or (B, L).
        call: everything else that ``LTX2VideoTransformer3DModel.forward`` takes; ``sigma`` and
            ``audio_sigma`` (B,) are 0 for a modality that is given whole.
    """
    own = {
        "av_cross_attn_video_scale_shift": timestep,
        "av_cross_attn_audio_scale_shift": audio_timestep,
    }
    handles = [
        getattr(transformer, name).register_forward_pre_hook(
            lambda _, args, times=times: (times.flatten(), *args[1:])
        )
        for name, times in own.items()
    ]
    try:
        video, audio = transformer(
            timestep=timestep,
            audio_timestep=audio_timestep,
            use_cross_timestep=True,
            return_dict=False,
            **call,
        )
    finally:
        for handle in handles:
            handle.remove()
    return video, audio
