"""kubeconfig files, and a throw-away certificate authority for https."""

from __future__ import annotations

import base64
import json
import os
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.kubeapi.status import Obj


@dataclass(frozen=True, slots=True)
class Authority:
    """A self-signed server certificate for 127.0.0.1 that is its own authority."""

    certificate_pem: bytes
    key_pem: bytes

    @classmethod
    def make(cls) -> Authority:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kube-apiserver")])
        names = x509.SubjectAlternativeName(
            [x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")]
        )
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            name,
            name,
            key.public_key(),
            x509.random_serial_number(),
            now - timedelta(hours=1),
            now + timedelta(days=1),
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
        encoding = serialization.Encoding.PEM
        plain = serialization.NoEncryption()
        return cls(
            certificate.public_bytes(encoding),
            key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain),
        )

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            both = Path(folder) / "server.pem"
            both.write_bytes(self.certificate_pem + self.key_pem)
            context.load_cert_chain(both)
        return context


def write(path: Path, url: str, token: str, context: str, authority: Authority | None) -> Path:
    """The file is there with mode 0600. JSON is YAML, so no YAML writer is needed."""
    cluster: Obj = {"server": url}
    if authority is not None:
        cluster["certificate-authority-data"] = base64.b64encode(authority.certificate_pem).decode()
    config: Obj = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "preferences": {},
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": context, "user": {"token": token}}],
        "contexts": [
            {"name": context, "context": {"cluster": context, "user": context, "namespace": "default"}}
        ],
    }
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(config, file, indent=1)
    return path
