"""The demo cluster's control plane and kubelets: hardened, but for what somebody forgot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.demo.troubles import SILENT
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.components import AuditRule, Component, Encrypted, FileMode

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet

_VERSION, _OLD = "1.35.3", "1.31.9"
_MASTERS: Final = ("cp1", "cp2", "cp3")
_REBUILT = "cp3"
"""Restored from an old manifest: without encryption."""
_LEFT_BEHIND: Final = ("gpu119", "gpu120")
"""Kept back for a driver, and then forgotten."""
_OPEN = "gpu014"
"""Somebody opened its read-only port for a look."""
_PKI, _CONF = "/etc/kubernetes/pki/", "/etc/kubernetes/"
_STRONG = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"

_API_FLAGS: Final = {
    "anonymous-auth": "false",
    "authorization-mode": "Node,RBAC",
    "client-ca-file": f"{_PKI}ca.crt",
    "enable-admission-plugins": "NodeRestriction,DenyServiceExternalIPs,EventRateLimit,AlwaysPullImages",
    "etcd-cafile": f"{_PKI}etcd/ca.crt",
    "etcd-certfile": f"{_PKI}apiserver-etcd-client.crt",
    "etcd-keyfile": f"{_PKI}apiserver-etcd-client.key",
    "kubelet-certificate-authority": f"{_PKI}ca.crt",
    "kubelet-client-certificate": f"{_PKI}apiserver-kubelet-client.crt",
    "kubelet-client-key": f"{_PKI}apiserver-kubelet-client.key",
    "tls-cert-file": f"{_PKI}apiserver.crt",
    "tls-private-key-file": f"{_PKI}apiserver.key",
    "tls-cipher-suites": _STRONG,
    "profiling": "false",
    "oidc-issuer-url": "https://id.demo",
    "service-account-key-file": f"{_PKI}sa.pub",
    "service-account-extend-token-expiration": "false",
    "audit-policy-file": f"{_CONF}audit-policy.yaml",
    "audit-log-path": "/var/log/kubernetes/audit.log",
    "audit-log-maxage": "14",
    "audit-log-maxbackup": "10",
    "audit-log-maxsize": "100",
}


def part(fleet: Fleet) -> Evidence:
    """Return the components of three control planes and of every node."""
    masters = [one for node in _MASTERS for one in _control_plane(node)]
    return Evidence(components=(*masters, *(_kubelet(node.name) for node in fleet.nodes)))


def _control_plane(node: str) -> tuple[Component, ...]:
    return (_api_server(node), _etcd(node), _of_two(node, "controller-manager"), _of_two(node, "scheduler"))


def _api_server(node: str) -> Component:
    encrypts = node != _REBUILT
    encryption = {"encryption-provider-config": f"{_CONF}enc/enc.yaml"} if encrypts else {}
    return Component(
        node=node,
        name="kube-apiserver",
        version=_VERSION,
        flags=_given({**_API_FLAGS, **encryption}),
        config={},
        encryption=(Encrypted(("secrets",), ("secretbox", "identity")),) if encrypts else None,
        audit_policy=(AuditRule("Metadata"),),
        certified=(),
        files=(
            *(_file(f"{_CONF}{name}", 0o600) for name in ("manifests/kube-apiserver.yaml", "admin.conf")),
            *(_file(f"{_PKI}{name}", 0o644) for name in ("ca.crt", "apiserver.crt")),
            *(_file(f"{_PKI}{name}", 0o600) for name in ("ca.key", "apiserver.key", "sa.key")),
        ),
    )


def _etcd(node: str) -> Component:
    own, peer = f"{_PKI}etcd/server", f"{_PKI}etcd/peer"
    flags = {
        "cert-file": f"{own}.crt",
        "key-file": f"{own}.key",
        "client-cert-auth": "true",
        "trusted-ca-file": f"{_PKI}etcd/ca.crt",
        "peer-cert-file": f"{peer}.crt",
        "peer-key-file": f"{peer}.key",
        "peer-client-cert-auth": "true",
        "data-dir": "/var/lib/etcd",
    }
    data = FileMode("/var/lib/etcd", 0o700, "etcd:etcd", folder=True)
    manifest = _file(f"{_CONF}manifests/etcd.yaml", 0o600)
    return Component(
        node=node, name="etcd", version="3.6.8", flags=_given(flags), config={}, files=(manifest, data)
    )


def _of_two(node: str, name: str) -> Component:
    flags = {"bind-address": "127.0.0.1", "profiling": "false"}
    if name == "controller-manager":
        flags |= {
            "use-service-account-credentials": "true",
            "service-account-private-key-file": f"{_PKI}sa.key",
            "root-ca-file": f"{_PKI}ca.crt",
        }
    files = (_file(f"{_CONF}manifests/kube-{name}.yaml", 0o600), _file(f"{_CONF}{name}.conf", 0o600))
    return Component(
        node=node, name=f"kube-{name}", version=_VERSION, flags=_given(flags), config={}, files=files
    )


def _kubelet(node: str) -> Component:
    version = _OLD if node in _LEFT_BEHIND else _VERSION
    if node == SILENT:
        why = Silence("it is told by the node alone, which gave no answer", "timeout")
        silent = dict.fromkeys(("flags", "config", "files"), why)
        return Component(node=node, name="kubelet", version=version, silent=silent)
    path = "/var/lib/kubelet/config.yaml"
    config = {
        "authentication.anonymous.enabled": "false",
        "authentication.x509.clientCAFile": f"{_PKI}ca.crt",
        "authorization.mode": "Webhook",
        "podPidsLimit": "16384",
        "readOnlyPort": "10255" if node == _OPEN else "0",
        "rotateCertificates": "true",
        "seccompDefault": "true",
        "serverTLSBootstrap": "true",
        "tlsCipherSuites": _STRONG,
    }
    flags = {"config": path, "kubeconfig": f"{_CONF}kubelet.conf"}
    files = (_file(path, 0o600), _file(f"{_CONF}kubelet.conf", 0o600), _file(f"{_PKI}ca.crt", 0o644))
    return Component(
        node=node,
        name="kubelet",
        version=version,
        flags=_given(flags),
        config=config,
        config_file=path,
        files=files,
    )


def _given(flags: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: (value,) for name, value in flags.items()}


def _file(path: str, mode: int) -> FileMode:
    return FileMode(path, mode, "root:root")
