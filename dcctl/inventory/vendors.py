"""Accelerator vendors as data: resource names, node labels, drivers. A new vendor is a row, not a branch."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dcctl.inventory.devices import AcceleratorKind

MIB = 1 << 20
GIB = 1 << 30


class DeviceName(NamedTuple):
    """A resource name, or the beginning of one (`prefix`), under which a scheduler hands out devices."""

    name: str
    vendor: str
    kind: AcceleratorKind = "whole"
    prefix: bool = False
    same_as: str = "-"
    """The resource that counts the same boards; where a node has both, that one is believed."""
    parts: int = 0
    """In how many equal parts its boards are cut at most. The name of a slice says how many it takes (`3g`,
    `2c`), else it takes one. 0: not known, or never cut."""


class Labels(NamedTuple):
    """Names of the node labels in which a vendor's software describes the boards of a node."""

    vendor: str
    model: tuple[str, ...] = ()
    memory: tuple[tuple[str, int], ...] = ()
    """(label, bytes in one of its units); a unit of 0 means that the value is a quantity such as `64Gi`."""
    boards: tuple[str, ...] = ()
    """Boards in the node, whatever is made of them."""
    replicas: str = ""
    """How many times a board is handed out."""
    sharing: str = ""
    domain: tuple[str, ...] = ()
    """Fabric that spans nodes."""
    driver: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()


class DraDriver(NamedTuple):
    """A driver of dynamic resource allocation that publishes accelerators."""

    name: str
    vendor: str


DRA_DRIVERS: tuple[DraDriver, ...] = (
    DraDriver("gpu.nvidia.com", "nvidia"),
    DraDriver("gpu.amd.com", "amd"),
    DraDriver("gpu.intel.com", "intel"),
    DraDriver("gaudi.intel.com", "habana"),
    DraDriver("tpu.google.com", "google"),
    DraDriver("neuron.aws.com", "aws"),
    DraDriver("gpu.example.com", "example"),
)

DRA_NOT_BOARDS = frozenset(
    {
        "compute-domain-default-channel.nvidia.com",
        "compute-domain-daemon.nvidia.com",
        "compute-domain.nvidia.com",
    }
)
"""Device classes of such drivers that hand out something else: channels of NVLink between nodes."""

MIG_PARTS = 7
"""Compute slices of one NVIDIA board in MIG mode (NVIDIA MIG user guide, table of profiles)."""
_ASCEND_PARTS = {"310P": 8, "910": 32}
"""AI cores of a chip, the most where there are several kinds (Huawei MindCluster, Virtualization Rules)."""
_AMD_PARTS = {"dpx": 2, "tpx": 3, "qpx": 4, "cpx": 8}
"""Partitions of one AMD Instinct board, the most where boards differ (amd-smi, GPU partitioning)."""
_CUT_MLUS = ("mlu370", "mlu580", "mlu590")

_DRA_SLICES: tuple[tuple[str, AcceleratorKind], ...] = (("mig", "mig"), ("vgpu", "vgpu"), ("vf", "vgpu"))
"""(type of device, kind): a slice is counted as `driver/type-profile` (sources/kubernetes/dra.py)."""
_DRA_NAMES = tuple(
    row
    for driver, vendor in DRA_DRIVERS
    for row in (
        DeviceName(driver, vendor),
        *(
            DeviceName(
                f"{driver}/{word}-", vendor, kind, prefix=True, parts=MIG_PARTS if kind == "mig" else 0
            )
            for word, kind in _DRA_SLICES
        ),
    )
)
"""Boards that only claims hand out are counted by the name of their driver: no resource name exists."""

DEVICE_NAMES: tuple[DeviceName, ...] = (
    DeviceName("nvidia.com/gpu", "nvidia", parts=MIG_PARTS),
    DeviceName("nvidia.com/pgpu", "nvidia"),
    DeviceName("nvidia.com/gpu.shared", "nvidia", "shared"),
    DeviceName("nvidia.com/mig-", "nvidia", "mig", prefix=True, parts=MIG_PARTS),
    DeviceName("nvidia.com/vgpu", "nvidia", "vgpu"),
    DeviceName("nvidia.com/GRID_", "nvidia", "vgpu", prefix=True),
    DeviceName("amd.com/gpu", "amd"),
    *(DeviceName(f"amd.com/{way}_", "amd", "mig", prefix=True, parts=n) for way, n in _AMD_PARTS.items()),
    DeviceName("amd.com/spx_", "amd", prefix=True),
    DeviceName("gpu.intel.com/i915", "intel"),
    DeviceName("gpu.intel.com/xe", "intel"),
    DeviceName("habana.ai/gaudi", "habana"),
    DeviceName("google.com/tpu", "google"),
    DeviceName("aws.amazon.com/neuron", "aws"),
    DeviceName("aws.amazon.com/neurondevice", "aws", same_as="aws.amazon.com/neuron"),
    DeviceName("aws.amazon.com/neuroncore", "aws", "mig", same_as="aws.amazon.com/neuron"),
    *(
        DeviceName(f"huawei.com/Ascend{chip}-", "huawei", "mig", prefix=True, parts=n)
        for chip, n in _ASCEND_PARTS.items()
    ),
    DeviceName("huawei.com/Ascend", "huawei", prefix=True),
    DeviceName("huawei.com/npu", "huawei"),
    DeviceName("cambricon.com/mlu", "cambricon"),
    *(DeviceName(f"cambricon.com/{mlu}.mim-", "cambricon", "mig", prefix=True) for mlu in _CUT_MLUS),
    DeviceName("cambricon.com/", "cambricon", prefix=True),
    DeviceName("metax-tech.com/gpu", "metax"),
    DeviceName("metax-tech.com/sgpu", "metax", "shared"),
    DeviceName("enflame.com/gcu", "enflame"),
    DeviceName("enflame.com/shared-gcu", "enflame", "shared"),
    DeviceName("hygon.com/dcu", "hygon"),
    DeviceName("mthreads.com/gpu", "mthreads"),
    DeviceName("mthreads.com/vgpu", "mthreads", "vgpu"),
    DeviceName("iluvatar.ai/gpu", "iluvatar"),
    DeviceName("iluvatar.com/gpu", "iluvatar"),
    DeviceName("kunlunxin.com/xpu", "kunlunxin"),
    DeviceName("birentech.com/gpu", "biren"),
    DeviceName("qualcomm.com/qaic", "qualcomm"),
    DeviceName("furiosa.ai/", "furiosa", prefix=True),
    DeviceName("rebellions.ai/ATOM", "rebellions"),
    DeviceName("tenstorrent.com/", "tenstorrent", prefix=True),
    *_DRA_NAMES,
)

LABELS: tuple[Labels, ...] = (
    Labels(
        "nvidia",
        model=(
            "nvidia.com/gpu.product",
            "cloud.google.com/gke-accelerator",
            "karpenter.k8s.aws/instance-gpu-name",
        ),
        memory=(("nvidia.com/gpu.memory", MIB), ("karpenter.k8s.aws/instance-gpu-memory", MIB)),
        boards=("nvidia.com/gpu.count",),
        replicas="nvidia.com/gpu.replicas",
        sharing="nvidia.com/gpu.sharing-strategy",
        domain=("nvidia.com/gpu.clique",),
        driver=("nvidia.com/cuda.driver-version.full",),
        runtime=("nvidia.com/cuda.runtime-version.full",),
    ),
    Labels(
        "amd",
        model=("amd.com/gpu.product-name", "beta.amd.com/gpu.product-name"),
        memory=(("amd.com/gpu.vram", 0), ("beta.amd.com/gpu.vram", 0)),
        driver=("amd.com/gpu.driver-version",),
    ),
    Labels("huawei", model=("node.kubernetes.io/npu.chip.name", "accelerator-type", "accelerator")),
    Labels("google", model=("cloud.google.com/gke-tpu-accelerator",)),
    Labels("aws", model=("karpenter.k8s.aws/instance-accelerator-name",)),
    Labels("intel", model=("gpu.intel.com/product",)),
    Labels("habana", model=("habana.ai/gaudi.product",)),
    Labels("cambricon", model=("cambricon.com/mlu.product", "cambricon.com/mlu.type")),
    Labels("metax", model=("metax-tech.com/gpu.product",)),
    Labels("enflame", model=("enflame.com/gcu.model", "enflame.com/gcu.type")),
    Labels("hygon", model=("hygon.com/dcu.product",)),
)

_EXACT = {row.name: row for row in DEVICE_NAMES if not row.prefix}
_PREFIXES = tuple(sorted((row for row in DEVICE_NAMES if row.prefix), key=lambda row: -len(row.name)))
_LABELS = {row.vendor: row for row in LABELS}
_DRIVERS = {row.name: row.vendor for row in DRA_DRIVERS}

_WIDTH = re.compile(r"([0-9]+)[cg](?:\.|$)")
"""At the beginning of a profile, the parts that it takes: `3g.40gb`, `2c`, `4c.3cpu`."""
_MOST_DIGITS = 3
"""Of such a number."""
_ACCESSORIES = (
    "-memory",
    ".memory",
    "-core",
    ".core",
    "-percent",
    "_monitoring",
    "-cores",
    "vmemory",
    "vcore",
)
"""Names by which sharing software counts parts of a board; they are amounts, not boards."""


@lru_cache(maxsize=4096)
def device(resource: str) -> DeviceName | None:
    """The vendor and kind of a resource name; None when it is not known to be an accelerator."""
    if resource in _EXACT:
        return _EXACT[resource]
    if resource.endswith(_ACCESSORIES):
        return None
    return next((row for row in _PREFIXES if resource.startswith(row.name)), None)


def per_board(resource: str, profile: str | None = None) -> int | None:
    """How many slices of this name, or of this profile, one board holds at most.

    None: what the name counts is no slice, or nobody knows.
    """
    cut = parts_of(resource, profile)
    return None if cut is None else max(1, cut[1] // cut[0])


def parts_of(resource: str, profile: str | None = None) -> tuple[int, int] | None:
    """How many parts of a board a slice takes, and how many the board has; None as for `per_board`."""
    known = device(resource)
    if known is None or not known.parts or (known.kind == "whole" and profile is None):
        return None
    width = _WIDTH.match(profile or resource.removeprefix(known.name))
    if width and len(width[1]) > _MOST_DIGITS:
        return None
    return max(1, int(width[1]) if width else 1), known.parts


def labels_of(vendor: str) -> Labels:
    """The label names of a vendor; a row without any for one that has none."""
    return _LABELS.get(vendor, Labels(vendor))


def dra_vendor(driver: str) -> str | None:
    """The vendor behind a dynamic allocation driver; None when it does not publish accelerators."""
    return _DRIVERS.get(driver)
