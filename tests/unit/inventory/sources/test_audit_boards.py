"""Boards, their node and its ports out of the answer of a probe; texts as the tools print them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dcctl.inventory.evidence.boards import Service
from dcctl.inventory.sources.machine.facts import Facts, PciFacts
from dcctl.inventory.sources.nvml.facts import NvmlDocument, NvmlError, NvmlGpu, NvmlLink
from dcctl.inventory.sources.ssh.audit.boards import acs_redirects, board_evidence
from dcctl.inventory.sources.ssh.audit.gather import NodeAnswer
from dcctl.inventory.sources.ssh.audit.ports import far_ends
from dcctl.inventory.sources.ssh.audit.told import Told, Untold

NOW_S, UP_S = 1_763_800_000, 100_000
UNITS = """\
Id=nvidia-fabricmanager.service
LoadState=loaded
ActiveState=failed
StateChangeTimestampMonotonic=61000000

Id=nvidia-persistenced.service
LoadState=loaded
ActiveState=active
StateChangeTimestampMonotonic=31000000

Id=nvidia-imex.service
LoadState=not-found
ActiveState=inactive
StateChangeTimestampMonotonic=0
"""
BRIDGES = """\
0000:3a:00.0 PCI bridge: Intel Corporation Device 352a (rev 04) (prog-if 00 [Normal decode])
\tCapabilities: [148 v1] Access Control Services
\t\tACSCap:\tSrcValid+ TransBlk+ ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-
\t\tACSCtl:\tSrcValid+ TransBlk- ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-
0000:3c:00.0 PCI bridge: Broadcom / LSI PEX890xx PCIe Gen 5 Switch (rev b0) (prog-if 00 [Normal decode])
\t\tACSCtl:\tSrcValid- TransBlk- ReqRedir- CmpltRedir- UpstreamFwd- EgressCtrl- DirectTrans-
"""
# Mellanox' description of mlnx_qos.
QOS = """\
DCBX mode: OS controlled
Priority trust state: dscp
Cable len: 10
PFC configuration:
	priority    0   1   2   3   4   5   6   7
	enabled     0   0   0   1   0   0   1   0
tc: 0 ratelimit: unlimited, tsa: ets, bw: 10%
"""
LLDP = """\
lldp.eth2.via=LLDP
lldp.eth2.chassis.name=leaf07
lldp.eth2.port.ifname=Ethernet1/3
lldp.eth3.chassis.name=leaf08
lldp.eth3.port.descr=swp4
"""
ROCE = {
    "device": "mlx5_3",
    "port": 1,
    "slot": "0000:9a:00.0",
    "netdev": "eth2",
    "files": {
        "state": "4: ACTIVE",
        "phys_state": "5: LinkUp",
        "rate": "400 Gb/sec (4X NDR)",
        "link_layer": "Ethernet",
    },
    "device_files": {"fw_ver": "28.42.1000", "board_id": "MT_0000000838", "hca_type": "MT4129"},
    "counters": {"symbol_error": "0", "link_downed": "2", "port_rcv_data": "1", "odd": "N/A (no PMA)"},
    "traffic_class": "Global tclass=106",
    "settings": {
        "mtu": "9000",
        "carrier_changes": "5",
        "ecn_roce_np": {"0": "1", "3": "1"},
        "ecn_roce_rp": {"0": "0", "3": "1"},
        "qos": {"out": QOS, "status": 0},
    },
}
INFINIBAND = {
    "device": "mlx5_0",
    "slot": "0000:18:00.0",
    "files": {
        "state": "1: DOWN",
        "phys_state": "2: Polling",
        "rate": "10 Gb/sec (4X SDR)",
        "link_layer": "InfiniBand",
    },
    "gid": "fe80:0000:0000:0000:b83f:d203:00a1:b2c4",
}


def _pci(address: str, vendor: str = "0x10de") -> PciFacts:
    kind = "0x030200" if vendor == "0x10de" else "0x120000"
    return PciFacts(address=address, vendor=vendor, device="0x2335", pci_class=kind)


def _answer(nvml: NvmlDocument | None = None, pci: tuple[PciFacts, ...] = (), **fields: Any) -> NodeAnswer:
    part = {"taken_at_s": NOW_S, "uptime_s": UP_S, "kernel": "6.8.0", "switches": [], **fields}
    commands = part.pop("commands", {})
    return NodeAnswer(
        "g1",
        facts=Facts(pci=pci, nvml=nvml),
        commands=commands,
        parts={"boards": msgspec.Raw(msgspec.json.encode(part))},
    )


def _nvml(*gpus: NvmlGpu, count: int = 2, timed_out: bool = False) -> NvmlDocument:
    return NvmlDocument("560.35.03", 12060, count, gpus, timed_out=timed_out)


def test_a_board_on_which_nvml_hung_keeps_its_slot_and_is_unknown_alone() -> None:
    first = NvmlGpu(0, "GPU-0", "NVIDIA H200", pci_address="00000000:1B:00.0", ecc_volatile_uncorrected=0)
    bus = (_pci("0000:1b:00.0"), _pci("0000:43:00.0"))
    found = board_evidence(_answer(_nvml(first, timed_out=True), bus))
    whole, hung = found.boards or ()
    assert (whole.key, whole.ecc_uncorrected) == ("g1/GPU-0", 0)
    assert (hung.key, hung.ecc_uncorrected) == ("g1/0000:43:00.0", None)
    assert hung.silent["ecc_uncorrected"].cause == hung.silent["nvlinks"].cause == "timeout"
    (node,) = found.gpu_nodes or ()
    assert node.unanswered == {"0000:43:00.0": "NVML hung while it was read"}
    assert node.counts == {"pci": 2, "nvml": 2}
    assert node.fabric_states is None, "one of them is silent"


def test_an_nvml_that_never_came_up_is_no_node_without_boards() -> None:
    found = board_evidence(_answer(NvmlDocument(timed_out=True), (_pci("0000:1b:00.0"),)))
    (node,) = found.gpu_nodes or ()
    assert node.unanswered == {"NVML": "NVML did not come up before its deadline"}
    assert node.counts == {"pci": 1}


def test_a_lost_board_has_links_that_nobody_could_read() -> None:
    lost = NvmlGpu(
        0, "GPU-0", pci_address="00000000:1B:00.0", errors=(NvmlError("power_mw", 15, "GPU is lost"),)
    )
    found = board_evidence(_answer(_nvml(lost, count=1), (_pci("0000:1b:00.0"),)))
    (board,), (node,) = found.boards or (), found.gpu_nodes or ()
    assert board.nvlinks is None
    assert node.unanswered is not None
    assert "fallen off the bus" in node.unanswered["GPU-0"]


def test_what_a_board_does_not_support_is_told_apart_from_what_failed() -> None:
    gpu = NvmlGpu(
        0, "GPU-0", errors=(NvmlError("compute_mode", 4), NvmlError("remapped rows", 999, "Unknown"))
    )
    (board,) = board_evidence(_answer(_nvml(gpu, count=1))).boards or ()
    causes = {name: board.silent[name].cause for name in ("compute_mode", "remap_pending", "ecc_enabled")}
    assert causes == {"compute_mode": "denied", "remap_pending": "failed", "ecc_enabled": "unsupported"}
    assert board.nvlinks == ()


def test_states_of_the_fabric_are_counted_by_word() -> None:
    ends = ((3, 0, 2), (3, 0, 1), (3, 999, 0), (1, 0, 0), (0, 0, 0))
    gpus = [
        NvmlGpu(at, f"GPU-{at}", fabric_state=state, fabric_status=status, fabric_health=health)
        for at, (state, status, health) in enumerate(ends)
    ]
    (node,) = board_evidence(_answer(_nvml(*gpus, count=5))).gpu_nodes or ()
    assert node.fabric_states == {"completed": 1, "degraded": 1, "failed": 1, "not_started": 1}
    assert node.multi_node is False


def test_services_of_systemd_and_of_containers() -> None:
    answer = _answer(
        _nvml(), (_pci("0000:1b:00.0"),), commands={"gpu_units": Told(UNITS)}, daemons=["nvidia-imex"]
    )
    (node,) = board_evidence(answer).gpu_nodes or ()
    assert node.services == {
        "nvidia-fabricmanager": Service("loaded", "failed", NOW_S - UP_S + 61),
        "nvidia-persistenced": Service("loaded", "active", NOW_S - UP_S + 31),
        "nvidia-imex": Service("process", "active"),
    }


def test_a_log_without_a_match_is_read_and_one_without_a_journal_is_not() -> None:
    none = {"gpu_log": Told("-- No entries --\n", 1), "gpu_dmesg": Told(why="sudo refused", cause="denied")}
    absent = {
        "gpu_log": Told("Failed to determine boot: No data available\n", 1),
        "gpu_dmesg": none["gpu_dmesg"],
    }
    line = "[ 966.503025] NVRM: Xid (PCI:0000:1b:00): 48, pid=1, DBE\n"
    later = {"gpu_log": absent["gpu_log"], "gpu_dmesg": Told(line)}
    bus = (_pci("0000:1b:00.0"),)
    found = [
        board_evidence(_answer(_nvml(), bus, commands=one)).gpu_nodes or () for one in (none, absent, later)
    ]
    assert [node.xids for (node,) in found[:2]] == [(), None]
    assert found[1][0].silent["xids"].cause == "denied"
    assert [(one.number, one.at_s) for one in found[2][0].xids or ()] == [(48, NOW_S - UP_S + 966)]


def test_bridges_that_redirect_peer_traffic() -> None:
    assert acs_redirects(BRIDGES) == ("0000:3a:00.0",)
    with pytest.raises(Untold):
        acs_redirects("0000:3a:00.0 PCI bridge\n\tCapabilities: <access denied>\n")


def test_a_roce_port_and_an_infiniband_port() -> None:
    found = board_evidence(_answer(rdma=[ROCE, INFINIBAND], commands={"lldp": Told(LLDP)}))
    roce, infiniband = found.ports or ()
    assert (roce.key, roce.name, roce.peer) == ("g1/0000:9a:00.0", "mlx5_3/1", "leaf07/Ethernet1/3")
    assert (roce.layer, roce.state, roce.physical) == ("ethernet", "ACTIVE", "LinkUp")
    assert (roce.rate_bps, roce.lanes, roce.mtu_bytes) == (400_000_000_000, 4, 9000)
    assert (roce.trust, roce.pfc, roce.ecn, roce.traffic_class) == ("dscp", (3, 6), (3,), 106)
    assert roce.counters == {"symbol_error": 0, "link_downed": 2, "port_rcv_data": 1}
    assert (infiniband.state, infiniband.physical, infiniband.guid) == (
        "DOWN",
        "Polling",
        "0xb83fd20300a1b2c4",
    )
    assert (infiniband.pfc, infiniband.silent["pfc"].cause) == (None, "missing")
    assert roce.counted["carrier_changes"] == 5
    (node,) = found.gpu_nodes or ()
    assert node.rdma is True


def test_far_ends_by_name_or_by_description() -> None:
    assert far_ends(LLDP) == {"eth2": "leaf07/Ethernet1/3", "eth3": "leaf08/swp4"}
    assert far_ends("") == {}


def test_versions_and_a_command_line_without_its_machine_or_secrets() -> None:
    commands = {
        "ofed": Told("MLNX_OFED_LINUX-24.01-0.3.3.1:\n"),
        "fabricmanager": Told("Fabric Manager version is : 550.54.15\n"),
        "container-toolkit": Told("NVIDIA Container Toolkit CLI version 1.16.2\ncommit: a5a5833\n"),
        "containerd": Told("containerd github.com/containerd/containerd v1.7.24 88bf19b\n"),
    }
    line = "BOOT_IMAGE=/vmlinuz root=UUID=1 ro iommu=pt ds=nocloud;token=x api_token=hunter2 quiet"
    answer = _answer(
        _nvml(), (_pci("0000:1b:00.0"),), commands=commands, cmdline=line, bios="2.3.6", nccl="2.21.5"
    )
    (node,) = board_evidence(answer).gpu_nodes or ()
    assert node.versions == {
        "driver": "560.35.03",
        "kernel": "6.8.0",
        "cmdline": "ro iommu=pt quiet",
        "bios": "2.3.6",
        "nccl": "2.21.5",
        "ofed": "MLNX_OFED_LINUX-24.01-0.3.3.1",
        "fabricmanager": "550.54.15",
        "container-toolkit": "1.16.2",
        "containerd": "1.7.24",
    }


@pytest.mark.parametrize(
    ("kernel", "driver", "there"),
    [
        ("6.8.0-45", "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.35.03", True),
        ("5.12.1", "NVIDIA UNIX Open Kernel Module", True),
        ("5.11.22", "NVIDIA UNIX Open Kernel Module", False),
        ("6.8.0", "NVIDIA UNIX x86_64 Kernel Module  560.35.03", False),
        ("6.8.0", None, None),
    ],
)
def test_when_there_is_dma_buf(kernel: str, driver: str | None, there: bool | None) -> None:
    (node,) = (
        board_evidence(_answer(_nvml(), (_pci("0000:1b:00.0"),), kernel=kernel, driver=driver)).gpu_nodes
        or ()
    )
    assert node.dma_buf is there


def test_errors_of_the_port_of_a_board_and_the_counters_that_are_kept() -> None:
    aer = {
        "0000:1b:00.0": {"aer_dev_fatal": "Undefined 0\nDLP 0\nTOTAL_ERR_FATAL 1", "aer_dev_correctable": "x"}
    }
    gpu = NvmlGpu(
        *(0, "GPU-0"),
        pci_address="00000000:1B:00.0",
        pcie_replays=7,
        nvlinks=(NvmlLink(3, active=True, crc=9),),
    )
    found = board_evidence(_answer(_nvml(gpu, count=1), (_pci("0000:1b:00.0"),), aer=aer))
    (board,) = found.boards or ()
    assert (board.key, board.counted) == ("g1/GPU-0", {"replays": 7, "aer fatal": 1, "link 3 crc": 9})


def test_boards_of_another_vendor_are_there_by_their_slots() -> None:
    found = board_evidence(_answer(None, (_pci("0000:c1:00.0", "0x19e5"),)))
    (board,), (node,) = found.boards or (), found.gpu_nodes or ()
    assert (board.vendor, board.key, node.vendor, node.counts) == (
        "huawei",
        "g1/0000:c1:00.0",
        "huawei",
        {"pci": 1},
    )


def test_a_node_without_boards_and_ports_is_no_subject_and_one_that_did_not_answer_is() -> None:
    assert board_evidence(_answer()).gpu_nodes == ()
    for part in (b'{"why": "no answer within 20 s", "cause": "timeout"}', b'{"rdma": 7}', None):
        parts = {} if part is None else {"boards": msgspec.Raw(part)}
        (node,) = board_evidence(NodeAnswer("g1", parts=parts)).gpu_nodes or ()
        assert {"xids", "services", "counts"} <= set(node.silent)


@pytest.mark.parametrize(
    "line",
    [
        "ro iommu=pt hostname=g1 nfsroot=10.0.0.1:/roots/g1,vers=4 ip=dhcp",
        "ro iommu=pt hostname=elsewhere ifname=eth0:aa:bb:cc:00:00:01 netroot=iscsi:10.0.0.1::::iqn.g",
        "ro iommu=pt inst.ks=http://10.0.0.1/g1.ks fetch=http://10.0.0.1/images/g1.squashfs",
    ],
)
def test_what_names_one_machine_is_no_drift(line: str) -> None:
    """Nodes that boot by network are alike, though each has its name on its command line."""
    (node,) = board_evidence(_answer(_nvml(), (_pci("0000:1b:00.0"),), cmdline=line)).gpu_nodes or ()
    assert (node.versions or {})["cmdline"] == "ro iommu=pt"


def test_a_word_that_has_the_name_of_the_node_in_another_word_stays() -> None:
    line = "ro pool=bg12 g1"
    (node,) = board_evidence(_answer(_nvml(), (_pci("0000:1b:00.0"),), cmdline=line)).gpu_nodes or ()
    assert (node.versions or {})["cmdline"] == line
