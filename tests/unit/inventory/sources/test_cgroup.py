"""Owners and limits in control groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.sources.machine.cgroup import cpu_limit_milli, job_id, memory_limit_bytes, pod_uid

UID = "0f3c1a2b-1c2d-3e4f-5a6b-7c8d9e0f1a2b"


@pytest.mark.parametrize(
    "line",
    [
        f"0::/kubepods.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice/cri-containerd-1.scope",
        f"4:memory:/kubepods/besteffort/pod{UID}/0123456789abcdef",
        f"0::/../kubelet-kubepods-pod{UID.replace('-', '_')}.slice",
    ],
)
def test_the_pod_is_found_under_every_driver(line: str) -> None:
    assert pod_uid(f"1:name=systemd:/init.scope\n{line}\n") == UID


def test_a_static_pod_has_a_hash_for_its_uid() -> None:
    assert (
        pod_uid("0::/kubepods/pod3b9a1f0c2d4e5f60718293a4b5c6d7e8/abc") == "3b9a1f0c2d4e5f60718293a4b5c6d7e8"
    )


@pytest.mark.parametrize(
    ("line", "job"),
    [
        ("0::/system.slice/slurmstepd.scope/job_42/step_batch/user/task_0", "42"),
        ("0::/system.slice/gpu017_slurmstepd.scope/job_7/step_0", "7"),
        ("9:memory:/slurm/uid_1000/job_123/step_0", "123"),
        ("9:memory:/slurm_gpu017/uid_0/job_5", "5"),
        ("0::/user.slice/job_99/x", None),
        ("0::/system.slice/slurmd.service", None),
    ],
)
def test_the_job_is_found_in_both_hierarchies(line: str, job: str | None) -> None:
    assert job_id(line) == job


def test_a_process_outside_has_no_owner() -> None:
    assert (pod_uid("0::/user.slice/user-0.slice/session-1.scope"), job_id(""), pod_uid(None)) == (None,) * 3


@given(st.text(max_size=200))
def test_limits_are_never_guessed(text: str) -> None:
    for limit in (cpu_limit_milli(text), memory_limit_bytes(text)):
        assert limit is None or limit >= 0


@pytest.mark.parametrize(
    ("text", "milli"),
    [
        ("400000 100000", 4000),
        ("50000 100000\n", 500),
        ("max 100000", None),
        ("-1 100000", None),
        ("1 0", None),
    ],
)
def test_a_quota_is_thousandths_of_a_cpu(text: str, milli: int | None) -> None:
    assert cpu_limit_milli(text) == milli


@pytest.mark.parametrize(
    ("text", "limit"), [("34359738368\n", 32 << 30), ("max", None), ("9223372036854771712", None)]
)
def test_a_memory_limit_is_bytes_and_the_largest_number_is_none(text: str, limit: int | None) -> None:
    assert memory_limit_bytes(text) == limit
