"""Small random problems: unequal nodes, partly used devices, gangs, quotas and rules about other members."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from dcctl.inventory.model import Taint
from dcctl.inventory.placement import (
    BARE,
    Expression,
    HostPort,
    Neighbours,
    NodeTerm,
    Selector,
    Spread,
    Template,
    Toleration,
    level_key,
)
from dcctl.packing.problem import (
    UNLIMITED,
    WHOLE,
    Bin,
    Device,
    Held,
    ItemClass,
    Job,
    Kind,
    Need,
    Problem,
    Quota,
    Space,
    Task,
)
from dcctl.packing.reasons import NONE, Reason

SPACE = Space(
    (),
    (
        Kind("nvidia.com/gpu", "A100"),
        Kind("nvidia.com/gpu", "H100"),
        Kind("amd.com/gpu", "MI300X"),
        Kind("nvidia.com/gpu", "A100", 4),
    ),
)
GIB = 1 << 30
_ZONE = "topology.kubernetes.io/zone"
_RACK, _SITE = level_key("rack"), level_key("site")
_MINE = Selector({"app": "a"})


def device(index: int = 0, free_milli: int = WHOLE, kind: int = 0, memory_bytes: int | None = None) -> Device:
    """One device of which so much is free."""
    return Device(kind, index, free_milli, memory_bytes)


def a_bin(name: str, cpu: int = 64_000, devices: tuple[Device, ...] = (), **other: Any) -> Bin:
    """A node with so much CPU, and memory that nobody counts."""
    free = (cpu, UNLIMITED, UNLIMITED, 110, UNLIMITED, UNLIMITED)
    kinds = tuple(sorted({one.kind for one in devices}))
    return Bin(name, free, free, devices, len(devices), kinds=kinds, **other)


def need(cpu: int = 1000, devices: int = 0, share: int = 0, **other: Any) -> Need:
    """One pod with so much CPU."""
    return Need((cpu, 0, 0, 1, 0, 0), devices, share, **other)


def job(name: str, of: int, count: int = 1, **other: Any) -> Job:
    """Members of one class."""
    return Job(name, (Task(of, tuple(f"{name}-{at}" for at in range(count))),), **other)


@st.composite
def _bins(draw: st.DrawFn, at: int) -> Bin:
    kinds = draw(st.sampled_from(((0,), (0,), (1,), (0, 1), (2,), (1, 2), (0, 3))))
    free = st.sampled_from((WHOLE, WHOLE, WHOLE, 700, 400, 250))
    memory = st.sampled_from((None, 40 * GIB, 80 * GIB))
    devices = tuple(
        device(number, draw(free), draw(st.sampled_from(kinds)), draw(memory))
        for number in range(draw(st.integers(0, 4)))
    )
    labels = {"kubernetes.io/hostname": f"n{at}"}
    labels |= draw(st.sampled_from(({}, {_ZONE: "z1"}, {_ZONE: "z2"})))
    rack = draw(st.sampled_from(("", "r1", "r2")))
    return a_bin(
        f"n{at}",
        draw(st.sampled_from((-1000, 4000, 8000, 16_000))),
        devices,
        closed=draw(st.sampled_from((NONE, NONE, NONE, NONE, Reason.CORDONED))),
        labels=labels,
        taints=draw(st.sampled_from(((), (), (Taint("pool", "NoSchedule", "x"),)))),
        path=("", "", rack, labels.get(_ZONE, ""), "s"),
    )


_needs = st.one_of(
    st.builds(need, st.sampled_from((0, 500, 1000, 3000))),
    st.builds(
        need,
        st.sampled_from((0, 500, 1000)),
        share=st.sampled_from((100, 250, 300, 500, 800)),
        device_memory_bytes=st.sampled_from((0, 0, 10 * GIB)),
        models=st.sampled_from(((), (), ("a100",))),
    ),
    st.builds(
        need,
        st.sampled_from((500, 1000, 3000)),
        st.integers(1, 3),
        resource=st.sampled_from(("", "nvidia.com/gpu")),
        device_memory_bytes=st.sampled_from((0, 0, 60 * GIB)),
    ),
)

_TEMPLATES = (
    BARE,
    Template(namespace="x", scheduler="default-scheduler"),
    Template(node_selector={_ZONE: "z1"}),
    Template(required=(NodeTerm((Expression(_ZONE, "NotIn", ("z1",)),)),)),
    Template(required=(NodeTerm((Expression(_RACK, "Exists"),)),)),
    Template(tolerations=(Toleration("pool", "Exists"),)),
)
_RELATED = (
    Template(labels={"app": "a"}),
    Template(labels={"app": "a"}, spreads=(Spread(_ZONE, _MINE),)),
    Template(labels={"app": "a"}, spreads=(Spread("kubernetes.io/hostname", _MINE, 2),)),
    Template(labels={"app": "a"}, neighbours=(Neighbours("kubernetes.io/hostname", _MINE, apart=True),)),
    Template(labels={"app": "b"}, neighbours=(Neighbours(_ZONE, _MINE, apart=True),)),
    Template(labels={"app": "a"}, neighbours=(Neighbours(_ZONE, _MINE),)),
    Template(labels={"app": "c"}, neighbours=(Neighbours("kubernetes.io/hostname", _MINE),)),
    Template(labels={"app": "a"}, spreads=(Spread(_RACK, _MINE),)),
    Template(labels={"app": "a"}, neighbours=(Neighbours(_RACK, _MINE, apart=True),)),
    Template(labels={"app": "c"}, neighbours=(Neighbours(_RACK, _MINE), Neighbours(_SITE, _MINE))),
    Template(labels={"app": "a"}, neighbours=(Neighbours(level_key("node"), _MINE, apart=True),)),
    Template(ports=(HostPort(80),)),
)


@st.composite
def problems(draw: st.DrawFn, *, plain: bool = False, nodes: int = 4, work: int = 6) -> Problem:
    """A problem of a few nodes; `plain`: each member by itself, and none of them asks who stands where."""
    bins = tuple(draw(_bins(at)) for at in range(draw(st.integers(1, nodes))))
    templates = st.sampled_from(_TEMPLATES if plain else _TEMPLATES + _RELATED)
    pairs = draw(st.lists(st.tuples(_needs, templates), min_size=1, max_size=5))
    classes = tuple(ItemClass(*pair) for pair in pairs)
    jobs = tuple(draw(_job(at, len(classes), plain)) for at in range(draw(st.integers(1, work))))
    of = st.integers(0, len(classes) - 1)
    held = [Held("old", f"old-{at}", draw(st.integers(0, len(bins) - 1)), draw(of)) for at in range(2)]
    quota = Quota("team", {"gpu": draw(st.sampled_from((500, 2000, 9000)))}, {"gpu": 100})
    return Problem(
        SPACE,
        bins,
        classes,
        jobs,
        held=() if plain else tuple(held[: draw(st.integers(0, 2))]),
        quotas=() if plain else (quota,),
        tolerated=draw(st.sampled_from((frozenset(), frozenset(("pool",))))),
    )


@st.composite
def _job(draw: st.DrawFn, at: int, classes: int, plain: bool) -> Job:
    of = draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=1 if plain else 2, unique=True))
    tasks = tuple(
        Task(one, tuple(f"m{one}-{number}" for number in range(draw(st.integers(1, 3))))) for one in of
    )
    if plain:
        return Job(f"j{at}", tasks)
    return Job(
        f"j{at}",
        tasks,
        minimum=draw(st.integers(0, sum(len(task.members) for task in tasks))),
        within=draw(st.sampled_from((None, None, None, "node", "rack", "zone"))),
        priority=draw(st.sampled_from((0, 0, 10))),
        quotas=draw(st.sampled_from(((), (), ("team",)))),
    )
