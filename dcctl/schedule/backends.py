"""What a plan can be written for: one backend for each kind of scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dcctl.errors import UsageError
from dcctl.schedule.kubernetes import Left, intended
from dcctl.schedule.manifests import confined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcctl.packing.plan import Plan
    from dcctl.schedule.manifests import Object


class Backend(Protocol):
    """One kind of scheduler. What acts on it lies in `dcctl.schedule.act`, one module for each."""

    def render(self, plan: Plan, objects: Sequence[Object], now_s: int) -> tuple[str, tuple[Left, ...]]:
        """The plan in the scheduler's own form, as text, and what it cannot tell. Nothing is contacted."""


class Kubernetes:
    """Manifests whose pods are kept to the nodes of the plan."""

    def render(self, plan: Plan, objects: Sequence[Object], now_s: int) -> tuple[str, tuple[Left, ...]]:
        """Return the manifests as YAML. Work on several nodes waits behind the gate for `schedule apply`."""
        import yaml

        found = intended(plan, objects, now_s)
        bodies = [one.body for one in found.others]
        bodies += [confined(work.object, work.nodes) for work in found.works]
        absent = {one.job: None for one in found.waiting}
        left = [*found.left, *(_absent(job) for job in absent)]
        return yaml.safe_dump_all(bodies, sort_keys=False, allow_unicode=True), tuple(left)


def _absent(job: str) -> Left:
    return Left(job, "no manifest of it was given", "dcctl schedule render --help")


BACKENDS: Mapping[str, Backend] = {"kubernetes": Kubernetes()}


def backend(name: str) -> Backend:
    """The backend of this name. UsageError, which lists those that there are."""
    if name not in BACKENDS:
        raise UsageError(
            f"--to {name}", f"known: {', '.join(sorted(BACKENDS))}", "dcctl schedule render --help"
        )
    return BACKENDS[name]
