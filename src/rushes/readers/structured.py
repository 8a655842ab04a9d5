"""Answers that follow a JSON Schema: asked for, checked, and asked for again with what is wrong.

Nothing here constrains a model's words as they come; it is told the schema, and its answer is
checked against it. References to other files or addresses are refused, so that nothing is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from rushes.errors import AnswerInvalid, UsageError
from rushes.readers.base import Answer

MAX_SCHEMA_BYTES = 100_000
MAX_TOKENS = 1024
"""Tokens of an answer: room for some dozens of fields."""
QUOTED_BYTES = 1000
"""Of a wrong answer, told to the reader again."""
FAULT_BYTES = 300
REMINDER_BYTES = 200
"""The words around both, at most."""
TRIES = 3
_FENCE = re.compile(r"\A```(?:json)?[ \t]*\n(?P<inner>.*?)\n?```\Z", re.DOTALL)

Ask = Callable[[str], Answer]


class Form(msgspec.Struct, frozen=True):
    """What an answer has to look like.

    Args:
        schema: a JSON Schema, as JSON.
        tries: how often it is asked for, at most.
    """

    schema: str
    tries: int = TRIES

    def write_question(self, question: str) -> str:
        """The question, with what the answer has to look like."""
        told = "Answer with one JSON document that follows this JSON Schema, and nothing else:"
        return f"{question.strip()}\n{told}\n{self.schema}"

    def write_longest(self, question: str) -> str:
        """As long as the question can become when it is asked again."""
        spare = QUOTED_BYTES + FAULT_BYTES + REMINDER_BYTES
        return self.write_question(question) + " " * spare


def read_form(path: Path, tries: int = TRIES) -> Form:
    """A schema out of a file.

    Raises:
        UsageError: it cannot be read, is no JSON Schema, or refers to what is not in it.
    """
    where = str(path)
    try:
        data = path.read_bytes()
        schema = json.loads(data, parse_constant=_refuse_constant)
    except OSError as exc:
        raise UsageError(f"cannot read {path.name}: {exc.strerror}", where=where) from exc
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"{path.name} is no JSON: {exc}", where=where) from exc
    if len(data) > MAX_SCHEMA_BYTES:
        raise UsageError(f"{path.name} is larger than {MAX_SCHEMA_BYTES:,} bytes", where=where)
    _check_schema(schema, path)
    return Form(json.dumps(schema, ensure_ascii=False, separators=(",", ":")), tries)


def _check_schema(schema: Any, path: Path) -> None:
    from jsonschema import SchemaError
    from jsonschema.validators import validator_for

    if not isinstance(schema, dict):
        hint = 'begin it with {"type": "object", "properties": …}'
        raise UsageError(f"{path.name} is no JSON Schema", where=str(path), hint=hint)
    for ref in _find_references(schema):
        if not _leads_somewhere(schema, ref):
            raise UsageError(
                f"{path.name} refers to {ref!r}, which is not in it",
                where=str(path),
                hint="write what is referred to under $defs, and refer to #/$defs/NAME",
            )
    try:
        validator_for(schema, default=_default_validator()).check_schema(schema)
    except SchemaError as exc:
        place = exc.json_path.removeprefix("$.")
        raise UsageError(
            f"{path.name} is no JSON Schema: {exc.message[:300]}", where=f"{path}:{place}"
        ) from exc


def _default_validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator


def _find_references(value: Any) -> list[str]:
    found: list[str] = []
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            names = ("$ref", "$dynamicRef", "$recursiveRef")
            found += [str(one[name]) for name in names if isinstance(one.get(name), str)]
            pending += one.values()
        elif isinstance(one, list):
            pending += one
    return found


def _leads_somewhere(schema: Any, ref: str) -> bool:
    """Whether a reference is a JSON pointer into the schema itself."""
    if ref == "#":
        return True
    if not ref.startswith("#/"):
        return False
    for step in ref[2:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, list) and key.isdecimal() and int(key) < len(schema):
            schema = schema[int(key)]
        elif isinstance(schema, dict) and key in schema:
            schema = schema[key]
        else:
            return False
    return True


def ask_form(ask: Ask, question: str, form: Form) -> tuple[Answer, Any]:
    """An answer that follows the form, and its value.

    Tokens of all tries are counted together.

    Raises:
        AnswerInvalid: none of the tries does; says what is wrong with the last.
    """
    first = form.write_question(question)
    asked, tokens, fault, said = first, 0, "", ""
    for _ in range(form.tries):
        answer = ask(asked)
        tokens += answer.tokens
        said = answer.answer
        value, wrong = read_value(said, form)
        if wrong is None:
            return replace(answer, tokens=tokens), value
        fault = _cut(wrong, FAULT_BYTES)
        quoted = _cut(said, QUOTED_BYTES)
        asked = f"{first}\nThis answer was wrong:\n{quoted}\nWhat is wrong: {fault}\nAnswer again."
    raise AnswerInvalid(
        f"after {form.tries} tries the answer does not follow the schema: {fault}",
        hint=f"ask for less, or ask another reader; the last answer: {_cut(said, 200)!r}",
    )


def read_value(text: str, form: Form) -> tuple[Any, str | None]:
    """The value of an answer, and what is wrong with it; None where nothing is."""
    from jsonschema.exceptions import best_match

    fenced = _FENCE.match(text.strip())
    inner = fenced["inner"] if fenced else text
    try:
        value = json.loads(inner, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        return None, f"it is no JSON: {exc}"
    fault = best_match(_make_validator(form.schema).iter_errors(value))
    return value, None if fault is None else f"at {fault.json_path}: {fault.message}"


def _make_validator(schema: str) -> Any:
    from jsonschema.validators import validator_for
    from referencing import Registry

    document = json.loads(schema)
    kind = validator_for(document, default=_default_validator())
    return kind(document, registry=Registry())


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _cut(text: str, nbytes: int) -> str:
    data = text.encode("utf-8", "replace")
    return text if len(data) <= nbytes else data[:nbytes].decode("utf-8", "ignore")
