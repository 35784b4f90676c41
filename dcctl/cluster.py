"""The one cluster that a command changes: which it is, and the connection to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl import app, specs
from dcctl.errors import DeniedError, UsageError
from dcctl.inventory.sources.base import SourceError

if TYPE_CHECKING:
    from dcctl.inventory.sources.http.connection import Connection
    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.settings import Settings


def cluster_of(settings: Settings, hint: str) -> Cluster:
    """The one cluster that this run changes. Nothing is contacted yet.

    UsageError, with this hint, where the sources of this run name none, or several.
    """
    found = [spec for spec in app.plan_of(settings) if isinstance(spec, specs.KubernetesSpec)]
    if len(found) != 1:
        names = ", ".join(spec.name for spec in found)
        why = f"{len(found)} clusters are named: {names}" if found else "no Kubernetes cluster is named"
        raise UsageError("the cluster to change", why, hint)
    return Cluster(found[0], settings.timeout)


class Cluster(Struct):
    """A cluster that is connected to when it is first needed, and then stays so."""

    spec: specs.KubernetesSpec
    timeout_s: float
    connection: Connection | None = None

    def __call__(self, deadline_s: float) -> Objects:
        """Return its objects, for so many seconds. DeniedError without credentials."""
        from dcctl.inventory.sources.http.client import Client, Patience
        from dcctl.inventory.sources.kubernetes.objects import Objects

        return Objects(Client(self.connected(), deadline_s, Patience(spread=0.0)))

    def connected(self) -> Connection:
        """Return the connection. DeniedError without credentials."""
        from dcctl.inventory.sources.kubernetes.auth import connect

        if self.connection is None:
            try:
                self.connection = connect(self.spec.kubeconfig, self.spec.kubeconfig_context, self.timeout_s)
            except SourceError as error:
                raise DeniedError(error.subject, error.reason, error.hint) from error
        return self.connection
