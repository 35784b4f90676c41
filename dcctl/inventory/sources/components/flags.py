"""Command lines of Kubernetes' components, and what may be kept of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

NAMES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubelet", "kube-proxy")
KEPT = frozenset(
    """
    admission-control anonymous-auth audit-log-maxage audit-log-maxbackup audit-log-maxsize audit-log-path
    audit-policy-file audit-webhook-config-file authentication-config authentication-token-webhook-config-file
    authorization-config authorization-mode auto-tls bind-address cert-file client-ca-file client-cert-auth
    config config-dir config-file data-dir disable-admission-plugins enable-admission-plugins
    encryption-provider-config etcd-cafile etcd-certfile etcd-keyfile event-qps feature-gates
    hostname-override key-file kubeconfig kubelet-certificate-authority kubelet-client-certificate
    kubelet-client-key listen-client-urls make-iptables-util-chains metrics-bind-address oidc-issuer-url
    peer-auto-tls peer-cert-file peer-client-cert-auth peer-key-file peer-trusted-ca-file pod-max-pids port
    profiling read-only-port request-timeout root-ca-file rotate-certificates seccomp-default secure-port
    service-account-extend-token-expiration service-account-key-file service-account-lookup
    service-account-private-key-file service-account-signing-endpoint streaming-connection-idle-timeout
    terminated-pod-gc-threshold tls-cert-file tls-cipher-suites tls-min-version tls-private-key-file
    token-auth-file trusted-ca-file use-service-account-credentials
    """.split()  # noqa: SIM905  # names to be read
)
"""Flags that checks look at, whose values are told; of others only the name is: they may hold a secret."""
HIDDEN = "-"
"""Stands for a value that is not told."""
_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")
"""A name and a password before the host of an address."""
_ETCD_VARIABLE = re.compile(r"ETCD_([A-Z_]+)=(.*)", re.DOTALL)
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)")
PORT_FLAGS = ("secure-port", "listen-client-urls", "port")


def command_of(argv: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return which component a command line starts, and its arguments; None: it is none.

    `hyperkube kubelet …` and a shell that `exec`s one are told apart from it: only the first is one.
    """
    for position, word in enumerate(argv[:2]):
        name = word.rpartition("/")[2]
        if name in NAMES:
            return name, tuple(argv[position + 1 :])
        if name != "hyperkube":
            return None
    return None


def told_of(given: Mapping[str, str], kept: Container[str]) -> dict[str, str]:
    """Return named values with those alone that may be told, whatever folder their name has before it."""
    return {
        name: value if name.lower().rpartition("/")[2] in kept else HIDDEN for name, value in given.items()
    }


def parse_flags(arguments: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the values of each flag that may be told, without passwords in addresses."""
    return {name: tuple(_told(name, each) for each in values) for name, values in given(arguments).items()}


def _told(name: str, value: str) -> str:
    return _IN_URL.sub("", value) if name in KEPT else HIDDEN


def given(arguments: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the values of each flag in the order they were given, names as `audit-log-path`.

    `--flag=value`, `--flag value`, `-flag` and `--flag` alone, which is `true`.
    """
    found: dict[str, tuple[str, ...]] = {}
    waiting = ""
    for word in (*arguments, "--"):
        if waiting:
            value = "true" if word.startswith("-") else word
            found[waiting] = (*found.get(waiting, ()), value)
            if not word.startswith("-"):
                waiting = ""
                continue
        name, is_given, value = word.lstrip("-").partition("=")
        name = name.replace("_", "-")
        waiting = ""
        if not word.startswith("-") or not name:
            continue
        if is_given:
            found[name] = (*found.get(name, ()), value)
        else:
            waiting = name
    return found


def of_environment(variables: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the flags that etcd takes from its environment: `ETCD_CERT_FILE=…` is `cert-file`."""
    found: dict[str, tuple[str, ...]] = {}
    for variable in variables:
        if match := _ETCD_VARIABLE.fullmatch(variable):
            name = match[1].lower().replace("_", "-")
            found[name] = (_told(name, match[2]),)
    return found


def version_of(text: str) -> str | None:
    """Return `1.31.4` of `v1.31.4-eks-123`, of `Kubernetes v1.31.4`, of an image's tag; None: it has none."""
    match = _VERSION.search(text)
    return match[1] if match else None


def port_of(flags: Mapping[str, Sequence[str]]) -> str:
    """Return the port by which two of a kind on one node are told apart; empty: the usual one."""
    for name in PORT_FLAGS:
        for value in flags.get(name, ()):
            return value.partition(",")[0].rpartition(":")[2].strip("/")
    return ""
