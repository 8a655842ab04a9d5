"""repair: what lies outside the span stays bit for bit, and what is inside is new."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from rushes.plan.mending import keep_around
from rushes.stages.repair import RepairParams, cut_window, put_back

VIDEO, AUDIO = 9, 52


def make_params(
    start: int, count: int, low: int, high: int, audio: tuple[int, int, int, int]
) -> RepairParams:
    audio_from, audio_count, first, last = audio
    return RepairParams(
        seed=1, first=min(start, 1), latents=count, audio_offset=0.0, audio_latents=audio_count,
        height=96, width=96, fps=16.0, steps=2, guidance=3.0,
        kept_video=keep_around([(low, high)] if low < high else [], count),
        kept_audio=keep_around([(first, last)] if first < last else [], audio_count),
        video_from=start, audio_from=audio_from,
    )  # fmt: skip


def make_take() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {
        "video": torch.randn(4, VIDEO, 2, 2, generator=generator),
        "audio": torch.randn(2, AUDIO, 3, generator=generator),
    }


@st.composite
def windows(draw: st.DrawFn, length: int) -> tuple[int, int, int, int]:
    """Start and count of a window, and from and to of the span inside it, perhaps empty."""
    start = draw(st.integers(0, length - 1))
    count = draw(st.integers(1, length - start))
    low = draw(st.integers(0, count))
    return start, count, low, draw(st.integers(low, count))


@given(windows(VIDEO), windows(AUDIO))
def test_everything_outside_the_span_is_the_very_same(
    video: tuple[int, int, int, int], audio: tuple[int, int, int, int]
) -> None:
    params, take = make_params(*video, audio), make_take()
    window = cut_window(take, params)
    made = {"video": torch.full_like(window.video, 7.0), "audio": torch.full_like(window.audio, 7)}
    mended = put_back(take, made, window, params)
    for name, (start, _, low, high) in (("video", video), ("audio", audio)):
        inside = set(range(start + low, start + high))
        for place in range(take[name].shape[1]):
            same = torch.equal(mended[name][:, place], take[name][:, place])
            assert same == (place not in inside), (name, place)


def test_a_window_is_what_the_take_has_there() -> None:
    params, take = make_params(2, 5, 2, 3, (10, 20, 4, 8)), make_take()
    window = cut_window(take, params)
    assert torch.equal(window.video, take["video"][:, 2:7])
    assert torch.equal(window.audio, take["audio"][:, 10:30])
    assert window.keep_video.tolist() == [True, True, False, True, True]
    assert int((~window.keep_audio).sum()) == 4
