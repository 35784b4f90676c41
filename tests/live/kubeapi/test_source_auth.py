"""Kubeconfigs, plugins and certificates that are wrong: each named apart, and no secret in any of it."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from urllib3.exceptions import InsecureRequestWarning

from dcctl.errors import UsageError
from dcctl.inventory.sources.base import SourceError, run
from dcctl.inventory.sources.http.failure import of_transport
from dcctl.inventory.sources.kubernetes.api import client_certificate_expiry
from dcctl.inventory.sources.kubernetes.source import KubernetesSource
from tests.conftest import ROOT
from tests.kubeapi import ApiServer
from tests.kubeapi.kubeconfig import Authority

IN_CLUSTER = "kubernetes.config.incluster_config"
NO_CLUSTER = json.dumps(
    {
        "contexts": [{"name": "a", "context": {"cluster": "c"}}],
        "clusters": [],
        "current-context": "a",
    }
)
SECRET = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0LXRva2VuLW9mLXRoZS1hZG1pbg.c2lnbmF0dXJl"


def rewrite(path: Path, **user: Any) -> None:
    """The kubeconfig with another user section."""
    config = json.loads(path.read_text())
    config["users"][0]["user"] = user
    path.write_text(json.dumps(config))


def plugin(folder: Path, script: str) -> dict[str, Any]:
    """An exec plugin that runs this shell script."""
    path = folder / "plugin"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path), "interactiveMode": "Never"}


def credential(token: str, until: str = "2099-01-01T00:00:00Z") -> str:
    status = {"token": token, "expirationTimestamp": until}
    return json.dumps(
        {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    )


def collect(path: Path, **options: Any) -> None:
    KubernetesSource("kubernetes:test", str(path), **options).collect()


def test_a_token_from_a_plugin_is_used_and_renewed(tmp_path: Path) -> None:
    with ApiServer(users={"t1": "first", "t2": "second", "admin-token": "admin"}) as server:
        path = server.kubeconfig(tmp_path / "config")
        count = f'echo x >> {tmp_path}/runs; n=$(wc -l < {tmp_path}/runs); [ "$n" -gt 1 ] && n=2'
        first, second = credential("t1", "2001-01-01T00:00:00Z"), credential("t2")
        rewrite(
            path,
            exec=plugin(
                tmp_path, f"{count}\nif [ \"$n\" = 1 ]; then echo '{first}'; else echo '{second}'; fi"
            ),
        )
        collect(path)
        assert {seen.user for seen in server.requests} == {"second"}, "an expired token was sent"


@pytest.mark.parametrize(
    ("script", "cause", "words"),
    [
        ("exit 3", "unauthenticated", "process returned 3"),
        (f"echo {SECRET} >&2; exit 1", "unauthenticated", "process returned 1"),
        ("echo nonsense", "unauthenticated", "failed to decode"),
        ("echo '{}'", "unauthenticated", "malformed response"),
        ("sleep 20", "timeout", "no answer within 0.5 s"),
    ],
)
def test_a_plugin_that_fails_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], script: str, cause: str, words: str
) -> None:
    with ApiServer() as server:
        path = server.kubeconfig(tmp_path / "config")
        rewrite(path, exec=plugin(tmp_path, script))
        with pytest.raises(SourceError) as caught:
            collect(path, timeout_s=0.5 if "sleep" in script else 20)
        assert caught.value.cause == cause
        assert words in caught.value.reason
        assert str(tmp_path / "plugin") in caught.value.subject
        assert server.requests == []
    assert SECRET not in f"{caught.value.reason}{''.join(capfd.readouterr())}"


def test_a_plugin_that_is_not_installed_is_told_from_one_that_fails(tmp_path: Path) -> None:
    with ApiServer() as server:
        path = server.kubeconfig(tmp_path / "config")
        rewrite(
            path, exec={"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin-here"}
        )
        with pytest.raises(SourceError, match="not installed") as caught:
            collect(path)
        assert caught.value.cause == "unauthenticated"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such file"),
        ("", "kube-config"),
        ("{not: yaml: at all", "not YAML"),
        ("[1, 2]", "is not a kubeconfig"),
        ('{"contexts": []}', "current-context"),
        ("current-context: 2001-13-45", "month"),
        ("current-context: " + "9" * 5000, "not understood"),
        ("[" * 20_000, "nested"),
        (NO_CLUSTER, "c in"),
    ],
)
def test_a_wrong_kubeconfig_is_a_mistake_of_usage(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError) as caught:
        collect(path)
    assert words in str(caught.value)
    assert str(path) in caught.value.what


def test_the_home_of_nobody_is_a_mistake_of_usage() -> None:
    with pytest.raises(UsageError, match="home"):
        collect(Path("~nosuchuser/config"))


def test_a_context_that_does_not_exist_is_named_with_the_way_to_list_them(tmp_path: Path) -> None:
    with ApiServer() as server:
        path = server.kubeconfig(tmp_path / "config")
        with pytest.raises(UsageError, match="name prod") as caught:
            collect(path, context="prod")
        assert "get-contexts" in caught.value.hint
        assert server.requests == []


def test_without_any_kubeconfig_nothing_is_contacted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(UsageError, match="no kubeconfig and no service account"):
        KubernetesSource("kubernetes:test").collect()


def test_inside_a_cluster_the_service_account_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ApiServer(users={"pod-token": "system:serviceaccount:ops:dcctl"}, tls=True) as server:
        assert server.authority is not None
        token, certificate = tmp_path / "token", tmp_path / "ca.crt"
        token.write_text("pod-token")
        certificate.write_bytes(server.authority.certificate_pem)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("KUBECONFIG", raising=False)
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        monkeypatch.setattr("dcctl.inventory.sources.kubernetes.auth.SERVICE_ACCOUNT", token)
        monkeypatch.setattr(f"{IN_CLUSTER}.SERVICE_TOKEN_FILENAME", str(token))
        monkeypatch.setattr(f"{IN_CLUSTER}.SERVICE_CERT_FILENAME", str(certificate))
        assert KubernetesSource("kubernetes:test").collect().gaps == ()
        assert {seen.user for seen in server.requests} == {"system:serviceaccount:ops:dcctl"}


def test_the_models_of_the_official_client_are_never_imported(tmp_path: Path) -> None:
    program = (
        "import sys; from dcctl.inventory.sources.kubernetes.source import KubernetesSource as S\n"
        "early = [name for name in sys.modules if name.startswith(('kubernetes', 'urllib3'))]\n"
        "S('k', sys.argv[1]).collect()\n"
        "late = [name for name in sys.modules if name.startswith('kubernetes.client.models.')]\n"
        "late += [name for name in sys.modules if 'core_v1_api' in name]\n"
        "sys.exit(str(early + late) if early + late else 0)"
    )
    with ApiServer() as server:
        path = server.kubeconfig(tmp_path / "config")
        done = subprocess.run(
            [sys.executable, "-c", program, path], capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_nobody_listens(tmp_path: Path) -> None:
    with ApiServer() as server:
        path = server.kubeconfig(tmp_path / "config")
    with pytest.raises(SourceError, match="Connection refused") as caught:
        collect(path)
    assert caught.value.cause == "unreachable"


def test_a_proxy_is_used_and_one_that_is_away_is_named(tmp_path: Path) -> None:
    with ApiServer() as server:
        path = server.kubeconfig(tmp_path / "config")
        config = json.loads(path.read_text())
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            config["clusters"][0]["cluster"]["proxy-url"] = f"http://127.0.0.1:{closed.getsockname()[1]}"
            path.write_text(json.dumps(config))
            with pytest.raises(SourceError, match="proxy does not answer") as caught:
                collect(path)
        assert caught.value.cause == "unreachable"
        assert server.requests == []


def test_a_certificate_of_an_unknown_authority(tmp_path: Path) -> None:
    with ApiServer(tls=True) as server:
        path = server.kubeconfig(tmp_path / "config")
        config = json.loads(path.read_text())
        other = base64.b64encode(Authority.make().certificate_pem).decode()
        config["clusters"][0]["cluster"]["certificate-authority-data"] = other
        path.write_text(json.dumps(config))
        with pytest.raises(SourceError, match="certificate is not trusted") as caught:
            collect(path)
        assert (caught.value.cause, "certificate-authority" in caught.value.hint) == ("invalid", True)


def test_a_certificate_that_nobody_checks_is_not_talked_about(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    with ApiServer(tls=True) as server:
        path = server.kubeconfig(tmp_path / "config")
        config = json.loads(path.read_text())
        config["clusters"][0]["cluster"] = {"server": server.url, "insecure-skip-tls-verify": True}
        path.write_text(json.dumps(config))
        collect(path)
        assert server.requests
    assert [each.category for each in recwarn if issubclass(each.category, InsecureRequestWarning)] == []


def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    with ApiServer(tls=True) as server:
        path = server.kubeconfig(tmp_path / "config")
        config = json.loads(path.read_text())
        config["clusters"][0]["cluster"]["tls-server-name"] = "other.example"
        path.write_text(json.dumps(config))
        with pytest.raises(SourceError, match="certificate is not trusted") as caught:
            collect(path)
        assert "tls-server-name" in caught.value.hint


def test_a_server_without_tls(tmp_path: Path) -> None:
    with ApiServer() as server:
        path = server.kubeconfig(tmp_path / "config")
        path.write_text(path.read_text().replace("http://", "https://"))
        with pytest.raises(SourceError) as caught:
            collect(path)
        assert "TLS" in caught.value.reason


def test_a_server_certificate_that_has_expired(tmp_path: Path) -> None:
    certificate, key = self_signed(datetime.now(UTC) - timedelta(days=2))
    pem = tmp_path / "server.pem"
    pem.write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with socket.create_server(("127.0.0.1", 0)) as listener, ApiServer() as server:
        threading.Thread(target=handshake, args=(listener, context), daemon=True).start()
        path = server.kubeconfig(tmp_path / "config")
        config = json.loads(path.read_text())
        config["clusters"][0]["cluster"] = {
            "server": f"https://127.0.0.1:{listener.getsockname()[1]}",
            "certificate-authority-data": base64.b64encode(certificate).decode(),
        }
        path.write_text(json.dumps(config))
        with pytest.raises(SourceError, match="certificate has expired"):
            collect(path)


def test_a_client_certificate_that_has_expired_explains_a_401(tmp_path: Path) -> None:
    until = datetime(2020, 5, 6, tzinfo=UTC)
    certificate, key = self_signed(until)
    (tmp_path / "client.crt").write_bytes(certificate)
    (tmp_path / "client.key").write_bytes(key)
    assert client_certificate_expiry(tmp_path / "client.crt", int(until.timestamp()) - 1) is None
    with ApiServer(tls=True) as server:
        path = server.kubeconfig(tmp_path / "config")
        files = {
            "client-certificate": str(tmp_path / "client.crt"),
            "client-key": str(tmp_path / "client.key"),
        }
        rewrite(path, token="nobody", **files)
        with pytest.raises(SourceError, match="our client certificate expired on 2020-05-06") as caught:
            collect(path)
        assert caught.value.cause == "unauthenticated"


@pytest.mark.parametrize("alert", ["SSLV3_ALERT_BAD_CERTIFICATE", "TLSV1_ALERT_UNKNOWN_CA"])
def test_an_alert_about_our_certificate_is_a_matter_of_credentials(alert: str) -> None:
    said = ssl.SSLError(1, f"[SSL: {alert}] {alert.lower().replace('_', ' ')} (_ssl.c:2559)")
    assert of_transport(said, "https://h").cause == "unauthenticated"


def handshake(listener: socket.socket, context: ssl.SSLContext) -> None:
    """One TLS handshake, which the client breaks off."""
    connection, _ = listener.accept()
    try:
        context.wrap_socket(connection, server_side=True).close()
    except OSError:
        connection.close()


def self_signed(until: datetime) -> tuple[bytes, bytes]:
    """(certificate, key) for 127.0.0.1 that ended then."""
    from ipaddress import IPv4Address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "old")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), until - timedelta(days=30), until
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem), private


def test_a_source_is_named_after_the_context_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ApiServer() as first, ApiServer() as other:
        paths = [
            first.kubeconfig(tmp_path / "first", context="prod"),
            other.kubeconfig(tmp_path / "other", context="test"),
        ]
        monkeypatch.setenv("KUBECONFIG", ":".join(map(str, paths)))
        source = KubernetesSource()
        assert source.name == "kubernetes:prod", (
            "the first file that names a context has the word, as in kubectl"
        )
        source.collect()
        assert (len(first.requests) > 0, other.requests) == (True, [])
        assert KubernetesSource(context="test").name == "kubernetes:test"


def test_without_a_context_the_name_is_still_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("{}")
    assert KubernetesSource(kubeconfig=str(tmp_path / "config")).name == "kubernetes:current"
    assert KubernetesSource(kubeconfig=str(tmp_path / "none")).name == "kubernetes:current"


def test_the_run_tells_which_cluster_it_was(tmp_path: Path) -> None:
    with ApiServer() as server:
        path = str(server.kubeconfig(tmp_path / "config"))
        uid = server.get("namespaces", "kube-system")["metadata"]["uid"]
        (told,) = run(KubernetesSource("a", path)).sources
        server.deny("admin", "list", "namespaces")
        (untold,) = run(KubernetesSource("b", path)).sources
    assert (told.cluster, untold.cluster) == (uid, None)
    assert uid


_AT_ONCE = """
import sys, threading
from dcctl.inventory.sources.kubernetes.auth import connect
sys.setswitchinterval(1e-6)
failed = []
def ask():
    try:
        connect(sys.argv[1], None, 5)
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=ask) for _ in range(4)]
[each.start() for each in threads]
[each.join() for each in threads]
sys.exit(repr(failed) if failed else 0)
"""


@pytest.mark.parametrize("_", range(3))
def test_clusters_that_are_asked_at_once_import_the_client_one_by_one(tmp_path: Path, _: int) -> None:
    with ApiServer() as server:
        path = server.kubeconfig(tmp_path / "config")
        done = subprocess.run(
            [sys.executable, "-c", _AT_ONCE, str(path)], capture_output=True, text=True, check=False, cwd=ROOT
        )
    assert (done.returncode, done.stderr) == (0, "")
