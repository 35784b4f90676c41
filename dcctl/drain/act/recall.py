"""What a journal tells of a campaign: what is done, what was restarted, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from dcctl.drain.outcome import Ended, Held, Outcome
from dcctl.drain.request import Done

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from dcctl.journal import Entry

    Steps: TypeAlias = Mapping[str, Entry]

State: TypeAlias = Literal["drained", "undone", "planned", "unfinished", "under way", "refused"]
_BETWEEN = ","


def joined(names: Collection[str]) -> str:
    """Names as a journal keeps them."""
    return _BETWEEN.join(names)


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(_BETWEEN)))


def told(steps: Steps, verb: str) -> Iterator[tuple[str, Entry]]:
    """What each step of a verb is about, and what is known of it; not those that failed."""
    for step, entry in steps.items():
        first, _, rest = step.partition(" ")
        if first == verb and entry.state != "failed":
            yield rest, entry


def waves(steps: Steps) -> tuple[Ended, ...]:
    """Those that are over."""
    return tuple(
        Ended(
            int(number),
            _names(entry.data.get("nodes", "")),
            int(entry.data.get("evicted", 0)),
            entry.at_s or int(entry.data.get("at", 0)),
            _names(entry.data.get("waiting", "")),
        )
        for number, entry in told(steps, "wave")
        if entry.state == "done"
    )


def done(steps: Steps, aside: Collection[str], out: Collection[str]) -> Done:
    """What is handed to the planner. `aside`: nodes that are given up; `out`: all that are out of service."""
    ended = waves(steps)
    drained = {name for one in ended for name in one.nodes}
    now = str(len(ended) + 1)
    proved = {
        work: entry
        for work, entry in told(steps, "checkpoint")
        if entry.state == "done" and entry.data.get("wave") == now
    }
    restarted = {entry.data["work"] for _, entry in told(steps, "evict") if entry.data.get("restarts")}
    nodes = drained | set(aside)
    return Done(
        nodes=tuple(sorted(nodes)),
        restarted=tuple(sorted(restarted)),
        proved=tuple(sorted(proved)),
        waves=len(ended),
        out=tuple(sorted(nodes & set(out))),
    )


def evicted(steps: Steps) -> tuple[str, ...]:
    """Names of the pods that were evicted."""
    return tuple(rest.rpartition(" ")[0] for rest, entry in told(steps, "evict") if entry.state == "done")


def touched(steps: Steps) -> tuple[str, ...]:
    """Nodes that the run changed, or may have, in the order in which it began."""
    found = [node for verb in ("cordon", "taint") for node, _ in told(steps, verb)]
    return tuple(dict.fromkeys(found))


def outcome(run: str, journal: str, steps: Steps, state: State) -> Outcome:
    """How a run stands, as its journal tells."""
    ended, pods = waves(steps), evicted(steps)
    drained = tuple(name for one in ended for name in one.nodes)
    back = tuple(node for node, entry in told(steps, "give-back") if entry.state == "done")
    nodes = back if state == "undone" else drained
    return Outcome(run, journal, state, nodes, ended, len(pods), pods)


def with_held(outcome: Outcome, held: tuple[Held, ...]) -> Outcome:
    """The same, with what keeps nodes from being drained."""
    return msgspec.structs.replace(outcome, held=held)


def with_notes(outcome: Outcome, notes: tuple[str, ...]) -> Outcome:
    """The same, with what else is to be told."""
    return msgspec.structs.replace(outcome, notes=notes)
