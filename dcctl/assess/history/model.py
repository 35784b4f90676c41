"""What was done over a stretch of time, as lists with a value for each step; None is unknown."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from msgspec import Struct

from dcctl.assess.history.believed import believed
from dcctl.assess.history.signals import Doubt, Found  # noqa: TC001 - msgspec may read the types
from dcctl.inventory.timeseries import Window  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcctl.inventory.timeseries import Series

Values: TypeAlias = list[float | None]
Owner: TypeAlias = tuple[str, str, str]
"""(pool, team, workload); the last is empty unless workloads were asked for."""
_MIB = 1 << 20


class Usage(Struct):
    """What one owner held, and what came of it. In accelerators: 1.5 is one of them, and half of another."""

    held: Values
    busy: Values
    idle: Values
    memory_bytes: Values
    """The most on one accelerator."""


class Board(Struct):
    """One accelerator, or one slice of it, over the whole time. Steps of a state; None: not known."""

    host: str
    uuid: str
    slice: str
    pool: str
    held: float = 0.0
    idle: float | None = None
    memory_bound: float | None = None
    power_capped: float | None = None
    io_bound: float | None = None

    @property
    def name(self) -> str:
        """The UUID, with the number of the slice."""
        return f"{self.uuid}/{self.slice}" if self.slice else self.uuid


class Stranded(Struct):
    """Free accelerators of a node that lacked something else: accelerator-steps, by what was short."""

    node: str
    cpu: float = 0.0
    memory: float = 0.0


class Kept(NamedTuple):
    """Answers that an earlier run, which broke off, had left."""

    answers: int = 0
    at_s: int = 0
    """Unix time of the oldest of them."""


_NOTHING_KEPT = Kept()


class History(Struct, frozen=True):
    """All that was learned."""

    window: Window
    found: Found
    owners: dict[Owner, Usage]
    present: dict[str, Values]
    """Accelerators that exist, by pool."""
    power_w: dict[str, Values]
    queue: dict[str, Values]
    """Accelerators that pods wait for, by team. Empty when nobody tells, see `queue_known`."""
    requested: Values
    allocatable: Values
    boards: tuple[Board, ...]
    stranded: tuple[Stranded, ...] | None
    energy_j: dict[str, float]
    memory_size_bytes: dict[str, int]
    queue_known: bool = False
    queue_unknown: frozenset[int] = frozenset()
    """Steps in which the queue of some team is no number."""
    workloads_by: dict[str, int] = {}
    """Accelerators at the end, by what tells the workload of their holders: `owner` or `name`."""
    doubts: tuple[Doubt, ...] = ()
    """Answers of which a part cannot be used."""
    kept: Kept = _NOTHING_KEPT
    queries: int = 0


Answers: TypeAlias = "Mapping[str, Sequence[Series] | None]"
"""By the key of the query; None: it gave no answer."""


def history(
    window: Window, found: Found, told: Answers, queries: int = 0, kept: Kept = _NOTHING_KEPT
) -> History:
    """Return what the answers tell. A query that was not asked has no key, which is unknown too."""
    pool = found.pool_label
    answers, doubts = believed(window, found, told)
    return History(
        window=window,
        found=found,
        owners=_owners(window, found, answers),
        present=_by(answers.get("present"), pool, window),
        power_w=_by(answers.get("power"), pool, window),
        queue=_by(answers.get("queue"), "namespace", window),
        requested=_only(answers.get("requested"), window),
        allocatable=_only(answers.get("allocatable"), window),
        boards=_boards(found, answers),
        stranded=_stranded(answers),
        energy_j={
            one.label(pool): one.last / 1000 for one in answers.get("energy") or () if one.last is not None
        },
        memory_size_bytes={
            one.label(pool): round(one.last) * _MIB
            for one in answers.get("memory size") or ()
            if one.last is not None
        },
        queue_known=answers.get("queue") is not None,
        workloads_by={
            one.label("by"): round(one.last) for one in answers.get("workloads") or () if one.last is not None
        },
        queue_unknown=frozenset(
            index for one in answers.get("queue") or () for index in _unknown(one, window)
        ),
        doubts=(*found.doubts, *doubts),
        kept=kept,
        queries=queries,
    )


def blank(window: Window) -> Values:
    """Return a value for each step, none of them known."""
    return [None] * window.steps


def _values(one: Series, window: Window) -> Values:
    values = blank(window)
    for time_s, value in one.points:
        index = window.index(time_s)
        if 0 <= index < len(values):
            values[index] = value
    return values


def _unknown(one: Series, window: Window) -> list[int]:
    """The steps in which its value is no number."""
    return [window.index(time_s) for time_s in one.unknown_s]


def _by(told: Sequence[Series] | None, label: str, window: Window) -> dict[str, Values]:
    return {one.label(label): _values(one, window) for one in told or ()}


def _only(told: Sequence[Series] | None, window: Window) -> Values:
    return _values(told[0], window) if told else blank(window)


def _owners(window: Window, found: Found, answers: Answers) -> dict[Owner, Usage]:
    """The owners; nothing of one is idle in a step of which it is told how busy it is, and only that."""
    held = _usage(found, answers.get("held"), window)
    parts = {key: _usage(found, answers.get(key), window) for key in ("busy", "idle", "memory")}
    odd: dict[Owner, set[int]] = defaultdict(set)
    for one in answers.get("idle") or ():
        odd[_owner(found, one)].update(_unknown(one, window))

    def idle(owner: Owner, held: Values) -> Values:
        if answers.get("idle") is None:
            return blank(window)
        busy = held if answers.get("busy") is None else parts["busy"].get(owner) or blank(window)
        return _told(parts["idle"].get(owner) or blank(window), held, busy, odd[owner])

    return {
        owner: Usage(
            held=values,
            busy=parts["busy"].get(owner) or blank(window),
            idle=idle(owner, values),
            memory_bytes=[
                None if mib is None else mib * _MIB for mib in parts["memory"].get(owner) or blank(window)
            ],
        )
        for owner, values in sorted(held.items())
    }


def _usage(found: Found, told: Sequence[Series] | None, window: Window) -> dict[Owner, Values]:
    return {_owner(found, one): _values(one, window) for one in told or ()}


def _owner(found: Found, one: Series) -> Owner:
    return one.label(found.pool_label), one.label(found.team), one.label("workload")


def _told(idle: Values, held: Values, busy: Values, odd: set[int]) -> Values:
    """What is idle: of what is held and known to be busy or not, 0 where nothing is told to be idle."""
    return [
        None if most is None or step in odd else value if value is not None or done is None else 0.0
        for step, (value, most, done) in enumerate(zip(idle, held, busy, strict=True))
    ]


_STATES = {
    "held steps": "held",
    "idle steps": "idle",
    "memory-bound steps": "memory_bound",
    "power-throttled steps": "power_capped",
    "I/O-bound steps": "io_bound",
}


def _boards(found: Found, answers: Answers) -> tuple[Board, ...]:
    """The boards of which it is known how long they were held; what nobody told of one is 0 steps of it."""
    boards: dict[tuple[str, str, str, str], Board] = {}
    unknown: set[tuple[str, str]] = set()
    for key, field in _STATES.items():
        for one in answers.get(key) or ():
            name = (
                one.label(found.host),
                one.label("UUID"),
                one.label("GPU_I_ID"),
                one.label(found.pool_label),
            )
            board = boards.setdefault(name, Board(*name))
            if one.last is None:
                unknown.add((board.name, field))
            else:
                setattr(board, field, one.last)
    known = _states_known(found, answers)
    for key, field in _STATES.items():
        if answers.get(key) is not None:
            for name, board in boards.items():
                if (board.name, field) in unknown:
                    setattr(board, field, None)
                elif field == "held" or known is None or (field, *name) in known:
                    setattr(board, field, getattr(board, field) or 0.0)
    return tuple(boards[name] for name in sorted(boards) if (boards[name].name, "held") not in unknown)


def _states_known(found: Found, answers: Answers) -> frozenset[tuple[str, ...]] | None:
    """(state, host, UUID, slice, pool) of the accelerators that have what a state is told by; None: all have.

    What no series tells of a state is 0 for these, and not known of the others.
    """
    if "states known" not in answers:
        return None
    return frozenset(
        (
            one.label("state"),
            one.label(found.host),
            one.label("UUID"),
            one.label("GPU_I_ID"),
            one.label(found.pool_label),
        )
        for one in answers["states known"] or ()
    )


def _stranded(answers: Answers) -> tuple[Stranded, ...] | None:
    if answers.get("stranded by cpu") is None and answers.get("stranded by memory") is None:
        return None
    nodes: dict[str, dict[str, float]] = defaultdict(dict)
    for what in ("cpu", "memory"):
        for one in answers.get(f"stranded by {what}") or ():
            if one.last is not None:
                nodes[one.label("node")][what] = one.last
    return tuple(Stranded(node, **nodes[node]) for node in sorted(nodes))
