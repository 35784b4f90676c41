"""Spare boards cut so that members find slices: the fewest boards, those first whose loss costs least."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dcctl.packing.cuts.covers import Pool, cover
from dcctl.packing.mig import PREFIX
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from dcctl.packing.cuts.spare import Spare, Spares
    from dcctl.packing.solve import Solution

    Layout = tuple[str, ...]
    Layouts = dict[Pool, Counter[Layout]]


class Slicer:
    """Chooses layouts for spare boards."""

    def __init__(self, base: Solution, spares: Spares) -> None:
        """`base` is the plan that leaves the boards spare."""
        self._state, self._engine = base.placer.engine.state, base.placer.engine
        self._spares = spares
        self._names = [name if name.startswith(PREFIX) else "" for name in base.problem.space.dimensions]
        self._needs = [one.need for one in base.problem.classes]
        self._open: dict[int, NDArray[np.bool_]] = {}

    def slices(self, of: int) -> Counter[str]:
        """What one item of a class asks for, by resource name."""
        pairs = zip(self._names, self._needs[of].amounts, strict=True)
        return Counter({name: amount for name, amount in pairs if name and amount})

    def choose(self, members: Counter[int]) -> list[tuple[Spare, Layout]] | None:
        """Boards and their layouts that so many members of each class need; None where some find none."""
        return _Choice(self, members).made()

    def rest(self, of: int) -> list[tuple[int, int]]:
        """All that an item asks for but slices, by dimension."""
        pairs = enumerate(self._needs[of].amounts)
        return [(at, amount) for at, amount in pairs if amount and not self._names[at]]

    def may_stand(self, of: int, at: int) -> bool:
        """Whether nothing but slices keeps one item of a class out of a bin."""
        if of not in self._open:
            self._open[of] = (self._engine.refusals(of) & ~int(Reason.RESOURCE)) == 0
        return bool(self._open[of][at])

    def free(self, at: int) -> list[int]:
        """What a bin has free, by dimension."""
        return self._state.free[at].tolist()  # type: ignore[no-any-return]

    def spares(self, members: Counter[int]) -> dict[int, list[Spare]]:
        """Spare boards in bins where any of these members may stand, the bins in order of preference."""
        found = {
            at: [one for one in boards if one.geometry is not None]
            for at, boards in self._spares.by_bin.items()
            if any(self.may_stand(of, at) for of in members)
        }
        order = sorted((boards[0].rank, len(boards), at) for at, boards in found.items() if boards)
        return {at: found[at] for _, _, at in order}


class _Choice:
    """One choice in the making."""

    def __init__(self, slicer: Slicer, members: Counter[int]) -> None:
        self._slicer, self._left = slicer, +members
        self._spares = slicer.spares(members)
        self._free = {at: slicer.free(at) for at in self._spares}
        self._cuts: list[tuple[Spare, Layout]] = []

    def made(self) -> list[tuple[Spare, Layout]] | None:
        while self._left:
            before = sum(self._left.values())
            found = cover(self._wanted(), self._pools())
            if found is None:
                return None
            for at in self._spares:
                self._serve(at, found)
            self._left = +self._left
            if sum(self._left.values()) == before:
                return None
        return self._cuts

    def _wanted(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for of, count in self._left.items():
            for name, amount in self._slicer.slices(of).items():
                total[name] += amount * count
        return total

    def _pools(self) -> Counter[Pool]:
        return Counter(_pool(spare) for boards in self._spares.values() for spare in boards)

    def _serve(self, at: int, layouts: Layouts) -> None:
        """Members find their place in one bin, on boards cut in layouts that are still to be used."""
        for chosen in _offers(self._spares[at], layouts):
            used = self._fill(at, Counter(name for _, layout in chosen for name in layout))
            if used:
                for spare, layout in chosen:
                    after = tuple((Counter(layout) & used).elements())
                    used -= Counter(after)
                    if after:
                        layouts[_pool(spare)][layout] -= 1
                        self._spares[at].remove(spare)
                        self._cuts.append((spare, tuple(sorted(after))))
                return

    def _fill(self, at: int, slots: Counter[str]) -> Counter[str]:
        """Members take these slices, those first that ask for most. Returns what they took."""
        used: Counter[str] = Counter()
        free = self._free[at]
        for of in sorted(self._left, key=lambda of: (-self._slicer.slices(of).total(), of)):
            if not self._slicer.may_stand(of, at):
                continue
            asked, rest = self._slicer.slices(of), self._slicer.rest(of)
            count = min(self._left[of], *((slots - used)[name] // amount for name, amount in asked.items()))
            for dimension, amount in rest:
                count = min(count, free[dimension] // amount)
            if count > 0:
                self._left[of] -= count
                used += Counter({name: amount * count for name, amount in asked.items()})
                for dimension, amount in rest:
                    free[dimension] -= amount * count
        return used


def _pool(spare: Spare) -> Pool:
    assert spare.geometry is not None  # noqa: S101  # boards of unknown geometry were left out
    return Pool(spare.rank, spare.geometry)


def _offers(spares: list[Spare], layouts: Layouts) -> Iterator[list[tuple[Spare, Layout]]]:
    """Layouts for the boards of one bin: the first of each pool that are left; then, others first."""
    pools = [_pool(one) for one in spares]
    kinds = {pool: [*+layouts[pool]] for pool in set(pools) & layouts.keys()}
    for shift in range(max(map(len, kinds.values()), default=0)):
        given: Counter[tuple[Pool, Layout]] = Counter()
        offer = []
        for spare, pool in zip(spares, pools, strict=True):
            some = kinds.get(pool, [])
            for layout in some[shift % len(some) :] + some[: shift % len(some)] if some else ():
                if given[pool, layout] < layouts[pool][layout]:
                    given[pool, layout] += 1
                    offer.append((spare, layout))
                    break
        yield offer
