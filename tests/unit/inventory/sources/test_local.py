"""The local source on trees of /proc and /sys, and on this very machine."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dcctl.inventory.model import Disk, Mount, Node, NodeUse, Pcie, Resources
from dcctl.inventory.probes.rules import aliases, count_list
from dcctl.inventory.sources.local.source import LocalSource

DATA = Path(__file__).parents[3] / "data" / "local"


def _grow(tree: Path, root: Path) -> None:
    """Make the files and links that a .tree file lists."""
    for line in tree.read_text().splitlines():
        if line.startswith("#"):
            continue
        path, tab, contents = line.partition("\t")
        path, _, target = path.partition(" -> ")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if tab:
            (root / path).write_bytes(contents.encode().decode("unicode_escape").encode())
        else:
            (root / path).symlink_to(target)


def _measure(path: str) -> tuple[int, int]:
    if path == "/lustre":
        raise PermissionError(13, "Permission denied")
    return 1000 * len(path), 10 * len(path)


@pytest.fixture
def hgx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalSource:
    _grow(DATA / "hgx.tree", tmp_path)
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))
    return LocalSource(tmp_path, measure=_measure)


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalSource:
    _grow(DATA / "container.tree", tmp_path)
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))
    return LocalSource(tmp_path, measure=_measure)


def _node(source: LocalSource) -> Node:
    return source.collect().nodes[0]


def test_identity_and_system(hgx: LocalSource) -> None:
    node = _node(hgx)
    assert (node.name, node.aliases) == ("gpu017", ("gpu017.dc1.example.org",))
    assert node.system_uuid == "4c4c4544-0042-3510-8054-b7c04f503733"
    system = node.system
    assert system is not None
    assert (system.vendor, system.product, system.serial) == (
        "Supermicro",
        "SYS-821GE-TNHR",
        "S514359X3A01234",
    )
    assert system.cpu_model == "Intel(R) Xeon(R) Platinum 8480C"
    assert (system.sockets, system.cores, system.threads, system.numa_nodes) == (2, 4, 8, 2)
    assert (system.kernel, system.os, system.uptime_s) == (
        "5.15.0-105-generic",
        "Ubuntu 22.04.4 LTS",
        5702400,
    )


def test_capacity_and_use(hgx: LocalSource) -> None:
    node = _node(hgx)
    assert node.capacity == Resources(cpu_milli=8000, memory_bytes=2113395712 << 10, storage_bytes=1000)
    assert node.allocatable is None
    assert node.use == NodeUse(
        memory_bytes=(2113395712 - 2000000000) << 10,
        load1_milli=12340,
        cpu_pressure_milli=25,
        memory_pressure_milli=0,
        io_pressure_milli=120,
    ), "a /proc/stat that stands still says nothing of the processors"


def test_network_ports(hgx: LocalSource) -> None:
    nics = {nic.name: nic for nic in _node(hgx).nics or ()}
    assert list(nics) == ["bond0", "eno1", "ens1", "ib0", "mlx5_2/1"], (
        "no lo, bridge, veth or virtual function"
    )
    ib = nics["ib0"]
    assert (ib.kind, ib.up, ib.speed_bps, ib.mac) == ("infiniband", True, 400_000_000_000, None)
    assert (ib.guid, ib.firmware, ib.driver) == ("0xb83fd20300a1b2c5", "28.39.3004", "mlx5_core")
    assert (ib.rx_bytes, ib.tx_bytes, ib.rx_errors) == (4000, 8000, 7), (
        "InfiniBand counts words of four bytes"
    )
    assert (ib.pci_address, ib.numa_node, ib.mtu_bytes) == ("0000:5e:00.0", 0, 4092)
    assert (nics["ens1"].kind, nics["ens1"].speed_bps) == ("roce", 200_000_000_000)
    assert (nics["eno1"].kind, nics["eno1"].tx_errors, nics["eno1"].driver) == ("ethernet", 3, "ice")
    down = nics["mlx5_2/1"]
    assert (down.kind, down.up, down.guid, down.numa_node) == (
        "infiniband",
        False,
        "0xb83fd20300a1b2c4",
        None,
    )


def test_disks(hgx: LocalSource) -> None:
    assert _node(hgx).disks == (
        Disk("nvme0n1", 3750748848 * 512, "SAMSUNG MZQL21T9HCJR-00A07", rotational=False, kind="nvme"),
        Disk("sda", 7814037168 * 512, "ST4000NM0035", rotational=True, kind="hdd"),
        Disk("sdb", 937703088 * 512, "MICRON_5300", rotational=False, kind="ssd"),
    )


def test_mounts_and_a_gap_for_the_one_that_refuses(hgx: LocalSource) -> None:
    fleet = hgx.collect()
    assert [(mount.path, mount.size_bytes) for mount in fleet.nodes[0].mounts or ()] == [
        ("/", 1000),
        ("/boot/efi", 9000),
        ("/ckpt", 5000),
        ("/data", 5000),
        ("/lustre", None),
        ("/raid", 5000),
    ]
    (gap,) = fleet.gaps
    assert (gap.subject, gap.cause, gap.reason) == ("gpu017 mount /lustre", "denied", "Permission denied")


def test_boards_on_the_bus_are_counted_and_left_to_nvml(hgx: LocalSource) -> None:
    node = _node(hgx)
    assert node.accelerator_counts == {"pci": 4}, "neither the NVSwitch nor the console of the BMC"
    assert node.accelerators is None


def test_a_container_reports_the_machine_and_its_own_limits(container: LocalSource) -> None:
    node = _node(container)
    assert node.capacity is not None
    assert (node.capacity.cpu_milli, node.capacity.memory_bytes) == (64_000, 263000000 << 10)
    assert node.allocatable == Resources(cpu_milli=4000, memory_bytes=32 << 30)
    assert node.nics is None, "a container sees its own veth and no port of the machine"
    assert node.mounts == (Mount("/", "overlay", "overlay", 1000, 10),)
    assert node.system is not None
    assert (node.system_uuid, node.system.product) == (None, None), (
        "what firmware writes when nobody filled it in"
    )
    assert (node.system.sockets, node.use and node.use.cpu_milli) == (None, None)


def test_boards_of_other_vendors_are_what_the_bus_tells(container: LocalSource) -> None:
    boards = _node(container).accelerators or ()
    assert [(board.vendor, board.resource, board.numa_node) for board in boards] == [
        ("amd", "amd.com/gpu", 0),
        ("amd", "amd.com/gpu", 1),
    ]
    assert boards[0].pcie == Pcie("0000:11:00.0", generation=4, width=16, max_generation=5, max_width=16)


def test_an_empty_tree_gives_a_node_of_which_nothing_is_known(tmp_path: Path) -> None:
    node = LocalSource(tmp_path, measure=_measure).collect().nodes[0]
    assert node.name == "localhost"
    assert (node.nics, node.disks, node.accelerators, node.system_uuid) == (None,) * 4
    assert node.accelerator_counts == {}


def test_this_machine() -> None:
    fleet = LocalSource().collect()
    node = fleet.nodes[0]
    assert node.name == socket.gethostname()
    assert node.capacity is not None
    assert node.system is not None
    assert node.use is not None
    assert node.capacity.memory_bytes == psutil.virtual_memory().total
    assert node.system.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert node.system.kernel == os.uname().release
    assert node.capacity.cpu_milli is not None
    assert node.use.cpu_milli is None or 0 <= node.use.cpu_milli <= node.capacity.cpu_milli
    root = {mount.path: mount for mount in node.mounts or ()}["/"]
    assert root.size_bytes == psutil.disk_usage("/").total


def test_importing_the_sources_loads_no_sdk() -> None:
    code = (
        "import sys, dcctl.inventory.sources.local.source, dcctl.inventory.sources.nvml.source\n"
        "print({'psutil', 'pynvml', 'ctypes'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("hostname", "hosts", "expected"),
    [
        ("n1", "", ()),
        ("n1.example.org", "", ("n1",)),
        (
            "n1",
            "10.0.0.1 n1.example.org n1\n# 10.0.0.2 n1.old.org n1\n10.0.0.3 n10.example.org n10",
            ("n1.example.org",),
        ),
        ("", "127.0.0.1 localhost", ()),
    ],
)
def test_aliases_need_no_name_server(hostname: str, hosts: str, expected: tuple[str, ...]) -> None:
    assert tuple(aliases(hostname, hosts)) == expected


@pytest.mark.parametrize(
    ("listed", "count"),
    [("0-127", 128), ("0", 1), ("0-3,8-11,16", 9), ("", None), (None, None), ("a-b", None)],
)
def test_kernel_lists_are_counted(listed: str | None, count: int | None) -> None:
    assert count_list(listed) == count
