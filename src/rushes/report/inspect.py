"""Reading Content Credentials back, with the C2PA library's own reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from rushes.errors import MediaError
from rushes.report.claim import BUILD_LABEL

Validity = Literal["trusted", "valid", "invalid", "none"]
UNTRUSTED = "signingCredential.untrusted"


class Credential(msgspec.Struct, frozen=True):
    """What a file says of its origin.

    Args:
        validity: ``trusted``: whole, and by a signer on the trust list; ``valid``: whole, by a
            signer that is on none; ``invalid``: changed since, or badly signed; ``none``: unsigned.
        signer: whom the certificate names.
        source_type: of the action ``c2pa.created``, a name of IPTC's vocabulary.
        build: Rushes' own assertion, where there is one.
        problems: what the reader did not like, by C2PA's codes.
    """

    file: str
    validity: Validity
    signer: str | None = None
    source_type: str | None = None
    build: dict[str, Any] | None = None
    problems: tuple[str, ...] = ()


def read_credential(path: Path) -> Credential:
    """The credential of a media file.

    Raises:
        MediaError: the file cannot be read, or is of a kind that carries none.
    """
    import c2pa

    try:
        reader = c2pa.Reader.try_create(str(path))
    except (c2pa.C2paError, OSError, ValueError) as exc:
        raise MediaError(
            f"no credentials can be read from {path}: {exc}",
            where=str(path),
            hint="MP4 and MOV carry them; a clip's plain claim lies beside it as .provenance.json",
        ) from exc
    if reader is None:
        return Credential(str(path), "none")
    active: dict[str, Any] = reader.get_active_manifest() or {}
    results = reader.get_validation_results() or {}
    failures = (results.get("activeManifest") or {}).get("failure") or []
    codes = tuple(dict.fromkeys(str(row.get("code")) for row in failures))
    assertions = {row.get("label"): row.get("data") for row in active.get("assertions", [])}
    states: dict[str | None, Validity] = {"Trusted": "trusted", "Valid": "valid"}
    return Credential(
        file=str(path),
        validity=states.get(reader.get_validation_state(), "invalid"),
        signer=(active.get("signature_info") or {}).get("issuer"),
        source_type=_find_source_type(assertions),
        build=assertions.get(BUILD_LABEL),
        problems=tuple(code for code in codes if code != UNTRUSTED),
    )


def _find_source_type(assertions: dict[Any, Any]) -> str | None:
    actions = next(
        (data for label, data in assertions.items() if str(label).startswith("c2pa.actions")), None
    )
    for action in (actions or {}).get("actions", []):
        if action.get("action") == "c2pa.created":
            return str(action.get("digitalSourceType", "")).rsplit("/", 1)[-1] or None
    return None
