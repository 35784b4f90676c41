"""Small fleets with pods to be moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.drain.request import Done, Gates, Request, Rule
from dcctl.drain.work.classify import Classified, classify
from dcctl.inventory.disruption import Disruption
from dcctl.inventory.model import Budget, Fleet, Member, Node, Resources, SourceRun, Workload
from dcctl.inventory.placement import Template

if TYPE_CHECKING:
    from dcctl.drain.campaign import Finding

NOW_S = 1_800_000_000
MADE = Disruption(controller="ReplicaSet")
GPUS = Resources(devices={"nvidia.com/gpu": 8})
LEAVING = "leaving"
SHUT, NOTHING = Gates(), Done()


def node(name: str, **told: object) -> Node:
    return Node(name, **{"sources": ("kubernetes",), "ready": True, "schedulable": True} | told)  # type: ignore[arg-type]


def pod(name: str, where: str | None = "n1", told: str | None = "made", **rest: object) -> Member:
    facts = {"node": where, "phase": "running", "ready": True, "uid": f"uid-{name}", "disruption": told}
    return Member(name, **facts | rest)  # type: ignore[arg-type]


def work(name: str, *members: Member, kind: str = "Deployment", **rest: object) -> Workload:
    return Workload(name, kind=kind, source="kubernetes", members=members, **rest)  # type: ignore[arg-type]


def fleet(
    *works: Workload,
    disruptions: dict[str, Disruption] | None = None,
    nodes: tuple[Node, ...] = (),
    **rest: object,
) -> Fleet:
    told = {"made": MADE, **(disruptions or {})}
    return Fleet(
        nodes=nodes or tuple(node(f"n{at}") for at in range(1, 5)),
        workloads=works,
        disruptions=told,
        templates={LEAVING: Template(leaving=True)},
        sources=(SourceRun("kubernetes", "kubernetes", ok=True, duration_ms=1, items=4),),
        **rest,  # type: ignore[arg-type]
    )


def sorted_out(
    one: Fleet, *nodes: str, gates: Gates = SHUT, rules: tuple[Rule, ...] = (), done: Done = NOTHING
) -> Classified:
    return classify(one, Request(nodes or ("n1", "n2"), gates=gates, rules=rules), done, NOW_S)


def only(found: Classified, why: str) -> Finding:
    """The one finding of this kind."""
    (one,) = (each for each in found.findings if each.why == why)
    return one


def budget(name: str = "pdb", allowed: int | None = 0, **rest: object) -> Budget:
    return Budget(name, allowed, **rest)  # type: ignore[arg-type]
