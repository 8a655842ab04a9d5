"""Signed copies in ``out/signed/``: Content Credentials (C2PA), beside the reproducible bytes.

A signature holds a moment and chance, so that no two are equal: it is not part of a clip's bytes,
its key or its node. A copy is made again only when its clip, what it claims or the certificate is
another. Beside every copy lies ``NAME.provenance.json``, the claim in plain JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from rushes.errors import StageFailed
from rushes.report.claim import Claim, describe_claim, describe_plainly
from rushes.report.credentials import Credentials
from rushes.store.files import digest_file, map_os_errors, write_durable
from rushes.types import Digest

SIGNED_FOLDER = "signed"
SIDECAR_SUFFIX = ".provenance.json"
STATE_FILE = ".state.json"
MEDIA_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime"}
"""Containers that C2PA's library signs; a Matroska or WebM clip gets its comment and sidecar."""


class Sidecar(msgspec.Struct, frozen=True):
    """``NAME.provenance.json``.

    Args:
        signed_sha256: of the copy beside it.
        signer: the certificate's subject; None where the container cannot be signed.
        trusted: False for the test certificate.
    """

    claim: Claim
    signed_sha256: Digest
    signer: str | None
    certificate_sha256: Digest | None
    trusted: bool


class State(msgspec.Struct, frozen=True):
    """What the folder was last written for, so that a build with nothing to do reads one file."""

    fingerprint: Digest
    certificate_sha256: Digest
    clips: list[str]


def is_signed(out: Path, fingerprint: Digest, credentials: Credentials) -> bool:
    """Whether ``out/signed`` holds what :func:`sign_clips` made for this very build."""
    folder = out / SIGNED_FOLDER
    try:
        state = msgspec.json.decode((folder / STATE_FILE).read_bytes(), type=State)
        there = {entry.name for entry in folder.iterdir()}
    except (OSError, msgspec.DecodeError):
        return False
    wanted = {name for clip in state.clips for name in (clip, clip + SIDECAR_SUFFIX)}
    said = (state.fingerprint, state.certificate_sha256)
    return said == (fingerprint, credentials.fingerprint) and wanted <= there


def sign_clips(
    out: Path,
    fingerprint: Digest,
    credentials: Credentials,
    make_claims: Callable[[], Mapping[str, Claim]],
) -> list[Path]:
    """Write the signed copies that are missing or of another clip.

    Args:
        out: the project's ``out``, with the clips that the claims name.
        fingerprint: of the build, as the manifest has it.
        make_claims: claims by file name; called only where something may be missing.

    Returns:
        The copies that were written.

    Raises:
        StageFailed: the library cannot sign with these credentials.
        StoreFull: no space is left.
    """
    if is_signed(out, fingerprint, credentials):
        return []
    claims = make_claims()
    folder = out / SIGNED_FOLDER
    written = []
    for name, claim in claims.items():
        if not _is_current(folder / name, claim, credentials):
            _sign_clip(out / name, folder / name, claim, credentials)
            written.append(folder / name)
    state = State(fingerprint, credentials.fingerprint, sorted(claims))
    if claims:
        write_durable(folder / STATE_FILE, msgspec.json.encode(state))
    return written


def _is_current(copy: Path, claim: Claim, credentials: Credentials) -> bool:
    path = copy.with_name(copy.name + SIDECAR_SUFFIX)
    try:
        sidecar = msgspec.json.decode(path.read_bytes(), type=Sidecar)
        said = sidecar.certificate_sha256 in (None, credentials.fingerprint)
        return said and sidecar.claim == claim and digest_file(copy) == sidecar.signed_sha256
    except (OSError, msgspec.DecodeError):
        return False


def _sign_clip(clip: Path, copy: Path, claim: Claim, credentials: Credentials) -> None:
    from rushes.media import tag_clip

    with map_os_errors(f"writing {copy.name}", copy):
        copy.parent.mkdir(parents=True, exist_ok=True)
        tagged = copy.with_name(f".{copy.stem}.{uuid.uuid4().hex}{copy.suffix}")
        try:
            tag_clip(clip, tagged, {"title": claim.name, "comment": describe_plainly(claim)})
            kind = MEDIA_TYPES.get(copy.suffix)
            data = tagged.read_bytes()
            if kind is not None:
                data = _sign_bytes(data, kind, claim, credentials)
        finally:
            with contextlib.suppress(OSError):
                tagged.unlink(missing_ok=True)
        write_durable(copy, data)
    sidecar = Sidecar(
        claim=claim,
        signed_sha256=digest_file(copy),
        signer=credentials.subject if kind is not None else None,
        certificate_sha256=credentials.fingerprint if kind is not None else None,
        trusted=credentials.trusted and kind is not None,
    )
    text = msgspec.json.format(msgspec.json.encode(sidecar), indent=1) + b"\n"
    write_durable(copy.with_name(copy.name + SIDECAR_SUFFIX), text)


def _sign_bytes(data: bytes, kind: str, claim: Claim, credentials: Credentials) -> bytes:
    """The clip with its manifest; the library reads its own work back before it is kept."""
    import c2pa

    target = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(
            alg=credentials.algorithm.encode(),
            sign_cert=credentials.chain,
            private_key=credentials.key,
            ta_url=None,
        )
        builder = c2pa.Builder.from_json(json.dumps(describe_claim(claim)))
        builder.sign(c2pa.Signer.from_info(info), kind, io.BytesIO(data), target)
        state = c2pa.Reader(kind, io.BytesIO(target.getvalue())).get_validation_state()
    except c2pa.C2paError as exc:
        raise StageFailed(
            f"{claim.clip} cannot be signed: {exc}",
            where="rushes.toml:signing",
            hint='the certificate needs C2PA\'s key usages; provenance = "none" turns signing off',
        ) from exc
    if state == "Invalid":
        raise StageFailed(
            f"the signature of {claim.clip} does not verify",
            where="rushes.toml:signing",
            hint="look at the certificate: is it valid today, and does it allow signing?",
        )
    return target.getvalue()
