"""Use by pool, team or workload: how much was held, how busy it was, how much of it idle, what to ask for."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.history.forecast import quantile
from dcctl.packing.mig import geometry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.assess.history.model import History, Owner, Usage, Values
    from dcctl.assess.history.queries import By

ENOUGH = 100
"""Steps below which nothing is told of what to ask for."""
MARGIN = 1.15
"""Of memory above its peak."""
FULL = 0.8
"""Of a slice: who is busier in the highest twentieth of the time needs a larger one."""


class Group(NamedTuple):
    """One pool, team or workload over the whole time. None is unknown."""

    name: str
    team: str
    """Of a workload."""
    pools: tuple[str, ...]
    held: Values
    """Accelerators, step by step."""
    busy: Values
    """How busy those were, as a share."""
    idle: Values
    """Accelerators."""
    memory_bytes: int | None

    @property
    def held_steps(self) -> float:
        """Accelerator-steps."""
        return total(self.held)

    @property
    def idle_steps(self) -> float | None:
        """Accelerator-steps."""
        return total(self.idle) if known(self.idle) else None

    @property
    def mean_busy(self) -> float | None:
        """Over all of its accelerator-steps of which it is known."""
        pairs = [(b * h, h) for b, h in zip(self.busy, self.held, strict=True) if b is not None and h]
        weight = sum(held for _, held in pairs)
        return sum(done for done, _ in pairs) / weight if weight else None

    def busy_quantile(self, share: float) -> float | None:
        """Over the steps in which it held something."""
        return quantile(known(self.busy), share)


class Sizing(NamedTuple):
    """What to ask for."""

    accelerators: int | None = None
    """So many did anything in nineteen of twenty steps. None: too little is known."""
    held: int | None = None
    """So many it has in nineteen of twenty steps."""
    memory_bytes: int | None = None
    """On each."""
    slice: str | None = None
    """The smallest MIG profile that would do for each."""


def known(values: Sequence[float | None]) -> list[float]:
    """Return the values that are known."""
    return [value for value in values if value is not None]


def total(values: Sequence[float | None]) -> float:
    """Return the sum of what is known."""
    return sum(known(values))


def added(lists: Iterable[Sequence[float | None]], steps: int) -> Values:
    """Return the sum of each step; None where nothing is known."""
    columns = zip(*lists, strict=True)
    found: Values = [
        sum(value for value in column if value is not None) if any(v is not None for v in column) else None
        for column in columns
    ]
    return found or [None] * steps


def waiting(history: History) -> Values:
    """Return how many accelerators pods wait for: none where others are told to hold some, or could.

    None where nobody tells.
    """
    waits = added(history.queue.values(), history.window.steps)
    told = zip(waits, history.requested, history.allocatable, strict=True)
    return [
        None if step in history.queue_unknown or not known(each) else each[0] or 0.0
        for step, each in enumerate(told)
    ]


def groups(history: History, by: By) -> tuple[Group, ...]:
    """Return the groups, those that held most first, then by name."""
    members: dict[tuple[str, str], list[tuple[Owner, Usage]]] = {}
    for owner, usage in history.owners.items():
        pool, team, workload = owner
        key = {"pool": ("", pool), "team": ("", team), "workload": (team, workload)}[by]
        members.setdefault(key, []).append((owner, usage))
    found = [_group(team, name, owned, history.window.steps) for (team, name), owned in members.items()]
    return tuple(sorted(found, key=lambda group: (-group.held_steps, group.team, group.name)))


def everything(history: History) -> Group:
    """Return all that was held, as one group."""
    return _group("", "", list(history.owners.items()), history.window.steps)


def _group(team: str, name: str, owned: Sequence[tuple[Owner, Usage]], steps: int) -> Group:
    usages = [usage for _, usage in owned]
    peaks = [value for usage in usages for value in known(usage.memory_bytes)]
    return Group(
        name=name,
        team=team,
        pools=tuple(sorted({pool for (pool, _, _), _ in owned})),
        held=added([usage.held for usage in usages], steps),
        busy=_shares(usages, steps),
        idle=added([usage.idle for usage in usages], steps),
        memory_bytes=round(max(peaks)) if peaks else None,
    )


def _shares(usages: Sequence[Usage], steps: int) -> Values:
    """How busy what was held is, step by step: only of what tells how busy it is."""
    done, weight = [0.0] * steps, [0.0] * steps
    for usage in usages:
        for step, (busy, held) in enumerate(zip(usage.busy, usage.held, strict=True)):
            if busy is not None and held is not None:
                done[step] += busy
                weight[step] += held
    return [each / of if of > 0 else None for each, of in zip(done, weight, strict=True)]


def sizing(group: Group, history: History) -> Sizing:
    """Return what the group should ask for, from what it did in nineteen of twenty steps."""
    pairs = zip(group.held, group.idle, strict=True)
    active = [held - idle for held, idle in pairs if held and idle is not None]
    if len(active) < ENOUGH:
        return Sizing()
    held = quantile([value for value in known(group.held) if value], 0.95) or 0.0
    need = quantile(active, 0.95) or 0.0
    memory = None if group.memory_bytes is None else round(group.memory_bytes * MARGIN)
    return Sizing(_whole(need), _whole(held), memory, _slice(group, history, memory))


def _whole(value: float) -> int:
    """So many whole accelerators; a hundredth of one is what is lost at the ends of pods."""
    return ceil(value - 0.01) if value > 0.01 else 0


def _slice(group: Group, history: History, memory: int | None) -> str | None:
    """The smallest profile whose compute and memory would do; None: a whole board, or nobody can tell."""
    busiest = group.busy_quantile(0.95)
    if history.found.sliced or len(group.pools) != 1 or memory is None or busiest is None:
        return None
    size = history.memory_size_bytes.get(group.pools[0])
    board = geometry(group.pools[0], None)
    if board is None or not size:
        return None
    most = max(profile.memory for profile in board.profiles)
    whole = max(profile.compute for profile in board.profiles)
    fit = [
        profile
        for profile in board.profiles
        if not profile.name.endswith("+me")
        and profile.compute < whole
        and profile.memory / most * size >= memory
        and profile.compute / whole * FULL >= busiest
    ]
    return min(fit, key=lambda one: (one.compute, one.memory)).name if fit else None
