"""What decides whether a member may be evicted from its node, and how; and who took a node out of service."""

from __future__ import annotations

from typing import Literal, TypeAlias

from dcctl.inventory.devices import Fact, Natural

Scratch: TypeAlias = Literal["", "memory", "disk"]
"""What an eviction throws away of emptyDir volumes: nothing; memory alone; files on the disk of the node."""


class Disruption(Fact, frozen=True):
    """What is true of eviction for all members that name it: each names one of its fleet by key."""

    controller: str = ""
    """Kind of the object that makes it anew (ReplicaSet, Job, DaemonSet); empty: nobody does."""
    mirror: bool = False
    """It belongs to the kubelet of its node (a static pod): no API can evict it."""
    scratch: Scratch = ""
    grace_s: Natural | None = None
    """Its terminationGracePeriodSeconds."""
    budgets: tuple[str, ...] = ()
    """Names of the disruption budgets that cover it; what they allow is told by its workload."""
    protected: tuple[str, ...] = ()
    """Annotations by which others ask to leave it alone, as `key=value`."""
    finalizers: tuple[str, ...] = ()
    """Without these lifted it stays, though it was deleted."""
    checkpoint: str = ""
    """Annotation dcctl.io/checkpoint: how it writes a checkpoint when asked, in its own words."""
    proof: str = ""
    """Annotation dcctl.io/checkpoint-proof: what shows that it did."""
    patience: str = ""
    """Annotation dcctl.io/checkpoint-timeout: how long that may take."""
    when_drained: str = ""
    """Annotation dcctl.io/when-drained: whether to wait for its end, and how long."""
    indexed: bool = False
    """It is one rank of an Indexed Job: its index comes back, and the others wait for it."""
    fatal: str = ""
    """Why its work ends for good once it is evicted; empty: it does not, as far as is known."""
    retries: Natural | None = None
    """So many failures of its pods its Job takes yet, an eviction being one. None: no limit is known."""
    changed: bool = False
    """What is made in its place is made from another template than it was."""


class Cordon(Fact, frozen=True):
    """Who took a node out of service, as far as the node tells."""

    by: str
    """`dcctl`, or the tool whose annotation or taint stands on the node."""
    run: str = ""
    """The run of dcctl."""
    who: str = ""
    reason: str = ""
    was_schedulable: bool | None = None
    """Before it. None: not told."""
    at_s: Natural | None = None
    """Since when (Unix time). None: not told."""
    others: tuple[str, ...] = ()
    """The tools besides `by` whose marks stand on the node too."""
