"""The machines of the demo fleet: what each kind of node is made of. Figures: vendors' data sheets."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

GIB = 2**30
TB = 10**12
GBPS = 10**9


@dataclass(frozen=True, slots=True)
class Board:
    """One model of accelerator."""

    model: str
    memory_gib: int
    power_w: int
    clock_mhz: int
    limit_c: int = 87
    nvlinks: int = 0
    pcie_generation: int = 5
    vendor: str = "nvidia"
    resource: str = "nvidia.com/gpu"


H100 = Board("NVIDIA H100 80GB HBM3", 80, 700, 1980, nvlinks=18)
H200 = Board("NVIDIA H200", 141, 700, 1980, nvlinks=18)
L40S = Board("NVIDIA L40S", 48, 350, 2520, pcie_generation=4)
A100 = Board("NVIDIA A100-SXM4-80GB", 80, 400, 1410, nvlinks=12, pcie_generation=4)
ASCEND = Board("Ascend 910B", 64, 310, 1800, limit_c=95, vendor="huawei", resource="huawei.com/Ascend910")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of node."""

    name: str
    pool: str
    board: Board
    boards: int
    threads: int
    memory_gib: int
    disk_tb: int
    nics: int
    cpu: str
    product: str
    replicas: int = 0
    """More than 1: every board is handed out so many times."""
    profile: str = ""
    """MIG profile that every board is cut into."""
    slices: int = 0

    @property
    def resource(self) -> str:
        """The name under which the scheduler hands out what the node has."""
        if self.profile:
            return f"nvidia.com/mig-{self.profile}"
        return "nvidia.com/gpu.shared" if self.replicas else self.board.resource

    @property
    def units(self) -> int:
        """How many of them."""
        return self.boards * (self.slices or self.replicas or 1)


_XEON = "Intel Xeon Platinum 8480+"
_EPYC = "AMD EPYC 9654"
TRAIN = Kind("train", "train", H100, 8, 224, 2048, 28, 8, _XEON, "HGX H100 8U")
INFER = Kind("infer-h200", "infer", H200, 8, 192, 2048, 15, 2, _EPYC, "HGX H200 8U")
SHARED = Kind("infer-shared", "infer", L40S, 8, 128, 1024, 7, 2, _EPYC, "4U 8-GPU PCIe", replicas=4)
PCIE = Kind("infer-l40s", "infer", L40S, 8, 128, 1024, 7, 2, _EPYC, "4U 8-GPU PCIe")
DEEP = Kind("infer-l40s-16", "infer", L40S, 16, 192, 1536, 15, 2, _EPYC, "4U with expansion chassis")
MIG7 = Kind("mig-small", "mig", A100, 8, 128, 1024, 15, 2, _EPYC, "HGX A100", profile="1g.10gb", slices=7)
MIG2 = Kind("mig-large", "mig", A100, 8, 128, 1024, 15, 2, _EPYC, "HGX A100", profile="3g.40gb", slices=2)
NPU = Kind("ascend", "ascend", ASCEND, 8, 192, 1536, 15, 8, "Kunpeng 920", "Atlas 800T A2")

LAYOUT: tuple[tuple[Kind, str, range], ...] = (
    (TRAIN, "gpu", range(1, 97)),
    (INFER, "gpu", range(97, 109)),
    (SHARED, "gpu", range(109, 113)),
    (PCIE, "gpu", range(113, 119)),
    (DEEP, "gpu", range(119, 121)),
    (MIG7, "gpu", range(121, 125)),
    (MIG2, "gpu", range(125, 127)),
    (NPU, "npu", range(1, 3)),
)
"""Kind, prefix of the name, numbers: 128 nodes; 768 + 96 + 32 + 48 + 32 + 48 GPUs and 16 NPUs."""

NODES_PER_RACK = 8
RACKS_PER_SITE = 8


def host(prefix: str, number: int) -> str:
    """`gpu007`."""
    return f"{prefix}{number:03d}"


def noise(key: str, low: int, high: int) -> int:
    """A number between low and high (both included) that depends on the key alone."""
    return low + crc32(key.encode()) % (high - low + 1)
