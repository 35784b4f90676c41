"""Part of the audit's probe: what runs and logs accelerators, and the ports of the fabric. Readings."""

import os
import re
import subprocess
import time
from typing import TYPE_CHECKING

from dcctl.inventory.probes.audit import AUDIT_ROOT, Command, Part, file_text, untold

if TYPE_CHECKING:
    from collections.abc import Iterable

GPU_UNITS = ("nvidia-fabricmanager", "nvidia-persistenced", "nvidia-imex", "nvidia-dcgm")
# What programs do to themselves (XID 8, 13, 31, 32, 43, 45) may fill the log, and is left out.
GPU_LOG = (
    "NVRM: Xid .*: (?!(8|13|31|32|43|45),)[0-9]+,|fallen off the bus|The NVIDIA GPU |"
    "installed in this system has|SXid"
)
BOARD_COMMANDS = (
    Command(
        "gpu_log",
        ("/usr/bin/journalctl", "-k", "-b", "-o", "short-unix", "--no-pager", "--grep", GPU_LOG),
        True,
        20,
        "/run/systemd/system",
        "XIDs and boards that fell off the bus, since boot",
    ),
    Command("gpu_dmesg", ("/usr/bin/dmesg",), True, 10, "", "the same where there is no journal"),
    Command(
        "gpu_units",
        (
            *("/usr/bin/systemctl", "show", *GPU_UNITS),
            *("-p", "Id,LoadState,ActiveState,StateChangeTimestampMonotonic"),
        ),
        False,
        10,
        "/run/systemd/system",
        "whether fabric manager, persistenced, IMEX and DCGM run",
    ),
    Command("bridges", ("/usr/bin/lspci", "-Dvv", "-d", "::0604"), True, 15, "", "ACS of PCI bridges"),
    Command("ofed", ("/usr/bin/ofed_info", "-s"), False, 10, "/usr/bin/ofed_info", "version of OFED"),
    Command(
        "fabricmanager",
        ("/usr/bin/nv-fabricmanager", "--version"),
        False,
        5,
        "/usr/bin/nv-fabricmanager",
        "version of the fabric manager",
    ),
    Command(
        "container-toolkit",
        ("/usr/bin/nvidia-ctk", "--version"),
        False,
        5,
        "/usr/bin/nvidia-ctk",
        "version of the container toolkit",
    ),
    Command(
        "containerd", ("/usr/bin/containerd", "--version"), False, 5, "/usr/bin/containerd", "its version"
    ),
    Command(
        "lldp",
        ("/usr/sbin/lldpctl", "-f", "keyvalue"),
        True,
        10,
        "/usr/sbin/lldpctl",
        "which switch port each port leads to",
    ),
)
AER_FILES = ("aer_dev_correctable", "aer_dev_nonfatal", "aer_dev_fatal")
IB_FILES = ("state", "phys_state", "rate", "link_layer")
DAEMONS = {
    "nv-fabricmanage": "nvidia-fabricmanager",
    "nvidia-persiste": "nvidia-persistenced",
    "nvidia-imex": "nvidia-imex",
}  # the kernel keeps 15 characters of a name
NVIDIA, NVSWITCH_CLASS = "0x10de", "0x0680"
QOS_S = 3.0
LIBRARIES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/local/lib")


def words(path: str) -> "str | None":
    """Return a small file; None when it cannot be read."""
    out = file_text(path).get("out")
    return out.strip() if isinstance(out, str) else None


def names_in(folder: str) -> "list[str]":
    """Return what is in a folder; nothing when it cannot be read."""
    try:
        return sorted(os.listdir(AUDIT_ROOT + folder))
    except OSError:
        return []


def known(folder: str, names: "Iterable[str]") -> "dict[str, str]":
    """Return those of the files that can be read, by name."""
    found = ((name, words(folder + "/" + name)) for name in names)
    return {name: text for name, text in found if text is not None}


def slot_of(path: str) -> "str | None":
    """Return the PCI address of what a device link leads to."""
    parts = os.path.realpath(AUDIT_ROOT + path).split("/")
    return next((one for one in reversed(parts) if re.match(r"[0-9a-f]{4}:[0-9a-f]{2}:\S{4}$", one)), None)


def pci_functions() -> "dict[str, object]":
    """Return the NVSwitches, and the errors that the ports of NVIDIA's boards reported."""
    base, switches, aer = "/sys/bus/pci/devices", [], {}  # type: str, list[str], dict[str, dict[str, str]]
    for address in names_in(base):
        folder = base + "/" + address
        if words(folder + "/vendor") != NVIDIA:
            continue
        if (words(folder + "/class") or "").startswith(NVSWITCH_CLASS):
            switches.append(address)
        else:
            aer[address] = known(folder, AER_FILES)
    told = os.path.isdir(AUDIT_ROOT + "/sys/bus")
    return {
        "switches": switches if told else None,
        "aer": {key: value for key, value in aer.items() if value},
    }


def roce_settings(netdev: str) -> "dict[str, object]":
    """Return what an Ethernet port with RDMA is set to."""
    base = "/sys/class/net/" + netdev
    found = dict(known(base, ("mtu", "carrier_changes")))  # type: dict[str, object]
    for side in ("roce_np", "roce_rp"):
        folder = f"{base}/ecn/{side}/enable"
        found["ecn_" + side] = known(folder, names_in(folder)) or None
    found["qos"] = qos(netdev)
    return found


def qos(netdev: str) -> "dict[str, object] | None":
    """Return what mlnx_qos says of a port; None where there is no mlnx_qos."""
    argv = ["/usr/bin/mlnx_qos", "-i", netdev]
    if not os.path.exists(argv[0]):
        return None
    try:
        told = subprocess.run(  # noqa: S603  # the name of the port is the kernel's
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=QOS_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return untold(f"mlnx_qos gave no answer within {QOS_S:g} s", "timeout")
    return {"out": told.stdout.decode("utf-8", "replace"), "status": told.returncode}


def rdma_ports() -> "list[dict[str, object]]":
    """Return the ports of RDMA devices, but for virtual functions."""
    found = []  # type: list[dict[str, object]]
    for device in names_in("/sys/class/infiniband"):
        base = "/sys/class/infiniband/" + device
        if os.path.exists(AUDIT_ROOT + base + "/device/physfn"):
            continue
        netdevs = names_in(base + "/device/net")
        for port in names_in(base + "/ports"):
            folder = f"{base}/ports/{port}"
            counters = folder + "/counters"
            number = int(port) if port.isdigit() else 1
            netdev = netdevs[number - 1] if number <= len(netdevs) else (netdevs[0] if netdevs else None)
            found.append(
                {
                    "device": device,
                    "port": number,
                    "slot": slot_of(base + "/device"),
                    "netdev": netdev,
                    "files": known(folder, IB_FILES),
                    "device_files": known(base, ("fw_ver", "board_id", "hca_type", "node_guid")),
                    "gid": words(folder + "/gids/0"),
                    "counters": known(counters, names_in(counters)),
                    "traffic_class": words(f"{base}/tc/{port}/traffic_class"),
                    "settings": roce_settings(netdev) if netdev else {},
                }
            )
    return found


def daemons() -> "list[str]":
    """Return the units whose program runs, in whatever container."""
    names = {words(f"/proc/{pid}/comm") for pid in names_in("/proc") if pid.isdigit()}
    return sorted(unit for name, unit in DAEMONS.items() if name in names)


def microcode() -> "str | None":
    """Return the revision of the first processor."""
    try:
        with open(AUDIT_ROOT + "/proc/cpuinfo") as file:
            found = re.search(r"^microcode\s*:\s*(\S+)", file.read(4096), re.MULTILINE)
    except OSError:
        return None
    return found.group(1) if found else None


def nccl() -> "str | None":
    """Return the version in the name of the library of the host."""
    for folder in LIBRARIES:
        for name in names_in(folder):
            if re.match(r"libnccl\.so\.\d+\.\d+", name):
                return name[len("libnccl.so.") :]
    return None


def read_boards() -> "dict[str, object]":
    """Return what files tell of accelerators and of the fabric."""
    modules = words("/proc/modules")
    document = {
        "taken_at_s": int(time.time()),
        "uptime_s": int(float((words("/proc/uptime") or "0").split(" ")[0])),
        "modules": None if modules is None else [line.split(" ")[0] for line in modules.split("\n") if line],
        "driver": words("/proc/driver/nvidia/version"),
        "kernel": words("/proc/sys/kernel/osrelease"),
        "cmdline": words("/proc/cmdline"),
        "microcode": microcode(),
        "bios": words("/sys/class/dmi/id/bios_version"),
        "nccl": nccl(),
        "daemons": daemons(),
        "rdma": rdma_ports(),
    }  # type: dict[str, object]
    document.update(pci_functions())
    return document


BOARDS = Part("boards", BOARD_COMMANDS, read_boards)
