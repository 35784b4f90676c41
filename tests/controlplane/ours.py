"""What dcctl answers for a pod, in words that can be held against those of kube-scheduler."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec.structs import replace

from dcctl.inventory.asked import Asked
from dcctl.inventory.sources.kubernetes.source import KubernetesSource
from dcctl.packing.choices import DEFAULT_POLICY
from dcctl.packing.greedy.engine import Put
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.reasons import Reason, words
from dcctl.packing.solve import engine_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.placement import Template
    from dcctl.packing.greedy.engine import Engine
    from dcctl.packing.problem import Problem
    from tests.controlplane.client import Json
    from tests.controlplane.plane import ControlPlane
    from tests.controlplane.witness import Verdict


class Observation(NamedTuple):
    """One pod: what the scheduler says, and what dcctl says."""

    pod: Json
    verdict: Verdict
    fits: frozenset[str]
    refused: Counter[str]
    why: dict[str, int]
    """By node, all reasons of dcctl."""

    def disagreement(self) -> str:
        """In words; empty: none."""
        found = ""
        if self.fits != self.verdict.fits:
            more, less = sorted(self.fits - self.verdict.fits), sorted(self.verdict.fits - self.fits)
            found = (
                f"only dcctl: {more}; only kube-scheduler: {[(one, *words(self.why[one])) for one in less]}"
            )
        elif not self.verdict.node and not same(self.verdict.refused, self.refused):
            found = f"{dict(self.refused)} is counted as {self.verdict.message}"
        return found and f"{self.pod['metadata']['name']} {self.pod['spec']}: {found}"

    def reasons(self) -> Iterator[Reason]:
        """Those for which some node is refused that nothing else keeps out: the rule alone decides there."""
        return (Reason(bits) for bits in self.why.values() if bits and not bits & (bits - 1))


_PLACE = ("cordoned", "taint", "labels", "named")


def same(theirs: Counter[str], ours: Counter[str]) -> bool:
    """Whether the counts agree; nodes that are told by name are never asked for taints."""
    if "named" in theirs:
        theirs, ours = _joined(theirs), _joined(ours)
    return theirs == ours


def _joined(counts: Counter[str]) -> Counter[str]:
    joined = Counter({word: count for word, count in counts.items() if word not in _PLACE})
    joined["place"] = sum(counts[word] for word in _PLACE)
    return joined


_FILTERS: tuple[tuple[str, Reason], ...] = (
    ("cordoned", Reason.CORDONED),
    ("taint", Reason.TAINT | Reason.NOT_READY),
    ("labels", Reason.LABELS),
    ("port", Reason.PORT),
)
"""The filters in the order in which the scheduler asks them; amounts come next, all of a node at once."""
_AMOUNTS = (
    Reason.CPU | Reason.MEMORY | Reason.STORAGE | Reason.PODS | Reason.RESOURCE
    | Reason.NO_DEVICES | Reason.MODEL | Reason.REPLICA | Reason.DEVICES | Reason.SHARE
)  # fmt: skip
_LAST: tuple[tuple[str, Reason], ...] = (
    ("spread", Reason.SPREAD),
    ("together", Reason.TOGETHER),
    ("apart", Reason.APART),
)
_NAMES = {"cpu_milli": "cpu", "memory_bytes": "memory", "storage_bytes": "ephemeral-storage"}


class Ours:
    """What dcctl knows: read from the API once, then kept up with what the scheduler does."""

    def __init__(self, plane: ControlPlane) -> None:
        fleet = KubernetesSource("kubernetes:test", str(plane.kubeconfig())).collect()
        assert fleet.gaps == ()
        self.problem: Problem = problem_of(fleet, fleet.nodes, Asked(), pending=True)
        assert self.problem.unreadable == ()
        self.engine: Engine = engine_of(self.problem, DEFAULT_POLICY)
        self.names = [one.name for one in self.problem.bins]
        self.classes = {
            name: task.of for job in self.problem.jobs for task in job.tasks for name in task.members
        }
        self.stands = {one.member: (one.of, Put(one.bin, one.devices)) for one in self.problem.held}

    def put(self, name: str, node: str) -> None:
        of = self.classes[name]
        self.stands[name] = of, self.engine.put_in(of, self.names.index(node))

    def take(self, name: str) -> None:
        self.engine.take(*self.stands.pop(name))

    def observe(self, pod: Json, verdict: Verdict) -> Observation:
        of = self.classes[pod["metadata"]["name"]]
        bits = self.engine.refusals(of).tolist()
        fits = frozenset(name for name, bit in zip(self.names, bits, strict=True) if not bit)
        why = dict(zip(self.names, bits, strict=True))
        return Observation(pod, verdict, fits, self.refused(of, bits), why)

    def refused(self, of: int, bits: list[int]) -> Counter[str]:
        """Nodes by what refuses them first, as the scheduler counts them."""
        found: Counter[str] = Counter()
        for at, bit in enumerate(bits):
            word = next((word for word, reason in _FILTERS if bit & reason), "")
            if word:
                found[word] += 1
            elif bit & _AMOUNTS:
                found.update(self._short_of(of, at) or words(bit))
            elif bit:
                found[next((word for word, reason in _LAST if bit & reason), words(bit)[0])] += 1
        return found

    def _short_of(self, of: int, at: int) -> list[str]:
        """Names of amounts of which too little is free."""
        free, amounts = self.engine.state.free[at], self.engine.items.wanted[of].need.amounts
        names = zip(self.problem.space.dimensions, free.tolist(), amounts, strict=True)
        return [_NAMES.get(name, name) for name, left, wanted in names if wanted and left < wanted]

    def known(self) -> dict[object, dict[str, int]]:
        """The reasons of every node, by what is asked for."""
        found: dict[object, dict[str, int]] = {}
        for of, one in enumerate(self.problem.classes):
            asked = {
                name: amount
                for name, amount in zip(self.problem.space.dimensions, one.need.amounts, strict=True)
                if amount
            }
            key = (tuple(asked.items()), repr(_before(one.template)))
            found[key] = dict(zip(self.names, self.engine.refusals(of).tolist(), strict=True))
        return found

    def share(self) -> float:
        """Of all processors, what is promised."""
        total = np.array([one.total[0] for one in self.problem.bins])
        return float(1 - self.engine.state.free[:, 0].sum() / total.sum())


def _before(template: Template) -> Template:
    """As it was before the pod had a node: gated, and without the labels that tell where the node is."""
    labels = {key: value for key, value in template.labels.items() if not key.startswith("topology.")}
    return replace(template, gates=(), labels=labels)


def agree(kept: Ours, read: Ours) -> None:
    """What was kept up to date is what the API tells."""
    assert set(kept.stands) == set(read.stands)
    there = read.known()
    shared = {key: answers for key, answers in kept.known().items() if key in there}
    assert len(shared) > 10 or len(kept.stands) < 30
    for key, answers in shared.items():
        assert answers == there[key], key
