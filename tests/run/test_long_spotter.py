"""The embedded reader over a file of four scenes whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.readers.film import draw_film, say_event, write_film
from rushes.readers.sampling import EVERYTHING
from rushes.run.asking import ask_file
from rushes.run.finding import Search, find_in
from rushes.run.reading import Session, open_reading

STEP = 1 / 8
"""Seconds between two frames that spotter sees."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("scenes")
    film = draw_film(11.0, seed=71)
    assert [say_event(shown.scene) for shown in film] == [
        "a green square rises", "a orange cross orbits", "a blue ball blinks",
        "a green cross bounces",
    ]  # fmt: skip
    write_film(film, folder / "film.mp4")
    with open_reading(folder, device="cpu") as session:
        yield session


def find_film(session: Session) -> Path:
    return session.store.folder.parent / "film.mp4"


def test_a_time_is_found_in_its_scene_and_nowhere_else(session: Session) -> None:
    path = find_film(session)
    questions = [
        "when does the green cross first touch the floor?",
        "when does the red cross first touch the floor?",
    ]
    landed, absent = ask_file(session, path, questions, EVERYTHING)
    (span,) = landed.spans
    assert span.start_seconds == pytest.approx(8.805, abs=STEP)
    assert all(8.5 <= time < 11.375 for time in landed.frames)
    assert (absent.answer, absent.spans) == ("not in this clip", ())
    ran = session.runner._ran
    assert ask_file(session, path, questions, EVERYTHING) == [landed, absent]
    assert session.runner._ran == ran, "all of it was kept"


def test_an_event_is_found_from_cut_to_cut(session: Session) -> None:
    (found,) = find_in(session, str(find_film(session)), Search("a blue ball blinks")).intervals
    assert (found.start_seconds, found.end_seconds) == pytest.approx((4.875, 8.5))
    assert found.score > 0.9
