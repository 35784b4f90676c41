"""What is used of quotas while a plan is made, and what a job lacks of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from msgspec.structs import replace

from dcctl.units import cores, memory, plural, power, three

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from dcctl.packing.problem import Job, Need, Quota

GPU = "gpu"
"""Thousandths of accelerators of every kind, whole ones and shares: a dimension of quotas alone."""


class Short(NamedTuple):
    """What a job lacks of a quota."""

    quota: Quota
    dimension: str
    used: int
    asked: int
    """By the whole job."""

    @property
    def lacking(self) -> int:
        """By how much the quota would have to be raised."""
        return self.used + self.asked - self.quota.amounts[self.dimension]

    def __str__(self) -> str:
        """`quota compute of nlp: 8 of 16 GPUs used, 12 asked for`."""
        most = self.quota.amounts[self.dimension]
        used, asked = _number(self.dimension, self.used), _number(self.dimension, self.asked)
        return f"{self.quota.name}: {used} of {amount(self.dimension, most)} used, {asked} asked for"


def amount(dimension: str, value: int) -> str:
    """`16 GPUs`, `1.5 TiB of memory`."""
    if dimension == GPU:
        return f"{cores(value)} {'GPU' if value == 1000 else 'GPUs'}"
    if dimension == "cpu_milli":
        return f"{cores(value)} {'CPU' if value == 1000 else 'CPUs'}"
    if dimension == "pods":
        return plural(value, "pod")
    noun = _NOUNS.get(dimension)
    if noun is None and dimension.endswith("/gpu"):
        return plural(value, "GPU")
    return f"{_number(dimension, value)} {f'of {noun}' if noun else dimension}"


def _number(dimension: str, value: int) -> str:
    write = _WRITTEN.get(dimension)
    return f"{value:,}" if write is None else write(value)


_WRITTEN: Mapping[str, Callable[[int], str]] = {
    GPU: cores,
    "cpu_milli": cores,
    "memory_bytes": memory,
    "storage_bytes": memory,
    "bandwidth_bps": lambda value: f"{three(value / 10**9)} Gb/s",
    "power_mw": power,
}
_NOUNS = {
    "memory_bytes": "memory",
    "storage_bytes": "scratch storage",
    "bandwidth_bps": "bandwidth",
    "power_mw": "power",
}


def _asked(need: Need, dimensions: Sequence[str]) -> Iterator[tuple[str, int]]:
    """What one item counts for a quota, by name of the amount."""
    yield from zip(dimensions, need.amounts, strict=True)
    yield GPU, need.gpu_milli


def counted(needs: Iterable[Need], dimensions: Sequence[str]) -> Counter[str]:
    """What items count for a quota together."""
    total: Counter[str] = Counter()
    for need in needs:
        for name, value in _asked(need, dimensions):
            total[name] += value
    return total


class _Use(NamedTuple):
    """What is used of one quota. The amounts are replaced, never changed."""

    before: Mapping[str, int]
    """By those who stood before the plan; below zero where less was recorded than they gave back."""
    since: Mapping[str, int]
    """By those who were placed."""

    def of(self, name: str) -> int:
        """Both together."""
        return max(0, self.before.get(name, 0)) + self.since.get(name, 0)


Uses: TypeAlias = Mapping[str, _Use]


class Ledger:
    """What is used of each quota, in the making of a plan."""

    def __init__(self, quotas: Iterable[Quota], needs: Sequence[Need], dimensions: Sequence[str]) -> None:
        """`needs`: by class of items."""
        self._quotas = {one.id: one for one in quotas}
        self._used = {one.id: _Use(one.used, {}) for one in self._quotas.values()}
        self._needs, self._dimensions = needs, dimensions

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """The quotas with what is used of them now."""
        return tuple(replace(one, used=_told(self._used[one.id])) for one in self._quotas.values())

    def short(self, job: Job) -> tuple[Short, ...]:
        """What the job lacks of its quotas for all of its members."""
        quotas = [self._quotas[name] for name in job.quotas if name in self._quotas]
        if not quotas:
            return ()
        asked: Counter[str] = Counter()
        for task in job.tasks:
            for name, value in _asked(self._needs[task.of], self._dimensions):
                asked[name] += value * len(task.members)
        rows = (
            Short(one, name, self._used[one.id].of(name), asked[name])
            for one in quotas
            for name in one.amounts
        )
        return tuple(row for row in rows if row.asked and row.lacking > 0)

    def eases(self, short: Iterable[Short], quotas: Collection[str], classes: Iterable[int]) -> bool:
        """Whether less is lacking once items of these classes no longer count for these quotas."""
        rows = [row for row in short if row.quota.id in quotas]
        freed = counted((self._needs[of] for of in classes), self._dimensions) if rows else {}
        return any(freed[row.dimension] for row in rows)

    def count(self, quotas: Iterable[str], classes: Iterable[int], sign: int = 1) -> None:
        """Placed items of these classes count for these quotas, or, with a `sign` of -1, no longer."""
        for name, change in self._changes(quotas, classes):
            use = self._used[name]
            self._used[name] = use._replace(since=_changed(use.since, change, sign))

    def hold(self, quotas: Iterable[str], classes: Iterable[int], sign: int) -> None:
        """The same for items that stood before: what they give back and take again is used as it was."""
        for name, change in self._changes(quotas, classes):
            use = self._used[name]
            self._used[name] = use._replace(before=_changed(use.before, change, sign))

    def _changes(self, quotas: Iterable[str], classes: Iterable[int]) -> Iterator[tuple[str, Counter[str]]]:
        known = [name for name in quotas if name in self._quotas]
        if known:
            yield from zip(known, repeat(counted((self._needs[of] for of in classes), self._dimensions)))

    def mark(self) -> Uses:
        """Where `undo` can go back to."""
        return self._used.copy()

    def undo(self, mark: Uses) -> None:
        """All is as it was at the mark."""
        self._used = dict(mark)


def _changed(used: Mapping[str, int], change: Mapping[str, int], sign: int) -> dict[str, int]:
    return {name: used.get(name, 0) + sign * change.get(name, 0) for name in {**used, **change}}


def _told(use: _Use) -> dict[str, int]:
    return {name: use.of(name) for name in {**use.before, **use.since}}


def raised(quotas: Iterable[Quota], short: Iterable[Short]) -> list[Quota]:
    """The quotas with as much more as is lacking."""
    more = {(one.quota.id, one.dimension): one.lacking for one in short}
    return [
        replace(one, amounts={name: most + more.get((one.id, name), 0) for name, most in one.amounts.items()})
        for one in quotas
    ]
