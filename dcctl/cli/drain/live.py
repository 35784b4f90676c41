"""What `dcctl drain` reaches outside of its own process: the cluster, and the journals of its runs."""

from __future__ import annotations

from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, Final

from dcctl.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.cli.session import Session
    from dcctl.cluster import Cluster
    from dcctl.drain.backends import Backend, Hooks
    from dcctl.drain.campaign import Unit

_COMMAND: Final = "dcctl drain NODES -i kubernetes:CONTEXT"


def demand_live(session: Session, hint: str) -> None:
    """RefusedError for a saved fleet or the demo: there is nobody to tell."""
    from dcctl.app import asks_the_fleet

    if not asks_the_fleet(session.settings):
        what = " ".join(f"-i {one}" for one in session.settings.inventory)
        raise RefusedError(what, "a saved fleet can be planned for, not acted on", hint)


def journals(session: Session) -> Path:
    """Where journals are kept."""
    from dcctl.config import state_dir

    return state_dir(session.environ) / "journals"


class Live:
    """The cluster of this run, as what acts sees it, and what asks its work for checkpoints."""

    def __init__(self, session: Session, hint: str = _COMMAND) -> None:
        """Nothing is contacted yet, and no source is looked for: what is wrong with words is told first.

        `hint`: what to type where no cluster is named.
        """
        self._settings, self._hint, self._stop = session.settings, hint, Event()

    @cached_property
    def cluster(self) -> Cluster:
        """The one that the sources name. UsageError: they name none, or several."""
        from dcctl.cluster import cluster_of

        return cluster_of(self._settings, self._hint)

    def backend(self) -> Backend:
        """Return the cluster as what acts sees it."""
        from dcctl.drain.act.kubernetes.backend import Kubernetes

        return Kubernetes(self.cluster)

    def checkpoint(self, unit: Unit) -> str:
        """See `Hooks`."""
        return self._hooks.checkpoint(unit)

    def stop(self) -> None:
        """See `Hooks`."""
        self._stop.set()

    @cached_property
    def _hooks(self) -> Hooks:
        from dcctl.drain.act.hooks.kubernetes import KubernetesHooks

        return KubernetesHooks(self.cluster.connected(), self._stop)


def backend_of(session: Session) -> Backend:
    """Return the cluster of this run; nothing is contacted yet."""
    return Live(session).backend()
