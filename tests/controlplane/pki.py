"""A throw-away certificate authority for one run of the control plane: valid for two days, in one folder."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LIFETIME = dt.timedelta(days=2)
SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
SERVER_ADDRESSES = ("127.0.0.1", "10.96.0.1")


@dataclass(frozen=True)
class KeyPair:
    """Two PEM files; the key is readable by its owner only."""

    cert_file: Path
    key_file: Path


class Authority:
    """Signs the certificates of one control plane; its own key stays in the folder it was given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dcctl-test-ca")])
        certificate = self._draft(self._subject, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        usage = _usage(digital_signature=True, key_cert_sign=True)
        certificate = certificate.add_extension(usage, critical=True)
        self.pair = self._write("ca", certificate.sign(self._key, hashes.SHA256()), self._key)

    def server(self, name: str) -> KeyPair:
        """Returns a certificate that 127.0.0.1 and the names of the API service may present."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(dns) for dns in SERVER_NAMES]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in SERVER_ADDRESSES]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        draft = self._leaf(subject, key, ExtendedKeyUsageOID.SERVER_AUTH)
        draft = draft.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return self._write(name, draft.sign(self._key, hashes.SHA256()), key)

    def client(self, user: str, groups: Sequence[str] = ()) -> KeyPair:
        """Returns a certificate which the API server reads as this user (CN) in these groups (one O each)."""
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, user)])
        draft = self._leaf(subject, key, ExtendedKeyUsageOID.CLIENT_AUTH)
        return self._write(f"client-{file_name(user)}", draft.sign(self._key, hashes.SHA256()), key)

    def _draft(self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + LIFETIME)
        )

    def _leaf(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, purpose: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        draft = self._draft(subject, key.public_key())
        draft = draft.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        draft = draft.add_extension(_usage(digital_signature=True), critical=True)
        return draft.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)

    def _write(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
        pair = KeyPair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        pair.cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        write_private_key(pair.key_file, key)
        return pair


def write_private_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Leaves an unencrypted PKCS #8 key in a file which only its owner can read."""
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def service_account_keys(folder: Path) -> KeyPair:
    """Returns the key that signs service-account tokens and, as `cert_file`, its public half."""
    key = ec.generate_private_key(ec.SECP256R1())
    pair = KeyPair(folder / "service-account.pub", folder / "service-account.key")
    pair.cert_file.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    write_private_key(pair.key_file, key)
    return pair


def file_name(user: str) -> str:
    """Returns the name of a user ("system:kube-scheduler") as one safe part of a path."""
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in user)


def _usage(*, digital_signature: bool, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
