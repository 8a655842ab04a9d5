"""A graph as text: a tree for the terminal, Mermaid for documents."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rushes.plan.explain import GraphRecord, NodeRecord
from rushes.types import Key

LABEL_WIDTH = 14


def draw_text(graph: GraphRecord, cached: Collection[Key]) -> str:
    """Shots and films with their stages, the inputs of each, and what is stored."""
    return "\n".join(_text_lines(graph, cached))


def _text_lines(graph: GraphRecord, cached: Collection[Key]) -> Iterator[str]:
    labels = (label for stages in graph.nodes.values() for label in stages)
    width = max([LABEL_WIDTH, *map(len, labels)])
    for name, stages in graph.nodes.items():
        yield name
        for stage, node in stages.items():
            read = ", ".join(dict.fromkeys(_short(name, place) for place in node.inputs.values()))
            arrow = f" ← {read}" if read else ""
            key = (node.key or "not locked")[:12]
            yield f"  {_mark(node, cached)} {stage:<{width}} {key}{arrow}"


def _short(name: str, place: str) -> str:
    return place.removeprefix(f"{name}:")


def _mark(node: NodeRecord, cached: Collection[Key]) -> str:
    return "●" if node.key in cached else "○"


def draw_mermaid(graph: GraphRecord, cached: Collection[Key]) -> str:
    """A flowchart; stored stages are filled."""
    ids: dict[str, str] = {}
    lines = ["flowchart LR"]
    for name, stages in graph.nodes.items():
        lines.append(f'  subgraph {_identifier(ids, name)}["{name}"]')
        for stage, node in stages.items():
            place = _identifier(ids, f"{name}:{stage}")
            style = ":::stored" if node.key in cached else ""
            lines.append(f'    {place}["{stage}"]{style}')
        lines.append("  end")
    for name, stages in graph.nodes.items():
        for stage, node in stages.items():
            for before in dict.fromkeys(node.inputs.values()):
                target = _identifier(ids, f"{name}:{stage}")
                lines.append(f"  {_identifier(ids, before)} --> {target}")
    lines.append("  classDef stored fill:#cfe8cf,stroke:#4a7a4a,color:#143014")
    return "\n".join(lines)


def _identifier(ids: dict[str, str], place: str) -> str:
    return ids.setdefault(place, f"n{len(ids)}")
