"""Metric names of exporters, and which of them stands for what: missing ones are degraded by name."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.history.chosen import Nodes
from dcctl.inventory.vendors import DEVICE_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class Signal(NamedTuple):
    """A metric that tells something as a share of one."""

    metric: str
    word: str
    """For people."""
    whole: int = 1
    """Its value when all of it is used."""


TENSOR = Signal("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "tensor pipes active")
ENGINE = Signal("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "graphics engine active")
UTIL = Signal("DCGM_FI_DEV_GPU_UTIL", "some kernel running", 100)
DRAM = Signal("DCGM_FI_PROF_DRAM_ACTIVE", "memory interface active")
BUSY = (TENSOR, ENGINE, UTIL)
"""How much is done, the truest first."""
ACTIVE = (ENGINE, UTIL, TENSOR)
"""Whether anything is done: work without tensor operations is not idle."""
MEMORY_USED = "DCGM_FI_DEV_FB_USED"
MEMORY_FREE = "DCGM_FI_DEV_FB_FREE"
POWER = "DCGM_FI_DEV_POWER_USAGE"
ENERGY = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
POWER_CAPPED = "DCGM_FI_DEV_POWER_VIOLATION"
PRESENT = (MEMORY_USED, ENGINE.metric, UTIL.metric, TENSOR.metric, POWER)
"""What tells that an accelerator is there: the one that most of them have."""
IO_PRESSURE = "node_pressure_io_waiting_seconds_total"
REQUESTS = "kube_pod_container_resource_requests"
PHASE = "kube_pod_status_phase"
ALLOCATABLE = "kube_node_status_allocatable"
CORDONED = "kube_node_spec_unschedulable"
POD_OWNER = "kube_pod_owner"
REPLICASET_OWNER = "kube_replicaset_owner"
JOB_OWNER = "kube_job_owner"
OWNERS = (POD_OWNER, REPLICASET_OWNER, JOB_OWNER)
"""What a pod belongs to; without the first, its name tells."""

METRICS = (
    *(signal.metric for signal in (TENSOR, ENGINE, UTIL, DRAM)),
    *(MEMORY_USED, MEMORY_FREE, POWER, ENERGY, POWER_CAPPED),
    *(IO_PRESSURE, REQUESTS, PHASE, ALLOCATABLE, CORDONED),
    *OWNERS,
)
"""All that is ever asked about."""
BOARDS = tuple(name for name in METRICS if name.startswith("DCGM_"))


MOST = 10_000_000
"""Accelerators: more than there are anywhere."""


class Doubt(NamedTuple):
    """An answer of which a part cannot be used."""

    what: str
    """With the metrics that it is from."""
    why: str


class Found(NamedTuple):
    """What a server has: learned before anything else is asked."""

    metrics: frozenset[str]
    counts: dict[str, int]
    """How many accelerators have a metric, at the end."""
    first_counts: Mapping[str, int] = MappingProxyType({})
    """The same, at the beginning; empty: the server does not keep so much."""
    exported_jobs: tuple[str, ...] = ()
    """Scrape jobs whose series name pods as `exported_pod`: there `pod` is the exporter's own."""
    plain_jobs: tuple[str, ...] = ()
    """The other scrape jobs of accelerators."""
    mixed_jobs: tuple[str, ...] = ()
    """Those of `exported_jobs` of which other series name pods as `pod` alone: perhaps the exporter's own."""
    owned: bool = False
    """Whether any series says who holds the accelerator."""
    sliced: bool = False
    """Whether any series is of a MIG slice."""
    matchers: tuple[tuple[str, str], ...] = ()
    """Labels that every series asked about has."""
    pool_label: str = "modelName"
    spellings: tuple[str, ...] = ("hostname",)
    """Of the label that names the node: `Hostname`, `hostname`, or both."""
    nodes: Nodes = Nodes()
    """Which are looked at."""
    doubts: tuple[Doubt, ...] = ()
    """Of the counts."""
    shared: bool = False
    """Whether pods hold one accelerator at the same time: each of their series repeats its readings."""

    @property
    def host(self) -> str:
        """The label that names the node once both spellings are one."""
        return self.spellings[0] if len(self.spellings) == 1 else "hostname"

    @property
    def team(self) -> str:
        """The label that names the namespace of the holder."""
        return "team" if self.plain_jobs else "exported_namespace" if self.exported_jobs else "namespace"

    @property
    def holder(self) -> str:
        """The label that names the pod that holds the accelerator."""
        return "holder" if self.plain_jobs else "exported_pod" if self.exported_jobs else "pod"

    @property
    def accelerators(self) -> int:
        """How many there are now, slices counted each; 0: nobody tells."""
        return max(self.counts.values(), default=0)

    def has(self, *metrics: str) -> bool:
        """Whether all of them exist."""
        return self.metrics.issuperset(metrics)

    def present(self) -> str | None:
        """The metric that most accelerators have, the first of equals; None: there is none."""
        known = [metric for metric in PRESENT if metric in self.metrics]
        return max(known, key=lambda metric: self.counts.get(metric, 0), default=None)

    def signals(self, order: Sequence[Signal]) -> list[Signal]:
        """Those of an order that exist, up to the first that every accelerator has all the time."""
        known = [signal for signal in order if signal.metric in self.metrics]
        last = next((at for at, one in enumerate(known) if self.everywhere(one.metric)), len(known))
        return known[: last + 1]

    def everywhere(self, metric: str) -> bool:
        """Whether every accelerator has a metric, at both ends of the time."""
        return all(
            counts.get(metric, 0) == max(counts.values())
            for counts in (self.counts, self.first_counts)
            if counts
        ) and bool(self.counts)


def missing(found: Found, of: Collection[str] = METRICS) -> tuple[str, ...]:
    """Return the metrics that nobody has, in their order."""
    return tuple(metric for metric in of if metric not in found.metrics)


def resources() -> str:
    """Return a regular expression for accelerators as kube-state-metrics spells resource names."""
    names = [row for row in DEVICE_NAMES if "/" in row.name and not row.same_as.strip("-")]
    words = [re.sub(r"[^a-zA-Z0-9_]", "_", row.name) + (".*" if row.prefix else "") for row in names]
    return "|".join(dict.fromkeys(words))
