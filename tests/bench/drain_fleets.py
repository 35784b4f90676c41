"""A fleet for drains: nodes of eight GPUs in racks, gangs, services with budgets, and DaemonSets."""

from __future__ import annotations

import random

from dcctl.inventory.disruption import Disruption
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
from dcctl.inventory.placement import key_of

NOW_S, GIB, GPU, SOURCE = 1_760_000_000, 1 << 30, "nvidia.com/gpu", "kubernetes:bench"
IN_RACK = 8
_BOARDS = tuple(Accelerator(index, model="H100", memory_bytes=80 * GIB) for index in range(8))
_SHM = Disruption("PyTorchJob", scratch="memory", grace_s=30)
_HOOK = Disruption(
    "PyTorchJob", scratch="memory", grace_s=30, checkpoint="signal USR1", proof="file /ckpt/latest"
)
_DAEMON = Disruption("DaemonSet", grace_s=30)


class Fleets:
    """Makes one fleet."""

    def __init__(self, nodes: int, pods: int, seed: int) -> None:
        """`pods`: on each node, with those of a gang."""
        self._nodes, self._pods, self._chance = nodes, pods, random.Random(seed)
        self._templates: dict[str, Template] = {}
        self._told: dict[str, Disruption] = {}

    def made(self) -> Fleet:
        """Four nodes of five run trainings; services and DaemonSets are everywhere."""
        works = [*self._gangs(self._nodes * 8 // 10), *self._services(), *self._daemons()]
        return Fleet(
            "bench",
            NOW_S,
            nodes=tuple(map(_node, range(self._nodes))),
            workloads=tuple(works),
            templates=self._templates,
            disruptions=self._told,
            sources=(SourceRun(SOURCE, "kubernetes", ok=True, duration_ms=900, items=self._nodes),),
        )

    def _gangs(self, upto: int) -> list[Workload]:
        made, at = [], 0
        while at < upto:
            size = self._chance.choice((2, 4, 8, 16, 32, 64))
            told = self._chance.choice((_SHM, _HOOK))
            where = range(at, min(upto, at + size))
            started = NOW_S - self._chance.randrange(3600, 7 * 86_400)
            members = [self._member(f"t{at}-{one}", one, 8, "train", told, started) for one in where]
            saved = NOW_S - self._chance.randrange(3600)
            made.append(
                Workload(
                    f"train/t{at}",
                    "PyTorchJob",
                    source=SOURCE,
                    gang_min=len(members),
                    members=tuple(members),
                    started_at_s=started,
                    checkpointed_at_s=saved,
                )
            )
            at += size
        return made

    def _services(self) -> list[Workload]:
        each, made = self._pods - 6, []
        places = [node for node in range(self._nodes) for _ in range(each)]
        self._chance.shuffle(places)
        for number in range(len(places) // 40):
            where = places[number * 40 : number * 40 + 40]
            budget = Budget(f"s{number}", 4, 36, 40, 40)
            told = Disruption("ReplicaSet", grace_s=30, budgets=(budget.name,))
            members = [
                self._member(f"s{number}-{at}", one, 0, "web", told, NOW_S) for at, one in enumerate(where)
            ]
            made.append(
                Workload(
                    f"web/s{number}", "Deployment", source=SOURCE, members=tuple(members), budgets=(budget,)
                )
            )
        return made

    def _daemons(self) -> list[Workload]:
        return [
            Workload(
                f"kube-system/d{number}",
                "DaemonSet",
                source=SOURCE,
                members=tuple(
                    self._member(f"d{number}-{at}", at, 0, "kube-system", _DAEMON, NOW_S)
                    for at in range(self._nodes)
                ),
            )
            for number in range(5)
        ]

    def _member(self, name: str, at: int, gpus: int, space: str, told: Disruption, started: int) -> Member:
        template, key = Template(namespace=space), key_of(told)
        self._told[key] = told
        self._templates[key_of(template)] = template
        cpu = 8000 * gpus or 200
        asked = Resources(cpu, cpu * GIB // 1000, 0, 1, {GPU: gpus} if gpus else {})
        return Member(
            name,
            f"gpu{at:05d}",
            "running",
            asked,
            uid=name,
            started_at_s=started,
            template=key_of(template),
            ready=True,
            disruption=key,
        )


def _node(number: int) -> Node:
    size = Resources(192_000, 2048 * GIB, 28 * 10**12, 250, {GPU: 8})
    return Node(
        f"gpu{number:05d}",
        site="dc1",
        rack=f"rack{number // IN_RACK:04d}",
        sources=(SOURCE,),
        ready=True,
        schedulable=True,
        labels={"kubernetes.io/hostname": f"gpu{number:05d}"},
        capacity=size,
        allocatable=size,
        accelerators=_BOARDS,
    )
