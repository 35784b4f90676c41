"""The plan of `dcctl drain`: what is moved, when, where it fits, and what stands in the way. Data only.

`--dry-run` prints this object, and it is what is carried out. The same fleet, request and time give the same.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from dcctl.drain.request import Hook  # noqa: TC001  # msgspec reads it
from dcctl.inventory.devices import Fact, Natural

Verdict: TypeAlias = Literal["fits", "fits after reordering", "does not fit", "unknown"]
"""Of displaced work. `fits`: wherever its scheduler puts each, in any order, the others find room.
`fits after reordering`: there is room for all, if they are moved in the order of the plan.
`does not fit`: there is no way. `unknown`: too little is known of it, or of the nodes, to say."""

How: TypeAlias = Literal["evict", "delete", "wait"]
"""`evict`: by the eviction API: budgets hold. `delete`: past a budget that may be broken. `wait`: it ends."""

Why: TypeAlias = Literal[
    "budget", "budget-never", "budgets-two", "budget-unhealthy", "emptydir", "unmanaged", "fatal",
    "protected", "checkpoint", "never", "no-room", "volume", "unknown", "foreign-cordon", "device",
    "deadline", "window", "finalizer", "annotation", "not-ready", "taint", "split",
]  # fmt: skip
"""What a finding is about; those that block the start are told by Finding.blocks."""


class Leave(Fact, frozen=True):
    """One pod that leaves a node."""

    pod: str
    """namespace/name."""
    node: str
    uid: str | None = None
    how: How = "evict"
    grace_s: Natural | None = None
    """As the pod says, or as was asked; None: nobody told."""
    budgets: tuple[str, ...] = ()
    """namespace/name of those that cover it."""
    gpu_milli: Natural = 0
    to: str = ""
    """The node on which its successor stands in the plan; empty: it has none, or finds no room."""


class Unit(Fact, frozen=True):
    """Work that is moved as one: a gang, Job, StatefulSet, Deployment or a bare pod."""

    workload: str
    kind: str
    leaves: tuple[Leave, ...]
    """All in one wave."""
    gang: bool = False
    stops: Natural = 0
    """Members that stop: of a gang that falls below its minimum all of them."""
    gpu_milli: Natural = 0
    """Of all members that stop."""
    changed: bool = False
    """What is made in its place is made from another template than it was: whether that fits is not known."""
    hook: Hook | None = None
    """Asked, and its proof seen, before anything of it is evicted."""
    leader: str = ""
    """namespace/name of its first member, which is asked for all; empty: the first that leaves."""
    proved: bool = False
    """It was already."""
    waits_until_s: Natural | None = None
    """When it ends, or when no longer is waited for it; None with `how` wait: nobody knows."""
    after_wait: Literal["evict", "stop"] = "stop"
    paced: bool = False
    """Nobody can ask it for a checkpoint, but it writes one at a known pace: `waits_until_s` is when the next
    one is expected to be written, and it is evicted then."""
    restarts: Natural = 0
    """How often it starts again for this wave: 0 for what ends, or is served by others meanwhile; 2 for what
    finds room on nodes of later waves alone; else 1."""
    lost_gpu_ms: Natural | None = None
    """Milliseconds of one GPU that it computes anew: from its last checkpoint. None: nobody knows."""
    verdict: Verdict = "unknown"

    @property
    def waits(self) -> bool:
        """Whether something of it may go on to its end, or for a while."""
        return any(leaf.how == "wait" for leaf in self.leaves)

    @property
    def ends_by_itself(self) -> bool:
        """Whether nothing of it is ever evicted."""
        return self.waits and self.after_wait == "stop"


class Wave(Fact, frozen=True):
    """Nodes that are taken out of service together."""

    number: Natural
    """From 1, over the whole campaign."""
    nodes: tuple[str, ...]
    units: tuple[Unit, ...]
    """In the order in which they are moved."""
    verdict: Verdict = "fits"
    """The worst of its units."""
    start_s: Natural | None = None
    """Unix time, as far as can be told."""
    end_s: Natural | None = None
    """The same. Not before: what is estimated leaves out how long images are pulled and the like."""
    rounds: Natural = 1
    """Budgets let its pods go in so many turns."""
    after_return: bool = False
    """It begins once nodes of earlier waves are back in service."""

    @property
    def lost_gpu_ms(self) -> int | None:
        """Of all units; None where one does not tell."""
        told = [one.lost_gpu_ms for one in self.units]
        return None if None in told else sum(one for one in told if one is not None)


class Stay(Fact, frozen=True):
    """A pod that stays, or goes with its node."""

    pod: str
    node: str
    why: Literal["daemonset", "mirror", "finished", "leaving", "elsewhere"]
    """`leaving`: it is being deleted already. `finished`: it holds nothing; it is evicted all the same.
    `elsewhere`: it holds none of the accelerators that alone are taken out of service."""


class Finding(Fact, frozen=True):
    """Something that is named before the start."""

    why: Why
    subject: str
    """A workload, namespace/pod, a budget or a node."""
    says: str
    """One sentence."""
    nodes: tuple[str, ...] = ()
    blocks: bool = True
    """Whether nothing is begun while it stands."""
    cure: str = ""
    """The option or command that removes it."""
    more: str = ""
    """What the sentence leaves out: of work without room, why each node refuses it."""


class Relief(Fact, frozen=True):
    """The least that makes work fit which does not."""

    workload: str
    """Empty: it is about all that finds no room."""
    says: str
    """`stop nlp/notebook-7 (8 GPUs)`, `wait for vision/eval-sweep`, `leave out gpu041`."""
    command: str = ""
    workloads: tuple[str, ...] = ()
    """Whose absence is enough."""
    nodes: tuple[str, ...] = ()
    """Which nodes to leave out."""
    more: Natural = 0
    """So many nodes more are enough."""
    at_s: int | None = None
    """Unix time at which it fits by itself, if its plans hold."""
    by_itself: bool = False
    """Its scheduler does so unasked: it preempts work of lower priority."""


class Target(Fact, frozen=True):
    """One node of the campaign as it was before it."""

    name: str
    wave: Natural
    was_schedulable: bool | None = None


class Serial(Fact, frozen=True):
    """What draining the same nodes one after the other would cost, as kubectl drain does."""

    restarts: Natural
    lost_gpu_ms: Natural | None
    stuck: tuple[str, ...] = ()
    """Nodes that would stay cordoned with nothing moved."""
    held: tuple[str, ...] = ()
    """Nodes that would never be empty: PDBs keep pods there, while others leave."""


class Campaign(Fact, frozen=True):
    """The whole plan."""

    asked: str
    reason: str
    targets: tuple[Target, ...]
    waves: tuple[Wave, ...]
    verdict: Verdict
    """The worst of all waves."""
    stays: tuple[Stay, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Those that block first."""
    reliefs: tuple[Relief, ...] = ()
    made_at_s: Natural = 0
    start_s: Natural | None = None
    end_s: Natural | None = None
    max_unavailable: Natural | None = None
    serial: Serial | None = None
    boards: tuple[str, ...] = ()
    """`gpu017 GPU 3`: these alone are taken out of service, not their node."""
    clusters: tuple[str, ...] = ()
    """What tells the clusters of the fleet from all others."""

    @property
    def blocked(self) -> tuple[Finding, ...]:
        """What has to be decided before anything begins."""
        return tuple(one for one in self.findings if one.blocks)

    @property
    def lost_gpu_ms(self) -> int | None:
        """Of all waves; None where one does not tell."""
        told = [one.lost_gpu_ms for one in self.waves]
        return None if None in told else sum(one for one in told if one is not None)


WORST: Final[tuple[Verdict, ...]] = ("does not fit", "unknown", "fits after reordering", "fits")
"""Verdicts, the worst first."""
