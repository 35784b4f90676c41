"""What a drain needs of a kind of scheduler, and of what asks work for checkpoints.

What acts (`dcctl.drain.act`) knows no more than this. Only what implements it knows the scheduler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

from dcctl.runs import Target

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from dcctl.drain.campaign import Leave, Unit
    from dcctl.drain.request import Board
    from dcctl.drain.work.devices import TaintRule
    from dcctl.inventory.devices import DeviceName


class NoProof(Exception):  # noqa: N818  # an answer: the work stays, and others go on
    """Work did not prove in time that it wrote a checkpoint; the text says why."""


class Mark(NamedTuple):
    """What stands on a node that a run took, or will take, out of service."""

    run: str
    who: str
    reason: str
    was_schedulable: bool
    """Before the run."""
    at: str
    """RFC 3339."""
    drained: bool = False
    """Whether nothing is left to do there: it may be given back while its run goes on elsewhere."""


class NodeNow(NamedTuple):
    """One node as it is."""

    name: str
    schedulable: bool
    mark: Mark | None = None
    """Of a run of dcctl; one that cannot be read has an empty run."""
    planned: bool = False
    """Whether it has the taint of nodes that are drained later."""

    def is_out_for(self, run: str) -> bool:
        """Whether this run took it out of service and nobody gave it back since."""
        return not self.schedulable and self.mark is not None and self.mark.run == run


class Standing(NamedTuple):
    """One pod as it is."""

    pod: str
    """namespace/name."""
    uid: str
    node: str = ""
    owner: str = ""
    """UID of the object that makes it anew; empty: nobody does."""
    ready: bool = False
    leaving: bool = False
    """It is being deleted."""
    finished: bool = False


class Kept(NamedTuple):
    """A device that nobody is given, because of a run."""

    device: DeviceName
    run: str
    reason: str
    path: str
    """Of what keeps it back."""
    uid: str


class Sight(NamedTuple):
    """What became of one pod. `synced`: all that there are were told; there is no pod then."""

    kind: Literal["there", "gone", "synced"]
    pod: Standing | None = None


Reply: TypeAlias = Literal["leaving", "gone", "later", "unsure", "blocked"]
"""`leaving`: it goes, or went. `gone`: it went before, or another has its name. `later`: a budget or the
server says not now. `unsure`: no answer that says anything. `blocked`: not until somebody does something."""


class Answer(NamedTuple):
    """What came of one try to evict a pod."""

    reply: Reply
    why: str = ""
    wait_s: float | None = None
    """How long the server asks to be left alone; None: it asks for nothing."""


class Lock(Protocol):
    """The lease of a run on its cluster, held until it is released."""

    def demand(self) -> None:
        """Return while it is held. DcctlError: it was lost. UnreachableError: nobody can tell now."""

    def release(self) -> None:
        """Another run may begin."""


class Needs(NamedTuple):
    """Which rights a campaign takes."""

    deletes: bool = False
    """Pods past their budgets."""
    execs: bool = False
    """Commands in containers, for checkpoints."""
    requests: bool = False
    """Requests to ports of pods, for checkpoints."""
    patches_pods: bool = False
    """Annotations that ask for checkpoints."""
    devices: bool = False
    """Single accelerators, kept back."""


class Backend(Target, Protocol):
    """One kind of scheduler. Nothing is contacted before it must be.

    Every method raises DcctlError where the server refuses, or does not answer for too long.
    """

    def lacking(self, needs: Needs) -> tuple[str, ...]:
        """The rights that we do not have, each as `VERB RESOURCE`."""

    def demand_unlocked(self, run: str) -> None:
        """Return when this run may take the lock. RefusedError names who holds it."""

    def lock(self, run: str, who: str) -> Lock:
        """The lock is ours, or the call raises RefusedError, which names who holds it."""

    def nodes(self, names: Collection[str]) -> Mapping[str, NodeNow]:
        """Those that there are."""

    def cordon(self, name: str, mark: Mark, over: Collection[str] = ()) -> NodeNow:
        """The node is out of service and has the mark, with what it was before.

        The mark of a run that is over is taken over, with what the node was before that. It comes back as it
        is now: with the mark of somebody else if it had one, and then unchanged.
        """

    def tell_drained(self, name: str, run: str) -> None:
        """The mark of this run, if the node has it, says that nothing is left to do there."""

    def announce(self, name: str) -> None:
        """The node has the taint of those that are drained later."""

    def give_back(self, name: str, run: str) -> str:
        """The node is as it was before this run, without its mark and taint.

        Returns why it was left as it is: it is gone, or somebody changed it since. Empty: it was not left.
        """

    def rules(self, boards: Sequence[Board], run: str, reason: str = "") -> tuple[TaintRule, ...]:
        """What has to be made so that nobody is given these accelerators any more.

        RefusedError: nothing keeps them back here, or another run does.
        """

    def keep_back(self, rule: TaintRule) -> None:
        """The rule is there."""

    def kept(self, run: str = "", board: Board | None = None) -> tuple[Kept, ...]:
        """The devices that are kept back: by this run, and of this accelerator, where they are named."""

    def give_out(self, kept: Kept) -> None:
        """The device may be given out again, as far as this rule is concerned."""

    def evict(self, leave: Leave) -> Answer:
        """One try: the pod with this UID is asked to go. May be called by several threads at once."""

    def is_there(self, leave: Leave) -> bool:
        """Whether the pod with this UID exists, by the word of the server now."""

    def follow(self) -> Iterator[Sight]:
        """Yield all pods, `synced`, and then every change, without end. In a thread of its own."""

    def stop(self) -> None:
        """Ask nothing more: who follows comes to an end."""


class Hooks(Protocol):
    """What asks work to write a checkpoint, and sees the proof."""

    def checkpoint(self, unit: Unit) -> str:
        """Return what proves that the unit wrote one. NoProof: it did not, and is not moved.

        May be called by several threads at once.
        """

    def stop(self) -> None:
        """Ask nothing more: whoever waits for a proof comes to an end."""
