"""Prompts with variables, filled in."""

from __future__ import annotations

import string

from msgspec import UNSET

from rushes.spec.layers import Layers, suggest
from rushes.spec.read import Source


def resolve_prompt(
    layers: Layers, name: str, source: Source
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A shot's template, and its variables with their values.

    Raises:
        ProjectError: there is no prompt, or its variables and values do not agree.
    """
    template = layers.pick("prompt", None)
    if template is None:
        raise source.error(
            f"shot {name!r} has no prompt", ("shots", name), "give it a prompt, or a preset"
        )
    given: dict[str, str] = {}
    for table in (layers.preset, layers.shot):
        given.update({} if table.vars is UNSET else table.vars)
    used = _template_variables(template, layers.where("prompt"), source)
    missing = [variable for variable in used if variable not in given]
    if missing:
        raise source.error(
            f"shot {name!r} gives no value for {{{missing[0]}}} of its prompt",
            ("shots", name),
            f'vars = {{ {missing[0]} = "…" }} (a brace itself is written {{{{ or }}}})',
        )
    unused = [variable for variable in given if variable not in used]
    if unused and layers.shot.vars is not UNSET and unused[0] in layers.shot.vars:
        raise source.error(
            f"the prompt of shot {name!r} has no {{{unused[0]}}}",
            ("shots", name, "vars"),
            suggest(unused[0], used),
        )
    if not template.format_map(given).strip():
        raise source.error(
            f"the prompt of shot {name!r} is empty once its variables are filled in",
            layers.where("prompt"),
        )
    return template, tuple((variable, given[variable]) for variable in used)


def _template_variables(template: str, path: tuple[str, ...], source: Source) -> list[str]:
    """Names in ``{braces}``, each once, in order."""
    found: dict[str, None] = {}
    try:
        for _, field, spec, conversion in string.Formatter().parse(template):
            if field is None:
                continue
            if spec or conversion or not field.isidentifier():
                raise ValueError(f"{{{field}}} is not a variable's name")
            found[field] = None
    except ValueError as exc:
        raise source.error(
            f"the prompt's braces: {exc}", path, "write a brace itself as {{ or }}"
        ) from exc
    return list(found)
