"""A synthetic cluster with a known past: what exporters would have told, and the truth about it.

Nodes differ in how their exporter spells labels and in which metrics it leaves out. Pods follow each other at
any time, not at whole hours.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERVAL_S = 600
"""Between two samples."""
HOUR_S = 3600
_SAFE = "bcdfghjklmnpqrstvwxz2456789"
TEAMS = ("vision", "nlp", "bio")
OLD, NEW = "old", "new"
UNTOLD = "bio"
"""The team of whose pods kube-state-metrics tells no owner."""
OWNERS = {"train-llm": "nightly", "notebook-sweep": "notebooks", "eval": "scoring"}
"""CronJob, StatefulSet, Deployment."""


@dataclass(frozen=True)
class Host:
    """One node and its exporter."""

    name: str
    model: str
    boards: int
    spelling: str = NEW
    """`old`: `Hostname`, and pods as `exported_pod`."""
    lacks: frozenset[str] = frozenset()
    """Metrics that its exporter does not have."""
    slices: int = 0
    """MIG slices of each board."""


TENSOR, ENGINE, UTIL = (
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    "DCGM_FI_DEV_GPU_UTIL",
)
DRAM = "DCGM_FI_PROF_DRAM_ACTIVE"
CAPPED = "DCGM_FI_DEV_POWER_VIOLATION"
SLOW_STORAGE = "gpu04.dc1.example"
"""The node whose processes wait for storage half of the time."""
PROFILING = frozenset((TENSOR, ENGINE, DRAM))
H100, A100, L40S = "NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB", "NVIDIA L40S"
HOSTS = (
    Host("gpu01", H100, 8),
    Host("gpu02", H100, 8, OLD),
    Host("gpu03", L40S, 8, OLD, PROFILING),
    Host(SLOW_STORAGE, L40S, 8, NEW, PROFILING | {CAPPED}),
    Host("mig01", A100, 2, NEW, frozenset((UTIL,)), slices=3),
    Host("mig02", A100, 2, OLD, frozenset((UTIL, TENSOR)), slices=3),
)


@dataclass(frozen=True)
class Pod:
    """What holds one accelerator for a time."""

    team: str
    workload: str
    name: str
    start_s: int
    end_s: int
    kind: str
    """idle, bursty, busy, memory, capped."""

    @property
    def owner(self) -> str:
        """What it belongs to; of one team nobody tells, and its name has to do."""
        return self.workload if self.team == UNTOLD else OWNERS[self.workload]


@dataclass
class Board:
    """One accelerator, or one slice of it."""

    host: Host
    uuid: str
    slice: str
    idler: bool
    """Whether nearly all that hold it do nothing."""
    pods: list[Pod] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As dcctl names it."""
        return f"{self.uuid}/{self.slice}" if self.slice else self.uuid

    def holder(self, time_s: int) -> Pod | None:
        """Who holds it at a time."""
        return next((pod for pod in self.pods if pod.start_s <= time_s < pod.end_s), None)


class Cluster:
    """The whole of it between two times, made by chance from a seed."""

    def __init__(self, start_s: int, end_s: int, seed: int = 1, hosts: tuple[Host, ...] = HOSTS) -> None:
        self.start_s, self.end_s, self.hosts = start_s, end_s, hosts
        self.rng = random.Random(seed)
        self.boards = [self._board(host, number, part) for host in hosts for number, part in _places(host)]

    def idle_boards(self) -> set[str]:
        """The accelerators that were idle for most of the time in which they were held."""
        return {board.name for board in self.boards if self._idle_share(board) >= 0.5}

    def idle_s(self) -> int:
        """Seconds held and idle, over all accelerators."""
        return sum(_length(pod) for board in self.boards for pod in board.pods if pod.kind == "idle")

    def held_s(self) -> int:
        """Seconds held, over all accelerators."""
        return sum(_length(pod) for board in self.boards for pod in board.pods)

    def memory_bound(self) -> set[str]:
        """Accelerators that memory held back most of the time, where the exporter tells."""
        return self._mostly({"memory"}, {DRAM, TENSOR})

    def power_capped(self) -> set[str]:
        """Accelerators that a limit of power held back most of the time, where the exporter tells."""
        return self._mostly({"capped"}, {CAPPED})

    def io_bound(self) -> set[str]:
        """Accelerators of the node with slow storage that were far from busy most of the time."""
        slow = {board.name for board in self.boards if board.host.name == SLOW_STORAGE}
        return self._mostly({"idle", "bursty"}, set()) & slow

    def _mostly(self, kinds: set[str], told_by: set[str]) -> set[str]:
        return {
            board.name
            for board in self.boards
            if board.pods
            and not board.host.lacks & told_by
            and sum(_length(pod) for pod in board.pods if pod.kind in kinds)
            > 0.5 * sum(map(_length, board.pods))
        }

    def _idle_share(self, board: Board) -> float:
        held = sum(map(_length, board.pods))
        return sum(_length(pod) for pod in board.pods if pod.kind == "idle") / held if held else 0.0

    def _board(self, host: Host, number: int, part: str) -> Board:
        uuid = f"GPU-{host.name}-{number:02d}"
        place = self.rng.random()
        idler = place < 0.3
        board = Board(host, uuid, part, idler)
        if place > 0.9:
            return board  # never held
        usual = "idle" if idler else "memory" if place > 0.75 else "capped" if place > 0.6 else "busy"
        time_s = self.start_s + self._some(0, 10)
        while time_s < self.end_s:
            end_s = min(self.end_s, time_s + self._some(2, 60))
            kind = usual if self.rng.random() < 0.92 else self.rng.choice(("idle", "bursty", "busy"))
            board.pods.append(self._pod(time_s, end_s, kind))
            time_s = end_s + (0 if self.rng.random() < 0.5 else self._some(1, 12))
        return board

    def _some(self, least: int, most: int) -> int:
        """Some hours, in whole intervals."""
        return self.rng.randrange(least * HOUR_S // INTERVAL_S, most * HOUR_S // INTERVAL_S) * INTERVAL_S

    def _pod(self, start_s: int, end_s: int, kind: str) -> Pod:
        team, workload = self.rng.choice(TEAMS), self.rng.choice(("train-llm", "notebook-sweep", "eval"))
        end = "".join(self.rng.choice(_SAFE) for _ in range(5))
        return Pod(team, workload, f"{workload}-{end}", start_s, end_s, kind)

    def samples(self) -> Iterator[str]:
        """Yield lines of OpenMetrics: what the exporters told."""
        for board in self.boards:
            energy = capped_ns = 0.0
            for time_s in range(self.start_s, self.end_s + 1, INTERVAL_S):
                pod = board.holder(time_s)
                values = self._values(board, pod, time_s)
                energy += values["DCGM_FI_DEV_POWER_USAGE"] * INTERVAL_S * 1000
                values["DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"] = energy
                labels = _labels(board, pod)
                capped_ns += 0.4 * INTERVAL_S * 1e9 if pod and pod.kind == "capped" else 0.0
                values[CAPPED] = capped_ns
                for metric, value in values.items():
                    if metric not in board.host.lacks:
                        yield f"{metric}{{{labels}}} {value:g} {time_s}\n"
        for host in self.hosts:
            yield from self._pressure(host)
        for pod in {pod for board in self.boards for pod in board.pods if pod.team != UNTOLD}:
            yield from _owners(pod)

    def _pressure(self, host: Host) -> Iterator[str]:
        """Yield what node_exporter would have told."""
        share = 0.5 if host.name == SLOW_STORAGE else 0.01
        labels = f'job="node",instance="{host.name}:9100"'
        for time_s in range(self.start_s, self.end_s + 1, INTERVAL_S):
            waited = share * (time_s - self.start_s)
            yield f"node_pressure_io_waiting_seconds_total{{{labels}}} {waited:g} {time_s}\n"

    def _values(self, board: Board, pod: Pod | None, time_s: int) -> dict[str, float]:
        kind = pod.kind if pod else "free"
        noise = self.rng.random()
        engine = {
            "free": 0.0,
            "idle": 0.03 * noise,
            "bursty": 0.0,
            "busy": 0.7 + 0.2 * noise,
            "memory": 0.9,
            "capped": 0.95,
        }
        active = engine[kind]
        if kind == "bursty" and (time_s // INTERVAL_S) % 3 == 0:
            active = 0.6
        used = {"free": 4, "idle": 2000, "bursty": 30000, "busy": 60000, "memory": 70000, "capped": 50000}[
            kind
        ]
        size = 80 * 1024 // (board.host.slices or 1)
        used = min(used, size - 100)
        return {
            TENSOR: active * (0.1 if kind == "memory" else 0.6),
            ENGINE: active,
            UTIL: round(active * 100),
            DRAM: 0.8 if kind == "memory" else active * 0.3,
            "DCGM_FI_DEV_FB_USED": used,
            "DCGM_FI_DEV_FB_FREE": size - used,
            "DCGM_FI_DEV_POWER_USAGE": 100 + 500 * active if not board.slice else 400,
        }


def _owners(pod: Pod) -> Iterator[str]:
    """Yield what kube-state-metrics would have told of a pod, of what owns it, and of what owns that."""
    space, rest = f'job="ksm",namespace="{pod.team}"', 'owner_is_controller="true"'
    between = {
        "eval": ("ReplicaSet", "replicaset", "Deployment"),
        "train-llm": ("Job", "job_name", "CronJob"),
    }
    kind, label, above = between.get(pod.workload, ("StatefulSet", "", ""))
    own = f"{pod.name}-x" if label else pod.owner
    for time_s in range(pod.start_s, pod.end_s, INTERVAL_S):
        who = f'{space},pod="{pod.name}",owner_kind="{kind}",owner_name="{own}",{rest}'
        yield f"kube_pod_owner{{{who}}} 1 {time_s}\n"
        if label:
            who = f'{space},{label}="{own}",owner_kind="{above}",owner_name="{pod.owner}",{rest}'
            yield f"kube_{label.removesuffix('_name')}_owner{{{who}}} 1 {time_s}\n"


def _length(pod: Pod) -> int:
    return pod.end_s - pod.start_s


def _places(host: Host) -> Iterator[tuple[int, str]]:
    for number in range(host.boards):
        parts = [str(part + 7) for part in range(host.slices)] or [""]
        for part in parts:
            yield number, part


def _labels(board: Board, pod: Pod | None) -> str:
    host = board.host
    found = {
        "job": f"dcgm-{host.spelling}",
        "instance": f"{host.name}:9400",
        "Hostname" if host.spelling == OLD else "hostname": host.name,
        "UUID": board.uuid,
        "modelName": host.model,
        "GPU_I_ID": board.slice,
    }
    before = "exported_" if host.spelling == OLD else ""
    if host.spelling == OLD:  # the labels of the scrape: the exporter's own pod
        found |= {"namespace": "gpu-operator", "pod": f"nvidia-dcgm-exporter-{host.name}"}
    if pod is not None:
        found |= {f"{before}namespace": pod.team, f"{before}pod": pod.name}
    return ",".join(f'{name}="{value}"' for name, value in found.items() if value)
