"""Nodes of the demo fleet as their probes would see them: a dozen faults, and the rest in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from dcctl.inventory.demo.hardware import noise
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.hosts import (
    Algorithms,
    Auditing,
    AuthorizedKey,
    Bmc,
    Clock,
    Confinement,
    Drive,
    Grant,
    Host,
    HostAccount,
    HostFilesystem,
    HostKey,
    HostMemory,
    Integrity,
    Listener,
    Logging,
    SelEvent,
    Sensor,
    Stuck,
    Updates,
    Upgrades,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.model import Fleet, Node

_DAY_S: Final = 86_400
_ALGORITHMS: Final = Algorithms(
    kex=("sntrup761x25519-sha512@openssh.com", "curve25519-sha256", "kex-strict-s-v00@openssh.com"),
    host_keys=("ssh-ed25519", "rsa-sha2-512"),
    ciphers=("chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com"),
    macs=("hmac-sha2-512-etm@openssh.com",),
)
_SSHD: Final[dict[str, tuple[str, ...]]] = {
    "permitrootlogin": ("prohibit-password",),
    "passwordauthentication": ("no",),
    "permitemptypasswords": ("no",),
    "kbdinteractiveauthentication": ("no",),
    "usepam": ("yes",),
    "authenticationmethods": ("any",),
    "maxauthtries": ("4",),
    "clientaliveinterval": ("300",),
    "clientalivecountmax": ("3",),
    "x11forwarding": ("no",),
    "allowgroups": ("ops",),
}
_SYSCTLS: Final = {
    "kernel.randomize_va_space": "2",
    "kernel.kptr_restrict": "1",
    "kernel.dmesg_restrict": "1",
    "fs.suid_dumpable": "0",
    "net.ipv4.conf.all.rp_filter": "2",
    "net.ipv4.conf.all.accept_redirects": "0",
    "net.ipv6.conf.all.accept_redirects": "0",
    "net.ipv4.conf.all.accept_source_route": "0",
}
_TUNING: Final = {
    "governor": "performance",
    "clocksource": "tsc",
    "iommu": "on",
    "numa_nodes": "2",
    "hugepages": "0",
    "transparent_hugepages": "madvise",
}
_OPS: Final = AuthorizedKey(
    "ops", "ED25519", 256, "SHA256:demo-ops", "ops@bastion", "/home/ops/.ssh/authorized_keys"
)


def part(fleet: Fleet) -> Evidence:
    """The nodes that answer in the demo fleet; the one that does not is there, and silent."""
    now_s = fleet.taken_at_s or 0
    mute = {gap.node: Silence(gap.reason, gap.cause) for gap in fleet.gaps if gap.node}
    hosts = tuple(
        _silent(node.name, mute[node.name]) if node.name in mute else _troubled(_healthy(node, now_s), now_s)
        for node in fleet.nodes
    )
    missing = tuple(
        _silent(name, why) for name, why in mute.items() if name not in {one.node for one in hosts}
    )
    return Evidence(hosts=(*hosts, *missing))


def _silent(node: str, why: Silence) -> Host:
    named = [name for name in Host.__struct_fields__ if name not in {"silent", "node", "container"}]
    return Host(node=node, silent=dict.fromkeys(named, why))


def _healthy(node: Node, now_s: int) -> Host:
    """A hardened Debian machine in order."""
    return Host(
        node=node.name,
        virtual="none",
        os="debian 12",
        ssh_server="OpenSSH_9.2p1 Debian-2+deb12u7",
        algorithms=_ALGORITHMS,
        sshd=_SSHD,
        sshd_matches=(),
        host_keys=(_host_key(node.name),),
        authorized_keys=(replace(_OPS, changed_at_s=now_s - 90 * _DAY_S),),
        accounts=(
            HostAccount("root", 0, "/root", "/bin/bash"),
            HostAccount("ops", 1000, "/home/ops", "/bin/bash"),
        ),
        empty_passwords=(),
        nopasswd=(),
        services={"auditd": "active", "chrony": "active", "rsyslog": "active"},
        auditing=Auditing(2, "HALT"),
        logging=Logging(True, ("fluent-bit",)),
        clock=Clock("chrony", True, noise(f"{node.name}/clock", -90_000, 90_000), 3),
        firewall={"ipv4": "drop", "ipv6": "drop"},
        listeners=(Listener("tcp", "*", 22, "sshd"), Listener("tcp", "*", 10250, "kubelet")),
        integrity=Integrity(("falco",), now_s - _DAY_S),
        sysctls=_SYSCTLS,
        confinement=Confinement("apparmor", True, 34),
        updates=Updates((), now_s - 9 * _DAY_S, now_s - _DAY_S // 2),
        upgrades=Upgrades(False, ("nvidia-driver-550",), (), ("nvidia-driver-550", "linux-image-amd64")),
        filesystems=_filesystems(node),
        drives=tuple(Drive(f"nvme{at}", True, 0, noise(f"{node.name}/wear{at}", 20, 310)) for at in range(2)),
        memory=HostMemory(node.capacity.memory_bytes if node.capacity else None, 0, 0, ()),
        tuning=_TUNING,
        processes=("containerd", "falco", "fluent-bit", "kubelet", "sshd"),
        stuck=(),
        bmc=Bmc((), (Sensor("PS Redundancy", "ok", "Fully Redundant"), Sensor("FAN1", "ok", "9100 RPM"))),
    )


def _host_key(name: str) -> HostKey:
    return HostKey("/etc/ssh/ssh_host_ed25519_key", "ssh-ed25519", f"SHA256:demo-{name}", 0o600, 0)


def _filesystems(node: Node) -> tuple[HostFilesystem, ...]:
    return tuple(
        HostFilesystem(one.path, one.fstype, one.size_bytes, one.free_bytes, 10_000_000, 9_000_000)
        for one in node.mounts or ()
        if one.fstype in {"ext4", "xfs"}
    )


def _troubled(host: Host, now_s: int) -> Host:
    change = _TROUBLES.get(host.node)
    return replace(host, **change(host, now_s)) if change else host


def _restart_is_due(_host: Host, now_s: int) -> dict[str, Any]:
    return {"updates": Updates((), now_s - 12 * _DAY_S, now_s - _DAY_S, now_s - 12 * _DAY_S)}


def _left_key(host: Host, now_s: int) -> dict[str, Any]:
    """The key of somebody who left, short and old, on some nodes."""
    old = AuthorizedKey("root", "RSA", 2048, "SHA256:demo-lin", "lin@laptop", "/root/.ssh/authorized_keys")
    return {
        "authorized_keys": (*(host.authorized_keys or ()), replace(old, changed_at_s=now_s - 900 * _DAY_S))
    }


def _careless(_host: Host, _now_s: int) -> dict[str, Any]:
    return {
        "sshd": _SSHD | {"permitrootlogin": ("yes",), "passwordauthentication": ("yes",)},
        "nopasswd": (Grant("ubuntu", "ALL", "/etc/sudoers.d/90-cloud-init-users"),),
    }


def _refused(_host: Host, _now_s: int) -> dict[str, Any]:
    """Sudo was refused: what needs root is not known there."""
    why = Silence("sudo refused: a password is required", "denied")
    names = ("sshd", "sshd_matches", "authorized_keys", "empty_passwords", "nopasswd", "auditing", "firewall")
    return dict.fromkeys(names) | {"silent": dict.fromkeys(names, why)}


def _supply_failed(_host: Host, _now_s: int) -> dict[str, Any]:
    event = SelEvent("06/14/2025 03:12:40", "PS2 Status", "Failure detected")
    return {"bmc": Bmc((event,), (Sensor("PS Redundancy", "ok", "Redundancy Lost"),))}


def _same_image(_host: Host, _now_s: int) -> dict[str, Any]:
    return {"host_keys": (_host_key("image"),)}


_TROUBLES: Final[dict[str, Callable[[Host, int], dict[str, Any]]]] = {
    "gpu005": _restart_is_due,
    "gpu006": _restart_is_due,
    "gpu011": _left_key,
    "gpu012": _left_key,
    "gpu013": _left_key,
    "gpu029": lambda _host, _now_s: {"clock": Clock("chrony", True, 4_200_000, 3)},
    "gpu041": lambda _host, _now_s: {"tuning": _TUNING | {"governor": "powersave"}},
    "gpu052": _supply_failed,
    "gpu063": lambda host, _now_s: {"drives": (*(host.drives or ())[:1], Drive("nvme1", True, 4, 940))},
    "gpu070": lambda _host, _now_s: {"stuck": (Stuck("python", "D", 5_400),)},
    "gpu084": _refused,
    "gpu099": lambda host, _now_s: {
        "listeners": (*(host.listeners or ()), Listener("tcp", "*", 11434, "ollama"))
    },
    "gpu118": _careless,
    "gpu119": _same_image,
    "gpu120": _same_image,
}
"""By node, what is wrong there."""
