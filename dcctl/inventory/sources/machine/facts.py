"""What one machine says about itself, as raw readings, and what they mean.

`LocalSource` fills `Facts` by psutil, /proc and /sys; the SSH probe emits JSON of this very shape, decoded by
`msgspec.json.decode(text, type=Facts)`. Readers only read: every conversion is in `parse_facts`. A reading
that is not there is left out. Text is as in the file, with or without the newline at its end.
"""

from msgspec import Struct, field

from dcctl.inventory.model import Cause, Natural
from dcctl.inventory.sources.nvml.facts import NvmlDocument

SCHEMA = 1


class Unread(Struct, frozen=True, omit_defaults=True):
    """Something the reader asked and got no answer for; becomes a Gap of the node."""

    subject: str
    """E.g. `mount /data`, `nvml`."""
    reason: str
    cause: Cause = "failed"


class CpuFacts(Struct, frozen=True, omit_defaults=True):
    """Processors."""

    model: str | None = None
    """`model name` of /proc/cpuinfo (absent on most ARM machines)."""
    sockets: Natural | None = None
    """Number of different topology/physical_package_id under /sys/devices/system/cpu."""
    cores: Natural | None = None
    """Number of different (physical_package_id, die_id, core_id)."""
    threads: Natural | None = None
    """Processors that are online."""
    numa_nodes: Natural | None = None
    """Directories /sys/devices/system/node/node[0-9]*."""


class NicFacts(Struct, frozen=True, omit_defaults=True):
    """One network interface, or one port of an InfiniBand device that has no interface."""

    name: str
    """Interface name; for a port without one: `mlx5_0/1`."""
    files: dict[str, str] = field(default_factory=dict)
    """Text of /sys/class/net/NAME/{type,uevent,operstate,carrier,speed,mtu,address,statistics/rx_bytes,
    statistics/tx_bytes,statistics/rx_errors,statistics/tx_errors}; a file that gives EINVAL is left out."""
    driver: str | None = None
    """Last part of the link device/driver; None for a virtual interface."""
    pci_address: str | None = None
    """Last part of the link device."""
    numa_node: str | None = None
    """Text of device/numa_node."""
    firmware: str | None = None
    """Text of device/infiniband/DEV/fw_ver where there is one."""
    virtual_function: bool = False
    """There is a link device/physfn."""
    rdma: dict[str, str] = field(default_factory=dict)
    """Text of /sys/class/infiniband/DEV/ports/N/{link_layer,state,rate} and DEV/{node_guid}, with `port_guid`
    = GUID half of ports/N/gids/0, and counters/{port_rcv_data,port_xmit_data,port_rcv_errors,
    port_xmit_discards} under the last part of their path."""


class DiskFacts(Struct, frozen=True, omit_defaults=True):
    """One device of /sys/block; loop, ram, zram, sr, dm and md are not listed."""

    name: str
    sectors: str | None = None
    """Text of `size`: 512-byte sectors whatever the device's own sector is."""
    rotational: str | None = None
    """Text of queue/rotational."""
    model: str | None = None
    """Text of device/model."""


class MountFacts(Struct, frozen=True, omit_defaults=True):
    """One line of /proc/self/mounts with a real file system; octal escapes of the path are undone."""

    path: str
    device: str
    fstype: str
    size_bytes: Natural | None = None
    """f_blocks * f_frsize."""
    free_bytes: Natural | None = None
    """f_bavail * f_frsize: what a user may still write."""


class PciFacts(Struct, frozen=True, omit_defaults=True):
    """One PCI function, as sysfs text.

    Readers list those of class 0x03…, 0x0b40…, 0x12… and all of vendor 0x1ae0 and 0x1d0f; `vendors` tells
    which of them are accelerators.
    """

    address: str
    """0000:3b:00.0"""
    vendor: str
    """0x10de"""
    device: str
    """0x2330"""
    pci_class: str
    """0x030200"""
    driver: str | None = None
    numa_node: str | None = None
    link_speed: str | None = None
    """Text of current_link_speed: `32.0 GT/s PCIe`."""
    link_width: str | None = None
    max_link_speed: str | None = None
    max_link_width: str | None = None
    virtual_function: bool = False
    """There is a `physfn` link."""


class Facts(Struct, frozen=True, omit_defaults=True):
    """Raw readings of one machine."""

    schema: int = SCHEMA
    hostname: str | None = None
    aliases: tuple[str, ...] = ()
    architecture: str | None = None
    """uname -m"""
    kernel: str | None = None
    """uname -r"""
    os_release: str | None = None
    """Text of /etc/os-release, else of /usr/lib/os-release."""
    boot_id: str | None = None
    machine_id: str | None = None
    uptime_s: float | None = None
    dmi: dict[str, str] = field(default_factory=dict)
    """Text of /sys/class/dmi/id/{product_uuid,sys_vendor,product_name,product_serial}."""
    cpu: CpuFacts | None = None
    cpu_stat: tuple[str, ...] = ()
    """First line of /proc/stat, read twice at least 100 ms apart."""
    memory_total_bytes: Natural | None = None
    memory_available_bytes: Natural | None = None
    load1: float | None = None
    pressure: dict[str, str] = field(default_factory=dict)
    """Text of /proc/pressure/{cpu,memory,io}."""
    cgroup_cpu_max: str | None = None
    """Text of /sys/fs/cgroup/cpu.max, else `quota period` of /sys/fs/cgroup/cpu/cpu.cfs_{quota,period}_us.

    At the root of the mount and nowhere below: there a container sees its own limit and a host sees none,
    while the limit of a login session says nothing about the machine.
    """
    cgroup_memory_max: str | None = None
    """Text of /sys/fs/cgroup/memory.max, else of /sys/fs/cgroup/memory/memory.limit_in_bytes."""
    nics: tuple[NicFacts, ...] | None = None
    disks: tuple[DiskFacts, ...] | None = None
    mounts: tuple[MountFacts, ...] | None = None
    pci: tuple[PciFacts, ...] | None = None
    """None: there is no sysfs to look in. Empty: looked, and there is none."""
    nvml: NvmlDocument | None = None
    """None: not asked, or no libnvidia-ml.so.1."""
    unread: tuple[Unread, ...] = ()
