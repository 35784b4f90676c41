"""Small fleets with gangs, services, notebooks and work that is waited for, as hypothesis draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from dcctl.drain.request import Done, Request, Rule
from dcctl.inventory.model import Budget, Disruption, Fleet, Member, Node, Resources, SourceRun, Workload

if TYPE_CHECKING:
    from dcctl.drain.request import Domain

NOW_S = 1_760_000_000
GPU = "nvidia.com/gpu"
SOURCE = "kubernetes:test"
KEPT = Disruption("Job", grace_s=30)
SERVED = Disruption("ReplicaSet", grace_s=60)
HOOKED = Disruption("Job", grace_s=30, checkpoint="signal USR1", proof="file /ckpt/latest")
WAITED = Disruption("Job", grace_s=30, when_drained="wait 4h then evict")
TOLD = {"kept": KEPT, "served": SERVED, "hooked": HOOKED, "waited": WAITED}


def node(number: int, racks: int = 3) -> Node:
    """`n07` in rack `r1`."""
    size = Resources(96_000, 1 << 40, 1 << 40, 110, {GPU: 8})
    return Node(
        f"n{number:02}",
        rack=f"r{number % racks}",
        sources=(SOURCE,),
        ready=True,
        schedulable=True,
        capacity=size,
        allocatable=size,
    )


def work(
    name: str, where: list[int], gpus: int = 2, told: str = "kept", gang: bool = False, **more: object
) -> Workload:
    """One member of so many GPUs on each of these nodes."""
    asked = Resources(4000, 1 << 30, 0, 1, {GPU: gpus} if gpus else {})
    covering = tuple(one.name for one in more.get("budgets", ()))  # type: ignore[attr-defined]
    key = told if not covering else f"{told}+{'+'.join(covering)}"
    members = tuple(
        Member(
            f"{name}-{at}",
            f"n{number:02}",
            "running",
            asked,
            uid=f"{name}-{at}",
            started_at_s=NOW_S - 7200,
            ready=True,
            disruption=key,
        )
        for at, number in enumerate(where)
    )
    kind = "Deployment" if told == "served" else "PyTorchJob" if gang else "Job"
    return Workload(
        f"a/{name}",
        kind,
        source=SOURCE,
        gang_min=len(where) if gang else None,
        members=members,
        **more,  # type: ignore[arg-type]
    )


def fleet(nodes: int, *workloads: Workload, **more: object) -> Fleet:
    """Nodes in three racks, and what stands on them."""
    told = dict(TOLD)
    for one in workloads:
        for member in one.members:
            kind, *covering = (member.disruption or "").split("+")
            base = TOLD[kind]
            told[member.disruption or ""] = Disruption(
                base.controller,
                grace_s=base.grace_s,
                budgets=tuple(covering),
                checkpoint=base.checkpoint,
                proof=base.proof,
                when_drained=base.when_drained,
            )
    return Fleet(
        "test",
        NOW_S,
        nodes=tuple(map(node, range(nodes))),
        workloads=tuple(workloads),
        disruptions=told,
        sources=(SourceRun(SOURCE, "kubernetes", ok=True, duration_ms=1, items=nodes),),
        **more,  # type: ignore[arg-type]
    )


@st.composite
def campaigns(draw: st.DrawFn) -> tuple[Fleet, Request]:
    """A fleet of at most 12 nodes, and which of them are drained how."""
    count = draw(st.integers(2, 12))
    made = []
    for number in range(draw(st.integers(0, 6))):
        where = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=5, unique=True))
        told = draw(st.sampled_from(["kept", "served", "hooked", "waited"]))
        gang = told != "served" and draw(st.booleans())
        budgets = (Budget(f"b{number}", 1, 1, len(where), len(where)),) if told == "served" else ()
        ends = draw(st.sampled_from([None, 7200 + 600, 7200 + 9000])) if told == "waited" else None
        made.append(
            work(
                f"w{number}",
                where,
                told=told,
                gang=gang,
                budgets=budgets,
                started_at_s=NOW_S - 7200,
                duration_s=ends,
                checkpointed_at_s=draw(st.sampled_from([None, NOW_S - 600])),
            )
        )
    targets = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=count, unique=True))
    by: Domain = draw(st.sampled_from(["", "rack", "node"]))
    rules = draw(st.sampled_from([(), (Rule(kinds=("PyTorchJob",), checkpoint_every_s=1800),)]))
    request = Request(
        tuple(f"n{number:02}" for number in sorted(targets)),
        "some",
        max_unavailable=draw(st.sampled_from([None, 1, 2, 5])),
        by=by,
        rules=rules,
    )
    return fleet(count, *made), request


NOTHING_DONE = Done()
