"""The published benchmarks as suites, out of the files that their owners distribute.

Nothing is fetched: a user has the files. Questions are asked in the owners' words where they give
some, as one message of a user; systems' prompts and beginnings of answers are not reproduced, so
that figures compare models here and are not those of a leaderboard.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rushes.errors import UsageError
from rushes.evals.suite import Case, Suite, finish_suite, read_suite

VIDEO_ENDINGS = (".mp4", ".MP4", ".mkv", ".webm", ".avi", ".mov")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A suite that is ready to be asked.

    Args:
        folder: what the suite's ``videos`` is relative to.
        skipped: questions that are not asked, by reason.
    """

    suite: Suite
    folder: Path
    skipped: Mapping[str, int] = field(default_factory=dict)


def load_suite(path: Path, videos: Path | None, scratch: Path) -> Loaded:
    """A suite of one's own (TOML), or a published benchmark, told by what is in its files.

    Args:
        path: a file, or the folder of MVBench's.
        videos: the folder of the videos; by default the one of ``path``.
        scratch: where pictures out of a table may be written.

    Raises:
        UsageError: it is none of these, or wrong.
    """
    if path.suffix == ".toml":
        suite = read_suite(path)
        loaded = Loaded(suite, path.parent if videos is None else videos)
        _require_videos(loaded, path)
        return loaded
    from rushes.evals import charades_sta, mmmu_pro, mvbench, video_mme

    root = videos or (path if path.is_dir() else path.parent)
    if path.suffix == ".txt":
        return _drop_missing(charades_sta.read_file(path), root)
    if path.is_dir() or path.name.removesuffix(".json") in mvbench.TASKS:
        return _drop_missing(mvbench.read_files(path), root)
    rows = read_rows(path)
    if "videoID" in rows[0] or "questions" in rows[0]:
        return _drop_missing(video_mme.read_table(rows, str(path)), root)
    if "options" in rows[0] and ("image" in rows[0] or "image_1" in rows[0]):
        return mmmu_pro.read_table(rows, str(path), scratch)
    raise UsageError(
        f"{path.name} is no suite that is known here",
        where=str(path),
        hint="known are own suites (TOML), Video-MME, MVBench, MMMU-Pro and Charades-STA",
    )


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a table: Parquet, a JSON list, or one JSON object a line.

    Raises:
        UsageError: it is none of these, or has no row.
    """
    try:
        if path.suffix == ".parquet":
            rows = _read_parquet(path)
        else:
            text = path.read_text("utf-8")
            lines = path.suffix == ".jsonl"
            rows = [json.loads(one) for one in text.splitlines() if one.strip()] if lines else (
                json.loads(text)
            )  # fmt: skip
    except (OSError, ValueError, RecursionError) as exc:
        raise UsageError(f"{path.name} cannot be read: {exc}", where=str(path)) from exc
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{path.name} is no list of questions", where=str(path))
    return rows


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as exc:
        raise UsageError(
            "Parquet is read by pyarrow, which is not here", hint="pip install 'rushes[eval]'"
        ) from exc
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def take(row: Mapping[str, Any], key: str, where: str) -> Any:
    """What a row has under a key.

    Raises:
        UsageError: nothing.
    """
    if row.get(key) is None:
        known = ", ".join(sorted(map(str, row)))
        raise UsageError(f"a question has no {key!r}", where=where, hint=f"it has {known}")
    return row[key]


def take_text(row: Mapping[str, Any], key: str, where: str) -> str:
    """Words, or a number as words.

    Raises:
        UsageError: it is nothing of the kind, or empty.
    """
    value = take(row, key, where)
    if (
        isinstance(value, bool)
        or not isinstance(value, (str, int, float))
        or not str(value).strip()
    ):
        raise UsageError(f"{key} of a question is no text", where=where)
    return str(value).strip()


def take_list(row: Mapping[str, Any], key: str, where: str) -> list[str]:
    """A list of words.

    Raises:
        UsageError: it is none.
    """
    value = take(row, key, where)
    if not isinstance(value, list):
        raise UsageError(f"{key} of a question is no list", where=where)
    return [take_text({key: one}, key, where) for one in value]


def make_suite(name: str, source: str, cases: Iterable[Case], where: str) -> Suite:
    """A suite whose questions stand as their owners write them."""
    listed = list(cases)
    if not listed:
        raise UsageError("there is no question that can be asked", where=where)
    return finish_suite(Suite(name, listed, plain=True, source=source), where)


def _drop_missing(suite: Suite, folder: Path) -> Loaded:
    """Without the questions about videos that the user does not have."""
    found = {case.video: _find_file(folder, case.video) for case in suite.cases}
    cases = [
        _with_video(case, name) for case in suite.cases if (name := found[case.video]) is not None
    ]
    if not cases:
        raise UsageError(
            f"none of the videos of {suite.name} is in {folder}", hint="name the folder: --videos"
        )
    lost = len(suite.cases) - len(cases)
    skipped = {"the video is not there": lost} if lost else {}
    kept = Suite(suite.name, cases, plain=suite.plain, source=suite.source)
    return Loaded(kept, folder, skipped)


def _with_video(case: Case, name: str) -> Case:
    import msgspec

    return msgspec.structs.replace(case, video=name)


def _find_file(folder: Path, name: str) -> str | None:
    """A video by its name, or by its name without an ending."""
    inside = (folder / name).resolve()
    if not inside.is_relative_to(folder.resolve()):
        return None
    if inside.is_file():
        return name
    return next((name + end for end in VIDEO_ENDINGS if (folder / (name + end)).is_file()), None)


def _require_videos(loaded: Loaded, path: Path) -> None:
    for case in loaded.suite.cases:
        if not (loaded.folder / loaded.suite.videos / case.video).is_file():
            raise UsageError(
                f"there is no video {case.video}",
                where=f"{path}: case {case.id}",
                hint=f"it is looked for in {loaded.folder / loaded.suite.videos}",
            )
