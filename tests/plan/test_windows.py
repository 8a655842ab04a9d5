"""Windows of a chain: without gaps, never longer than the model sees, in step with the sound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rushes.catalogue.load import find_model
from rushes.plan.windows import Timeline, Window

SPRITE = find_model("sprite")
TIME = Timeline(SPRITE, 16.0)
LENGTHS = st.integers(0, 400).map(lambda n: 17 + 4 * n)
MORE = st.integers(1, 400).map(lambda n: 4 * n)


def check_chain(windows: list[Window], before: Window | None, frames: int) -> None:
    reach = SPRITE.reach
    assert reach is not None
    last = before
    for window in windows:
        if last is not None:
            assert window.first + window.given == last.end
            assert window.audio_new == last.audio_end
            assert min(reach.overlap, last.latents) <= window.given <= last.latents
            assert window.latents <= reach.window
            assert abs(TIME.audio_offset(window)) <= 0.5
            assert 0 < window.audio_given < window.audio_latents
        last = window
    assert last is not None
    assert TIME.frames_of(last.end) == frames
    assert last.audio_end == TIME.audio_at(frames)


@given(LENGTHS)
def test_a_clip_from_its_beginning(frames: int) -> None:
    windows = TIME.windows(frames)
    assert windows[0].first == windows[0].given == 0
    check_chain(windows, None, frames)


@given(LENGTHS, MORE)
def test_a_clip_that_goes_on(frames: int, more: int) -> None:
    before = TIME.windows(frames)[-1]
    check_chain(TIME.windows(frames + more, before), before, frames + more)


def test_a_clip_that_fits_is_one_denoise() -> None:
    for frames in range(17, 66, 4):
        (window,) = TIME.windows(frames)
        assert window == Window(0, (frames - 1) // 4 + 1, 0, 0, round(frames / 16 * 25), 0)


def test_two_seconds_are_added_at_a_time() -> None:
    second = TIME.windows(97)[1]
    assert second == Window(13, 12, 4, 75, 77, 27)
    assert TIME.shift_of(second) == 48
    assert TIME.audio_offset(second) == 0.0
