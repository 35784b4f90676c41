"""The smallest ClusterRole that lets dcctl read a cluster."""

from __future__ import annotations

from dcctl.inventory.sources.kubernetes.listed import ALL

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


def rbac_yaml() -> str:
    """A ClusterRole manifest: one rule per API group, `list` on what is listed."""
    groups: dict[str, list[str]] = {}
    reasons: dict[str, list[str]] = {}
    for each in ALL:
        groups.setdefault(each.group, []).append(each.plural)
        reasons.setdefault(each.group, []).append(each.why)
    return _HEAD + "".join(_rule(group, plurals, reasons[group]) for group, plurals in groups.items())


def _rule(group: str, plurals: list[str], reasons: list[str]) -> str:
    why = "; ".join(dict.fromkeys(reasons))
    names = ", ".join(f'"{plural}"' for plural in plurals)
    return f'# {why}\n- apiGroups: ["{group}"]\n  resources: [{names}]\n  verbs: ["list"]\n'
