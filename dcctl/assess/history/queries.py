"""What is asked of Prometheus: about twenty questions, each of which it answers with few series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from dcctl.assess.history import promql as q
from dcctl.assess.history import signals as s
from dcctl.assess.history.workloads import by_workload, told_by
from dcctl.inventory.timeseries import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.assess.history.signals import Found

By: TypeAlias = Literal["pool", "team", "workload"]
_MOST_SAMPLES = 20_000_000
"""In memory at once: Prometheus refuses 50 million (`--query.max-samples`), and others ask it too."""
_COPIES = 5
"""Of each value while a query is worked out: nested vectors."""
_COPIES_SHARED = 4
"""More of them, where what is told twice is taken off."""
_HOLDS_MIB = 500
"""A process that has more than this of a board's memory holds it."""


class Rules(NamedTuple):
    """From where on something is called by its name."""

    idle: float = 0.05
    """The most activity within a step of an accelerator that does nothing."""
    memory_bound: tuple[float, float] = (0.6, 0.2)
    """The least activity of the memory interface, and the most of tensor pipes."""
    power_capped: float = 0.1
    """The least share of time at a power limit."""
    io_bound: tuple[float, float] = (0.2, 0.5)
    """The least share of time in which processes of the node wait for storage, and the most activity."""
    cpus_per_gpu: float = 4
    bytes_per_gpu: int = 16 << 30
    """What a free accelerator needs on its node to be of use."""


def queries(found: Found, by: By, step_s: int, rules: Rules) -> tuple[Query, ...]:
    """Return all that can be asked of what was found."""
    return (
        *_use(found, by, step_s, rules),
        *_devices(found, step_s, rules),
        *_cluster(found, rules),
    )


def parts(found: Found, steps: int, asked: int, budget: int) -> int:
    """Return in how many parts to ask each question at first, so that the server can bear it."""
    copies = _COPIES + (_COPIES_SHARED if found.shared else 0)
    needed = -(-found.accelerators * steps * copies // _MOST_SAMPLES)
    return max(1, min(needed, budget // max(asked, 1)))


class _Grouping(NamedTuple):
    """What is told of holders, by pool and team (and workload)."""

    found: Found
    by: By
    present: str
    step_s: int

    def __call__(self, expression: str, function: str = "sum") -> str:
        labels = f"{self.found.pool_label}, {self.found.team}"
        if self.by == "workload":
            owned = by_workload(self.found, expression, self.present, self.step_s)
            return f"{function} by ({labels}, workload) ({owned})"
        return f"{function} by ({labels}) ({expression})"


def _held(found: Found, present: str, step_s: int) -> str:
    """The parts of accelerators that somebody holds: a pod, or else whoever fills their memory."""
    shares = q.share(found, present, step_s, owned=found.owned)
    if found.owned or not found.has(s.MEMORY_USED):
        return f"({shares})"
    filled = (
        f"min by ({q.board(found)}) ({q.over(found, s.MEMORY_USED, step_s, 'min_over_time')}) > {_HOLDS_MIB}"
    )
    return f"({shares} and on ({q.board(found)}) ({filled}))"


def _idle(found: Found, present: str, step_s: int, rules: Rules) -> str:
    return f"({_held(found, present, step_s)} and {q.active(found, step_s)} < {rules.idle})"


def _use(found: Found, by: By, step_s: int, rules: Rules) -> Iterator[Query]:
    """Per pool and team (and workload), step by step."""
    present = found.present()
    if present is None:
        return
    grouped = _Grouping(found, by, present, step_s)
    everything = q.share(found, present, step_s, owned=False)
    yield Query("present", f"sum by ({found.pool_label}) ({everything})")
    yield Query("held", grouped(_held(found, present, step_s)))
    if found.signals(s.BUSY):
        busy = q.busy(found, step_s)
        if not found.owned:
            busy = f"{busy} and on ({q.board(found)}, {found.holder}) {_held(found, present, step_s)}"
        yield Query("busy", grouped(busy))
    if found.signals(s.ACTIVE):
        yield Query("idle", grouped(_idle(found, present, step_s, rules)))
    if found.has(s.MEMORY_USED):
        peak = q.over(found, s.MEMORY_USED, step_s, "max_over_time", owned=found.owned)
        yield Query("memory", grouped(peak, "max"))
    told = told_by(found, present, step_s) if by == "workload" else None
    if told is not None:
        yield Query("workloads", told, "window", "max")
    if found.has(s.POWER):
        each = q.over(found, s.POWER, step_s, "avg_over_time")
        board = f"max by (UUID, {found.pool_label}) ({each})"  # each slice tells that of the board
        yield Query("power", f"sum by ({found.pool_label}) ({board})")


def _devices(found: Found, step_s: int, rules: Rules) -> Iterator[Query]:
    """Per accelerator, how many steps: one figure each over the whole time."""
    present, labels = found.present(), f"{found.host}, {q.board(found)}, {found.pool_label}"
    if present is None:
        return
    held = _held(found, present, step_s)
    yield Query("held steps", f"sum_over_time((sum by ({labels}) ({held}))$window)", "window")
    if found.signals(s.ACTIVE):
        idle = _idle(found, present, step_s, rules)
        yield Query("idle steps", f"sum_over_time((sum by ({labels}) ({idle}))$window)", "window")
    if found.has(s.DRAM.metric, s.TENSOR.metric):
        most, least = q.mean(found, s.DRAM, step_s), q.mean(found, s.TENSOR, step_s)
        bound = f"{most} > {rules.memory_bound[0]} and {least} < {rules.memory_bound[1]}"
        yield Query("memory-bound steps", f"count_over_time(({bound})$window)", "window")
    if found.has(s.POWER_CAPPED):
        spent = f"{q.growth(found, s.POWER_CAPPED, step_s)} / 1e9 / {step_s}"  # the counter is in nanoseconds
        capped = f"{spent} > {rules.power_capped}"
        yield Query("power-throttled steps", f"count_over_time(({capped})$window)", "window")
    signals = found.signals(s.ACTIVE)
    if found.has(s.IO_PRESSURE) and signals:
        waits = f"{q.on_host(found, s.IO_PRESSURE, step_s)} > {rules.io_bound[0]}"
        slow = f"{q.mean_of_first(found, signals, step_s)} < {rules.io_bound[1]}"
        bound = (
            f"sum by ({labels}) ({held}) and on ({found.host}) ({waits}) and on ({q.board(found)}) ({slow})"
        )
        yield Query("I/O-bound steps", f"count_over_time(({bound})$window)", "window")
    if (known := _known(found, step_s)) is not None:
        yield Query("states known", known, "window", "max")
    if found.has(s.ENERGY):
        counter = q.boards(found, lambda matchers: f"{s.ENERGY}{matchers}")
        board = f"max by (UUID, {found.pool_label}) ({counter})"
        yield Query("energy", f"sum by ({found.pool_label}) (increase(({board})$window))", "window")
    if found.has(s.MEMORY_USED, s.MEMORY_FREE):
        used, spare = (
            q.boards(found, lambda matchers, name=name: f"{name}{matchers}")  # type: ignore[misc]
            for name in (s.MEMORY_USED, s.MEMORY_FREE)
        )
        size = f"max by ({labels}) ({used}) + max by ({labels}) ({spare})"
        yield Query(
            "memory size", f"max_over_time((max by ({found.pool_label}) ({size}))$window)", "window", "max"
        )


def _known(found: Found, step_s: int) -> str | None:
    """Which accelerators have what each state is told by; None: all of them have all of it."""
    active = [one.metric for one in found.signals(s.ACTIVE)]
    wanted = {
        "idle": [active],
        "memory_bound": [[s.DRAM.metric], [s.TENSOR.metric]],
        "power_capped": [[s.POWER_CAPPED]],
    }
    states = {
        name: groups
        for name, groups in wanted.items()
        if all(group and found.has(*group) for group in groups)
    }
    terms = [_state(name, q.with_all(found, *groups)) for name, groups in states.items()]
    if found.has(s.IO_PRESSURE) and active:
        waits = q.on_host(found, s.IO_PRESSURE, step_s)
        terms.append(_state("io_bound", f"{q.with_all(found, active)} and on ({found.host}) ({waits})"))
    elif all(any(map(found.everywhere, group)) for groups in states.values() for group in groups):
        return None
    return " or ".join(terms) if terms else None


def _state(name: str, expression: str) -> str:
    return f'label_replace({expression}, "state", "{name}", "__name__", "")'


def _cluster(found: Found, rules: Rules) -> Iterator[Query]:
    """From kube-state-metrics: what is asked for, what waits, what is free and of no use."""
    resource = f'"{s.resources()}"'
    if found.has(s.REQUESTS, s.PHASE):
        waits = q.requested(found, resource, "Pending")
        if not found.nodes:  # who waits is on no node yet
            yield Query("queue", f"sum by (namespace) ({waits})")
        yield Query("requested", f"sum ({q.requested(found, resource, 'Pending|Running')})")
    if found.has(s.ALLOCATABLE):
        yield Query("allocatable", f"sum ({q.allocatable(found, resource)})")
    if not found.has(s.REQUESTS, s.PHASE, s.ALLOCATABLE):
        return
    spare = q.free(found, resource)
    for what, each in (("cpu", rules.cpus_per_gpu), ("memory", rules.bytes_per_gpu)):
        left = q.free(found, f'"{what}"')
        usable = f"clamp_min(floor({left} / {each}), 0)"
        stranded = f"clamp_min({spare} - on (node) {usable}, 0) > 0"
        yield Query(f"stranded by {what}", f"sum_over_time(({stranded})$window)", "window")
