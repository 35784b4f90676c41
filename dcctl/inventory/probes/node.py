"""What a node says about itself, printed as one JSON document of the shape `Facts`.

Streamed to `python3 -` on a node and run from memory: nothing is written there. Python 3.6 and its standard
library alone. What is not there is left out; what hangs is cut off and named under `unread`.
"""

import errno
import json
import os
import re
import sys
import time
from typing import TYPE_CHECKING

from dcctl.inventory.probes.child import finish, start
from dcctl.inventory.probes.nvml_boards import nvml_lines
from dcctl.inventory.probes.rules import (
    ACCELERATOR_CLASSES,
    CPU_SAMPLE_S,
    CPUINFO_BYTES,
    DMI_FILES,
    LISTED_VENDORS,
    NIC_FILES,
    NOT_DISKS,
    NOT_NICS,
    PORT_COUNTERS,
    PORT_FILES,
    PRESSURE_FILES,
    QUOTA_FILES,
    aliases,
    count_list,
    has_space,
    may_hang,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = ""  # tests put a recorded tree here
CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]")  # some firmware writes garbage
MOUNT_DEADLINE_S = 3.0
NVML_DEADLINE_S = 15.0


def text(path: str, size: int = -1) -> "str | None":
    """Return a file, or its beginning, without the white space around; None when it cannot be read."""
    try:
        with open(ROOT + path, errors="replace") as file:
            return CONTROL.sub("", file.read(size)).strip()
    except OSError:
        return None


def texts(folder: str, names: "Iterable[str]") -> "dict[str, str]":
    """Return those of the files that can be read, by the name they were asked under."""
    found = ((name, text(folder + "/" + name)) for name in names)
    return {name: content for name, content in found if content is not None}


def entries(folder: str) -> "list[str]":
    """Return what is in a folder; nothing when it cannot be read."""
    try:
        return sorted(os.listdir(ROOT + folder))
    except OSError:
        return []


def pci_address(device: str) -> "str | None":
    """Return the PCI address that a device link leads to; a virtio device is below its PCI function."""
    parts = os.path.realpath(ROOT + device).split("/") if exists(device) else []
    return next((part for part in reversed(parts) if re.match(r"[0-9a-f]{4}:[0-9a-f]{2}:\S{4}$", part)), None)


def link(path: str) -> "str | None":
    """Return the last part of what a symbolic link points to."""
    try:
        return os.path.basename(os.readlink(ROOT + path))
    except OSError:
        return None


def exists(path: str) -> bool:
    """True when there is such a path."""
    return os.path.exists(ROOT + path)


def cpu_stat() -> "str | None":
    """Return the line of all processors in /proc/stat."""
    return (text("/proc/stat") or "").split("\n")[0] or None


def system() -> "dict[str, object]":
    """Return names, versions and memory."""
    uname = os.uname()
    hostname = text("/proc/sys/kernel/hostname") or uname.nodename
    memory = dict(re.findall(r"^(\w+):\s+(\d+) kB", text("/proc/meminfo") or "", re.MULTILINE))
    loads = (text("/proc/loadavg") or "").split()
    uptime = (text("/proc/uptime") or "").split()
    return {
        "hostname": hostname,
        "aliases": aliases(hostname, text("/etc/hosts") or ""),
        "architecture": text("/proc/sys/kernel/arch") or uname.machine,
        "kernel": text("/proc/sys/kernel/osrelease") or uname.release,
        "os_release": text("/etc/os-release") or text("/usr/lib/os-release"),
        "boot_id": text("/proc/sys/kernel/random/boot_id"),
        "machine_id": text("/etc/machine-id"),
        "uptime_s": float(uptime[0]) if uptime else None,
        "dmi": texts("/sys/class/dmi/id", DMI_FILES),
        "memory_total_bytes": int(memory["MemTotal"]) * 1024 if "MemTotal" in memory else None,
        "memory_available_bytes": int(memory["MemAvailable"]) * 1024 if "MemAvailable" in memory else None,
        "load1": float(loads[0]) if loads else None,
        "pressure": texts("/proc/pressure", PRESSURE_FILES),
    }


def cpu() -> "dict[str, object]":
    """Return the processors that are online, counted by their topology; one that is offline has none."""
    base = "/sys/devices/system/"
    cores = set()
    for name in entries(base + "cpu"):
        if re.match(r"cpu\d+$", name):
            ids = texts(base + "cpu/" + name + "/topology", ["physical_package_id", "die_id", "core_id"])
            if "core_id" in ids:
                cores.add((ids.get("physical_package_id"), ids.get("die_id"), ids["core_id"]))
    model = re.search(r"^model name\s*:\s*(.+)$", text("/proc/cpuinfo", CPUINFO_BYTES) or "", re.MULTILINE)
    nodes = [name for name in entries(base + "node") if re.match(r"node\d+$", name)]
    return {
        "model": model.group(1) if model else None,
        "sockets": len({core[0] for core in cores}) or None,
        "cores": len(cores) or None,
        "threads": count_list(text(base + "cpu/online")) or os.cpu_count(),
        "numa_nodes": len(nodes) or None,
    }


def cgroup() -> "dict[str, object]":
    """Return the limits of the root control group: those of a container, not of our session."""
    base = "/sys/fs/cgroup"
    quota = texts(base + "/cpu", QUOTA_FILES)
    return {
        "cgroup_cpu_max": text(base + "/cpu.max") or " ".join(quota.values()) or None,
        "cgroup_memory_max": text(base + "/memory.max") or text(base + "/memory/memory.limit_in_bytes"),
    }


def rdma_port(device: str, port: str) -> "dict[str, str]":
    """Return what an InfiniBand or RoCE port says."""
    base = "/sys/class/infiniband/" + device
    folder = f"{base}/ports/{port}"
    found = texts(folder, PORT_FILES)
    found.update(texts(base, ["node_guid"]))
    found.update(texts(folder + "/counters", PORT_COUNTERS))
    gid = (text(folder + "/gids/0") or "").split(":")
    if len(gid) == 8:
        found["port_guid"] = ":".join(gid[4:])
    return found


def nic(name: str, base: str) -> "dict[str, object]":
    """Return a network interface, with the RDMA device behind it."""
    device = base + "/device"
    record = {"name": name, "files": texts(base, NIC_FILES)}  # type: dict[str, object]
    record["driver"], record["pci_address"] = link(device + "/driver"), pci_address(device)
    record["numa_node"] = text(device + "/numa_node")
    record["virtual_function"] = exists(device + "/physfn")
    rdma = entries(device + "/infiniband")
    if rdma:
        record["firmware"] = text(f"/sys/class/infiniband/{rdma[0]}/fw_ver")
        record["rdma"] = rdma_port(rdma[0], str(int(text(base + "/dev_port") or "0") + 1))
    return record


def lone_port(device: str, port: str) -> "dict[str, object]":
    """Return a port of an InfiniBand device that has no network interface."""
    base = "/sys/class/infiniband/" + device
    return {
        "name": f"{device}/{port}",
        "driver": link(base + "/device/driver"),
        "pci_address": pci_address(base + "/device"),
        "numa_node": text(base + "/device/numa_node"),
        "virtual_function": exists(base + "/device/physfn"),
        "firmware": text(base + "/fw_ver"),
        "rdma": rdma_port(device, port),
    }


def nics() -> "list[object] | None":
    """Return interfaces, and ports of InfiniBand devices without one; None without a sysfs to look in."""
    if not exists("/sys/class/net"):
        return None
    names = [name for name in entries("/sys/class/net") if name not in NOT_NICS]
    found = [nic(name, "/sys/class/net/" + name) for name in names]  # type: list[object]
    for device in entries("/sys/class/infiniband"):
        base = "/sys/class/infiniband/" + device
        if entries(base + "/device/net"):
            continue
        found += [lone_port(device, port) for port in entries(base + "/ports")]
    return found


def disks() -> "list[object] | None":
    """Return block devices; None without a sysfs to look in."""
    if not exists("/sys/block"):
        return None
    names = [name for name in entries("/sys/block") if not name.startswith(NOT_DISKS)]
    return [
        {
            "name": name,
            "sectors": text(f"/sys/block/{name}/size"),
            "rotational": text(f"/sys/block/{name}/queue/rotational"),
            "model": text(f"/sys/block/{name}/device/model"),
        }
        for name in names
    ]


def pci_function(address: str) -> "dict[str, object] | None":
    """Return a PCI function that may be an accelerator."""
    base = "/sys/bus/pci/devices/" + address
    kind, vendor = text(base + "/class"), text(base + "/vendor")
    if kind is None or vendor is None:
        return None
    if not kind.startswith(ACCELERATOR_CLASSES) and vendor not in LISTED_VENDORS:
        return None
    return {
        "address": address,
        "vendor": vendor,
        "device": text(base + "/device") or "",
        "pci_class": kind,
        "driver": link(base + "/driver"),
        "numa_node": text(base + "/numa_node"),
        "link_speed": text(base + "/current_link_speed"),
        "link_width": text(base + "/current_link_width"),
        "max_link_speed": text(base + "/max_link_speed"),
        "max_link_width": text(base + "/max_link_width"),
        "virtual_function": exists(base + "/physfn"),
    }


def pci() -> "list[object] | None":
    """Return accelerator candidates; empty without a PCI bus, None without a sysfs."""
    if not exists("/sys/bus"):
        return None
    found = [pci_function(address) for address in entries("/sys/bus/pci/devices")]
    return [function for function in found if function is not None]


def mount_lines() -> "list[tuple[str, str, str]]":
    """Return (path, device, type) of the mounts with space of their own."""
    found = []
    for line in (text("/proc/self/mounts") or "").split("\n"):
        words = [re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), word) for word in line.split(" ")]
        if len(words) > 2 and has_space(words[1], words[2]):
            found.append((words[1], words[0], words[2]))
    return found


def space(path: str) -> "Iterator[dict[str, object]]":
    """Yield size and free bytes of a file system; may hang when its server is gone."""
    try:
        stat = os.statvfs(path)
    except OSError as error:
        yield {"reason": os.strerror(error.errno or errno.EIO)}
    else:
        yield {"size_bytes": stat.f_blocks * stat.f_frsize, "free_bytes": stat.f_bavail * stat.f_frsize}


def mounts(unread: "list[object]") -> "list[dict[str, object]] | None":
    """Return mounts with their space. Each remote one is asked in a child of its own, all at once."""
    if text("/proc/self/mounts") is None:
        return None
    lines = mount_lines()
    children = {path: start(space, path) for path, _, kind in lines if may_hang(kind)}
    end, found = time.monotonic() + MOUNT_DEADLINE_S, []
    for path, device, kind in lines:
        answers = finish(children[path], end)[0] if path in children else list(space(path))
        record = {"path": path, "device": device, "fstype": kind}  # type: dict[str, object]
        answer = answers[0] if answers else {}  # type: dict[str, object]
        if "size_bytes" in answer:
            record.update(answer)
        elif "reason" in answer:
            unread.append({"subject": "mount " + path, "reason": answer["reason"]})
        else:
            reason = f"{device} gave no answer within {MOUNT_DEADLINE_S:g} s"
            unread.append({"subject": "mount " + path, "reason": reason, "cause": "timeout"})
        found.append(record)
    return found


def nvml_document(lines: "list[dict[str, object]]", ending: str) -> "dict[str, object]":
    """Return the lines of the child as one NvmlDocument."""
    machine = next((line for line in lines if "count" in line), {})
    errors = [line["error"] for line in lines if "error" in line]
    whole = bool(errors) or any("done" in line for line in lines)
    late = ending == "late"
    if not whole and not late:
        errors.append({"call": "reader", "code": -1, "text": ending})
    record = {name: machine.get(name) for name in ("driver", "cuda", "count")}
    record.update(
        gpus=[line["gpu"] for line in lines if "gpu" in line], errors=errors, timed_out=late and not whole
    )
    return record


def without_none(value: object) -> object:
    """Drop what is not known, at every depth."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_none(item) for item in value]
    return value


def facts() -> "dict[str, object]":
    """Return all of it. NVML is read beside the rest, and the two looks at the CPU lie around everything."""
    begun, first = time.monotonic(), cpu_stat()
    board_reader = start(nvml_lines)
    unread = []  # type: list[object]
    document = system()  # type: dict[str, object]
    document.update(cgroup())
    document.update(
        schema=1, cpu=cpu(), nics=nics(), disks=disks(), pci=pci(), mounts=mounts(unread), unread=unread
    )
    document["nvml"] = nvml_document(*finish(board_reader, begun + NVML_DEADLINE_S))
    time.sleep(max(0, begun + CPU_SAMPLE_S - time.monotonic()))
    document["cpu_stat"] = [line for line in (first, cpu_stat()) if line]
    return document


def main() -> None:
    """Print the document between the lines that mark it."""
    sys.stdout.write("@@dcctl python\n" + json.dumps(without_none(facts())) + "\n@@dcctl end\n")


if __name__ == "__main__":
    main()
