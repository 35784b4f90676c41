"""What kube-state-metrics would have told: nodes, pods, requests, phases; and which nodes were stranded."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.live.prometheus.cluster import HOUR_S, INTERVAL_S

if TYPE_CHECKING:
    from collections.abc import Iterator

GPU = "nvidia_com_gpu"
GIB = 1 << 30


@dataclass(frozen=True)
class Asked:
    """One pod: what it requests, where it is, and its phase from a time on."""

    name: str
    node: str
    gpus: int
    cpus: float
    memory: int
    phases: tuple[tuple[int, str], ...]
    """(from when, phase); the last lasts to the end."""
    namespace: str = "nlp"


class Nodes:
    """Twenty nodes of 8 accelerators, 64 CPUs and 512 GiB; of some, other pods take what is needed."""

    def __init__(self, start_s: int, end_s: int, seed: int = 2) -> None:
        self.start_s, self.end_s, rng = start_s, end_s, random.Random(seed)
        self.pods: list[Asked] = []
        self.stranded: dict[str, int] = {}
        """Seconds in which free accelerators were of no use, over all of them, by node."""
        for number in range(20):
            self._node(f"kube{number:02d}", number % 5, rng)
        queued = rng.randrange(1, 5)
        for number in range(queued):
            phases = ((start_s, "Pending"), ((start_s + end_s) // 2 // HOUR_S * HOUR_S, "Running"))
            self.pods.append(Asked(f"wait-{number}", "", 4, 1, GIB, phases, "bio"))
        self.queue = 4 * queued

    def _node(self, name: str, kind: int, rng: random.Random) -> None:
        always = ((self.start_s, "Running"),)
        held = rng.randrange(0, 6)
        self.pods.append(Asked(f"train-{name}", name, held, 2 * held, held * GIB, always))
        free = 8 - held
        begin = self.start_s + rng.randrange(1, 30) * HOUR_S
        length = rng.randrange(30, 90) * HOUR_S
        then = min(begin + length, self.end_s)
        phases = ((begin, "Running"), (then, "Succeeded"))
        if kind == 1:  # CPUs are spent for a time, then the pod is Completed and still told of
            self.pods.append(Asked(f"etl-{name}", name, 0, 64 - 2 * held - 2, GIB, phases))
            self.stranded[name] = free * (then - begin)
        elif kind == 2:  # memory
            self.pods.append(Asked(f"cache-{name}", name, 0, 1, (512 - held - 8) * GIB, phases))
            self.stranded[name] = free * (then - begin)
        elif kind == 3:  # completed all the time: holds nothing
            self.pods.append(Asked(f"done-{name}", name, 0, 60, 400 * GIB, ((self.start_s, "Succeeded"),)))
        elif kind == 4:  # all accelerators held: nothing to strand
            self.pods.append(Asked(f"full-{name}", name, free, 60 - 2 * held, GIB, always))

    def samples(self) -> Iterator[str]:
        """Yield lines of OpenMetrics."""
        for time_s in range(self.start_s, self.end_s + 1, INTERVAL_S):
            for number in range(20):
                for resource, amount in ((GPU, 8), ("cpu", 64), ("memory", 512 * GIB)):
                    labels = f'node="kube{number:02d}",resource="{resource}",job="ksm"'
                    yield f"kube_node_status_allocatable{{{labels}}} {amount} {time_s}\n"
            for pod in self.pods:
                yield from _pod(pod, time_s)


def _pod(pod: Asked, time_s: int) -> Iterator[str]:
    now = [phase for since, phase in pod.phases if since < time_s]
    if not now:
        return
    who = f'namespace="{pod.namespace}",pod="{pod.name}",job="ksm"'
    for phase in ("Pending", "Running", "Succeeded"):
        yield f'kube_pod_status_phase{{{who},phase="{phase}"}} {int(phase == now[-1])} {time_s}\n'
    amounts = ((GPU, pod.gpus), ("cpu", pod.cpus), ("memory", pod.memory))
    for resource, amount in amounts:
        if amount:
            where = f'{who},container="main",node="{pod.node}",resource="{resource}"'
            yield f"kube_pod_container_resource_requests{{{where}}} {amount} {time_s}\n"
