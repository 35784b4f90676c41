"""The Kubernetes source against an emulated API server, without waiting for back-off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dcctl.inventory.sources.http.client import Patience
from dcctl.inventory.sources.kubernetes.source import KubernetesSource

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.inventory.model import Fleet, Gap
    from tests.kubeapi import ApiServer


class Naps:
    """Stands in for time.sleep and remembers how long it was asked to wait."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, wait_s: float) -> None:
        self.taken.append(wait_s)


def source(server: ApiServer, folder: Path, naps: Naps | None = None, **options: Any) -> KubernetesSource:
    """A source that reads pages of 2 as administrator; `options` are the two deadlines and Patience's own."""
    deadlines = {name: options.pop(name, 30.0) for name in ("timeout_s", "first_answer_s")}
    patience = Patience(**{"sleep": naps or Naps(), "seed": 1, **options})
    kubeconfig = server.kubeconfig(folder / "kubeconfig")
    return KubernetesSource("kubernetes:test", str(kubeconfig), page_size=2, patience=patience, **deadlines)


def gaps(fleet: Fleet) -> dict[str, Gap]:
    """The gaps by what they are about."""
    return {gap.subject: gap for gap in fleet.gaps}
