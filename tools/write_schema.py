"""Write docs/rushes.schema.json; a test holds the file to the parser."""

from __future__ import annotations

import json
from pathlib import Path

from rushes.spec.schema import make_schema

if __name__ == "__main__":
    text = json.dumps(make_schema(), indent=2, ensure_ascii=False, sort_keys=True)
    Path("docs/rushes.schema.json").write_text(text + "\n", "utf-8")
