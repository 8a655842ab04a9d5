"""The tasks that sprite is trained on: pieces inside their clips, masks of the right sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.sprite import noising
from training.sprite.noising import TIME, draw_piece, draw_task

AREA = 16
SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.sampled_from([9, 17]))
def test_a_piece_lies_in_its_clip_with_its_sound(seed: int, total: int) -> None:
    piece = draw_piece(np.random.default_rng(seed), total)
    assert 0 <= piece.first < piece.end <= total
    assert piece.latents >= noising.SHORTEST
    assert 0 <= piece.audio_first < piece.audio_end <= TIME.audio_at(TIME.frames_of(total))
    assert abs(TIME.audio_offset(piece)) <= 0.5


@pytest.mark.parametrize("kind", ["plain", "beginning", "span", "keyframes"])
@given(seed=SEEDS)
def test_what_is_noised_has_a_level_and_what_is_given_has_none(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    piece = draw_piece(rng, 17)
    sigma = 1 / (1 + np.exp(-rng.normal(0.9, 1.2, 4)))
    if kind == "plain":
        task = noising._draw_plain(rng, sigma)
        assert task.video_tokens.shape == task.audio_tokens.shape == (4,)
        assert ((task.video > 0) | (task.audio > 0)).all()
        return
    task = getattr(noising, f"_draw_{kind}")(rng, sigma, piece, AREA)
    tokens = (piece.latents + len(task.keyframes)) * AREA
    assert task.video_tokens.shape == (4, tokens)
    clip = task.video_tokens[:, : piece.latents * AREA]
    assert ((clip == 0) | (clip == task.video[:, None])).all()
    assert (task.video_tokens[:, piece.latents * AREA :] == 0).all()
    if kind == "keyframes":
        last = TIME.frames_of(piece.end) - 1 - TIME.shift_of(piece)
        assert all(0 < frame <= last for frame in task.keyframes)
        return
    assert task.audio_tokens.shape == (4, piece.audio_latents)
    assert ((task.audio_tokens == 0) | (task.audio_tokens == task.audio[:, None])).all()
    assert ((task.video > 0) | (task.audio > 0)).all()


def test_every_task_is_drawn() -> None:
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(400):
        piece = draw_piece(rng, 17)
        task = draw_task(rng, 8, piece, AREA, rng.random())
        seen.add((piece.first > 0, bool(task.keyframes), task.video_tokens.ndim))
    assert seen == {
        (m, k, n) for m in (False, True) for k, n in ((False, 1), (False, 2), (True, 2))
    }
