"""The work of the demo fleet, as a table: who runs what, where, for how long, and how hard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Effort: TypeAlias = Literal["hard", "serving", "light", "idle"]


@dataclass(frozen=True, slots=True)
class Job:
    """One workload. `where` are the numbers of its nodes; `each` the devices per member."""

    id: str
    kind: str
    owner: str
    prefix: str
    where: tuple[int, ...]
    each: int
    per_node: int = 1
    """Members on each node."""
    cpus: int = 24
    """Per device."""
    memory_gib: int = 200
    """Per device."""
    hours: int = 24
    """Since it started."""
    effort: Effort = "hard"
    gang: bool = False
    priority: int = 0
    allowed: int | None = None
    """Members that its disruption budget lets go; None: it has no budget."""


def _nodes(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


TRAINING: tuple[Job, ...] = (
    Job(
        "pretrain/llama-70b",
        "PyTorchJob",
        "foundation",
        "gpu",
        _nodes(1, 32),
        8,
        hours=266,
        gang=True,
        priority=100,
    ),
    Job(
        "pretrain/moe-8x22b",
        "PyTorchJob",
        "foundation",
        "gpu",
        _nodes(33, 48),
        8,
        hours=91,
        gang=True,
        priority=90,
    ),
    Job("code/starling-sft", "RayCluster", "code", "gpu", (49,), 8, hours=7, gang=True),
    Job("speech/asr-finetune", "JobSet", "speech", "gpu", _nodes(50, 57), 2, per_node=3, hours=15),
    Job(
        "vision/vlm-stage2",
        "PyTorchJob",
        "vision",
        "gpu",
        _nodes(58, 73),
        8,
        hours=40,
        gang=True,
        priority=80,
    ),
    Job("rl/ppo-lab", "RayCluster", "alignment", "gpu", _nodes(74, 81), 8, hours=12, gang=True),
    Job(
        "nlp/lora-grid",
        "JobSet",
        "nlp",
        "gpu",
        _nodes(82, 85),
        2,
        per_node=4,
        hours=5,
        cpus=16,
        memory_gib=120,
    ),
    Job("vision/eval-sweep", "Job", "vision", "gpu", _nodes(86, 87), 8, hours=3, effort="idle"),
    Job("nlp/notebook-7", "StatefulSet", "lin.wei", "gpu", (88,), 8, hours=26, effort="idle"),
    Job("bio/fold-screen", "VolcanoJob", "bio", "gpu", _nodes(89, 90), 8, hours=61, gang=True),
)

SERVING: tuple[Job, ...] = (
    Job(
        "chat/llama-405b",
        "LeaderWorkerSet",
        "chat",
        "gpu",
        _nodes(97, 102),
        8,
        cpus=16,
        hours=700,
        effort="serving",
        gang=True,
        priority=1000,
        allowed=1,
    ),
    Job(
        "chat/llama-405b-standby",
        "LeaderWorkerSet",
        "chat",
        "gpu",
        (103,),
        8,
        cpus=16,
        hours=700,
        effort="idle",
        allowed=1,
    ),
    Job(
        "search/rerank-canary",
        "Deployment",
        "search",
        "gpu",
        (104,),
        8,
        cpus=16,
        hours=76,
        effort="idle",
        allowed=1,
    ),
    Job(
        "code/complete-34b",
        "Deployment",
        "code",
        "gpu",
        _nodes(105, 106),
        2,
        per_node=4,
        cpus=12,
        hours=312,
        effort="serving",
        priority=1000,
        allowed=1,
    ),
    Job(
        "edu/notebooks",
        "StatefulSet",
        "education",
        "gpu",
        _nodes(109, 111),
        1,
        per_node=20,
        cpus=2,
        memory_gib=12,
        hours=30,
        effort="light",
    ),
    Job(
        "search/embed-v2",
        "Deployment",
        "search",
        "gpu",
        _nodes(113, 115),
        1,
        per_node=8,
        cpus=8,
        memory_gib=48,
        hours=410,
        effort="serving",
        priority=1000,
        allowed=3,
    ),
    Job(
        "ads/embed-v1",
        "Deployment",
        "ads",
        "gpu",
        (116,),
        1,
        per_node=6,
        cpus=8,
        memory_gib=48,
        hours=1900,
        effort="idle",
        allowed=2,
    ),
    Job(
        "vision/ocr-batch",
        "Job",
        "vision",
        "gpu",
        (117,),
        1,
        per_node=4,
        cpus=8,
        memory_gib=48,
        hours=9,
        effort="idle",
    ),
    Job(
        "nlp/translate-old",
        "Deployment",
        "nlp",
        "gpu",
        (117,),
        1,
        per_node=3,
        cpus=8,
        memory_gib=48,
        hours=2600,
        effort="idle",
        allowed=0,
    ),
    Job(
        "video/caption",
        "Deployment",
        "video",
        "gpu",
        (119,),
        1,
        per_node=13,
        cpus=8,
        memory_gib=48,
        hours=188,
        effort="serving",
        priority=1000,
        allowed=2,
    ),
    Job(
        "qa/regression",
        "Job",
        "platform",
        "gpu",
        (120,),
        1,
        per_node=3,
        cpus=8,
        memory_gib=48,
        hours=4,
        effort="idle",
    ),
    Job(
        "search/rank-small",
        "Deployment",
        "search",
        "gpu",
        _nodes(121, 122),
        1,
        per_node=44,
        cpus=1,
        memory_gib=8,
        hours=530,
        effort="serving",
        priority=1000,
        allowed=8,
    ),
    Job(
        "edu/notebook-lab",
        "StatefulSet",
        "education",
        "gpu",
        (123,),
        1,
        per_node=35,
        cpus=1,
        memory_gib=8,
        hours=50,
        effort="idle",
    ),
    Job(
        "fraud/score",
        "Deployment",
        "risk",
        "gpu",
        (125,),
        1,
        per_node=9,
        cpus=4,
        memory_gib=32,
        hours=240,
        effort="serving",
        priority=1000,
        allowed=1,
    ),
    Job("nlp/pangu-tune", "VolcanoJob", "nlp", "npu", (1,), 8, cpus=22, memory_gib=150, hours=19, gang=True),
)

PLAIN: tuple[tuple[str, str, str, tuple[int, ...], int, int, int], ...] = (
    ("data/tokenize", "Job", "data", _nodes(50, 57), 75_000, 192, 6),
    ("ingress/gateway", "Deployment", "platform", (97, 105, 113), 8_000, 16, 900),
    ("monitoring/prometheus", "StatefulSet", "platform", (98, 106), 16_000, 128, 2100),
)
"""Work without accelerators: id, kind, owner, nodes, CPU in thousandths, memory in GiB, hours."""

DAEMONS: tuple[tuple[str, int, int], ...] = (
    ("kube-system/cilium", 300, 512),
    ("kube-system/device-plugin", 50, 64),
    ("monitoring/node-exporter", 100, 128),
    ("monitoring/dcgm-exporter", 200, 512),
)
"""On every node: id, CPU in thousandths, memory in MiB."""

QUEUED: tuple[tuple[str, str, str, int, int, int, int], ...] = (
    ("moe/moe-pilot", "PyTorchJob", "foundation", 8, 8, 2, 90),
    ("chat/draft-model", "Deployment", "chat", 2, 4, 1, 0),
    ("bio/dock-grid", "VolcanoJob", "bio", 6, 8, 14, 0),
)
"""Waiting for room: id, kind, owner, members, devices of each, hours, priority."""

LIMIT_HOURS: Mapping[str, int] = {
    "pretrain/llama-70b": 336,
    "pretrain/moe-8x22b": 168,
    "speech/asr-finetune": 24,
    "vision/vlm-stage2": 72,
    "nlp/lora-grid": 12,
    "vision/eval-sweep": 6,
    "bio/fold-screen": 96,
    "vision/ocr-batch": 12,
    "qa/regression": 6,
    "nlp/pangu-tune": 48,
    "data/tokenize": 12,
    "moe/moe-pilot": 24,
    "bio/dock-grid": 36,
}
"""How long batch work may run: id, hours. What serves, and a notebook, runs for as long as it is wanted."""
