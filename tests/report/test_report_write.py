"""Writing the reports: what is written when, and the page again from the manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rushes.errors import UsageError
from rushes.report import page, write
from rushes.report.manifest import read_manifest

Wanted = Callable[..., Any]


def stamps(folder: Path) -> dict[str, int]:
    names = ("report.html", "manifest.json", "junit.xml")
    return {name: (folder / "out" / name).stat().st_mtime_ns for name in names}


def test_reports_land_in_out_and_are_named_from_the_project(builder: Any, wanted: Wanted) -> None:
    paths = write.write_reports(builder.build([wanted("opening", ran=True)]), builder.store)
    assert {name: str(path) for name, path in paths.items()} == {
        "report": "out/report.html",
        "manifest": "out/manifest.json",
        "junit": "out/junit.xml",
    }
    assert all((builder.folder / path).is_file() for path in paths.values())
    manifest = read_manifest(builder.folder)
    assert manifest is not None
    assert manifest.run.run == "run1"


def test_a_build_that_ran_nothing_decodes_and_writes_nothing(
    make_builder: Callable[[], Any], wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_builder(), make_builder()
    write.write_reports(first.build([wanted("opening", ran=True)]), first.store)
    before = stamps(first.folder)
    monkeypatch.setattr(page, "render_page", lambda *_: pytest.fail("drawn again"))
    write.write_reports(second.build([wanted("opening")], run="run2"), second.store)
    assert stamps(first.folder) == before


@pytest.mark.parametrize("lost", ["report.html", "junit.xml", "manifest.json"])
def test_a_lost_report_is_written_again(
    make_builder: Callable[[], Any], wanted: Wanted, lost: str
) -> None:
    first, second = make_builder(), make_builder()
    write.write_reports(first.build([wanted("opening", ran=True)]), first.store)
    (first.folder / "out" / lost).unlink()
    write.write_reports(second.build([wanted("opening")], run="run2"), second.store)
    assert (first.folder / "out" / lost).is_file()


def test_another_outcome_is_written_even_if_nothing_ran(
    make_builder: Callable[[], Any], wanted: Wanted
) -> None:
    first, second = make_builder(), make_builder()
    write.write_reports(first.build([wanted("opening", ran=True)]), first.store)
    write.write_reports(second.build([wanted("opening", colour="blue")]), second.store)
    assert b"a blue ball" in (first.folder / "out" / "report.html").read_bytes()


def test_page_is_drawn_again_from_the_manifest(builder: Any, wanted: Wanted) -> None:
    write.write_reports(builder.build([wanted("opening", ran=True)], film="teaser"), builder.store)
    page = builder.folder / "out" / "report.html"
    before = page.read_bytes()
    page.unlink()
    assert write.render_report(builder.folder) == Path("out/report.html")
    assert page.read_bytes() == before


def test_no_build_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is built yet") as caught:
        write.render_report(tmp_path)
    assert caught.value.hint == "rushes make"
