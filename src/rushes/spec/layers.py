"""The tables that may say something about a shot, nearest first."""

from __future__ import annotations

import difflib
from typing import Any

from msgspec import UNSET

from rushes.spec import tables
from rushes.spec.read import Source


class Layers:
    """The tables that may say something about one shot, nearest first."""

    def __init__(self, file: tables.ProjectFile, name: str, source: Source) -> None:
        shot = file.shots[name]
        preset = tables.PresetTable()
        self.paths: list[tuple[str, ...]] = [("shots", name)]
        self.tables: list[Any] = [shot]
        if shot.preset is not UNSET:
            if shot.preset not in file.presets:
                raise source.error(
                    f"there is no preset {shot.preset!r}",
                    ("shots", name, "preset"),
                    suggest(shot.preset, list(file.presets)),
                )
            preset = file.presets[shot.preset]
            self.tables.append(preset)
            self.paths.append(("presets", shot.preset))
        self.shot, self.preset = shot, preset
        self.tables.append(file.defaults)
        self.paths.append(("defaults",))

    def pick(self, key: str, default: Any) -> Any:
        """The nearest table's value, or the default."""
        for table in self.tables:
            if (value := getattr(table, key, UNSET)) is not UNSET:
                return value
        return default

    def where(self, *keys: str) -> tuple[str, ...]:
        """The path of the nearest table that says one of the keys."""
        for table, path in zip(self.tables, self.paths, strict=True):
            for key in keys:
                if getattr(table, key, UNSET) is not UNSET:
                    return (*path, key)
        return self.paths[0]


def suggest(word: str, known: list[str]) -> str | None:
    """A hint: the nearest of the known words, or some of them."""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"there is: {', '.join(known[:8])}" if known else None
