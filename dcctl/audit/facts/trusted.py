"""Whose rights are meant: controllers of well-known operators, by namespace and account, and the site's own.

A row is exact on purpose: another account of the same namespace, or the same account elsewhere, is nobody
that we know. What an operator has beyond the checks of its row is still told.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from dcctl.audit.policy.rbac import Trusted

if TYPE_CHECKING:
    from dcctl.audit.scene import Scene

_SECRETS, _PODS, _ROLES = "RBAC-02", "RBAC-04", "RBAC-08"
_VOLUMES, _CERTIFICATES, _HOOKS, _EXEC, _TAKEOVER = "RBAC-09", "RBAC-11", "RBAC-12", "RBAC-13", "RBAC-16"
_ADMIN, _WILD, _KUBELETS = "RBAC-01", "RBAC-03", "RBAC-10"
_ALL_RESOURCES = (_SECRETS, _WILD, _PODS, _ROLES, _VOLUMES, _KUBELETS, _CERTIFICATES, _EXEC)
"""What any verb on any resource of the core group comes to: charts of operators that grow ask for it."""
_EVERYTHING = (_ADMIN, *_ALL_RESOURCES, _HOOKS, _TAKEOVER)
"""Whoever puts back, or rolls out, whatever there is has all rights."""


def _account(namespace: str, name: str, *checks: str) -> Trusted:
    return Trusted(f"{namespace}/ServiceAccount/{name}", checks)


KNOWN: Final[tuple[Trusted, ...]] = (
    _account("gpu-operator", "gpu-operator", *_ALL_RESOURCES, _TAKEOVER),
    _account("kube-system", "calico-node", _CERTIFICATES),
    _account("calico-system", "calico-node", _CERTIFICATES),
    _account("nvidia-network-operator", "network-operator", _PODS, _TAKEOVER),
    _account("nvidia-network-operator", "nvidia-network-operator", _PODS, _TAKEOVER),
    _account("tigera-operator", "tigera-operator", _WILD, _SECRETS, _PODS, _ROLES, _HOOKS, _TAKEOVER),
    _account("kube-system", "cilium-operator", _SECRETS, _TAKEOVER),
    _account("kueue-system", "kueue-controller-manager", _SECRETS, _PODS, _HOOKS, _TAKEOVER),
    _account("jobset-system", "jobset-controller-manager", _PODS, _HOOKS, _TAKEOVER),
    _account("lws-system", "lws-controller-manager", _PODS, _HOOKS, _TAKEOVER),
    _account("kubeflow", "training-operator", _PODS, _HOOKS, _TAKEOVER),
    _account("kubeflow-system", "kubeflow-trainer-controller-manager", _PODS, _HOOKS, _TAKEOVER),
    _account("ray-system", "kuberay-operator", _PODS, _TAKEOVER),
    _account("volcano-system", "volcano-controllers", _PODS, _TAKEOVER),
    _account("volcano-system", "volcano-admission", _HOOKS, _TAKEOVER),
    _account("kyverno", "kyverno-admission-controller", _WILD, _HOOKS, _TAKEOVER),
    _account("gatekeeper-system", "gatekeeper-admin", _WILD, _HOOKS, _TAKEOVER),
    _account("cert-manager", "cert-manager", _SECRETS, _PODS, _CERTIFICATES, _TAKEOVER),
    _account("cert-manager", "cert-manager-cainjector", _SECRETS, _HOOKS, _TAKEOVER),
    _account("external-secrets", "external-secrets", _SECRETS, _CERTIFICATES, _TAKEOVER),
    _account("ingress-nginx", "ingress-nginx", _SECRETS, _TAKEOVER),
    _account("monitoring", "prometheus-operator", _WILD, _SECRETS, _PODS, _TAKEOVER),
    _account("monitoring", "kube-prometheus-stack-operator", _WILD, _SECRETS, _PODS, _TAKEOVER),
    _account("local-path-storage", "local-path-provisioner-service-account", _VOLUMES, _PODS, _TAKEOVER),
    _account("kube-system", "*-csi-controller-sa", _VOLUMES, _SECRETS),
    _account("kube-system", "csi-*-controller*", _VOLUMES, _SECRETS),
    _account("kube-system", "nfs-subdir-external-provisioner", _VOLUMES),
    _account("ceph-csi-rbd", "*-provisioner", _VOLUMES, _SECRETS),
    _account("ceph-csi-cephfs", "*-provisioner", _VOLUMES, _SECRETS),
    _account("rook-ceph", "rook-csi-*-provisioner-sa", _VOLUMES, _SECRETS),
    _account("rook-ceph", "rook-ceph-system", _WILD, _VOLUMES, _SECRETS, _PODS, _HOOKS, _TAKEOVER),
    _account("velero", "velero", *_EVERYTHING),
    _account("velero", "velero-server", *_EVERYTHING),
    _account("argocd", "argocd-application-controller", *_EVERYTHING),
    _account("argocd", "argocd-server", *_EVERYTHING),
    _account("argocd", "argocd-applicationset-controller", _SECRETS),
    Trusted("User/eks:*", ("RBAC-*",)),
    Trusted("Group/eks:*", ("RBAC-*",)),
    Trusted("User/system:gke-*", ("RBAC-*",)),
    Trusted("Group/system:gke-*", ("RBAC-*",)),
    Trusted("User/aks-service", ("RBAC-*",)),
)
"""Namespaces and accounts as the operators' own charts have them."""


HOSTS: Final = (
    "gpu-operator",
    "nvidia-network-operator",
    "nvidia-dra-driver-gpu",
    "node-feature-discovery",
    "tigera-operator",
    "calico-system",
    "kube-flannel",
    "cilium",
    "metallb-system",
    "longhorn-system",
    "openebs",
    "rook-ceph",
)
"""Namespaces of operators whose pods set up the nodes themselves: drivers, networks, disks."""


def trusted(who: str, check: str, scene: Scene) -> bool:
    """Return whether the rights of a principal, by its key, are meant as far as a check asks about them."""
    return any(
        fnmatchcase(who, one.who) and any(fnmatchcase(check, each) for each in one.checks)
        for one in (*scene.policy.rights.trusted, *KNOWN)
    )


def is_tenant(namespace: str, scene: Scene) -> bool:
    """Return whether a namespace is one of those who use the cluster."""
    outside = (*HOSTS, *scene.policy.admission.outside)
    return not is_system(namespace, scene) and not any(fnmatchcase(namespace, one) for one in outside)


def is_system(namespace: str, scene: Scene) -> bool:
    """Return whether a namespace is the system's own, and no tenant's."""
    return any(fnmatchcase(namespace, one) for one in scene.policy.rights.system_namespaces)
