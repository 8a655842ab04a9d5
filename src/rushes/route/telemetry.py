"""The ledger for other programs: events as lines, OpenTelemetry spans, Prometheus metrics.

All three are made from the same rows. A clip is followed by ``clip``, its run, name and take, which
every event and span of its stages has.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import rushes
from rushes.errors import UsageError
from rushes.ledger import NodeRow, RunRow
from rushes.route.account import Rows, is_gpu

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

NANO = 1_000_000_000
HELP = {
    "rushes_runs_total": "Builds and requests.",
    "rushes_stages_total": "Stages that were computed.",
    "rushes_stage_failures_total": "Stages that ended with an error.",
    "rushes_failed_checks_total": "Takes that checks refused.",
    "rushes_stage_seconds_total": "Seconds of computing.",
    "rushes_gpu_seconds_total": "Of those, on GPUs.",
    "rushes_usd_total": "Dollars that were paid.",
    "rushes_tokens_total": "Tokens of answers.",
    "rushes_saved_seconds_total": "Seconds that stored results saved.",
}


def name_clip(node: NodeRow) -> str:
    """By which one take of one shot is followed."""
    return f"{node.run}/{node.shot}/{node.attempt}"


def list_events(rows: Rows, run: str) -> Iterator[dict[str, Any]]:
    """A run as it went: its beginning, what each stage did, its end."""
    begun = _find_run(rows, run)
    yield {
        "event": "run_begun", "at": begun.started_at, "run": run, "project": begun.project,
        "command": begun.command, "asked_by": begun.asked_by, "rushes": begun.rushes,
    }  # fmt: skip
    for node in _nodes_of(rows, run):
        yield describe_node(node)
    if begun.seconds is not None:
        yield {
            "event": "run_ended", "at": begun.started_at + begun.seconds, "run": run,
            "seconds": begun.seconds, "ran": begun.ran, "hits": begun.hits, "usd": begun.usd,
            "exit_code": begun.exit_code,
        }  # fmt: skip


def describe_node(node: NodeRow) -> dict[str, Any]:
    """One stage as an event."""
    return {
        "event": "stage_failed" if node.error else "stage_ran", "at": node.started_at,
        "run": node.run, "clip": name_clip(node), "shot": node.shot, "attempt": node.attempt,
        "stage": node.stage, "model": node.model, "key": node.key, "seed": node.seed,
        "seconds": node.seconds, "device": node.device, "peak_bytes": node.peak_bytes,
        "usd": node.usd, "reason": node.reason, "tokens_in": node.tokens_in,
        "tokens_out": node.tokens_out, "passed": node.passed, "error": node.error,
    }  # fmt: skip


def make_traces(rows: Rows, run: str) -> dict[str, Any]:
    """A run as an OTLP document in JSON, as a collector's ``/v1/traces`` takes it: the run, its
    clips in it, their stages in these."""
    begun = _find_run(rows, run)
    trace, root = _make_id(run, 32), _make_id(f"{run}/run", 16)
    end = begun.started_at + (begun.seconds or 0.0)
    spans = [_make_span(trace, root, "", f"run {begun.project}", begun.started_at, end, {
        "rushes.command": begun.command, "rushes.asked_by": begun.asked_by,
    }, begun.exit_code not in (0, 1, None))]  # fmt: skip
    clips: dict[str, list[NodeRow]] = defaultdict(list)
    for node in _nodes_of(rows, run):
        clips[name_clip(node)].append(node)
    for clip, nodes in clips.items():
        span = _make_id(clip, 16)
        first = min(node.started_at for node in nodes)
        last = max(node.started_at + node.seconds for node in nodes)
        said = {"rushes.clip": clip, "rushes.shot": nodes[0].shot}
        spans.append(_make_span(trace, span, root, f"clip {nodes[0].shot}", first, last, said))
        for number, node in enumerate(nodes):
            attributes = {f"rushes.{k}": v for k, v in describe_node(node).items() if v is not None}
            mine = _make_id(f"{clip}/{number}/{node.stage}", 16)
            ends = node.started_at + node.seconds
            spans.append(_make_span(trace, mine, span, node.stage, node.started_at, ends,
                                    attributes, node.error is not None))  # fmt: skip
    resource = {"attributes": _list_attributes({"service.name": "rushes"})}
    scope = {"name": "rushes", "version": rushes.__version__}
    return {"resourceSpans": [{"resource": resource,
                               "scopeSpans": [{"scope": scope, "spans": spans}]}]}  # fmt: skip


def export_traces(rows: Rows, run: str, provider: TracerProvider) -> int:
    """Give a run's spans to an OpenTelemetry provider, with its exporters (the extra ``otel``).

    Returns:
        How many spans.
    """
    from opentelemetry import trace
    from opentelemetry.trace import Status, StatusCode

    tracer = provider.get_tracer("rushes", rushes.__version__)
    spans = make_traces(rows, run)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    contexts: dict[str, Any] = {}
    for told in spans:
        parent = contexts.get(told["parentSpanId"])
        span = tracer.start_span(
            told["name"],
            context=parent,
            start_time=int(told["startTimeUnixNano"]),
            attributes={a["key"]: next(iter(a["value"].values())) for a in told["attributes"]},
        )
        if told["status"]:
            span.set_status(Status(StatusCode.ERROR))
        contexts[told["spanId"]] = trace.set_span_in_context(span)
        span.end(int(told["endTimeUnixNano"]))
    return len(spans)


def make_metrics(rows: Rows) -> str:
    """The whole ledger in Prometheus' text format."""
    sums: dict[tuple[str, tuple[tuple[str, str], ...]], Decimal] = defaultdict(Decimal)

    def add(name: str, value: float | Decimal, **labels: str) -> None:
        sums[name, tuple(sorted(labels.items()))] += Decimal(str(value))

    for run in rows.runs:
        add("rushes_runs_total", 1, project=run.project)
    for node in rows.nodes:
        labels = {"model": node.model or "", "stage": node.stage}
        if node.error is None:
            add("rushes_stages_total", 1, **labels)
            add("rushes_stage_seconds_total", node.seconds, **labels)
        else:
            add("rushes_stage_failures_total", 1, **labels)
        if is_gpu(node.device):
            add("rushes_gpu_seconds_total", node.seconds, **labels)
        if node.passed is False:
            add("rushes_failed_checks_total", 1, **labels)
        if node.usd:
            add("rushes_usd_total", node.usd, reason=node.reason, **labels)
        for direction, count in (("in", node.tokens_in), ("out", node.tokens_out)):
            if count:
                add("rushes_tokens_total", count, direction=direction, **labels)
    for hit in rows.hits:
        labels = {"model": hit.model or "", "stage": hit.stage}
        add("rushes_saved_seconds_total", hit.seconds, **labels)
    return "".join(_write_metrics(sums))


def _write_metrics(
    sums: dict[tuple[str, tuple[tuple[str, str], ...]], Decimal],
) -> Iterator[str]:
    for name, about in HELP.items():
        mine = sorted((labels, value) for (other, labels), value in sums.items() if other == name)
        if not mine:
            continue
        yield f"# HELP {name} {about}\n# TYPE {name} counter\n"
        for labels, value in mine:
            said = ",".join(f'{key}="{_escape(text)}"' for key, text in labels)
            yield f"{name}{{{said}}} {value:f}\n"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _find_run(rows: Rows, run: str) -> RunRow:
    found = next((row for row in rows.runs if row.id == run), None)
    if found is None:
        raise UsageError(f"there is no run {run!r}", hint="rushes log lists them")
    return found


def _nodes_of(rows: Rows, run: str) -> list[NodeRow]:
    return sorted((n for n in rows.nodes if n.run == run), key=lambda node: node.started_at)


def _make_id(text: str, letters: int) -> str:
    """The same for the same thing, so that a run exported twice is one trace."""
    return hashlib.sha256(text.encode()).hexdigest()[:letters]


def _make_span(
    trace: str,
    span: str,
    parent: str,
    name: str,
    start: float,
    end: float,
    attributes: dict[str, Any],
    failed: bool = False,
) -> dict[str, Any]:
    return {
        "traceId": trace, "spanId": span, "parentSpanId": parent, "name": name, "kind": 1,
        "startTimeUnixNano": str(round(start * NANO)), "endTimeUnixNano": str(round(end * NANO)),
        "attributes": _list_attributes(attributes), "status": {"code": 2} if failed else {},
    }  # fmt: skip


def _list_attributes(said: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _wrap(value)} for key, value in said.items()]


def _wrap(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}
