"""Streams of packing_streams.py put through the engine, one pod at a time, as they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.fit.feasibility import Feasibility
from dcctl.packing.fit.relations import Relations
from dcctl.packing.fit.state import State
from dcctl.packing.greedy.choice import POLICIES
from dcctl.packing.greedy.engine import Engine
from dcctl.packing.problem import UNLIMITED, WHOLE, Bin, Device, ItemClass, Kind, Need, Space
from tests.bench.packing_streams import MODELS, Mix, classes, nodes, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dcctl.packing.choices import PolicyName

SPACE = Space((), tuple(Kind("nvidia.com/gpu", model) for model in MODELS))
ORDERS = ("random", "types", "reversed", "cpu per gpu", "gpus first")
"""Orders of the nodes' names."""


class Outcome(NamedTuple):
    """What one policy made of one stream."""

    gpu_milli: int
    capacity_milli: int
    pods: int

    @property
    def percent(self) -> float:
        """GPU allocation."""
        return 100 * self.gpu_milli / self.capacity_milli


def ordered(mix: Mix, seed: int, order: str) -> NDArray[np.int64]:
    """Positions of the nodes in the order of their names."""
    table = nodes(mix)
    ratio = table.cpu_milli / np.maximum(table.gpus, 1)
    return {
        "random": stream(mix, seed).order,
        "types": np.arange(len(table.gpus)),
        "reversed": np.arange(len(table.gpus))[::-1],
        "cpu per gpu": np.argsort(ratio, kind="stable"),
        "gpus first": np.argsort(-table.gpus, kind="stable"),
    }[order]


def bins(mix: Mix, order: NDArray[np.int64]) -> tuple[Bin, ...]:
    """The cluster; names follow the order."""
    table = nodes(mix)
    rows = zip(
        *(column[order].tolist() for column in (table.cpu_milli, table.memory_mib, table.gpus, table.model)),
        strict=True,
    )
    return tuple(_bin(at, *row) for at, row in enumerate(rows))


def _bin(at: int, cpu: int, memory: int, gpus: int, model: int) -> Bin:
    free = (cpu, memory << 20, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED)
    devices = tuple(Device(model, number) for number in range(gpus))
    return Bin(f"n{at:05d}", free, free, devices, gpus, kinds=(model,) if gpus else ())


def items(mix: Mix) -> tuple[ItemClass, ...]:
    """The classes of pods."""
    table = classes(mix)
    found = []
    for cpu, memory, gpus, milli, mask in zip(
        *(
            column.tolist()
            for column in (table.cpu_milli, table.memory_mib, table.gpus, table.gpu_milli, table.models)
        ),
        strict=True,
    ):
        names = tuple(name for at, name in enumerate(MODELS) if mask >> at & 1)
        whole = milli == WHOLE
        found.append(
            ItemClass(
                Need(
                    (cpu, memory << 20, 0, 0, 0, 0),
                    devices=gpus if whole else 0,
                    share_milli=0 if whole else milli,
                    models=() if len(names) == len(MODELS) or not gpus else names,
                )
            )
        )
    return tuple(found)


def run(mix: Mix, seed: int, policy: PolicyName, order: str = "random") -> Outcome:
    """One stream, pod by pod; who fits nowhere is rejected."""
    wanted, cluster = items(mix), bins(mix, ordered(mix, seed, order))
    needs = [one.need for one in wanted]
    state = State(cluster, needs, 6)
    feasibility = Feasibility(SPACE, cluster, wanted, state)
    relations = Relations(feasibility.labels, [one.template for one in wanted])
    popularity = dict(enumerate(classes(mix).pods.tolist()))
    engine = Engine(feasibility, relations, POLICIES[policy](feasibility, popularity))
    pods, milli = 0, 0
    for of in stream(mix, seed).classes.tolist():
        if engine.run(of, 1):
            pods, milli = pods + 1, milli + needs[of].gpu_milli
    return Outcome(milli, sum(one.device_count for one in cluster) * WHOLE, pods)
