"""However the tests end, and whatever dies meanwhile, no process of the control plane is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane.plane import ControlPlane
from tests.controlplane.process import PlaneError, process_exists, wait_until

ROOT = Path(__file__).resolve().parents[2]
OWNER = """
import sys
from pathlib import Path
from tests.controlplane.plane import ControlPlane
with ControlPlane(Path(sys.argv[1])) as plane:
    print(plane.folder, *plane.pids.values(), flush=True)
    sys.stdin.read()
"""


def test_a_failing_test_leaves_neither_process_nor_file(binaries: Path) -> None:
    control = ControlPlane(binaries)
    pids: dict[str, int] = {}

    def session() -> None:
        with control:
            pids.update(control.pids)
            assert all(process_exists(pid) for pid in pids.values())
            raise LookupError

    with pytest.raises(LookupError):
        session()
    assert set(pids) == {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}
    assert not any(process_exists(pid) for pid in pids.values())
    assert not control.folder.exists()


def test_a_component_that_dies_ends_the_wait_with_its_name(binaries: Path) -> None:
    with ControlPlane(binaries) as control:
        os.kill(control.pids["kube-scheduler"], signal.SIGKILL)
        with pytest.raises(PlaneError, match="kube-scheduler died"):
            control.wait_for(lambda: False, 60, "what never comes")


def test_a_component_that_cannot_start_shows_its_log(binaries: Path, tmp_path: Path) -> None:
    for each in binaries.iterdir():
        (tmp_path / each.name).symlink_to(each)
    broken = tmp_path / "kube-apiserver"
    broken.unlink()
    broken.write_text("#!/bin/sh\necho no such flag >&2\nexit 3\n")
    broken.chmod(0o755)
    control = ControlPlane(tmp_path)
    with pytest.raises(PlaneError, match=r"kube-apiserver ended with 3 while starting:\nno such flag"):
        control.__enter__()
    assert control.pids == {}
    assert not control.folder.exists()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is not on this machine")
def test_kill_9_of_the_tests_kills_the_servers(binaries: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(binaries)]
    owner = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert owner.stdout is not None
    folder, *pids = owner.stdout.readline().decode().split()
    owner.kill()
    owner.communicate()
    assert len(pids) == 5
    try:
        wait_until(lambda: not any(alive(int(pid)) for pid in pids), 30, "the servers are gone")
    finally:
        for pid in filter(alive, map(int, pids)):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder)


def alive(pid: int) -> bool:
    """Returns whether the process still runs; a zombie waits for init and runs nothing."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
