"""The command line of every server of the control plane: all of them listen on 127.0.0.1 and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.controlplane.pki import KeyPair

HERE = Path(__file__).resolve().parent
LOOPBACK = "127.0.0.1"
SERVICE_CIDR = "10.96.0.0/16"
POD_CIDR = "10.128.0.0/9"


@dataclass(frozen=True)
class Ports:
    """One port of 127.0.0.1 each."""

    etcd: int
    etcd_peer: int
    apiserver: int
    scheduler: int
    controller_manager: int
    kwok: int


@dataclass(frozen=True)
class Layout:
    """What the command lines are made of: the binaries, the folder of this run, its ports and its keys."""

    binaries: Path
    folder: Path
    ports: Ports
    ca: KeyPair
    server: KeyPair
    service_account: KeyPair
    kubeconfig: Path

    def binary(self, name: str) -> str:
        return str(self.binaries / name)

    def secure(self, port: int) -> list[str]:
        """Returns the flags that every Kubernetes server shares."""
        return [
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            f"--tls-cert-file={self.server.cert_file}",
            f"--tls-private-key-file={self.server.key_file}",
        ]


def etcd(layout: Layout) -> list[str]:
    """Returns an etcd without fsync: after the tests its data is worth nothing."""
    client = f"http://{LOOPBACK}:{layout.ports.etcd}"
    peer = f"http://{LOOPBACK}:{layout.ports.etcd_peer}"
    return [
        layout.binary("etcd"),
        f"--data-dir={layout.folder / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
    ]


def kube_apiserver(layout: Layout, extra: tuple[str, ...] = ()) -> list[str]:
    """Returns an API server with RBAC, service-account tokens, no anonymous user, and the watch cache."""
    account = layout.service_account
    return [
        layout.binary("kube-apiserver"),
        *layout.secure(layout.ports.apiserver),
        f"--advertise-address={LOOPBACK}",
        "--endpoint-reconciler-type=none",  # endpoints may not be loopback addresses
        f"--etcd-servers=http://{LOOPBACK}:{layout.ports.etcd}",
        f"--client-ca-file={layout.ca.cert_file}",
        "--anonymous-auth=false",
        # Nobody holds this certificate; without these flags the others fill their logs with complaints.
        f"--requestheader-client-ca-file={layout.ca.cert_file}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--authorization-mode=RBAC",
        f"--service-account-key-file={account.cert_file}",
        f"--service-account-signing-key-file={account.key_file}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        "--allow-privileged=true",
        "--watch-cache=true",
        "--profiling=false",
        *extra,
    ]


def kube_controller_manager(layout: Layout) -> list[str]:
    """Returns all controllers; a Ready node stays so for a day, because kwok sends no heartbeats (CPU)."""
    return [
        layout.binary("kube-controller-manager"),
        *layout.secure(layout.ports.controller_manager),
        f"--kubeconfig={layout.kubeconfig}",
        f"--authentication-kubeconfig={layout.kubeconfig}",
        f"--authorization-kubeconfig={layout.kubeconfig}",
        "--leader-elect=false",
        f"--service-account-private-key-file={layout.service_account.key_file}",
        f"--root-ca-file={layout.ca.cert_file}",
        "--node-monitor-grace-period=24h",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--profiling=false",
    ]


def kube_scheduler(layout: Layout, extra: str = "") -> list[str]:
    """Returns the default scheduler; its rate limit is raised in a file, since no flag can set it.

    `extra`: more lines of that file.
    """
    config = layout.folder / "scheduler.yaml"
    config.write_text(
        "apiVersion: kubescheduler.config.k8s.io/v1\n"
        "kind: KubeSchedulerConfiguration\n"
        "leaderElection: {leaderElect: false}\n"
        "enableProfiling: false\n"
        f"clientConnection: {{kubeconfig: '{layout.kubeconfig}', qps: 500, burst: 1000}}\n" + extra,
        encoding="utf-8",
    )
    return [
        layout.binary("kube-scheduler"),
        *layout.secure(layout.ports.scheduler),
        f"--config={config}",
        f"--authentication-kubeconfig={layout.kubeconfig}",
        f"--authorization-kubeconfig={layout.kubeconfig}",
    ]


def kwok(layout: Layout) -> list[str]:
    """Returns a kwok that plays stages.yaml on the nodes annotated kwok.x-k8s.io/node=fake and their pods."""
    return [
        layout.binary("kwok"),
        f"--config={HERE / 'stages.yaml'}",
        f"--kubeconfig={layout.kubeconfig}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-lease-duration-seconds=0",
        f"--node-ip={LOOPBACK}",
        f"--cidr={POD_CIDR}",
        f"--server-address={LOOPBACK}:{layout.ports.kwok}",
    ]
