"""The only place that decides whether an item fits a bin: it answers with reasons, so no answer can differ.

A placement, an explanation and a what-if all ask here.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from dcctl.packing.fit.labels import Labels, bars
from dcctl.packing.problem import BANDWIDTH, CPU, MEMORY, PODS, POWER, STORAGE, WHOLE
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dcctl.inventory.model import Taint
    from dcctl.inventory.placement import Template
    from dcctl.packing.fit.state import State, View
    from dcctl.packing.problem import Bin, ItemClass, Kind, Need, Space

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_SHORT: Final = {
    CPU: Reason.CPU,
    MEMORY: Reason.MEMORY,
    STORAGE: Reason.STORAGE,
    PODS: Reason.PODS,
    BANDWIDTH: Reason.BANDWIDTH,
    POWER: Reason.POWER,
}
"""The reason for too little of a basic dimension."""


def short_of(dimension: int) -> int:
    """The reason for too little of a dimension, by its position in the space."""
    return int(_SHORT.get(dimension, Reason.RESOURCE))


class Wanted:
    """One class of items, made ready for asking about many bins at once."""

    __slots__ = ("_numa", "accepts", "devices", "fixed", "memory", "need", "share", "wants")

    def __init__(self, one: ItemClass, fixed: Ints, accepts: Bools | None, numa: Ints) -> None:
        """`fixed`: reasons that no placement changes, by bin; the others by bin and device.

        `accepts`: which devices will do, None if all; `numa`: the node of each, -1 where nobody knows.
        """
        need = one.need
        self.need, self.fixed, self.accepts, self._numa = need, fixed, accepts, numa
        self.wants = tuple((at, amount) for at, amount in enumerate(need.amounts) if amount)
        self.devices, self.share, self.memory = need.devices, need.share_milli, need.device_memory_bytes

    def refusals(self, view: View) -> Ints:
        """Reasons of each of these bins against one item more; 0 where it fits."""
        bits = self.fixed[view.at]
        for dimension, amount in self.wants:
            bits = bits | (view.free[:, dimension] < amount) * short_of(dimension)
        return bits | self._devices(view) if self.devices or self.share else bits

    def usable(self, view: View) -> Ints:
        """Free thousandths of each device [bins, devices]; -1 where a device will not do."""
        milli = self._accepted(view)
        return np.where(view.memory >= self.memory, milli, -1) if self.memory else milli

    def _accepted(self, view: View) -> Ints:
        return view.milli if self.accepts is None else np.where(self.accepts[view.at], view.milli, -1)

    def _devices(self, view: View) -> Ints:
        short = self._lacks(self._accepted(view))
        bits = short * int(Reason.DEVICES if self.devices else Reason.SHARE)
        if self.memory:
            bits = bits | (self._lacks(self.usable(view)) & ~short) * int(Reason.DEVICE_MEMORY)
        return bits

    def _lacks(self, milli: Ints) -> Bools:
        if self.devices:
            return (milli >= WHOLE).sum(axis=1) < self.devices  # type: ignore[no-any-return]
        return milli.max(axis=1) < self.share  # type: ignore[no-any-return]

    def copies(self, view: View, most: int) -> Ints:
        """How many such items each bin holds one after the other, `most` at most."""
        room = np.where(self.fixed[view.at] == 0, most, 0)  # the other reasons leave no room by themselves
        for dimension, amount in self.wants:
            room = np.minimum(room, np.maximum(view.free[:, dimension], 0) // amount)
        if self.devices:
            room = np.minimum(room, (self.usable(view) >= WHOLE).sum(axis=1) // self.devices)
        elif self.share:
            room = np.minimum(room, self._shares(view))
        return room

    def _shares(self, view: View) -> Ints:
        each = np.maximum(self.usable(view), 0) // self.share
        if self.memory:
            each = np.minimum(each, np.maximum(view.memory, 0) // self.memory)
        return each.sum(axis=1)  # type: ignore[no-any-return]

    def pick(self, view: View) -> Ints:
        """What one item takes of each device, in every bin where it fits: [bins, devices] thousandths.

        A share goes to the fullest device that still has it. Whole ones come from one NUMA node if one has
        enough, from that with the fewest left over; else those with the lowest numbers.
        """
        if not (self.devices or self.share):
            return np.zeros_like(view.milli)
        usable = self.usable(view)
        if self.share:
            best = np.where(usable >= self.share, usable, WHOLE + 1).argmin(axis=1)
            return (np.arange(usable.shape[1]) == best[:, None]) * self.share  # type: ignore[no-any-return]
        return _nearest(usable >= WHOLE, self._numa[view.at], self.devices) * WHOLE


def _nearest(idle: Bools, numa: Ints, count: int) -> Bools:
    """`count` of the idle devices of each row."""
    if (numa < 1).all():  # one NUMA node, or nobody knows
        return idle & (idle.cumsum(axis=1) <= count)
    same = (numa[:, :, None] == numa[:, None, :]) & idle[:, None, :]
    mates = same.sum(axis=2)  # idle devices of the same NUMA node
    left = np.where((mates >= count) & (numa >= 0), mates, _FAR)
    rank = np.where(idle, (left * _FAR + numa + 1) * _FAR + np.arange(idle.shape[1]), _FAR**4)
    order = rank.argsort(axis=1)
    chosen = np.zeros_like(idle)
    np.put_along_axis(chosen, order[:, :count], True, axis=1)
    return chosen & idle


_FAR: Final = 1 << 12
"""More than devices or NUMA nodes that one bin has."""


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
        self._accepts: dict[tuple[str, tuple[str, ...], bool], Bools | None] = {}
        self._has = self._kinds_of_bins()
        self.wanted = [
            Wanted(one, self._fixed_of(one), self._accepted(one.need), state.numa) for one in classes
        ]

    def _kinds_of_bins(self) -> Bools:
        """[bins, kinds]: whether a bin has any device of a kind, free or not."""
        has = np.zeros((len(self.bins), max(1, len(self.space.kinds))), np.bool_)
        for at, one in enumerate(self.bins):
            has[at, list(one.kinds)] = True
        return has

    def takes(self, need: Need, kind: int) -> bool:
        """Whether devices of this kind will do."""
        return suits(need, self.space.kinds[kind]) is None

    def _accepted(self, need: Need) -> Bools | None:
        """[bins, devices]: which devices will do; None if all will, or no bin has devices of two kinds."""
        if not (need.devices or need.share_milli) or not (self._has.sum(axis=1) > 1).any():
            return None
        key = (need.resource, need.models, need.share_milli > 0)
        if key not in self._accepts:
            good = [at for at in range(len(self.space.kinds)) if self.takes(need, at)]
            self._accepts[key] = (
                None if len(good) == len(self.space.kinds) else np.isin(self.state.kind, good)
            )
        return self._accepts[key]

    def _fixed_of(self, one: ItemClass) -> Ints:
        """Reasons that no placement changes, shared by all classes that have the same."""
        need, template = one.need, one.template
        wants = bool(need.devices or need.share_milli)
        kinds = (need.share_milli > 0, need.resource, need.models) if wants else ()
        where = (template.node_selector.items(), template.required, template.tolerations, template.bound_to)
        key = (kinds, tuple(where[0]), *where[1:], _is_silent(template), one.cluster)
        if key not in self._fixed:
            bits = self.labels.refusals(template, self._implied(template))
            bits = bits | self._elsewhere(one.cluster)
            self._fixed[key] = bits | self._without(need) if wants else bits
        return self._fixed[key]

    def _implied(self, template: Template) -> frozenset[str]:
        return self._tolerated if _is_silent(template) else frozenset()

    def barring(self, template: Template, at: int) -> frozenset[Taint]:
        """The taints of a bin that keep such items out."""
        implied = self._implied(template)
        return frozenset(one for one in self.bins[at].taints if bars(one, template.tolerations, implied))

    def _elsewhere(self, cluster: str) -> Ints:
        """Bins that another scheduler hands out, or none."""
        if not cluster:
            return np.zeros(len(self.bins), np.int64)
        others = np.array([one.scheduler != cluster for one in self.bins], np.bool_)
        return others * int(Reason.CLUSTER)

    def _without(self, need: Need) -> Ints:
        """Bins that have no device that would do, busy or not: why not the one that comes nearest to it."""
        bits = np.full(len(self.bins), int(Reason.NO_DEVICES), np.int64)
        why = [suits(need, kind) for kind in self.space.kinds]
        for reason in (Reason.MODEL, Reason.REPLICA, None):
            alike = [at for at, one in enumerate(why) if one is reason]
            bits[self._has[:, alike].any(axis=1)] = int(reason or 0)
        return bits


def _is_silent(template: Template) -> bool:
    """Whether it says nothing of taints: nobody told, or it is asked for in our own form.

    Pods say which taints they tolerate, and always have a namespace.
    """
    return not template.namespace


def suits(need: Need, kind: Kind) -> Reason | None:
    """Why devices of this kind will not do, whether free or not; None: they will.

    A replica of a board that is shared is had whole or not at all, and is no measured part of it: neither a
    part of the board nor an amount of its memory can be promised on one.
    """
    replica = need.share_milli > 0 and kind.shares > 1
    renamed = replica and kind.resource == f"{need.resource}.shared"
    if need.resource not in ("", kind.resource) and not renamed:
        return Reason.NO_DEVICES
    if need.models and not accepts(need.models, kind.model):
        return Reason.MODEL
    return Reason.REPLICA if replica else None


def accepts(models: Sequence[str], model: str) -> bool:
    """Whether a device of this model will do: all words of a wanted name are words of it, whatever the case.

    So `H100` takes an `NVIDIA H100 80GB HBM3`, and `A10` takes no A100.
    """
    words = _words(model)
    return any(_words(one) <= words for one in models)


@cache
def _words(model: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", model.casefold()))
