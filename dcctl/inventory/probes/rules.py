"""Part of the node probe, used on this machine too: what a reader looks for, and what it passes over.

Pure, without imports of SDKs, and Python 3.6: the local source and the probe differ in how they ask alone.
"""

import re

NIC_FILES = (
    *("type", "uevent", "operstate", "carrier", "speed", "mtu", "address"),
    *("statistics/rx_bytes", "statistics/tx_bytes", "statistics/rx_errors", "statistics/tx_errors"),
)
PORT_FILES = ("link_layer", "state", "rate")
PORT_COUNTERS = ("port_rcv_data", "port_xmit_data", "port_rcv_errors", "port_xmit_discards")
DMI_FILES = ("product_uuid", "sys_vendor", "product_name", "product_serial")
PRESSURE_FILES = ("cpu", "memory", "io")
QUOTA_FILES = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
CPUINFO_BYTES = 4096  # the first processor is within this; the whole file is 400 KB on a large machine
CPU_SAMPLE_S = 0.1  # between two readings of /proc/stat: ten of the kernel's usual ticks for each CPU

NOT_NICS = ("lo", "bonding_masters")
NOT_DISKS = ("loop", "ram", "zram", "sr", "fd", "dm-", "md", "nbd")
# Beginnings of the PCI classes that readers list, and vendors of which they list every function: they need
# not know the table of vendors.
ACCELERATOR_CLASSES = ("0x03", "0x0b40", "0x12")
LISTED_VENDORS = ("0x1ae0", "0x1d0f")

SSHD_FILES = (
    *("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d", "/usr/etc/ssh/sshd_config"),
    *("/usr/etc/ssh/sshd_config.d", "/etc/crypto-policies/back-ends/opensshserver.config"),
)
DISK_TYPES = ("bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "reiserfs", "vfat", "xfs", "zfs")
# A server answers for them, so several nodes see the same space.
SHARED_TYPES = (
    *("9p", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "orangefs", "panfs"),
    *("pvfs2", "smb3", "virtiofs", "wekafs"),
)
# Served by a process, and mostly a way to a store (JuiceFS, s3fs, mergerfs); these are conveniences of a
# desktop or of a container runtime.
NO_STORES = ("fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal", "fuse.snapfuse")
# What runtimes mount for a pod or a container, and what they lay over its own files.
OTHERS_PATHS = (
    *("/var/lib/kubelet/", "/var/lib/docker/", "/var/lib/containers/", "/var/lib/containerd/"),
    *("/run/", "/snap/"),
)
OTHERS_FILES = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/dev/termination-log")

NVML_LIBRARY = "libnvidia-ml.so.1"
# Where containers, GKE, NixOS and WSL put it, out of the loader's sight.
NVML_FOLDERS = (
    *("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/local/nvidia/lib64"),
    *("home/kubernetes/bin/nvidia/lib64", "run/nvidia/driver/usr/lib/x86_64-linux-gnu"),
    *("run/nvidia/driver/usr/lib/aarch64-linux-gnu", "run/opengl-driver/lib", "usr/lib/wsl/lib"),
)
# nvml.h, nvmlReturn_t: of a single reading these say that the board or the driver has no such thing:
# INVALID_ARGUMENT, NOT_SUPPORTED, FUNCTION_NOT_FOUND, NO_DATA, VGPU_ECC_NOT_SUPPORTED,
# ARGUMENT_VERSION_MISMATCH, DEPRECATED.
LIBRARY_NOT_FOUND, FUNCTION_NOT_FOUND = 12, 13
ABSENT = (2, 3, FUNCTION_NOT_FOUND, 21, 22, 25, 26)
GPU_IS_LOST, RESET_REQUIRED = 15, 16
LOST = (GPU_IS_LOST, RESET_REQUIRED)  # nothing more is asked of the board
CORRUPTED_INFOROM = 14
# nvml.h, nvmlPerfPolicyType_t.
VIOLATIONS = (("power", 0), ("thermal", 1), ("board_limit", 3), ("reliability", 5))
NVLINK_SPEED, RECOVERY_ACTION = 164, 230  # NVML_FI_DEV_NVLINK_GET_SPEED, NVML_FI_DEV_GET_GPU_RECOVERY_ACTION
NO_INSTANCE = 0xFFFFFFFF  # nvmlProcessInfo_t: the process is in no MIG instance


def has_space(path: str, kind: str) -> bool:
    """True for disks and shared stores, less what runtimes mount for a pod or over its own files."""
    if path == "/":
        return kind != "rootfs"
    if path in OTHERS_FILES or path.startswith(OTHERS_PATHS):
        return False
    return kind in DISK_TYPES or may_hang(kind)


def may_hang(kind: str) -> bool:
    """True for a file system that a server or a process answers for, and that holds somebody's data."""
    return kind in SHARED_TYPES or (kind.startswith("fuse.") and kind not in NO_STORES)


def aliases(hostname: str, hosts: str) -> "list[str]":
    """Return the short name, and the full names in the text of /etc/hosts, without asking DNS."""
    short, found = hostname.split(".", maxsplit=1)[0], []
    for line in hosts.split("\n"):
        names = line.split("#")[0].split()[1:]
        if short in names or hostname in names:
            found += [name for name in names if name.startswith(short + ".")]
    return [name for name in dict.fromkeys([*found, short]) if name and name != hostname]


def count_list(listed: "str | None") -> "int | None":
    """Return how many a kernel list such as 0-3,8 names; None for what is no such list."""
    if not re.match(r"\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*$", listed or ""):
        return None
    ranges = [part.split("-") for part in (listed or "").split(",")]
    return sum(int(part[-1]) - int(part[0]) + 1 for part in ranges)
