"""Writing the reports of a build into ``out/``, and the page again from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from rushes.errors import CorruptObject, UsageError
from rushes.lock import LOCK_FILE
from rushes.plan.explain import GraphRecord
from rushes.report.claim import Claim, make_claims
from rushes.report.credentials import Credentials
from rushes.report.junit import make_junit
from rushes.report.manifest import (
    MANIFEST_FILE,
    Manifest,
    encode_manifest,
    fingerprint_build,
    has_fingerprint,
    make_manifest,
    read_manifest,
)
from rushes.report.sign import SIGNED_FOLDER, sign_clips
from rushes.run.build import Build
from rushes.run.place import OUT_FOLDER
from rushes.spec.given import SourceFile
from rushes.spec.project import Shot
from rushes.store.files import digest_file, write_durable
from rushes.store.store import Store, find_store
from rushes.types import Digest

REPORT_FILE = "report.html"
JUNIT_FILE = "junit.xml"


def write_reports(
    build: Build, store: Store, credentials: Credentials | None = None
) -> dict[str, Path]:
    """Write manifest.json, junit.xml and report.html, and the signed copies; see :mod:`.sign`.

    Where the build computed nothing and is the one that the files on the disk already tell of, they
    stay as they are: they tell of the run that made the clips.

    Args:
        credentials: what the copies are signed with; None for none.

    Returns:
        Paths by name, relative to the project's folder.

    Raises:
        StageFailed: the credentials do not serve.
        StoreFull: no space left.
    """
    folder = build.plan.project.folder
    paths = {
        "report": Path(OUT_FOLDER, REPORT_FILE),
        "manifest": Path(OUT_FOLDER, MANIFEST_FILE),
        "junit": Path(OUT_FOLDER, JUNIT_FILE),
    }
    fingerprint, manifest = fingerprint_build(build), None
    if build.result.ran != 0 or not _are_current(folder, paths, fingerprint):
        from rushes.report.page import render_page

        manifest = _keep_other_graphs(make_manifest(build, store), read_manifest(folder))
        write_durable(folder / paths["junit"], make_junit(manifest))
        write_durable(folder / paths["report"], render_page(manifest, folder, _finder(store)))
        write_durable(folder / paths["manifest"], encode_manifest(manifest))
    if credentials is not None:

        def claim() -> dict[str, Claim]:
            given = {shot.shot.name: _shows_given(shot.shot) for shot in build.plan.shots}
            told = manifest or make_manifest(build, store)
            return make_claims(told, digest_file(folder / LOCK_FILE), given)

        sign_clips(folder / OUT_FOLDER, fingerprint, credentials, claim)
        paths["signed"] = Path(OUT_FOLDER, SIGNED_FOLDER)
    return paths


def _shows_given(shot: Shot) -> bool:
    """Whether footage or sound from outside is itself part of the clip."""
    given = (shot.conditions.video, shot.conditions.audio, shot.sound)
    return any(isinstance(one, SourceFile) for one in given)


def _keep_other_graphs(manifest: Manifest, before: Manifest | None) -> Manifest:
    """A build of some targets says nothing of the others: ``why`` still knows them as they were."""
    if before is None:
        return manifest
    graph = GraphRecord(
        {**before.graph.nodes, **manifest.graph.nodes},
        {**before.graph.environments, **manifest.graph.environments},
    )
    return msgspec.structs.replace(manifest, graph=graph)


def render_report(folder: Path) -> Path:
    """Write the page again from manifest.json and the clips in ``out/``.

    Returns:
        Its path, relative to the project's folder.

    Raises:
        UsageError: there is no manifest, or it is damaged.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise UsageError("nothing is built yet", hint="rushes make")
    from rushes.report.page import render_page

    path = Path(OUT_FOLDER, REPORT_FILE)
    store = Store(find_store(folder), read_only=True)
    write_durable(folder / path, render_page(manifest, folder, _finder(store)))
    return path


def _finder(store: Store) -> Callable[[Digest], Path | None]:
    """Clips of the store, verified; None for what is gone or damaged."""

    def find(digest: Digest) -> Path | None:
        try:
            return store.objects.read(digest)
        except (CorruptObject, OSError):
            return None

    return find


def _are_current(folder: Path, paths: dict[str, Path], fingerprint: Digest) -> bool:
    """Whether all reports are there and tell of this very build."""
    there = all((folder / path).is_file() for path in paths.values())
    return there and has_fingerprint(folder / paths["manifest"], fingerprint)
