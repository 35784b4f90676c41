"""A Kubernetes cluster as a whole."""

from typing import Literal

from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.evidence.rbac import Rule


class Cluster(Subject, frozen=True, kw_only=True):
    """Version, APIs, who runs its control plane, and what dcctl itself may do there."""

    cluster: str = ""
    name: str
    """As its source is called: for a person."""
    version: str | None = None
    """Of the API server, with what its maker adds: `v1.33.4`, `v1.33.1-eks-abc`."""
    minor: int | None = None
    """33 of `v1.33.4`."""
    apis: tuple[str, ...] | None = None
    """Groups with their resources where the server tells them: `apps`, `deployments.apps`."""
    control_plane: Literal["own", "managed"] | None = None
    """Whether its machines are the site's own, or a provider's which shows none of them; None: not known."""
    told_by: str = ""
    """What tells that: `version v1.33.1-eks-abc`, `node cp-1`."""
    user: str | None = None
    """Who dcctl is there."""
    rules: tuple[Rule, ...] | None = None
    """What dcctl itself may do there."""
    rules_complete: bool = True
    """The server told all of its rules; an authorizer that is no RBAC may know more."""

    @property
    def key(self) -> str:
        """One name for all: that of a kubeconfig's context, which anybody may change, is no part of it."""
        return "Cluster"
