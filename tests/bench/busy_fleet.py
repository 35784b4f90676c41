"""A busy fleet as a file: 100,000 pods on 10,000 nodes, and work that waits; for commands that read one."""

from __future__ import annotations

import random

from dcctl.inventory.model import (
    Accelerator,
    Budget,
    Fleet,
    Member,
    Node,
    Resources,
    SourceRun,
    Template,
    Workload,
)
from dcctl.inventory.placement import Neighbours, Selector, Spread, key_of

NOW_S, GIB = 1_760_000_000, 1 << 30
GPU = "nvidia.com/gpu"
SOURCE = "kubernetes:bench"
GANG, STUCK = "research/pretrain", 300
"""The gang that waits and finds no room, and its members of eight devices each."""
_HOST = "kubernetes.io/hostname"
_BOARDS = tuple(Accelerator(index, model="H100", memory_bytes=80 * GIB) for index in range(8))


def busy_fleet(nodes: int) -> Fleet:
    """Ten pods on each node: training gangs, services (some with anti-affinity or spread), notebooks."""
    chance = random.Random(1)
    templates: dict[str, Template] = {}
    running = _Running(nodes, chance, templates)
    return Fleet(
        "bench",
        NOW_S,
        nodes=tuple(map(_node, range(nodes))),
        workloads=(*running.workloads(), *_waiting(chance, templates)),
        templates=templates,
        sources=(SourceRun(SOURCE, "kubernetes", ok=True, duration_ms=900, items=nodes),),
    )


def _node(number: int) -> Node:
    size = Resources(192_000, 2048 * GIB, 28 * 10**12, 110, {GPU: 8})
    return Node(
        f"gpu{number:05d}",
        site=f"dc{number // 2500}",
        rack=f"rack{number // 8:04d}",
        sources=(SOURCE,),
        ready=True,
        schedulable=True,
        labels={_HOST: f"gpu{number:05d}", "topology.kubernetes.io/zone": f"z{number // 1250}"},
        capacity=size,
        allocatable=size,
        accelerators=_BOARDS,
    )


class _Running:
    """Who stands on the nodes."""

    def __init__(self, nodes: int, chance: random.Random, templates: dict[str, Template]) -> None:
        self._nodes, self._chance, self._templates = nodes, chance, templates
        self._free = [8] * nodes

    def workloads(self) -> list[Workload]:
        """Gangs, notebooks, services, and DaemonSets."""
        return [*self._gangs(), *self._notebooks(), *self._services(), *self._everywhere()]

    def _gangs(self) -> list[Workload]:
        made: list[Workload] = []
        at = 0
        while at < self._nodes * 6 // 10:
            size, gpus = self._chance.choice((2, 4, 8, 16, 32)), self._chance.choice((6, 8))
            members = tuple(
                self._member(f"t{at}-{each}", each, gpus, "train")
                for each in range(at, min(self._nodes, at + size))
            )
            urgent = self._chance.choice((0, 100, 1000))
            made.append(_work(f"train/t{at}", "PyTorchJob", members, urgent, len(members)))
            at += size
        return made

    def _notebooks(self) -> list[Workload]:
        made: list[Workload] = []
        for at in range(self._nodes * 6 // 10, self._nodes):
            while self._free[at] > self._chance.choice((0, 0, 0, 1, 3)):
                count = min(self._free[at], self._chance.choice((1, 1, 2, 4)))
                name = f"nb{len(made)}"
                made.append(
                    _work(f"nlp/{name}", "StatefulSet", (self._member(f"{name}-0", at, count, "nlp"),))
                )
        return made

    def _services(self) -> list[Workload]:
        made = []
        for number in range(self._nodes // 10):
            app = Selector({"app": f"s{number}"})
            rules = Template(
                namespace="web",
                labels={"app": f"s{number}"},
                neighbours=(Neighbours(_HOST, app, apart=True),) if number % 3 == 0 else (),
                spreads=(Spread("topology.kubernetes.io/zone", app, 5),) if number % 10 == 1 else (),
            )
            homes = self._chance.sample(range(self._nodes), min(self._nodes, 45))
            members = tuple(self._member(f"s{number}-{at}", at, 0, rules) for at in homes)
            budget = Budget(f"s{number}", self._chance.choice((0, 1, 5)))
            made.append(_work(f"web/s{number}", "Deployment", members, budgets=(budget,)))
        return made

    def _everywhere(self) -> list[Workload]:
        return [
            _work(
                f"kube-system/d{number}",
                "DaemonSet",
                tuple(self._member(f"d{number}-{at}", at, 0, "kube-system") for at in range(self._nodes)),
                2000,
            )
            for number in range(4)
        ]

    def _member(self, name: str, at: int, gpus: int, rules: str | Template) -> Member:
        self._free[at] -= gpus
        template = Template(namespace=rules) if isinstance(rules, str) else rules
        asked = _asked(gpus, 500 if not gpus else 8000 * gpus)
        return Member(name, f"gpu{at:05d}", "running", asked, template=_key(template, self._templates))


def _waiting(chance: random.Random, templates: dict[str, Template]) -> list[Workload]:
    """Two hundred small jobs, and a gang for which there is no room."""
    key = _key(Template(namespace="research"), templates)
    made = []
    for number in range(200):
        asked = _asked(chance.choice((1, 2, 4, 8)), 8000)
        members = tuple(Member(f"w{number}-{at}", None, "pending", asked, template=key) for at in range(4))
        gang = chance.choice((None, 4))
        made.append(_work(f"research/w{number}", "PyTorchJob", members, chance.choice((0, 10, 100)), gang))
    asked = _asked(8, 64_000)
    members = tuple(Member(f"p{at}", None, "pending", asked, template=key) for at in range(STUCK))
    return [*made, _work(GANG, "PyTorchJob", members, 500, STUCK)]


def _asked(gpus: int, cpu_milli: int) -> Resources:
    return Resources(cpu_milli, cpu_milli * GIB // 1000, 0, 1, {GPU: gpus} if gpus else {})


def _key(template: Template, templates: dict[str, Template]) -> str:
    key = key_of(template)
    templates[key] = template
    return key


def _work(
    name: str,
    kind: str,
    members: tuple[Member, ...],
    priority: int = 0,
    gang: int | None = None,
    budgets: tuple[Budget, ...] = (),
) -> Workload:
    return Workload(
        name, kind, source=SOURCE, priority=priority, gang_min=gang, members=members, budgets=budgets
    )
