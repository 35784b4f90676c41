"""The only place that decides whether an item fits a bin: it answers with reasons, so no answer can differ.

A placement, an explanation and a what-if all ask here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from dcctl.packing.labels import Labels
from dcctl.packing.problem import BASIC, UNLIMITED, WHOLE
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dcctl.packing.problem import Bin, ItemClass, Need, Space
    from dcctl.packing.state import State

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_SHORT: Final = (
    Reason.CPU,
    Reason.MEMORY,
    Reason.STORAGE,
    Reason.PODS,
    Reason.BANDWIDTH,
    Reason.POWER,
)
"""The reason of each basic dimension, in their order."""


def short_of(dimension: int) -> Reason:
    """The reason for too little of a dimension, by its position in the space."""
    return _SHORT[dimension] if dimension < len(BASIC) else Reason.RESOURCE


class Wanted:
    """One class of items, made ready for asking about many bins at once."""

    __slots__ = ("accepts", "devices", "fixed", "memory", "need", "share", "wants")

    def __init__(self, one: ItemClass, fixed: Ints, accepts: Bools | None) -> None:
        """`fixed`: reasons that no placement changes; `accepts`: by bin and device, None if all will do."""
        need = one.need
        self.need, self.fixed, self.accepts = need, fixed, accepts
        self.wants = tuple((at, amount) for at, amount in enumerate(need.amounts) if amount)
        self.devices, self.share, self.memory = need.devices, need.share_milli, need.device_memory_bytes

    def refusals(self, state: State, at: Ints | slice) -> Ints:
        """Reasons of each of these bins against one item more; 0 where it fits."""
        bits = self.fixed[at].copy()
        for dimension, amount in self.wants:
            bits |= np.where(state.free[at, dimension] < amount, int(short_of(dimension)), 0)
        if self.devices or self.share:
            bits |= self._devices(state, at)
        return bits

    def usable(self, state: State, at: Ints | slice) -> Ints:
        """Free thousandths of each device [bins, devices]; -1 where a device will not do."""
        milli = state.milli[at]
        if self.accepts is not None:
            milli = np.where(self.accepts[at], milli, -1)
        if self.memory:
            milli = np.where(state.memory[at] >= self.memory, milli, -1)
        return milli

    def _devices(self, state: State, at: Ints | slice) -> Ints:
        milli = state.milli[at] if self.accepts is None else np.where(self.accepts[at], state.milli[at], -1)
        short = self._lacks(milli)
        reason = int(Reason.DEVICES if self.devices else Reason.SHARE)
        bits = np.where(short, reason, 0)
        if self.memory:
            small = self._lacks(np.where(state.memory[at] >= self.memory, milli, -1))
            bits |= np.where(small & ~short, int(Reason.DEVICE_MEMORY), 0)
        return bits

    def _lacks(self, milli: Ints) -> Bools:
        if self.devices:
            return (milli >= WHOLE).sum(axis=-1) < self.devices  # type: ignore[no-any-return]
        return milli.max(axis=-1) < self.share  # type: ignore[no-any-return]

    def copies(self, state: State, at: Ints | slice, most: int) -> Ints:
        """How many such items each bin holds one after the other, `most` at most."""
        open_ = self.refusals(state, at) == 0
        room = np.where(open_, most, 0)
        for dimension, amount in self.wants:
            free = state.free[at, dimension]
            room = np.minimum(room, np.where(free >= UNLIMITED >> 1, most, np.maximum(free, 0) // amount))
        if self.devices:
            room = np.minimum(room, (self.usable(state, at) >= WHOLE).sum(axis=-1) // self.devices)
        elif self.share:
            room = np.minimum(room, self._shares(state, at))
        return room

    def _shares(self, state: State, at: Ints | slice) -> Ints:
        each = np.maximum(self.usable(state, at), 0) // self.share
        if self.memory:
            each = np.minimum(each, np.maximum(state.memory[at], 0) // self.memory)
        return each.sum(axis=-1)  # type: ignore[no-any-return]

    def pick(self, state: State, at: int) -> tuple[int, ...]:
        """The devices that one item gets in a bin where it fits: positions in the bin's row.

        A share goes to the fullest device that still has it. Whole ones come from one NUMA node if one has
        enough, from that with the fewest left over; else those with the lowest numbers.
        """
        if not (self.devices or self.share):
            return ()
        usable = self.usable(state, slice(at, at + 1))[0]
        if self.share:
            fits = np.where(usable >= self.share, usable, WHOLE + 1)
            return (int(fits.argmin()),)
        idle = np.flatnonzero(usable >= WHOLE)
        if self.devices == len(idle):
            return tuple(idle.tolist())
        return _near(idle, state.numa[at, idle], self.devices)


def _near(idle: Ints, numa: Ints, count: int) -> tuple[int, ...]:
    nodes, sizes = np.unique(numa, return_counts=True)
    enough = [
        (int(size), int(node)) for node, size in zip(nodes, sizes, strict=True) if size >= count and node >= 0
    ]
    if enough:
        idle = idle[numa == min(enough)[1]]
    return tuple(idle[:count].tolist())


class Feasibility:
    """Whether items fit, for all classes of a problem."""

    def __init__(
        self,
        space: Space,
        bins: Sequence[Bin],
        classes: Sequence[ItemClass],
        state: State,
        tolerated: frozenset[str] = frozenset(),
    ) -> None:
        """`tolerated`: keys of taints that dedicate a pool and keep out nobody who says nothing of taints."""
        self.space, self.bins, self.state = space, bins, state
        self.labels = Labels(bins)
        self._tolerated = tolerated
        self._fixed: dict[object, Ints] = {}
        self._accepts: dict[tuple[str, tuple[str, ...]], Bools | None] = {}
        self._has = self._kinds_of_bins()
        self.wanted = [Wanted(one, self._fixed_of(one), self._accepted(one.need)) for one in classes]

    def _kinds_of_bins(self) -> Bools:
        """[bins, kinds]: whether a bin has any device of a kind, free or not."""
        has = np.zeros((len(self.bins), max(1, len(self.space.kinds))), np.bool_)
        for at, one in enumerate(self.bins):
            has[at, list(one.kinds)] = True
        return has

    def _good_kinds(self, need: Need) -> tuple[list[int], list[int]]:
        """Kinds of the wanted resource, and those among them that are of a wanted model."""
        named = [at for at, kind in enumerate(self.space.kinds) if need.resource in ("", kind.resource)]
        return named, [
            at for at in named if not need.models or accepts(need.models, self.space.kinds[at].model)
        ]

    def _accepted(self, need: Need) -> Bools | None:
        """[bins, devices]: which devices will do; None if all will, or no bin has devices of two kinds."""
        if not (need.devices or need.share_milli) or not (self._has.sum(axis=1) > 1).any():
            return None
        key = (need.resource, need.models)
        if key not in self._accepts:
            _, good = self._good_kinds(need)
            self._accepts[key] = (
                None if len(good) == len(self.space.kinds) else np.isin(self.state.kind, good)
            )
        return self._accepts[key]

    def _fixed_of(self, one: ItemClass) -> Ints:
        """Reasons that no placement changes, shared by all classes that have the same."""
        need, template = one.need, one.template
        wants = bool(need.devices or need.share_milli)
        kinds = (wants, need.resource, need.models) if wants else ()
        where = (template.node_selector.items(), template.required, template.tolerations, template.bound_to)
        key = (kinds, tuple(where[0]), *where[1:], template.scheduler in _SAYS_NOTHING)
        if key not in self._fixed:
            implied = self._tolerated if template.scheduler in _SAYS_NOTHING else frozenset()
            bits = self.labels.refusals(template, implied)
            self._fixed[key] = bits | self._without(need) if wants else bits
        return self._fixed[key]

    def _without(self, need: Need) -> Ints:
        """Bins that have no device that would do, busy or not."""
        named, good = self._good_kinds(need)
        none, wrong = ~self._has[:, named].any(axis=1), ~self._has[:, good].any(axis=1)
        return np.where(none, int(Reason.NO_DEVICES), np.where(wrong, int(Reason.MODEL), 0))


_SAYS_NOTHING: Final = ("", "dcctl")
"""Schedulers of templates that say nothing of taints: nobody told, or it is asked for in our own form."""


def accepts(models: Sequence[str], model: str) -> bool:
    """Whether a device of this model will do: a wanted name that is a part of it, whatever the case."""
    low = model.casefold().replace(" ", "-")
    return any(one.casefold().replace(" ", "-") in low for one in models)
