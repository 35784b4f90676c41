"""Service accounts: who runs as them, who has their tokens, and how far these reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.audit.check import Fault, check
from dcctl.audit.facts.graph import graph
from dcctl.audit.facts.takeover import reach
from dcctl.audit.facts.telling import some
from dcctl.audit.facts.trusted import trusted
from dcctl.audit.facts.works import account, mounts_token, runs_as
from dcctl.audit.scene import DERIVED, MADE_OF
from dcctl.inventory.evidence.base import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.facts.works import Whose
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.pods import Work
    from dcctl.inventory.evidence.rbac import Account


class RunAs(Subject, frozen=True, kw_only=True):
    """A service account that workloads run as."""

    cluster: str = ""
    namespace: str
    name: str
    workloads: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`nlp/ServiceAccount/jupyter`."""
        return f"{self.namespace}/ServiceAccount/{self.name}"

    @property
    def whose(self) -> Whose:
        """It, as the graph has it."""
        return self.cluster, self.namespace, self.name


def _run_as(scene: Scene) -> tuple[RunAs, ...]:
    if scene.silence("run_as"):
        return ()
    return tuple(
        RunAs(cluster=cluster, namespace=namespace, name=name, workloads=tuple(one.key for one in works))
        for (cluster, namespace, name), works in sorted(scene.once(runs_as).items())
    )


MADE_OF["run_as"] = ("workloads", "roles", "bindings")
DERIVED["run_as"] = _run_as


def _default_alone(one: Account, _scene: Scene) -> str:
    return "" if one.name == "default" else "accounts that somebody made for a purpose"


@check(
    "RBAC-05",
    "The default service account is used",
    "medium",
    tier="A",
    over="accounts",
    refs=("cis-1.12:5.1.5", "soc2:CC6.3", "iso:A.8.2"),
    why="Every pod that names no account is this one: a right for one of them is a right for all.",
    fix="Make an account for the workload and bind that; automountServiceAccountToken: false on default.",
    applies=_default_alone,
)
def defaults(one: Account, scene: Scene) -> Iterator[Fault]:
    """The default account of a namespace has no role, and no pod has its token."""
    scene.told("bindings")
    scene.told("workloads")
    whose = (one.cluster, one.namespace, one.name)
    held = scene.once(graph).bound.get(whose, ())
    for binding in held:
        yield Fault(f"{binding.key} gives it {binding.role}", binding.key)
    mounting = [work for work in scene.once(runs_as).get(whose, ()) if mounts_token(work, scene)]
    if mounting:
        yield Fault(f"the pods of {some(work.name for work in mounting)} have its token", "mounted")


@check(
    "RBAC-06",
    "A token is mounted that nobody can use",
    "low",
    tier="A",
    over="workloads",
    refs=("cis-1.12:5.1.6", "nsa:C-0034", "soc2:CC6.3", "iso:A.8.2"),
    why="A token that is not needed is still one that can be stolen, and rights may come to it later.",
    fix="Set automountServiceAccountToken: false in the pod, or on its service account.",
)
def tokens(work: Work, scene: Scene) -> Iterator[Fault]:
    """A workload gets no token whose account has no role, neither of its own nor of a group that it is in."""
    scene.told("bindings")
    if mounts_token(work, scene) and not scene.once(graph).bindings_of(account(work)):
        yield Fault(f"mounts the token of {work.account}, which has no role", "token")


def _meant(one: RunAs, scene: Scene) -> str:
    return (
        "operators that are well known, or that the policy trusts"
        if trusted(one.key, "RBAC-16", scene)
        else ""
    )


@check(
    "RBAC-16",
    "A workload can take over the cluster",
    "critical",
    tier="A",
    over="run_as",
    refs=("dcctl:takeover-path", "800-53:AC-6(1)", "soc2:CC6.3", "iso:A.8.2", "mlps:8.1.4.2"),
    why="Whoever breaks into one pod of it is administrator a request or two later.",
    fix="Cut the first step of the path: remove that right from the role, or give it in one namespace.",
    applies=_meant,
)
def takeovers(one: RunAs, scene: Scene) -> Iterator[Fault]:
    """No account that a workload runs as is an administrator, or becomes one in two steps."""
    path = scene.once(reach).path(one.whose)
    if path is not None:
        says = ", then ".join(path.steps) or "it has every right"
        yield Fault(f"{says}; runs {some(one.workloads)}", "takeover")
