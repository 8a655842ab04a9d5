"""The ledger for other programs: the same sums and clips, whichever way it is told."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from rushes.route.account import Rows, account_for, blend_costs, total_of
from rushes.route.regress import find_regressions
from rushes.route.telemetry import export_traces, list_events, make_metrics, make_traces
from tests.route.test_account import make_node, make_run

NODES = [
    make_node("r1", stage="denoise", model="ltx-2", started_at=10.0, seconds=2.0),
    make_node("r1", stage="check", model=None, passed=False, started_at=13.0, device=""),
    make_node("r1", stage="generate", model="cloud", attempt=1, started_at=14.0, usd=0.2,
              reason="qa", device=""),
    make_node("r1", stage="reason", model="cloud", shot="x", usd=0.07, reason="class",
              tokens_in=40, tokens_out=5, device="", started_at=20.0),
    make_node("r1", stage="export", model=None, error="broke", started_at=21.0, device=""),
]  # fmt: skip
ROWS = Rows([make_run("r1", 9.0, seconds=15.0)], NODES, [])


def test_events_follow_a_clip_through_its_stages() -> None:
    events = list(list_events(ROWS, "r1"))
    assert [e["event"] for e in events] == [
        "run_begun", *["stage_ran"] * 4, "stage_failed", "run_ended",
    ]  # fmt: skip
    assert Counter(e["clip"] for e in events[1:-1]) == {"r1/s/0": 3, "r1/s/1": 1, "r1/x/0": 1}
    assert json.dumps(events)


def test_spans_lie_in_each_other() -> None:
    spans = make_traces(ROWS, "r1")["resourceSpans"][0]["scopeSpans"][0]["spans"]
    by_id = {span["spanId"]: span for span in spans}
    assert len(by_id) == len(spans) == 1 + 3 + 5
    assert {len(span["traceId"]) for span in spans} == {32}
    for span in spans[1:]:
        around = by_id[span["parentSpanId"]]
        assert int(around["startTimeUnixNano"]) <= int(span["startTimeUnixNano"])
        assert int(span["endTimeUnixNano"]) <= int(around["endTimeUnixNano"])
    assert sum(bool(span["status"]) for span in spans) == 1


def test_spans_go_to_an_open_telemetry_provider() -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    assert export_traces(ROWS, "r1", provider) == 9
    spans = {span.name: span for span in kept.get_finished_spans()}
    denoise, clip = spans["denoise"], spans["clip x"]
    assert denoise.attributes["rushes.clip"] == "r1/s/0"
    assert denoise.end_time - denoise.start_time == 2_000_000_000
    assert clip.parent.span_id == spans["run p"].context.span_id


rows = st.lists(
    st.builds(
        make_node,
        run=st.just("r1"),
        stage=st.sampled_from(["denoise", "generate", "reason", "check"]),
        model=st.sampled_from(["ltx-2", 'od"d\\', None]),
        shot=st.sampled_from("ab"),
        seconds=st.integers(0, 100).map(float),
        usd=st.integers(0, 100).map(lambda cents: cents / 100),
        tokens_in=st.integers(0, 100),
        error=st.sampled_from([None, "broke"]),
    ),
    max_size=12,
)


@given(rows)
def test_metrics_and_accounts_say_the_same(nodes: list) -> None:  # type: ignore[type-arg]
    found = Rows([make_run("r1")], nodes, [])
    text = make_metrics(found)
    assert all(re.fullmatch(r'(# .*|[a-z_]+\{([a-z]+="([^"\\]|\\.)*",?)*\} [0-9.]+)', line)
               for line in text.splitlines())  # fmt: skip
    total = total_of(account_for(found, "model"))

    def add(name: str) -> Decimal:
        lines = [line for line in text.splitlines() if line.startswith(f"{name}{{")]
        return sum((Decimal(line.rsplit(" ", 1)[1]) for line in lines), Decimal(0))

    assert add("rushes_usd_total") == total.usd
    assert add("rushes_tokens_total") == total.tokens_in + total.tokens_out
    assert add("rushes_stages_total") == total.nodes
    assert add("rushes_stage_failures_total") == total.failures


def test_a_blend_beside_all_paid() -> None:
    said = blend_costs(ROWS, [], Decimal("3.6"), None).to_dict()
    assert (said["takes"], said["open_share"]) == (3, 0.3333)
    assert (said["usd"], said["gpu_usd"]) == (Decimal("0.27"), Decimal("0.002"))
    assert said["usd_per_paid_take"] == Decimal("0.135")
    assert said["saved_usd"] == Decimal("0.405") - Decimal("0.272")
    stated = blend_costs(ROWS, [], Decimal(0), Decimal(1)).to_dict()
    assert stated["all_paid_usd"] == 3
    assert blend_costs(Rows([], [], []), [], Decimal(0), None).to_dict()["usd_per_take"] is None


def test_a_version_whose_takes_checks_refuse_more_often_is_told() -> None:
    nodes = []
    for number in range(40):
        version, passed = ("old", True) if number < 20 else ("new", number % 2 == 0)
        said = {"run": f"r{number}", "started_at": float(number)}
        nodes.append(make_node(**said, version=version, seconds=1.0))
        nodes.append(make_node(**said, stage="check", model=None, passed=passed))
    (found,) = find_regressions(nodes)
    assert (found.what, found.before, found.after) == ("worse scores", 0.0, 0.5)
