"""What an administrator asks for: which nodes, how many at once, when, and which gates are open."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import Meta, field

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


How: TypeAlias = Literal["signal", "exec", "annotation", "http"]
SignalName: TypeAlias = Literal[
    "ABRT", "ALRM", "CONT", "HUP", "INT", "IO", "PROF", "PWR", "QUIT", "TERM", "TSTP", "TTIN", "TTOU", "URG",
    "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
]  # fmt: skip
"""Those that a process can handle: not KILL and STOP, and none for crashes."""


class Signal(Fact, frozen=True, tag_field="how", tag="signal"):
    """Sent to PID 1 of the container."""

    how: ClassVar[How] = "signal"
    name: SignalName


class Exec(Fact, frozen=True, tag_field="how", tag="exec"):
    """Run in the container, and its end awaited."""

    how: ClassVar[How] = "exec"
    command: str
    """A command line. No shell reads it, unless it begins with one: `sh -c '…'`."""


class Annotate(Fact, frozen=True, tag_field="how", tag="annotation"):
    """Put on the pod."""

    how: ClassVar[How] = "annotation"
    key: str
    value: str = ""
    """Empty: the time of the request."""


class Call(Fact, frozen=True, tag_field="how", tag="http"):
    """A request to a port of the pod."""

    how: ClassVar[How] = "http"
    method: Literal["GET", "POST"]
    port: Annotated[int, Meta(ge=1, le=65535)]
    path: str
    """With its query, quoted."""
    tls: bool = False


Ask: TypeAlias = Signal | Exec | Annotate | Call


class WrittenFile(Fact, frozen=True, tag_field="by", tag="file"):
    """A file in the container that was written since."""

    path: str


class ChangedAnnotation(Fact, frozen=True, tag_field="by", tag="annotation"):
    """An annotation of the pod that changed since."""

    key: str


Proof: TypeAlias = WrittenFile | ChangedAnnotation | None
"""None: what is asked tells by itself that it is done."""


def demand_proof(ask: Ask, proof: Proof) -> None:
    """Return if this can prove what was asked for. ValueError.

    What tells by itself that it is done (a command, an answer) needs no proof of its own; a signal and an
    annotation do, and another annotation than the one that asks.
    """
    if proof is None and ask.how in ("signal", "annotation"):
        raise ValueError(f"{ask.how} needs a proof: file PATH, or annotation KEY")
    if isinstance(ask, Annotate) and isinstance(proof, ChangedAnnotation) and ask.key == proof.key:
        raise ValueError(f"the annotation {ask.key} asks for the checkpoint, and cannot prove it as well")


class Hook(Fact, frozen=True):
    """How work writes a checkpoint when asked, and what proves that it did."""

    ask: Ask
    proof: Proof = None
    container: str = ""
    """Empty: the first."""
    timeout_s: Natural = 600
    of: Literal["first", "all"] = "first"
    """Who is asked: the first member, which has rank 0, or each at the same time."""
    annotated: bool = False
    """Annotations of pods say so, no rule: only a pod that says the same itself is asked."""

    def __post_init__(self) -> None:
        """Refuse what nothing proves, whoever made it. ValueError."""
        demand_proof(self.ask, self.proof)


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
    """Work that finds no room elsewhere is evicted too, and waits, or has less urgent work stopped."""


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
    proved: tuple[str, ...] = ()
    """Ids of work whose checkpoint was proved and that was not evicted yet."""
    waves: Natural = 0
    """So many."""
    out: tuple[str, ...] = ()
    """Nodes that it took out of service and nobody gave back: of `nodes`, and of a wave that did not end."""
    begun_s: Natural | None = None
    """Unix time when it began: waits are counted from then. None: it is not begun."""

    @property
    def begun(self) -> bool:
        """Whether anything was done, or may have been."""
        return self != Done()
