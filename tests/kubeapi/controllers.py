"""What the controllers of a cluster do behind the API. Thin for now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.kubeapi.cluster import Cluster


class Controllers:
    def __init__(self, cluster: Cluster, *, kubelet: bool) -> None:
        self._cluster, self._kubelet = cluster, kubelet

    def start(self) -> None:
        """Nothing yet."""

    def stop(self) -> None:
        """Nothing yet."""

    def settle(self) -> None:
        """Nothing yet."""
