"""The best plan of a small problem: an integer model of every device, warm-started, solved by CP-SAT.

Equal items are counted, not named, and equal devices of a bin are ordered by their load. What a search cannot
move is fixed where it stands (see `movable`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from dcctl.errors import UsageError
from dcctl.packing import cpsat
from dcctl.packing.improve.movable import Entry, Loose
from dcctl.packing.problem import UNLIMITED, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ortools.sat.python import cp_model

    from dcctl.packing.greedy.engine import Engine
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.improve.rooms import Devices
    from dcctl.packing.problem import Problem

_MOST = 20_000
"""Counts of the model above which it is not tried: it would not get better in any time."""


class Polished(NamedTuple):
    """What an exact solver made of a plan."""

    placed: list[Placed]
    proved: bool
    """Whether no plan is better: none that places as many members takes more devices."""


def polish(problem: Problem, engine: Engine, placed: Sequence[Placed], seed: int, effort: float) -> Polished:
    """What becomes of the jobs: a better plan, or the one that was. The objective is that of `improve`.

    `effort`: deterministic seconds of CP-SAT for each tier. UsageError without ortools.
    """
    cp = _solver()
    loose = Loose(problem, engine, placed)
    model = _Model(cp, loose)
    if not model.small:
        return Polished(loose.finish(loose.inside), proved=False)
    inside, optimal = model.solve(seed, effort)
    proved = optimal and loose.everything and len(loose.tiers) < 2
    return Polished(loose.finish(inside), proved)


def _solver() -> type[cp_model.CpModel]:
    try:
        from ortools.sat.python import cp_model as found
    except ImportError:
        raise UsageError("exact plans", "ortools is not installed", "pip install 'dcctl[exact]'") from None
    return found.CpModel


class _Model:
    """Counts of items by kind and bin, and of shares by kind, bin and device."""

    def __init__(self, cp: type[cp_model.CpModel], loose: Loose) -> None:
        self._loose, self._model = loose, cp()
        self._number = Counter(entry.kind for entries in loose.inside for entry in entries)
        self._placed = dict(self._number)
        for kind, items in loose.waiting.items():
            self._number[kind] += len(items)
        self._counts: dict[tuple[int, int], cp_model.IntVar] = {}
        self._taken: dict[tuple[int, int, int], cp_model.IntVar] = {}
        """Items of a kind on a device: shares, or 1 for a whole one."""
        cells = sum(len(milli) + 1 for milli in loose.milli) * len(loose.kinds)
        self.small = cells <= _MOST
        for at in range(len(loose.inside)) if self.small else ():
            self._bin(at)

    def _bin(self, at: int) -> None:
        loose, model = self._loose, self._model
        loads: dict[int, list[cp_model.LinearExprT]] = {}
        spent: dict[int, list[cp_model.LinearExprT]] = defaultdict(list)
        for number, kind in enumerate(loose.kinds):
            usable = loose.devices(number, at)
            if usable is None:
                continue
            count = self._counts[number, at] = model.new_int_var(0, self._number[number], "")
            for dimension, amount in kind.amounts:
                spent[dimension].append(count * amount)
            if kind.gpu_milli:
                self._devices(number, at, usable, loads)
        for dimension, amounts in spent.items():
            if loose.free[at][dimension] < UNLIMITED >> 1:
                model.add(sum(amounts) <= max(0, loose.free[at][dimension]))
        for device, milli in enumerate(loose.milli[at]):
            model.add(sum(loads.get(device, ())) <= max(0, milli))
        for one, other in self._twins(at):
            model.add(sum(loads.get(one, ())) >= sum(loads.get(other, ())))

    def _devices(
        self, number: int, at: int, usable: Devices, loads: dict[int, list[cp_model.LinearExprT]]
    ) -> None:
        kind = self._loose.kinds[number]
        most = WHOLE // kind.each_milli
        there = []
        for device in usable:
            taken = self._taken[number, at, device] = self._model.new_int_var(0, most, "")
            loads.setdefault(device, []).append(taken * kind.each_milli)
            there.append(taken)
        self._model.add(sum(there) == self._counts[number, at] * max(1, kind.whole))

    def _twins(self, at: int) -> Iterator[tuple[int, int]]:
        """Devices of a bin that nothing tells apart, each with the one after it."""
        last: dict[tuple[object, ...], int] = {}
        usable = [self._loose.devices(number, at) or () for number in range(len(self._loose.kinds))]
        for device, milli in enumerate(self._loose.milli[at]):
            key = (milli, *(device in one for one in usable))
            if key in last:
                yield last[key], device
            last[key] = device

    def solve(self, seed: int, effort: float) -> tuple[Sequence[Sequence[Entry]], bool]:
        """Who is inside which bin, and whether that is proved to be the best."""
        from ortools.sat.python import cp_model

        self._hint()
        optimal, found = True, None
        for tier in range(len(self._loose.tiers)):
            value, least = self._objective(tier)
            self._model.maximize(value)
            solver = cpsat.solver(seed, effort)
            status = solver.solve(self._model)
            if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
                return found or self._loose.inside, False
            reached = round(solver.objective_value)
            if reached < least:
                return found or self._loose.inside, False
            optimal &= status == cp_model.OPTIMAL
            self._model.add(value >= reached)
            found = self._entries(solver)
        return found or self._loose.inside, optimal

    def _objective(self, tier: int) -> tuple[cp_model.LinearExprT, int]:
        """Devices, then members, of one tier; and what they are now. No fewer members are placed than now."""
        numbers = [at for at, kind in enumerate(self._loose.kinds) if kind.tier == tier]
        scale = sum(self._number[one] for one in numbers) + 1
        members = {one: sum(v for (number, _), v in self._counts.items() if number == one) for one in numbers}
        self._model.add(sum(members.values()) >= sum(self._placed.get(one, 0) for one in numbers))
        for one, count in members.items():
            free = self._loose.kinds[one].free
            self._model.add(count <= self._number[one] if free else count == self._number[one])
        worth = {one: self._loose.kinds[one].gpu_milli * scale + 1 for one in numbers}
        value = sum(members[one] * worth[one] for one in numbers)
        return value, sum(self._placed.get(one, 0) * worth[one] for one in numbers)

    def _hint(self) -> None:
        """The plan as it is, equal devices in order of their load."""
        for at, entries in enumerate(self._loose.inside):
            counts = Counter(entry.kind for entry in entries)
            taken = Counter((entry.kind, one) for entry in entries for one in entry.devices)
            place = self._places(at, taken)
            for (number, where), variable in self._counts.items():
                if where == at:
                    self._model.add_hint(variable, counts[number])
            moved = Counter({(number, place[device]): count for (number, device), count in taken.items()})
            for (number, where, device), variable in self._taken.items():
                if where == at:
                    self._model.add_hint(variable, moved[number, device])

    def _places(self, at: int, taken: Counter[tuple[int, int]]) -> dict[int, int]:
        """Where the load of each device goes, so that equal ones are in order."""
        loads: Counter[int] = Counter()
        for (number, device), count in taken.items():
            loads[device] += count * self._loose.kinds[number].each_milli
        follows = dict(self._twins(at))
        places: dict[int, int] = {}
        for first in range(len(self._loose.milli[at])):
            if first in follows.values():
                continue
            chain = [first]
            while chain[-1] in follows:
                chain.append(follows[chain[-1]])
            heaviest = sorted(chain, key=lambda one: (-loads[one], one))
            places.update(zip(heaviest, chain, strict=True))
        return places

    def _entries(self, solver: cp_model.CpSolver) -> list[list[Entry]]:
        items = {number: list(items) for number, items in self._loose.waiting.items()}
        for entries in self._loose.inside:
            for entry in entries:
                items.setdefault(entry.kind, []).append(entry.item)
        inside: list[list[Entry]] = [[] for _ in self._loose.inside]
        for (number, at), variable in self._counts.items():
            devices = [
                one
                for one in self._loose.devices(number, at) or ()
                for _ in range(solver.value(self._taken[number, at, one]))
            ]
            each = self._loose.kinds[number].whole or (1 if self._loose.kinds[number].share else 0)
            for position in range(solver.value(variable)):
                own = tuple(devices[position * each : (position + 1) * each])
                inside[at].append(Entry(number, own, items[number].pop()))
        return inside
