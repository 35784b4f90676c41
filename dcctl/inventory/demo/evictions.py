"""What an eviction would do to the work of the demo fleet, and when each training last saved itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.disruption import Disruption
from dcctl.inventory.placement import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.model import Workload

_CONTROLLERS: Mapping[str, str] = {
    "Deployment": "ReplicaSet",
    "JobSet": "Job",
    "LeaderWorkerSet": "StatefulSet",
    "VolcanoJob": "Job",
}
"""Kind of work -> what makes its pods, where that is not the work itself."""
_TRACKED = ("batch.kubernetes.io/job-tracking",)
_GRACE_S = 30
_TRAINING = Disruption(scratch="memory", grace_s=120)
"""Its workers share memory through /dev/shm."""


def _signalled(folder: str) -> Disruption:
    """A training that writes a checkpoint when it is told by a signal."""
    return replace(
        _TRAINING, grace_s=300, checkpoint="signal USR1", proof=f"file /ckpt/{folder}/latest", patience="10m"
    )


_OWN: Mapping[str, Disruption] = {
    "pretrain/llama-70b": _signalled("llama-70b"),
    "pretrain/moe-8x22b": _signalled("moe-8x22b"),
    "code/starling-sft": replace(_TRAINING, checkpoint="http POST :8265/checkpoint", patience="5m"),
    "speech/asr-finetune": replace(_TRAINING, when_drained="wait 12h"),
    "vision/vlm-stage2": replace(_TRAINING, protected=("karpenter.sh/do-not-disrupt=true",)),
    "rl/ppo-lab": replace(
        _TRAINING,
        checkpoint="annotation ppo.example.com/save=now",
        proof="annotation ppo.example.com/saved",
        patience="5m",
    ),
    "nlp/lora-grid": replace(_TRAINING, when_drained="wait 8h then evict"),
    "vision/eval-sweep": replace(_TRAINING, when_drained="wait 4h"),
    "nlp/notebook-7": Disruption(scratch="disk"),
    "bio/fold-screen": replace(_TRAINING, checkpoint="exec /opt/fold/save", proof="exit", patience="10m"),
    "chat/llama-405b": Disruption(scratch="memory", grace_s=300),
    "chat/llama-405b-standby": Disruption(scratch="memory", grace_s=300),
    "vision/ocr-batch": Disruption(when_drained="wait 4h"),
    "qa/regression": Disruption(when_drained="wait 4h"),
    "nlp/pangu-tune": replace(_TRAINING, checkpoint="exec /opt/tune/save", proof="exit", patience="10m"),
    "monitoring/prometheus": Disruption(grace_s=600),
    "moe/moe-pilot": _signalled("moe-pilot"),
    "bio/dock-grid": _TRAINING,
}
"""What is special about it, by id of the work."""
_SCRATCH = "notebooks-17"
"""One notebook of a course has files on the disk of its node."""
_CHECKPOINTED_MINUTES: Mapping[str, int] = {
    "pretrain/llama-70b": 14,
    "pretrain/moe-8x22b": 25,
    "code/starling-sft": 8,
    "rl/ppo-lab": 31,
    "bio/fold-screen": 42,
    "nlp/pangu-tune": 19,
}
"""How long ago the last checkpoint was written. Of vision/vlm-stage2 nobody tells of any."""


class Evictions:
    """The disruptions of the work, each once, while the work is told one after the other."""

    def __init__(self, now_s: int) -> None:
        self._now_s = now_s
        self._keys: dict[Disruption, str] = {}

    def told(self, work: Workload) -> Workload:
        """The work with what evictions do to its members, and with its last checkpoint."""
        usual = _of_work(work)
        minutes = _CHECKPOINTED_MINUTES.get(work.id)
        members = (
            replace(
                one, disruption=self._key(replace(usual, scratch="disk") if one.name == _SCRATCH else usual)
            )
            for one in work.members
        )
        return replace(
            work,
            members=tuple(members),
            checkpointed_at_s=None if minutes is None else self._now_s - minutes * 60,
        )

    def found(self) -> dict[str, Disruption]:
        """By key, in their order."""
        return dict(sorted((key, one) for one, key in self._keys.items()))

    def _key(self, one: Disruption) -> str:
        key = self._keys.get(one)
        if key is None:
            key = self._keys[one] = key_of(one)
        return key


def _of_work(work: Workload) -> Disruption:
    """What an eviction does to any member of the work."""
    own = _OWN.get(work.id, Disruption())
    return replace(
        own,
        controller=_CONTROLLERS.get(work.kind, work.kind),
        grace_s=own.grace_s or _GRACE_S,
        budgets=tuple(one.name for one in work.budgets),
        finalizers=_TRACKED if work.kind in ("Job", "JobSet") else (),
    )
