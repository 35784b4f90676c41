"""What an administrator asks for: which nodes, how many at once, when, and which gates are open."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import field

from dcctl.inventory.devices import DeviceName, Fact, Natural

Domain: TypeAlias = Literal["", "node", "domain", "leaf", "rack", "feed", "zone"]
"""Of what one part at a time is drained; empty: whatever order costs least."""


class Window(Fact, frozen=True):
    """When work may be moved: these days from one time of the day to another, by the clocks of a zone."""

    days: tuple[int, ...]
    """0 is Monday."""
    from_s: Natural
    """Seconds after midnight."""
    to_s: Natural
    """The same; not after `from_s`: of the next day."""
    zone: str = "UTC"
    """IANA name: Europe/Berlin."""
    text: str = ""
    """As it was typed."""


class Hook(Fact, frozen=True):
    """How work writes a checkpoint when asked, and what proves that it did."""

    how: Literal["signal", "exec", "annotation", "http"]
    what: str
    """USR1; a command line; `key=value`; `POST :8080/checkpoint`."""
    container: str = ""
    """Empty: the first."""
    proof: Literal["exit", "file", "annotation"] = "exit"
    proof_of: str = ""
    """A path in the container; the key of an annotation."""
    timeout_s: Natural = 600
    of: Literal["first", "all"] = "first"
    """Who is asked: the first member, which has rank 0, or each at the same time."""
    annotated: bool = False
    """Annotations of pods say so, no rule: only a pod that says the same itself is asked."""


class Rule(Fact, frozen=True):
    """What holds for work that is moved: the first rule that selects it, else that of its annotations."""

    workloads: tuple[str, ...] = ()
    """Patterns of ids (`nlp/*`); empty: any."""
    kinds: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    mode: Literal["evict", "wait", "never"] = "evict"
    """`wait`: until it ends by itself (AllowCompletion)."""
    wait_s: Natural | None = None
    """At most; None: as long as it takes."""
    after_wait: Literal["evict", "stop"] = "stop"
    """What happens to it when the wait is over."""
    hook: Hook | None = None
    waived: str = ""
    """Why it may be evicted without a checkpoint."""
    checkpoint_every_s: Natural | None = None
    """How often it writes one by itself, where that is known."""


class Gates(Fact, frozen=True):
    """What is dangerous, each opened by an option of its own."""

    force: bool = False
    """Pods that nobody makes anew are evicted too, and are gone; so is work that eviction ends for good."""
    delete_emptydir_data: bool = False
    """Files of emptyDir volumes on disk are lost."""
    allow_pdb_violation: tuple[str, ...] = ()
    """Budgets, as namespace/name, that may be broken: their pods are deleted."""
    waive_checkpoint: tuple[str, ...] = ()
    """Patterns of ids of workloads that are evicted without proof of a checkpoint."""
    disturb_protected: bool = False
    """Pods whose annotations ask to be left alone are evicted too."""
    whole_cluster: bool = False
    control_plane: bool = False
    foreign_cordons: bool = False
    """Nodes that another tool has taken out of service are drained too."""
    without_fit: bool = False
    """Work that finds no room elsewhere is evicted too, and waits."""


class Board(Fact, frozen=True):
    """One accelerator, with all slices into which it is cut."""

    node: str
    title: str
    """For people: `gpu017 GPU 3`."""
    id: str
    """Its UUID."""
    devices: tuple[DeviceName, ...]
    """What has to be tainted."""


class Request(Fact, frozen=True):
    """All that a plan depends on beside the fleet and the time."""

    nodes: tuple[str, ...]
    """Their names, in order."""
    asked: str = ""
    """As it was typed: `@rack2`."""
    reason: str = ""
    max_unavailable: Natural | None = None
    """Nodes of this campaign that are out of service at once; None: all may be."""
    by: Domain = ""
    windows: tuple[Window, ...] = ()
    """Empty: at any time."""
    not_before_s: Natural | None = None
    deadline_s: Natural | None = None
    """By then the last wave has ended."""
    grace_s: Natural | None = None
    """In place of the pods' own."""
    rules: tuple[Rule, ...] = ()
    gates: Gates = Gates()
    boards: tuple[Board, ...] = ()
    """Of the one node: these alone are taken out of service, and who holds them leaves. Empty: all of it."""


class Done(Fact, frozen=True):
    """What a campaign that is planned again has done already."""

    nodes: tuple[str, ...] = ()
    """Those that are drained, or were returned since."""
    restarted: tuple[str, ...] = ()
    """Ids of work that was restarted for it."""
    proved: tuple[str, ...] = ()
    """Ids of work whose checkpoint was proved and that was not evicted yet."""
    waves: Natural = 0
    """So many."""
    out: tuple[str, ...] = ()
    """Nodes of `nodes` that are still out of service."""
    begun_s: Natural | None = None
    """Unix time when it began: waits are counted from then. None: it is not begun."""

    @property
    def begun(self) -> bool:
        """Whether anything was done."""
        return self != Done()
