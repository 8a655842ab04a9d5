"""out/junit.xml: one suite a clip, one case a check, for the CI systems that read it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from rushes.report.manifest import ClipRecord, Manifest
from rushes.report.text import clean_text, show_number
from rushes.report.verdicts import CheckRow, read_verdicts
from rushes.run.result import ClipResult, ErrorInfo


def make_junit(manifest: Manifest) -> bytes:
    """The JUnit document of a build, as Jenkins' schema describes it.

    A check that did not pass is a ``failure``; a clip that could not be made has one case,
    ``build``, with an ``error``. The time of the check stage is shared out over its checks.
    """
    root = ET.Element("testsuites")
    records = {record.name: record for record in manifest.clips}
    for clip in manifest.run.clips:
        root.append(_make_suite(manifest, clip, records.get(clip.name)))
    for what in ("tests", "failures", "errors"):
        root.set(what, str(sum(int(suite.get(what, "0")) for suite in root)))
    root.set("name", clean_text(manifest.project))
    root.set("time", f"{manifest.run.seconds:.3f}")
    ET.indent(root, " ")
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _make_suite(manifest: Manifest, clip: ClipResult, record: ClipRecord | None) -> ET.Element:
    checks = read_verdicts(clip)
    broken = clip.status in ("error", "refused")
    failures = sum(check.refuses for check in checks)
    name = clean_text(clip.name)
    suite = ET.Element("testsuite", name=name)
    suite.set("tests", str(len(checks) + broken))
    suite.set("failures", str(failures))
    suite.set("errors", str(int(broken)))
    suite.set("skipped", "0")
    suite.set("time", f"{sum(stage.seconds for stage in clip.stages):.3f}")
    _add_properties(suite, clip, record)
    classname = clean_text(f"{manifest.project}.{clip.name}")
    judging = sum(stage.seconds for stage in clip.stages if stage.stage in ("ask", "check"))
    for check in checks:
        _add_case(suite, classname, check, judging / len(checks))
    if broken:
        case = ET.SubElement(suite, "testcase", name="build", classname=classname, time="0.000")
        _add_error(case, clip.error, clip.status)
    return suite


def _add_properties(suite: ET.Element, clip: ClipResult, record: ClipRecord | None) -> None:
    values: dict[str, object] = {
        "status": clip.status,
        "path": clip.path,
        "size": clip.size,
        "frames": clip.frames,
        "fps": f"{clip.fps:g}",
        "seed": clip.seed,
        "attempts": clip.attempts,
    }
    if record is not None:
        values |= {"model": record.model, "prompt": record.prompt, "sha256": record.sha256}
    properties = ET.SubElement(suite, "properties")
    for name, value in values.items():
        if value is not None:
            ET.SubElement(properties, "property", name=name, value=clean_text(value))


def _add_case(suite: ET.Element, classname: str, check: CheckRow, seconds: float) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        name=clean_text(check.check),
        classname=classname,
        time=f"{seconds:.3f}",
    )
    if check.level == "warn" and not check.passed:
        ET.SubElement(case, "system-out").text = clean_text(f"warning: {check.message}")
    if not check.refuses:
        return
    message = check.message or f"score {show_number(check.score)}"
    failure = ET.SubElement(case, "failure", message=clean_text(message), type="check")
    lines = [
        message,
        f"score {show_number(check.score)}, needs {show_number(check.threshold)}",
        *(f"{s.start_seconds:.3f} to {s.end_seconds:.3f} s {s.note}".rstrip() for s in check.spans),
        *(f"{name} = {show_number(value)}" for name, value in check.evidence.items()),
    ]
    failure.text = clean_text("\n".join(lines))


def _add_error(case: ET.Element, error: ErrorInfo | None, status: str) -> None:
    found = error or ErrorInfo(status, "there is no clip", None, None)
    node = ET.SubElement(
        case, "error", message=clean_text(found.message), type=clean_text(found.type)
    )
    lines = [found.message, found.where and f"where: {found.where}"]
    lines.append(found.hint and f"what to do: {found.hint}")
    node.text = clean_text("\n".join(line for line in lines if line))
