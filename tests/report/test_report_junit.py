"""out/junit.xml: counts, errors, and characters that XML cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

from rushes.checks.base import Verdict
from rushes.report.junit import make_junit
from rushes.report.manifest import make_manifest

Wanted = Callable[..., Any]


def junit_of(builder: Any, wants: list[Any], film: str | None = None) -> ET.Element:
    build = builder.build(wants, film=film)
    return ET.fromstring(make_junit(make_manifest(build, builder.store)))


def test_one_suite_a_clip_and_one_case_a_check(builder: Any, wanted: Wanted) -> None:
    wants = [wanted("opening", ran=True), wanted("second", "failed"), wanted("broken", "error")]
    root = junit_of(builder, wants, film="teaser")
    assert root.tag == "testsuites"
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "7",
        "failures": "1",
        "errors": "1",
    }
    assert [suite.get("name") for suite in root] == ["opening", "second", "broken", "teaser"]
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors", "")) == len(suite.findall("testcase/error"))


def test_failure_says_score_threshold_and_where(builder: Any, wanted: Wanted) -> None:
    failure = junit_of(builder, [wanted("second", "failed")]).find(".//failure")
    assert failure is not None
    assert failure.text is not None
    assert failure.get("message") == "0.31 s of 1.06 s are black"
    assert "score 0.4, needs 0.9" in failure.text
    assert "0.250 to 0.500 s black" in failure.text


def test_error_says_what_to_do_and_no_folder(builder: Any, wanted: Wanted) -> None:
    error = junit_of(builder, [wanted("broken", "error")]).find(".//error")
    assert error is not None
    assert error.text is not None
    assert error.get("type") == "MediaError"
    assert str(builder.folder) not in error.text


def test_times_of_cases_add_up_to_the_check_stage(builder: Any, wanted: Wanted) -> None:
    (suite,) = junit_of(builder, [wanted("opening", ran=True)])
    assert float(suite.get("time", "")) == 1.2
    assert sum(float(case.get("time", "")) for case in suite.findall("testcase")) == 0.8


def test_control_characters_and_markup_are_kept_out_of_the_xml(
    builder: Any, wanted: Wanted
) -> None:
    hostile = "a\x00b\x1b[31m ]]> <x a=\"1\" b='2'> & \x0b"
    bad = Verdict("black", 0.1, 0.9, hostile)
    root = junit_of(builder, [wanted("opening", "failed", prompt=hostile, checks=[bad])])
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "a\ufffdb\ufffd[31m ]]> <x a=\"1\" b='2'> & \ufffd"
