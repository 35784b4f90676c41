"""What a site decides about the components of Kubernetes."""

from __future__ import annotations

from msgspec import Struct


class ComponentPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit.components]."""

    audit_log_days: int = 30
    """For how long the API server has to keep its audit log. MLPS 2.0 is read as 180 with the archive."""
    audit_log_files: int = 10
    """How many files of the audit log have to be kept, at the least."""
    audit_log_megabytes: int = 100
    """How large each of them may become, at the least."""
    etcd_owners: tuple[str, ...] = ("etcd:etcd",)
    """Who may own etcd's data; kubeadm runs it as root:root."""
    request_timeout_s: int = 300
    """The longest that a request to the API server may take."""
    terminated_pods: int = 12_500
    """The most ended pods that the controller manager may keep."""
    kubelet_minors: int = 3
    """How many minor versions a kubelet may be older than the API server."""
