"""Denoising around what is given: kept bits, noise levels a token, the cross-modal times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from rushes.models.base import DenoiseSettings, Given
from rushes.models.ltx2 import LoadedLTX2
from rushes.models.ltx2_tokens import keyframe_coords, predict
from tests.models.golden import NoCheckpoint
from training.sprite import world

SETTINGS = DenoiseSettings(
    seed=3, first=0, latents=9, audio_offset=0.0, audio_latents=52, height=96, width=96, fps=16.0,
    steps=2, guidance=2.0, audio_guidance=2.0,
)  # fmt: skip
NOTHING = torch.empty(0)


@pytest.fixture(scope="module")
def embeds(sprite: LoadedLTX2) -> dict[str, torch.Tensor]:
    return sprite.encode_text("a red ball bounces on a grey background", "")


def random_latents(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def give(video: tuple[int, ...] = (), audio: tuple[int, ...] = (), **more: Any) -> Given:
    """Random latents, of which those numbers are given."""
    keep_video, keep_audio = torch.zeros(9, dtype=torch.bool), torch.zeros(52, dtype=torch.bool)
    keep_video[list(video)] = True
    keep_audio[list(audio)] = True
    return Given(
        random_latents(64, 9, 4, 4), keep_video, random_latents(4, 52, 16), keep_audio, **more
    )


def denoise(
    sprite: LoadedLTX2,
    embeds: dict[str, torch.Tensor],
    given: Given | None,
    settings: DenoiseSettings = SETTINGS,
) -> dict[str, torch.Tensor]:
    return sprite.denoise(embeds, settings, given, lambda done, total: None, NoCheckpoint())


@pytest.mark.parametrize(
    ("video", "audio"),
    [((0,), ()), ((0, 1, 2, 3), tuple(range(20))), ((0, 1, 7, 8), (0, 1, 50, 51))],
)
def test_what_is_given_comes_back_bit_for_bit_and_the_rest_is_made(
    video: tuple[int, ...], audio: tuple[int, ...], sprite: LoadedLTX2, embeds: Any
) -> None:
    given = give(video, audio)
    made = denoise(sprite, embeds, given)
    assert torch.equal(made["video"][:, given.keep_video], given.video[:, given.keep_video])
    assert torch.equal(made["audio"][:, given.keep_audio], given.audio[:, given.keep_audio])
    free = made["video"][:, ~given.keep_video]
    assert not torch.isclose(free, given.video[:, ~given.keep_video]).any()
    plain = denoise(sprite, embeds, None)
    assert not torch.equal(free, plain["video"][:, ~given.keep_video])


def test_a_modality_given_whole_stays(sprite: LoadedLTX2, embeds: Any) -> None:
    for given, name in ((give(audio=tuple(range(52))), "audio"), (give(tuple(range(9))), "video")):
        made = denoise(sprite, embeds, given)
        assert torch.equal(made[name], getattr(given, name))


def test_nothing_given_is_the_plain_denoise(sprite: LoadedLTX2, embeds: Any) -> None:
    none = Given(
        NOTHING, torch.zeros(9, dtype=torch.bool), NOTHING, torch.zeros(52, dtype=torch.bool)
    )
    plain, same = denoise(sprite, embeds, None), denoise(sprite, embeds, none)
    for name in plain:
        assert torch.equal(plain[name], same[name])


def test_pictures_of_a_moment_are_no_part_of_the_clip(sprite: LoadedLTX2, embeds: Any) -> None:
    given = give(pictures=((16, random_latents(64, 1, 4, 4)), (32, random_latents(64, 1, 4, 4))))
    made = denoise(sprite, embeds, given)
    assert made["video"].shape == (64, 9, 4, 4)
    assert not torch.equal(made["video"], denoise(sprite, embeds, None)["video"])


def test_a_later_piece_has_no_frame_that_stands_alone(sprite: LoadedLTX2, embeds: Any) -> None:
    made = denoise(sprite, embeds, None, replace(SETTINGS, first=1, latents=8, audio_offset=-0.25))
    assert made["video"].shape == (64, 8, 4, 4)
    assert made["audio"].shape == (4, 52, 16)


def watch(transformer: Any, names: tuple[str, ...]) -> tuple[dict[str, torch.Tensor], list[Any]]:
    seen: dict[str, torch.Tensor] = {}

    def note(name: str) -> Any:
        def hook(module: Any, args: Any) -> None:
            seen[name] = args[0]

        return hook

    # registered inside predict's own hooks' reach: those run first, by order of registration
    handles = [getattr(transformer, n).linear.register_forward_pre_hook(note(n)) for n in names]
    embed = [
        getattr(transformer, n).emb.time_proj.register_forward_pre_hook(note(f"{n}.time"))
        for n in names
    ]
    return seen, handles + embed


def test_scale_and_shift_take_own_times_and_the_gate_the_others_sigma(sprite: LoadedLTX2) -> None:
    """As in Lightricks' code; diffusers 0.42.1 takes the other's sigma for all three."""
    transformer = sprite.part("transformer")
    names = (
        "av_cross_attn_video_scale_shift", "av_cross_attn_audio_scale_shift",
        "av_cross_attn_video_a2v_gate", "av_cross_attn_audio_v2a_gate",
    )  # fmt: skip
    seen, handles = watch(transformer, names)
    video_times = torch.tensor([0.0] * 16 + [700.0] * 128)[None]
    try:
        with torch.inference_mode():
            predict(
                transformer,
                video_times,
                torch.tensor([0.0]),
                hidden_states=torch.randn(1, 144, 64),
                audio_hidden_states=torch.randn(1, 52, 64),
                encoder_hidden_states=torch.randn(1, 32, 96),
                audio_encoder_hidden_states=torch.randn(1, 32, 96),
                sigma=torch.tensor([700.0]),
                audio_sigma=torch.tensor([0.0]),
                num_frames=9, height=4, width=4, fps=16.0, audio_num_frames=52,
            )  # fmt: skip
    finally:
        for handle in handles:
            handle.remove()
    scale = transformer.config.cross_attn_timestep_scale_multiplier
    scale /= transformer.config.timestep_scale_multiplier
    assert torch.equal(seen["av_cross_attn_video_scale_shift.time"], video_times[0])
    assert torch.equal(seen["av_cross_attn_audio_scale_shift.time"], torch.tensor([0.0]))
    assert torch.equal(seen["av_cross_attn_video_a2v_gate.time"], torch.tensor([0.0]))
    assert torch.equal(seen["av_cross_attn_audio_v2a_gate.time"], torch.tensor([700.0]) * scale)


def test_a_picture_lies_where_the_pipeline_puts_a_keyframe(sprite: LoadedLTX2) -> None:
    from diffusers import LTX2ConditionPipeline

    transformer = sprite.part("transformer")

    class Stub:
        transformer_spatial_patch_size = transformer_temporal_patch_size = 1
        vae_temporal_compression_ratio, vae_spatial_compression_ratio = 4, 24

    theirs = LTX2ConditionPipeline._prepare_keyframe_coords(
        Stub(),
        1,
        4,
        4,
        13,
        1,
        16.0,
        torch.device("cpu"),  # type: ignore[arg-type]
    )
    assert torch.equal(keyframe_coords(transformer.rope, 13, 4, 4, 16.0), theirs)


def test_pictures_are_encoded_and_fitted(sprite: LoadedLTX2) -> None:
    frame = np.full((96, 96, 3), 128, np.uint8)
    frame[30:60, 30:60] = (225, 30, 35)
    latents = sprite.encode_video([frame], 96, 96)
    assert latents.shape == (64, 1, 4, 4)
    (back,) = sprite.decode_video({"video": latents})
    error = ((back.astype(float) - frame) ** 2).mean()
    assert 10 * np.log10(255**2 / error) > 20
    wide = np.pad(frame, ((0, 0), (40, 40), (0, 0)), mode="edge")
    assert torch.equal(sprite.encode_video([wide], 96, 96), latents)


def test_sound_is_encoded_to_the_length_that_is_asked(sprite: LoadedLTX2) -> None:
    scene = world.sample_scene(np.random.default_rng(0), motion="blinks", silent=False)
    wave = np.ascontiguousarray(world.render_audio(scene, 32_800).T)
    latents = sprite.encode_audio(wave, 52)
    assert latents.shape == (4, 52, 16)
    back = np.concatenate(list(sprite.decode_audio({"audio": latents})))
    loud = [np.abs(sound).max(1).reshape(-1, 1600 // 2).max(1) > 0.05 for sound in (wave, back)]
    assert loud[0].any()
    assert (loud[0] != loud[1]).sum() <= 2
    assert sprite.encode_audio(wave[:1000], 52).shape == (4, 52, 16)
