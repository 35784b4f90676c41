"""What a journal tells of a campaign: what is done, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import msgspec

from dcctl.drain.outcome import Ended, Held, Outcome
from dcctl.drain.request import Done
from dcctl.drain.work.checkpoints import still_proves

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from dcctl.journal import Entry

    Steps: TypeAlias = Mapping[str, Entry]

State: TypeAlias = Literal["drained", "undone", "planned", "unfinished", "under way", "refused"]
STATES: Final[tuple[State, ...]] = get_args(State)
KEEP_BACK: Final = "keep-back"
"""The verb of steps that keep one device back."""
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


def _at_s(entry: Entry) -> int:
    """When a step was done: of those of this process the journal in memory keeps no time."""
    return entry.at_s or int(entry.data.get("at", 0))


def waves(steps: Steps) -> tuple[Ended, ...]:
    """Those that are over."""
    return tuple(
        Ended(
            int(number),
            _names(entry.data.get("nodes", "")),
            int(entry.data.get("evicted", 0)),
            _at_s(entry),
            _names(entry.data.get("waiting", "")),
        )
        for number, entry in told(steps, "wave")
        if entry.state == "done"
    )


def done(steps: Steps, aside: Collection[str], out: Collection[str], begun_s: int, now_s: int) -> Done:
    """What is handed to the planner.

    `aside`: nodes that are given up; `out`: all that are out of service; `begun_s`: when the run began.
    A proof that is too old proves nothing: work has gone on since.
    """
    ended = waves(steps)
    drained = {name for one in ended for name in one.nodes}
    now = str(len(ended) + 1)
    proved = {
        work: entry
        for work, entry in told(steps, "checkpoint")
        if entry.state == "done" and entry.data.get("wave") == now and still_proves(_at_s(entry), now_s)
    }
    nodes, cordoned = drained | set(aside), {node for node, _ in told(steps, "cordon")}
    return Done(
        nodes=tuple(sorted(nodes)),
        proved=tuple(sorted(proved)),
        waves=len(ended),
        out=tuple(sorted((nodes | cordoned) & set(out))),
        begun_s=begun_s,
    )


def evicted(steps: Steps) -> tuple[str, ...]:
    """Names of the pods that were evicted."""
    return tuple(rest.rpartition(" ")[0] for rest, entry in told(steps, "evict") if entry.state == "done")


def touched(steps: Steps) -> tuple[str, ...]:
    """Nodes that the run changed, or may have, in the order in which it began."""
    found = [node for verb in ("cordon", "taint") for node, _ in told(steps, verb)]
    return tuple(dict.fromkeys(found))


def kept(steps: Steps) -> tuple[str, ...]:
    """The single accelerators that the run kept back, or may have, as people name them."""
    return tuple(dict.fromkeys(entry.data.get("board", "") for _, entry in told(steps, KEEP_BACK)))


def outcome(run: str, journal: str, steps: Steps, state: State) -> Outcome:
    """How a run stands, as its journal tells."""
    ended, pods = waves(steps), evicted(steps)
    drained = tuple(name for one in ended for name in one.nodes)
    boards = kept(steps)
    back = {node: entry for node, entry in told(steps, "give-back") if entry.state == "done"}
    left = {node: entry.data["left"] for node, entry in back.items() if entry.data.get("left")}
    given = tuple(node for node in back if node not in boards and node not in left)
    nodes = given if state == "undone" else drained
    held = tuple(Held("left", node, node, why) for node, why in left.items())
    return Outcome(run, journal, state, nodes, ended, len(pods), pods, held, boards=boards)


def with_held(outcome: Outcome, held: tuple[Held, ...]) -> Outcome:
    """The same, with what keeps nodes from being drained."""
    return msgspec.structs.replace(outcome, held=held)
