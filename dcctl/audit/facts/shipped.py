"""Bindings that come with Kubernetes and kubeadm, each with whom it is for: nobody of the site has made them.

From `plugin/pkg/auth/authorizer/rbac/bootstrappolicy` (Kubernetes 1.36) and kubeadm's phases. A subject that
somebody has added to one of them is not among these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dcctl.inventory.evidence.rbac import Binding, Bound, Role

_CONTROLLER: Final = "system:controller:"
_BOOTSTRAPPERS: Final = ("Group", "", "system:bootstrappers:kubeadm:default-node-token")
_SIGNERS: Final = "system:certificates.k8s.io:certificatesigningrequests:"
_CLUSTER: Final[dict[str, frozenset[tuple[str, str, str]]]] = {
    "cluster-admin": frozenset({("Group", "", "system:masters"), ("Group", "", "kubeadm:cluster-admins")}),
    "system:monitoring": frozenset({("Group", "", "system:monitoring")}),
    "system:discovery": frozenset({("Group", "", "system:authenticated")}),
    "system:basic-user": frozenset({("Group", "", "system:authenticated")}),
    "system:public-info-viewer": frozenset(
        {("Group", "", "system:authenticated"), ("Group", "", "system:unauthenticated")}
    ),
    "system:node-proxier": frozenset(
        {("User", "", "system:kube-proxy"), ("ServiceAccount", "kube-system", "kube-proxy")}
    ),
    "system:kube-controller-manager": frozenset({("User", "", "system:kube-controller-manager")}),
    "system:kube-scheduler": frozenset({("User", "", "system:kube-scheduler")}),
    "system:volume-scheduler": frozenset({("User", "", "system:kube-scheduler")}),
    "system:kube-dns": frozenset({("ServiceAccount", "kube-system", "kube-dns")}),
    "system:coredns": frozenset({("ServiceAccount", "kube-system", "coredns")}),
    "system:service-account-issuer-discovery": frozenset({("Group", "", "system:serviceaccounts")}),
    "system:node-bootstrapper": frozenset({_BOOTSTRAPPERS}),
    "system:kubelet-api-admin": frozenset({("User", "", "kube-apiserver-kubelet-client")}),
    "kubeadm:get-nodes": frozenset({_BOOTSTRAPPERS}),
    f"{_SIGNERS}nodeclient": frozenset({_BOOTSTRAPPERS}),
    f"{_SIGNERS}selfnodeclient": frozenset({("Group", "", "system:nodes")}),
}
"""By ClusterRole, (kind, namespace, name) of whom it is bound to everywhere."""
_MANAGER: Final = ("User", "", "system:kube-controller-manager")
_SCHEDULER: Final = ("User", "", "system:kube-scheduler")
_NAMESPACED: Final[dict[tuple[str, str], frozenset[tuple[str, str, str]]]] = {
    ("kube-system", "extension-apiserver-authentication-reader"): frozenset({_MANAGER, _SCHEDULER}),
    ("kube-system", "system::leader-locking-kube-controller-manager"): frozenset(
        {
            _MANAGER,
            ("ServiceAccount", "kube-system", "kube-controller-manager"),
            ("ServiceAccount", "kube-system", "leader-election-controller"),
        }
    ),
    ("kube-system", "system::leader-locking-kube-scheduler"): frozenset(
        {_SCHEDULER, ("ServiceAccount", "kube-system", "kube-scheduler")}
    ),
    ("kube-public", "kubeadm:bootstrap-signer-clusterinfo"): frozenset({("User", "", "system:anonymous")}),
    ("kube-system", "kubeadm:kubelet-config"): frozenset({("Group", "", "system:nodes"), _BOOTSTRAPPERS}),
    ("kube-system", "kubeadm:nodes-kubeadm-config"): frozenset(
        {("Group", "", "system:nodes"), _BOOTSTRAPPERS}
    ),
}
"""By namespace and Role, the same."""
_OWN_ROLES: Final = ("cluster-admin", "admin", "edit", "view")
DEFAULTS: Final = frozenset(f"ClusterRole/{name}" for name in _OWN_ROLES if name != "cluster-admin")
"""Roles for the users of a namespace, by key."""


def is_shipped(binding: Binding, bound: Bound) -> bool:
    """Return whether Kubernetes itself binds this role to this subject."""
    who = (bound.kind, bound.namespace, bound.name)
    if binding.role.startswith(_CONTROLLER):
        return who == ("ServiceAccount", "kube-system", binding.role.removeprefix(_CONTROLLER))
    if binding.namespace:
        return who in _NAMESPACED.get((binding.namespace, binding.role), ())
    return who in _CLUSTER.get(binding.role, ())


def is_shipped_role(role: Role) -> bool:
    """Return whether a role comes with Kubernetes: by its name, since a label can be put on any."""
    return (not role.namespace and role.name in _OWN_ROLES) or role.name.startswith(("system:", "kubeadm:"))
