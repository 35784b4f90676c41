"""The smallest ClusterRole that lets dcctl read a cluster, and the one with which it can audit it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.sources.kubernetes.evidence.components import LISTS
from dcctl.inventory.sources.kubernetes.evidence.lists import ROWS
from dcctl.inventory.sources.kubernetes.listed import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.sources.kubernetes.listed import Listed

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


def rbac_yaml() -> str:
    """A ClusterRole manifest: one rule per API group, `list` on what is listed."""
    return _HEAD + _rules(ALL)


def audit_rbac_yaml() -> str:
    """A ClusterRole manifest for audits; what only its reader may decide to allow is a comment."""
    given = _rules(dict.fromkeys((*ALL, *(row.listed for row in ROWS if not row.asked_for), *LISTS)))
    kept = _rules(dict.fromkeys(row.listed for row in ROWS if row.asked_for))
    return _AUDIT + given + _ASKED_FOR + "".join(f"# {line}\n" for line in kept.splitlines())


def _rules(lists: Iterable[Listed]) -> str:
    groups: dict[str, dict[str, str]] = {}
    for each in lists:
        groups.setdefault(each.group, {}).setdefault(each.plural, each.why)
    return "".join(_rule(group, list(found), list(found.values())) for group, found in groups.items())


def _rule(group: str, plurals: list[str], reasons: list[str]) -> str:
    why = "; ".join(dict.fromkeys(reasons))
    names = ", ".join(f'"{plural}"' for plural in plurals)
    return f'# {why}\n- apiGroups: ["{group}"]\n  resources: [{names}]\n  verbs: ["list"]\n'
