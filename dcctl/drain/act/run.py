"""A campaign carried out: surveyed, planned, its first wave done, and again, until no wave is left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from dcctl import journal
from dcctl.drain.act import recall
from dcctl.drain.act.kept import keep_back
from dcctl.drain.act.standing import Before
from dcctl.drain.act.wave import Turn
from dcctl.drain.backends import Mark
from dcctl.drain.outcome import Held, NotDrainedError
from dcctl.errors import DcctlError
from dcctl.inventory.folding import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from dcctl.drain.act.going import Going
    from dcctl.drain.backends import NodeNow, Standing
    from dcctl.drain.campaign import Campaign, Leave, Wave
    from dcctl.drain.outcome import Holder, Outcome
    from dcctl.drain.request import Done

_AGAIN: Final = 5
"""How often pods may come to the nodes of a wave anew before they are held against it."""
_RETURNED_S = 5.0
"""Between two looks whether nodes were given back."""
_LONG_S = 60.0
"""After so long a wait the cluster is another: it is planned again."""


class Campaigner:
    """Carries out one campaign, as far as it was agreed to."""

    def __init__(self, going: Going, agreed: Campaign) -> None:
        self._going, self._agreed = going, agreed
        self._steps = going.written.steps
        self._targets = tuple(one.name for one in agreed.targets)
        self._held: dict[str, Held] = {}
        self._aside: dict[str, None] = {}
        """Nodes that are given up in this run."""
        self._rounds: dict[tuple[str, ...], int] = {}

    def carry_out(self) -> Outcome:
        """Every target is drained. NotDrainedError: some are not."""
        self._going.follow()
        self._reconcile()
        self._keep_back()
        if self._agreed.max_unavailable is None:
            self._cordon(self._targets)
        while (wave := self._next()) is not None:
            plan, first = wave
            if not self._may_begin(plan, first):
                continue
            if not self._keep_back():
                continue
            self._announce(plan, first)
            self._cordon(first.nodes)
            self._carry(plan, first)
        if self._held:
            raise self._unfinished()
        return self.outcome("drained")

    def outcome(self, state: recall.State = "unfinished") -> Outcome:
        """What was done so far."""
        written = self._going.written
        found = recall.outcome(self._going.run, str(written.path), self._steps, state)
        return recall.with_held(found, tuple(self._held.values()))

    def _reconcile(self) -> None:
        """What was on its way when an earlier process ended is known now."""
        pods = self._going.board.pods
        gone: dict[str, dict[str, str]] = {}
        for rest, entry in recall.told(self._steps, "evict"):
            pod = pods.get(rest.rpartition(" ")[2])
            if entry.state == "intent" and (pod is None or pod.leaving):
                gone[f"evict {rest}"] = {}
        self._going.written.done_all(gone)

    # Nodes

    def _nodes(self) -> Mapping[str, NodeNow]:
        backend = self._going.world.backend
        return self._going.steadily(lambda: backend.nodes(self._targets))

    def _cordon(self, names: Collection[str]) -> None:
        """These are out of service, but for those that somebody else has charge of."""
        if self._going.request.boards:
            return  # not their node
        new = [name for name in names if self._state(f"cordon {name}") != "done" and name not in self._aside]
        if not new:
            return
        there = self._nodes()
        going, header = self._going, self._going.written.header
        now = datetime.fromtimestamp(going.world.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        mark = Mark(going.run, header.who, self._agreed.reason, was_schedulable=True, at=now)
        going.demand()
        with going.interrupts.step():
            going.written.begin_all({f"cordon {name}": {} for name in new if name in there})
        over = self._over()
        for name in new:
            if name in there:
                self._cordon_one(name, mark, over)

    def _over(self) -> frozenset[str]:
        """Runs of this machine that have ended: their nodes may be taken over."""
        folder, kind = self._going.written.path.parent, self._going.written.header.kind
        return frozenset(one.header.run for one in journal.journals(folder, kind) if one.outcome)

    def _cordon_one(self, name: str, mark: Mark, over: Collection[str]) -> None:
        going, step = self._going, f"cordon {name}"
        going.demand()
        with going.interrupts.step():
            node = going.steadily(lambda: going.world.backend.cordon(name, mark, over))
            if node.is_out_for(going.run) and node.mark is not None:
                going.written.done(step, was="1" if node.mark.was_schedulable else "")
                return
            if node.mark is not None and node.mark.run == going.run:
                going.written.done(step)
                self._give_up("uncordoned", name, "somebody took it back into service meanwhile")
            elif not node.schedulable and going.request.gates.foreign_cordons:
                going.written.done(step, kept="1")
            else:
                whose = node.mark.run if node.mark is not None else ""
                going.written.failed(step, "it has the mark of another run")
                self._give_up("marked", name, f"it has the mark of {whose or 'somebody else'}")

    def _keep_back(self) -> bool:
        """Whether single accelerators are out of service, where they alone are asked about."""
        lost = keep_back(self._going)
        if lost:
            self._give_up("uncordoned", self._targets[0], f"somebody gave {fold(lost)} out again meanwhile")
        return not lost

    def _announce(self, plan: Campaign, first: Wave) -> None:
        """Nodes of later waves are shunned by schedulers, where not all are out of service at once."""
        if self._agreed.max_unavailable is None:
            return
        later = {name for wave in plan.waves for name in wave.nodes} - set(first.nodes)
        going = self._going
        for name in self._targets:
            steps = [self._state(f"{verb} {name}") for verb in ("taint", "cordon")]
            if name in later and "done" not in steps:
                going.demand()
                with going.interrupts.step():
                    going.written.begin(f"taint {name}")
                    going.steadily(lambda name=name: going.world.backend.announce(name))  # type: ignore[misc]
                    going.written.done(f"taint {name}")

    def _give_up(self, kind: Holder, name: str, says: str) -> None:
        self._aside[name] = None
        self._held[name] = Held(kind, name, name, says)
        self._going.world.tell(f"{name}: {says}")

    def _is_ours(self, name: str) -> bool:
        return self._state(f"cordon {name}") == "done" and name not in self._aside

    def _state(self, step: str) -> str:
        known = self._steps.get(step)
        return "" if known is None else known.state

    # Waves

    def _leave(self, nodes: Mapping[str, NodeNow]) -> None:
        """Nodes that somebody took back, or deleted, are given up."""
        drained = {name for one in recall.waves(self._steps) for name in one.nodes}
        for name in self._targets:
            node = nodes.get(name)
            if node is None:
                self._aside[name] = None  # it is gone, and nothing stands on it
            elif node.schedulable and name not in drained and self._is_ours(name):
                self._give_up("uncordoned", name, "somebody took it back into service meanwhile")

    def _done(self, nodes: Mapping[str, NodeNow]) -> Done:
        """What is done, of nodes that are so now."""
        out = [name for name, node in nodes.items() if not node.schedulable]
        began_s, now_s = self._going.written.header.started_at_s, int(self._going.world.clock())
        return recall.done(self._steps, self._aside, out, began_s, now_s)

    def _next(self) -> tuple[Campaign, Wave] | None:
        """A new plan and its first wave; None: none is left. DcctlError: it goes beyond what was agreed."""
        going = self._going
        going.demand()
        nodes = self._nodes()
        self._leave(nodes)
        done = self._done(nodes)
        plan = going.steadily(lambda: going.world.plan(going.request, done))
        agreed = {(one.why, one.subject) for one in self._agreed.blocked}
        new = [
            one
            for one in plan.blocked
            if (one.why, one.subject) not in agreed and not (one.nodes and set(one.nodes) <= set(done.nodes))
        ]
        if new:
            raise DcctlError("the cluster changed since the plan was agreed to", new[0].says)
        return (plan, plan.waves[0]) if plan.waves else None

    def _may_begin(self, plan: Campaign, wave: Wave) -> bool:
        """Whether it begins now; False: it was waited, and has to be planned again."""
        going, most = self._going, plan.max_unavailable
        out = [name for name in self._done(self._nodes()).out if name not in wave.nodes]
        if most is not None and out and len(out) + len(wave.nodes) > most:
            if all(name in self._aside for name in out):
                raise self._unfinished()
            self._await_return(out)
            return False
        wait_s = (wave.start_s or 0) - going.world.clock()
        if wait_s > 0:
            start = datetime.fromtimestamp(wave.start_s or 0, UTC).strftime("%Y-%m-%d %H:%M UTC")
            going.world.tell(f"wave {wave.number} begins at {start}")
            while (wave.start_s or 0) > going.world.clock():
                going.pass_time(min(_RETURNED_S, max(0.01, (wave.start_s or 0) - going.world.clock())))
        return wait_s < _LONG_S

    def _await_return(self, out: Collection[str]) -> None:
        """Until one of these is in service again. NotDrainedError: the deadline came before."""
        going, deadline_s = self._going, self._going.request.deadline_s
        going.world.tell(f"waits until nodes are given back: {', '.join(out)}")
        while True:
            nodes = self._nodes()
            if any(name not in nodes or nodes[name].schedulable for name in out):
                return
            if deadline_s is not None and going.world.clock() >= deadline_s:
                why = f"the deadline came before {fold(out)} were given back"
                raise unfinished(going, self.outcome(), why)
            going.pass_time(_RETURNED_S)

    def _carry(self, plan: Campaign, wave: Wave) -> None:
        nodes = tuple(name for name in wave.nodes if name not in self._aside)
        number = len(recall.waves(self._steps)) + 1
        self._going.written.begin(f"wave {number}")
        before = Before(self._going.board, wave.units)
        turn = Turn(self._going, wave, number, plan.stays, self._aside)
        try:
            turn.carry()
        finally:
            self._held |= turn.held
        turn.look_at(self._going.steadily(lambda: self._going.world.backend.nodes(nodes)).values())
        self._aside |= dict.fromkeys(one.node for one in turn.held.values())
        self._held |= turn.held
        if self._comes_again(turn, nodes):
            return
        self._end_wave(turn, number, before)

    def _comes_again(self, turn: Turn, nodes: tuple[str, ...]) -> bool:
        """Whether pods came to its nodes meanwhile, and it has to be planned again for them."""
        rest = [pod for pod in self._rest(turn) if pod.node not in self._aside]
        self._rounds[nodes] = self._rounds.get(nodes, 0) + (not turn.was_cut_short)
        if rest and self._rounds[nodes] < _AGAIN:
            return True
        for pod in rest:
            turn.hold("refused", pod.pod, pod.node, "pods come to the node again and again")
        self._aside |= dict.fromkeys(one.node for one in turn.held.values())
        self._held |= turn.held
        return False

    def _rest(self, turn: Turn) -> Iterable[Standing | Leave]:
        """Pods that came meanwhile. Of a node that stays in service: who was given what is kept back."""
        if not self._going.request.boards:
            return turn.rest()
        going, done = self._going, self._done(self._nodes())
        waves = going.steadily(lambda: going.world.plan(going.request, done)).waves
        leaves = (one for wave in waves for unit in wave.units for one in unit.leaves)
        return [one for one in leaves if one.pod not in turn.held]

    def _end_wave(self, turn: Turn, number: int, before: Before) -> None:
        going = self._going
        waiting = before.await_again(going)
        if waiting:
            going.world.tell(f"does not stand again yet: {', '.join(waiting)}")
        drained = tuple(name for name in turn.drained if name not in self._aside)
        evicted = sum(
            entry.state == "done" and entry.data.get("wave") == str(number)
            for _, entry in recall.told(self._steps, "evict")
        )
        self._release(drained)
        with going.interrupts.step():
            going.written.done(
                f"wave {number}",
                nodes=recall.joined(drained),
                evicted=str(evicted),
                waiting=recall.joined(waiting),
                at=str(int(going.world.clock())),
            )
        if any(one.kind == "budget" for one in turn.held.values()):
            raise self._unfinished()

    def _release(self, nodes: Iterable[str]) -> None:
        """Their marks say that they may be given back while the run goes on."""
        going = self._going
        for name in nodes if not going.request.boards else ():
            going.demand()
            with going.interrupts.step():
                going.steadily(lambda name=name: going.world.backend.tell_drained(name, going.run))  # type: ignore[misc]

    def _unfinished(self) -> NotDrainedError:
        return unfinished(self._going, self.outcome(), "")


def unfinished(going: Going, outcome: Outcome, why: str) -> NotDrainedError:
    """The error of a run that began: what is drained, what keeps the rest, and the command that goes on."""
    told = [f"{one.subject}: {one.says}" for one in outcome.held]
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    reasons = "; ".join(filter(None, [why, *told[:3]])) + more
    header = going.written.header
    what = f"drain: {len(outcome.nodes):,} nodes are drained"
    return NotDrainedError(what, f"{reasons} (journal {going.written.path})", header.resume, outcome)
