"""The smallest ClusterRoles that let dcctl read a cluster, audit it, and take its nodes out of service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.sources.kubernetes.evidence.components import LISTS
from dcctl.inventory.sources.kubernetes.evidence.lists import ROWS
from dcctl.inventory.sources.kubernetes.listed import ALL
from dcctl.inventory.sources.kubernetes.rights import RIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.sources.kubernetes.listed import Listed
    from dcctl.inventory.sources.kubernetes.rights import Right

_HEAD = """\
# What `dcctl inventory` reads of a Kubernetes cluster, and nothing else. It changes nothing.
# A rule about an API that the cluster does not have does no harm.
# Bind it to whoever runs dcctl:
#   kubectl create clusterrolebinding dcctl-viewer --clusterrole=dcctl-viewer --user=NAME
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: dcctl-viewer
rules:
# which APIs there are
- nonResourceURLs: ["/apis"]
  verbs: ["get"]
"""


_AUDIT = """\
# What `dcctl audit` reads of a Kubernetes cluster, the inventory with it. It changes nothing.
# Bind it to whoever runs the audit:
#   kubectl create clusterrolebinding dcctl-auditor --clusterrole=dcctl-auditor --user=NAME
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: dcctl-auditor
rules:
# which APIs there are, and the version
- nonResourceURLs: ["/apis", "/version"]
  verbs: ["get"]
"""
_ASKED_FOR = """\
# Not allowed, since who may list them may read them: dcctl asks for metadata alone, and what needs it
# is unknown without. Allow it knowingly:
"""
_DRAIN = """\
# What `dcctl drain` needs of a Kubernetes cluster: it reads the inventory, and evicts.
# Bind it to whoever drains, and the role to the same in kube-system:
#   kubectl create clusterrolebinding dcctl-drainer --clusterrole=dcctl-drainer --user=NAME
#   kubectl create rolebinding dcctl-drainer --role=dcctl-drainer --user=NAME -n kube-system
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: dcctl-drainer
rules:
# which APIs there are
- nonResourceURLs: ["/apis"]
  verbs: ["get"]
"""
_ROLE = """\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: dcctl-drainer
  namespace: kube-system
rules:
"""


def rbac_yaml() -> str:
    """A ClusterRole manifest: one rule per API group, `list` on what is listed."""
    return _HEAD + _rules(ALL)


def audit_rbac_yaml() -> str:
    """A ClusterRole manifest for audits; what only its reader may decide to allow is a comment."""
    given = _rules(dict.fromkeys((*ALL, *(row.listed for row in ROWS if not row.asked_for), *LISTS)))
    kept = _rules(dict.fromkeys(row.listed for row in ROWS if row.asked_for))
    return _AUDIT + given + _ASKED_FOR + "".join(f"# {line}\n" for line in kept.splitlines())


def drain_rbac_yaml() -> str:
    """A ClusterRole and a Role for drains; what only some campaigns need is a comment."""
    role = "".join(_act(one) for one in RIGHTS if one.namespace)
    return _DRAIN + _rules(ALL) + "".join(_act(one) for one in RIGHTS if not one.namespace) + _ROLE + role


def _act(one: Right) -> str:
    names = f'  resourceNames: ["{one.name}"]\n' if one.name else ""
    verbs = ", ".join(f'"{verb}"' for verb in one.verbs)
    rule = f'- apiGroups: ["{one.group}"]\n  resources: ["{one.resource}"]\n{names}  verbs: [{verbs}]\n'
    return f"# {one.why}\n" + ("".join(f"#{line}\n" for line in rule.splitlines()) if one.need else rule)


def _rules(lists: Iterable[Listed]) -> str:
    groups: dict[str, dict[str, str]] = {}
    for each in lists:
        groups.setdefault(each.group, {}).setdefault(each.plural, each.why)
    return "".join(_rule(group, list(found), list(found.values())) for group, found in groups.items())


def _rule(group: str, plurals: list[str], reasons: list[str]) -> str:
    why = "; ".join(dict.fromkeys(reasons))
    names = ", ".join(f'"{plural}"' for plural in plurals)
    return f'# {why}\n- apiGroups: ["{group}"]\n  resources: [{names}]\n  verbs: ["list"]\n'
