"""Command lines of Kubernetes' components, and what may be kept of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubelet", "kube-proxy")
_SECRET_FLAGS = frozenset({"initial-cluster-token", "discovery-token"})
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


def parse_flags(arguments: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the values of each flag in the order they were given, names as `audit-log-path`.

    `--flag=value`, `--flag value`, `-flag` and `--flag` alone, which is `true`. Passwords in addresses and
    flags that hold a secret are left out.
    """
    found: dict[str, tuple[str, ...]] = {}
    waiting = ""
    for word in (*arguments, "--"):
        if waiting:
            value = "true" if word.startswith("-") else word
            found[waiting] = (*found.get(waiting, ()), _IN_URL.sub("", value))
            if not word.startswith("-"):
                waiting = ""
                continue
        name, is_given, value = word.lstrip("-").partition("=")
        name = name.replace("_", "-")
        waiting = ""
        if not word.startswith("-") or not name or name in _SECRET_FLAGS:
            continue
        if is_given:
            found[name] = (*found.get(name, ()), _IN_URL.sub("", value))
        else:
            waiting = name
    return found


def of_environment(variables: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the flags that etcd takes from its environment: `ETCD_CERT_FILE=…` is `cert-file`."""
    found: dict[str, tuple[str, ...]] = {}
    for variable in variables:
        if match := _ETCD_VARIABLE.fullmatch(variable):
            name = match[1].lower().replace("_", "-")
            if name not in _SECRET_FLAGS:
                found[name] = (_IN_URL.sub("", match[2]),)
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
