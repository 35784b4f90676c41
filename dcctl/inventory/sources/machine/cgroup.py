"""What the kernel's control groups tell: whose process it is, and how much of the machine it may use."""

from __future__ import annotations

import re

from dcctl.inventory.sources.machine.figures import number

# kubelet's systemd driver writes kubepods-burstable-pod<uid with _>.slice, its cgroupfs driver
# kubepods/burstable/ pod<uid>. The uid of a static pod is a hash without dashes.
_POD = re.compile(
    r"[-/]pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?=[./]|$)", re.MULTILINE
)
# Slurm: cgroup 1 /slurm[_node]/uid_1000/job_42/step_0, cgroup 2
# /system.slice/[node_]slurmstepd.scope/job_42/step_0.
_JOB = re.compile(r"slurm.*?/job_(\d+)(?:/|$)", re.MULTILINE)

_NO_LIMIT_BYTES = 1 << 60
"""cgroup 1 says `unlimited` by the largest multiple of the page size in 63 bits."""


def pod_uid(text: str | None) -> str | None:
    """UID of the pod that /proc/PID/cgroup names, with dashes; None outside of a pod."""
    found = _POD.search(text or "")
    return found[1].replace("_", "-") if found else None


def job_id(text: str | None) -> str | None:
    """Id of the Slurm job that /proc/PID/cgroup names; None outside of one."""
    found = _JOB.search(text or "")
    return found[1] if found else None


def cpu_limit_milli(text: str | None) -> int | None:
    """Thousandths of a CPU that `quota period` allows; None for no quota (`max`, -1) or no such text."""
    quota, period = ([number(word) for word in (text or "").split()] + [None, None])[:2]
    return quota * 1000 // period if quota is not None and period else None


def memory_limit_bytes(text: str | None) -> int | None:
    """Bytes that memory.max or memory.limit_in_bytes allows; None where there is no limit."""
    limit = number(text)
    return limit if limit is not None and limit < _NO_LIMIT_BYTES else None
