"""Choosing: what is left out and why, the order of what is left, and that more is never less."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.catalogue.benchmarks import read_benchmarks
from rushes.catalogue.device import find_device
from rushes.catalogue.licences import Use, licence_ids
from rushes.errors import UsageError
from rushes.route.abilities import check_question
from rushes.route.choose import Selection, choose_models, find_standings
from rushes.route.hardware import find_fit
from rushes.route.offers import list_offers
from rushes.route.question import Question, Task
from rushes.route.sheet import NOTICE, draw_sheet
from rushes.route.suite import PROMPTS, write_suite
from rushes.spec.resolve import load_project

GB = 10**9
TASKS: tuple[Task, ...] = ("generate", "understand", "reason", "code")


def names(selection: Selection) -> list[str]:
    return [candidate.offer.name for candidate in selection.candidates]


def reasons(selection: Selection) -> dict[str, tuple[str, str]]:
    return {e.model: (e.reason, e.clause) for e in selection.excluded}


@pytest.mark.parametrize("task", TASKS)
def test_every_model_is_a_candidate_or_excluded_with_a_reason_and_a_clause(task: Task) -> None:
    selection = choose_models(Question(task, vram=24 * GB))
    known = {offer.name for offer in list_offers(task)}
    out = reasons(selection)
    assert set(names(selection)) | set(out) >= known
    assert not set(names(selection)) & set(out)
    assert all(reason and clause for reason, clause in out.values())
    assert all(candidate.why for candidate in selection.candidates)
    assert selection.tries == tuple(names(selection)[:2])


def test_licence_first() -> None:
    use = Use(revenue_usd=20e6, territories=("EU",))
    out = reasons(choose_models(Question("generate", use, vram=GB // 2)))
    assert "10 million USD" in out["ltx-2.5"][1]
    assert "not licensed in EU" in out["hunyuan-video-1.5"][0]
    assert out["wan-2.1-14b"][0].startswith("does not fit")


def test_what_is_asked_for() -> None:
    sound = choose_models(Question("generate", sound=True))
    assert set(names(sound)) == {"ltx-2", "ltx-2.3", "ltx-2.5"}
    depth = choose_models(Question("generate", controls=("depth",)))
    by_adapter = {"ltx-2", "ltx-2.3", "ltx-2.5"}
    assert set(names(depth)) == {"wan-2.1-vace-1.3b", "wan-2.1-vace-14b"} | by_adapter
    assert reasons(depth)["wan-2.1-14b"] == ("cannot be given depth", "--controls depth")
    long = choose_models(Question("generate", max_seconds=30))
    assert set(names(long)) == {"ltx-2", "ltx-2.3", "ltx-2.5"}


def test_gone_hosted_and_embedded_models_are_no_candidates() -> None:
    out = reasons(choose_models(Question("generate")))
    assert out["sora-2"][0] == "is gone since 2026-09-24"
    assert "hosted" in out["veo-3.1"][0]
    assert "miniature" in out["sprite"][0]
    out = reasons(choose_models(Question("generate", data_stays=True)))
    assert out["veo-3.1"] == ("would send data to google", "--data-stays")


def test_a_gap_within_the_noise_is_a_tie() -> None:
    vbench = next(b for b in read_benchmarks() if b.name == "VBench")
    among = [figure.model for figure in vbench.figures]
    standings = {n: next(iter(find_standings(n, among, "generate"))) for n in among}
    best = max(figure.score for figure in vbench.figures)
    for standing in standings.values():
        assert standing.behind == pytest.approx(best - standing.figure.score)
        assert standing.ties == (standing.behind <= vbench.noise)
    assert not standings["cogvideox-5b"].ties
    assert standings["wan-2.1-1.3b"].ties


def test_what_is_clearly_behind_comes_last_and_no_figure_is_no_bad_figure() -> None:
    selection = choose_models(Question("generate"))
    behind = [candidate.is_behind for candidate in selection.candidates]
    assert behind == sorted(behind)
    assert names(selection)[-1] in ("cogvideox-5b", "ltx-2.3")
    assert not next(c for c in selection.candidates if c.offer.name == "wan-2.2-a14b").is_behind


def test_memory_is_the_planners() -> None:
    fits = {
        o.name: find_fit(o, Question("generate", vram=10 * GB)) for o in list_offers("generate")
    }
    assert all(fit is not None for fit in fits.values())
    big = find_fit(list_offers("reason")[0], Question("reason", vram=24 * GB, gpus=4))
    assert big is not None
    assert big.fits, "Mixtral in int4 over four cards"
    assert not find_fit(list_offers("reason")[0], Question("reason", vram=24 * GB)).fits  # type: ignore[union-attr]


def test_a_volume_that_the_card_cannot_make() -> None:
    card = find_device("rtx3060")
    few = choose_models(Question("generate", device=card, volume=30))
    many = choose_models(Question("generate", device=card, volume=10**6))
    assert set(names(many)) < set(names(few))
    slow = [c for r, c in reasons(many).values() if r.startswith("is too slow")]
    assert slow
    assert slow[0] == "--volume 1000000/month: one every 2.6 s"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question("code", sound=True), "--sound"),
        (Question("understand", controls=("depth",)), "--controls"),
        (Question("generate", controls=("dept",)), "no control 'dept'"),
    ],
)
def test_what_does_not_go_together(question: Question, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_question(question)


uses = st.builds(
    Use,
    allowed=st.none() | st.lists(st.sampled_from(licence_ids()), unique=True).map(tuple),
    revenue_usd=st.none() | st.floats(0, 1e8),
    users=st.none() | st.integers(0, 10**9),
    territories=st.lists(st.sampled_from(["EU", "US", "KR"]), unique=True).map(tuple),
)
memory = st.integers(2, 160).map(lambda n: n * GB)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TASKS), uses, memory, memory, st.integers(1, 8), st.integers(1, 8))
def test_more_memory_and_more_cards_never_remove_a_candidate(
    task: Task, use: Use, vram: int, more: int, gpus: int, others: int
) -> None:
    vram, more = sorted((vram, more))
    gpus, others = sorted((gpus, others))
    asked = Question(task, use, vram=vram, gpus=gpus)
    if task == "generate":
        asked = replace(asked, device=find_device("rtx4090"), volume=20_000)
    less = choose_models(asked)
    assert set(names(less)) <= set(names(choose_models(replace(asked, vram=more, gpus=others))))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TASKS), uses, st.lists(st.sampled_from(licence_ids())), st.booleans())
def test_more_licences_and_agreements_never_remove_a_candidate(
    task: Task, use: Use, extra: list[str], grant: bool
) -> None:
    less = set(names(choose_models(Question(task, use))))
    wider = replace(use, granted=tuple(extra))
    if not grant:
        allowed = None if use.allowed is None else (*use.allowed, *extra)
        wider = replace(use, allowed=allowed)
    assert less <= set(names(choose_models(Question(task, wider))))


def test_the_suite_is_a_project_that_makes_every_prompt_on_both(tmp_path: Path) -> None:
    use = Use(allowed=("apache-2.0",), revenue_usd=5e6, territories=("EU",), purpose="commercial")
    selection = choose_models(Question("generate", use))
    (tmp_path / "rushes.toml").write_text(write_suite(selection))
    project = load_project(tmp_path)
    assert len(project.shots) == 2 * len(PROMPTS)
    assert {shot.model.name for shot in project.shots.values()} == set(selection.tries)
    assert project.use == replace(use, fine_tune=False)


def test_no_suite_for_text_or_for_nothing() -> None:
    with pytest.raises(UsageError, match="generators"):
        write_suite(choose_models(Question("code")))
    with pytest.raises(UsageError, match="nothing is left"):
        write_suite(choose_models(Question("generate", Use(allowed=()))))


def test_the_sheet_has_everything_and_says_once_what_it_is_not() -> None:
    selection = choose_models(Question("generate", Use(revenue_usd=2e7), vram=24 * GB))
    page = draw_sheet(selection, "2026-11-21")
    assert page.count(NOTICE) == 1
    for name in (*names(selection), *reasons(selection)):
        assert f"<th>{name}</th>" in page
    assert "20,000,000 USD" in page
    assert "<script" not in page
    assert "http-equiv" in page
    assert "@page" in page
