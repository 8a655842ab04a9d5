"""The published JSON Schema of rushes.toml, made from the structs that the parser reads."""

from __future__ import annotations

from typing import Any

import msgspec

from rushes.spec.tables import ProjectFile


def make_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the project file, for editors."""
    schema = msgspec.json.schema(ProjectFile)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "rushes.schema.json",
        "title": "rushes.toml",
        **schema,
    }
