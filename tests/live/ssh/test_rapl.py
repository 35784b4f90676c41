"""RAPL of a node over real SSH: a fixture tree in place of /sys, whose counters grow meanwhile."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.sources.power.many import Asking
from dcctl.inventory.sources.rapl_over_ssh import RemoteRaplSource
from dcctl.inventory.sources.ssh.run import Target
from tests.unit.inventory.sources.power.test_rapl import ZONES, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dcctl.inventory.model import Fleet
    from tests.live.ssh.client import Client
    from tests.live.ssh.sshd import Sshd

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for mount namespaces")
RANGE = ZONES["intel-rapl:0"][1]
STEP_UJ, STEP_S = 20_000_000, 0.1
"""200 W of each domain."""
AS_NOBODY = 'setpriv --reuid=65534 --clear-groups sh -c "$SSH_ORIGINAL_COMMAND"'


def _inside(sys: Path) -> tuple[str, ...]:
    return ("unshare", "--mount", "sh", "-c", f'mount --bind {sys} /sys; exec "$0" "$@"')


def _asked(client: Client, *nodes: str, timeout_s: float = 60) -> Fleet:
    targets = [Target(node) for node in nodes]
    asking = Asking("rapl", "dc1", timeout_s=timeout_s, now=lambda: 1000.0)
    return RemoteRaplSource(targets, asking, client.overrides()).collect()


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Path]:
    """A tree whose counters grow at 200 W each; package-0 goes round, and core is a part of it."""
    stop = threading.Event()
    zones = ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:0:1")
    tree(tmp_path, dict.fromkeys(zones, RANGE - 15 * STEP_UJ))

    def count() -> None:
        files = [tmp_path / f"sys/class/powercap/{zone}/energy_uj" for zone in zones]
        steps = -15
        while not stop.wait(STEP_S):
            steps += 1
            for file in files:
                fresh = file.with_suffix(".new")
                fresh.write_text(f"{(steps * STEP_UJ) % RANGE}\n")
                fresh.replace(file)

    thread = threading.Thread(target=count)
    thread.start()
    yield tmp_path / "sys"
    stop.set()
    thread.join()


def test_packages_and_memory_of_a_node(client: Client, start: Callable[..., Sshd], counting: Path) -> None:
    (counting / "class/powercap/intel-rapl:0:1/max_energy_range_uj").write_text(f"{RANGE}\n")
    start(inside=_inside(counting))
    fleet = _asked(client, "node")
    assert fleet.gaps == ()
    (meter,) = fleet.meters
    assert (meter.name, meter.kind, meter.nodes, meter.site) == ("node", "rapl", "node", "dc1")
    assert meter.power_mw is not None
    assert 0 < meter.power_mw <= 480_000  # 400 W by a clock of Python's that may lag


def test_counters_for_root_alone_are_a_gap_that_says_so(
    client: Client, start: Callable[..., Sshd], tmp_path: Path
) -> None:
    tree(tmp_path, {"intel-rapl:0": 1})
    (tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj").chmod(0o400)
    start(inside=_inside(tmp_path / "sys"), options={"ForceCommand": AS_NOBODY})
    fleet = _asked(client, "node")
    assert fleet.meters == ()
    (gap,) = fleet.gaps
    assert (gap.cause, gap.node, "root" in gap.reason) == ("denied", "node", True)
    assert gap.hint.startswith("ssh root@node ")


def test_a_node_without_rapl_and_one_that_is_down_are_gaps(
    client: Client, start: Callable[..., Sshd], tmp_path: Path
) -> None:
    (tmp_path / "sys").mkdir()
    start(inside=_inside(tmp_path / "sys"))
    start("down").stop()
    causes = {gap.subject: gap.cause for gap in _asked(client, "node", "down").gaps}
    assert causes == {"node": "unsupported", "down": "unreachable"}


def test_a_node_that_hangs_is_cut_off_and_one_that_says_something_else_is_told(
    client: Client, start: Callable[..., Sshd]
) -> None:
    start("hangs", options={"ForceCommand": "sleep 30"})
    start("menu", options={"ForceCommand": "echo '@@rapl look 1.00'; echo no shell for you >&2; exit 1"})
    gaps = {gap.subject: gap for gap in _asked(client, "hangs", "menu", timeout_s=3).gaps}
    assert gaps["hangs"].cause == "timeout"
    assert "no shell for you" in gaps["menu"].reason
