"""Whose name clips are signed in: the key that a project names, or a test certificate.

The test certificate is made on first use and lies beside the store. Nobody trusts it, and its
subject says so: it shows that a clip was not changed since, not who made it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rushes.errors import ProjectError, StoreError
from rushes.spec.project import Project
from rushes.store.files import map_os_errors, write_durable
from rushes.store.locks import hold_lock
from rushes.types import Digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

KEY_VARIABLE = "RUSHES_SIGNING_KEY"
"""Path of a private key in place of the project's, for machines that keep it elsewhere."""
TEST_FOLDER, TEST_FILE, LOCK_FILE = "signing", "test.pem", "test.lock"
KEY_BEGINS = b"-----BEGIN PRIVATE KEY-----"
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
"""C2PA's names of signature algorithms (specification 2.2, section 13.2), by curve."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A certificate chain and its key, both PEM.

    Args:
        algorithm: by C2PA's name, as ``es256``.
        trusted: False for the test certificate; whether others trust a named one is theirs to say.
    """

    chain: bytes
    key: bytes = field(repr=False)
    algorithm: str
    trusted: bool

    @property
    def fingerprint(self) -> Digest:
        """SHA-256 of the chain's bytes."""
        return Digest(hashlib.sha256(self.chain).hexdigest())

    @property
    def subject(self) -> str:
        """Whom the first certificate names."""
        from cryptography import x509

        return x509.load_pem_x509_certificates(self.chain)[0].subject.rfc4514_string()


def load_credentials(project: Project, store_folder: Path) -> Credentials | None:
    """What the project's clips are signed with; None where its policy says ``provenance = "none"``.

    Raises:
        ProjectError: a named file is missing, is not PEM, or key and certificate do not belong
            together.
    """
    if project.policy.provenance == "none":
        return None
    if project.signing is None:
        return _test_credentials(store_folder / TEST_FOLDER)
    table = project.signing
    key_path = os.environ.get(KEY_VARIABLE) or table.key
    chain = _read_pem(project, table.certificate, "certificate")
    return _make(chain, _read_pem(project, key_path, "key"), project)


def _read_pem(project: Project, path: str, key: str) -> bytes:
    full = project.folder / Path(path).expanduser()
    try:
        return full.read_bytes()
    except OSError as exc:
        raise _wrong(project, key, f"{path} cannot be read: {exc.strerror}") from exc


def _wrong(project: Project, key: str, message: str) -> ProjectError:
    hint = f'both are PEM files; {KEY_VARIABLE} names the key elsewhere; provenance = "none" is off'
    return project.source.error(message, ("signing", key), hint)


def _make(chain: bytes, key: bytes, project: Project) -> Credentials:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
    except ValueError as exc:
        raise _wrong(project, "certificate", "the certificate is not a PEM chain") from exc
    try:
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError) as exc:
        locked = isinstance(exc, TypeError)
        reason = "the key is locked by a password" if locked else "the key is not PEM"
        raise _wrong(project, "key", reason) from exc
    algorithm = _name_algorithm(private)
    if algorithm is None:
        raise _wrong(project, "key", "C2PA knows keys of the kinds EC, Ed25519 and RSA")
    if private.public_key() != certificate.public_key():
        raise _wrong(project, "key", "the key is not that of the (first) certificate")
    return Credentials(chain, key, algorithm, trusted=True)


def _name_algorithm(key: PrivateKeyTypes) -> str | None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePrivateKey):
        return CURVES.get(key.curve.name)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    return "ps256" if isinstance(key, rsa.RSAPrivateKey) else None


def _test_credentials(folder: Path) -> Credentials:
    path = folder / TEST_FILE
    if not path.is_file():
        from rushes.report.certificate import issue_test_certificate

        with hold_lock(folder / LOCK_FILE):
            if not path.is_file():
                write_durable(path, b"".join(issue_test_certificate()))
                path.chmod(0o600)
    with map_os_errors("reading the test certificate", path):
        text = path.read_bytes()
    chain, begins, rest = text.partition(KEY_BEGINS)
    if not begins:
        hint = "remove it; another is made"
        raise StoreError("the test certificate is damaged", where=str(path), hint=hint)
    return Credentials(chain, begins + rest, "es256", trusted=False)
