"""Why a node runs, in words."""

from __future__ import annotations

import pytest

from rushes.errors import UsageError
from rushes.lock import Lock
from rushes.plan.draw import draw_mermaid, draw_text
from rushes.plan.explain import (
    Answer,
    GraphRecord,
    compare_graphs,
    explain_place,
    record_graph,
)
from rushes.types import Key
from tests.plan.tools import (
    LOCK,
    PROJECT,
    change_package,
    change_weights,
    keys_of,
    plan_text,
)

BEFORE = record_graph(plan_text())
STORED = {key for key in keys_of(plan_text()).values() if key is not None}


def edited(old: str, new: str) -> GraphRecord:
    assert old in PROJECT
    return record_graph(plan_text(PROJECT.replace(old, new)))


def why(
    place: str, after: GraphRecord, before: GraphRecord = BEFORE, stored: set[Key] | None = None
) -> Answer:
    return explain_place(place, before, after, STORED if stored is None else stored)[0]


def own_reasons(after: GraphRecord, before: GraphRecord = BEFORE) -> dict[str, str]:
    return {
        f"{change.name}:{change.stage}": change.describe()
        for change in compare_graphs(before, after)
        if change.reasons
    }


def test_a_seed() -> None:
    after = edited("seed = 7", "seed = 8")
    answer = why("one:denoise", after)
    assert answer.runs
    assert answer.text == "would run: seed 7 → 8; 6 stages after it follow"
    assert why("one:check", after).text == "would run: what it reads has changed"
    assert not why("one:encode_text", after).runs


def test_a_prompt() -> None:
    after = edited("a blue square", "a green square")
    black = "square slides on a black background"
    assert own_reasons(after) == {
        "two:render_prompt": f"template “a blue {black}” → “a green {black}”; "
        "8 stages after it follow"
    }


def test_a_variable() -> None:
    reasons = own_reasons(edited('"red"', '"green"'))
    assert list(reasons) == ["one:render_prompt"]
    assert "colour red, ground grey → colour green, ground grey" in reasons["one:render_prompt"]


def test_a_text_that_was_empty() -> None:
    after = edited("[shots.two]\n", '[shots.two]\nnegative = "blurry"\n')
    assert "negative “” → blurry" in own_reasons(after)["two:render_prompt"]


def test_export() -> None:
    after = edited("[shots.two]\n", "[shots.two]\nexport = { crf = 30 }\n")
    assert own_reasons(after) == {"two:export": "crf 18 → 30; 1 stage after it follows"}


def test_a_cross_fade() -> None:
    after = edited("crossfade = 0.25", "crossfade = 0.5")
    reasons = own_reasons(after)
    assert reasons["both:assemble"] == "crossfade 0.25 → 0.5; 1 stage after it follows"


def test_weights() -> None:
    after = record_graph(plan_text(lock=change_weights("vae/model.safetensors")))
    reasons = own_reasons(after)
    assert set(reasons) == {"one:decode_video", "two:decode_video"}
    assert "weights vae/model.safetensors changed" in reasons["one:decode_video"]


def test_weights_that_came_and_went() -> None:
    more = record_graph(plan_text(lock=change_weights("vae/more.safetensors")))
    for before, after in ((BEFORE, more), (more, BEFORE)):
        reasons = own_reasons(after, before)
        assert set(reasons) == {"one:decode_video", "two:decode_video"}
        assert "weights vae/more.safetensors" in reasons["two:decode_video"]


def test_the_toolchain() -> None:
    reasons = own_reasons(record_graph(plan_text(lock=change_package("transformers"))))
    assert set(reasons) == {"one:encode_text", "two:encode_text"}
    assert "transformers 1.0 → 2.0" in reasons["one:encode_text"]


def test_shots_that_came_and_went() -> None:
    more = edited("[films.both]", '[shots.three]\nprompt = "x"\n[films.both]')
    (change,) = compare_graphs(BEFORE, more)
    assert (change.name, change.stage, change.kind) == ("three", "", "added")
    (change,) = compare_graphs(more, BEFORE)
    assert (change.name, change.kind) == ("three", "removed")
    assert why("three:denoise", more).text == "would run: it was not built before"


def test_nothing_changed() -> None:
    assert compare_graphs(BEFORE, BEFORE) == []
    answer = why("one:denoise", BEFORE)
    assert not answer.runs
    assert answer.text == "is stored, nothing to run: nothing it depends on has changed"


def test_a_lost_result() -> None:
    assert "not in the store any more" in why("one:denoise", BEFORE, stored=set()).text


def test_changed_but_made_before() -> None:
    after = edited("seed = 7", "seed = 8")
    stored = STORED | {node.key for node in after.nodes["one"].values() if node.key}
    answer = why("one:denoise", after, stored=stored)
    assert not answer.runs
    assert "seed 7 → 8" in answer.text
    assert "made before" in answer.text


def test_not_locked() -> None:
    unlocked = record_graph(plan_text(lock=Lock()))
    assert "not locked yet" in why("one:denoise", unlocked, unlocked).text
    assert why("one:denoise", unlocked, unlocked).runs
    assert compare_graphs(unlocked, unlocked) == []
    seed = record_graph(plan_text(PROJECT.replace("seed = 7", "seed = 8"), lock=Lock()))
    assert "seed 7 → 8" in own_reasons(seed, unlocked)["one:denoise"]


def test_every_stage_of_a_shot() -> None:
    answers = explain_place("one", BEFORE, BEFORE, STORED)
    assert [answer.stage for answer in answers] == list(BEFORE.nodes["one"])


@pytest.mark.parametrize(
    "place", ["nope", "one:nope", "one:assemble", "", ":denoise", "one:denoise:x"]
)
def test_places_that_are_not_there(place: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain_place(place, BEFORE, BEFORE, STORED)
    assert caught.value.hint


def test_a_record_survives_json() -> None:
    import msgspec

    again = msgspec.json.decode(msgspec.json.encode(BEFORE), type=GraphRecord)
    assert compare_graphs(again, BEFORE) == []
    assert own_reasons(edited("seed = 7", "seed = 8"), again) == own_reasons(
        edited("seed = 7", "seed = 8")
    )


def test_the_graph_as_text() -> None:
    lines = draw_text(BEFORE, {BEFORE.nodes["one"]["denoise"].key or Key("")}).splitlines()
    assert [line for line in lines if not line.startswith(" ")] == ["one", "two", "both"]
    stored = [line for line in lines if "●" in line]
    assert len(stored) == 1
    assert "denoise" in stored[0]
    assert stored[0].endswith("← encode_text")
    assert any("one:decode_video" in line for line in lines if "assemble" in line)
    assert "not locked" in draw_text(record_graph(plan_text(lock=Lock())), set())


def test_the_graph_as_mermaid() -> None:
    text = draw_mermaid(BEFORE, STORED)
    nodes = [line for line in text.splitlines() if '"]:::stored' in line]
    assert text.startswith("flowchart LR\n")
    assert len(nodes) == len(keys_of(plan_text()))
    assert text.count("subgraph") == text.count("\n  end") == 3
    arrows = [line.split() for line in text.splitlines() if "-->" in line]
    defined = {line.strip().partition("[")[0] for line in nodes}
    assert {end for start, _, stop in arrows for end in (start, stop)} <= defined
    assert len(arrows) == 2 * 7 + 4 + 1
    assert ":::stored" not in draw_mermaid(BEFORE, set())


def test_a_lock_of_the_tests_covers_all_stages() -> None:
    assert LOCK.toolchains.keys() >= {node for graph in BEFORE.nodes.values() for node in graph}
