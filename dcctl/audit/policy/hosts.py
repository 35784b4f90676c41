"""What a site expects of its nodes."""

from __future__ import annotations

from msgspec import Struct, field

_DAY_S = 86_400


class Algorithms(Struct, frozen=True, forbid_unknown_fields=True):
    """Algorithms of SSH that are too weak, by patterns of the shell."""

    kex: tuple[str, ...] = ("*-sha1", "diffie-hellman-group1-*", "rsa1024-*", "rsa2048-*")
    host_keys: tuple[str, ...] = ("ssh-rsa", "ssh-rsa-cert-v01@openssh.com", "ssh-dss*")
    ciphers: tuple[str, ...] = ("*-cbc", "*-cbc@*", "arcfour*", "none")
    macs: tuple[str, ...] = ("hmac-md5*", "hmac-sha1-96*", "hmac-ripemd160*", "umac-64*", "none")


def _sysctls() -> dict[str, tuple[str, ...]]:
    return {
        "kernel.randomize_va_space": ("2",),
        "kernel.kptr_restrict": ("1", "2"),
        "kernel.dmesg_restrict": ("1",),
        "fs.suid_dumpable": ("0",),
        "net.ipv4.conf.all.rp_filter": ("1", "2"),
        "net.ipv4.conf.all.accept_redirects": ("0",),
        "net.ipv6.conf.all.accept_redirects": ("0",),
        "net.ipv4.conf.all.accept_source_route": ("0",),
    }


class HostPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits for nodes; a table by pool has the key `*` for all others."""

    ssh_weak: Algorithms = Algorithms()
    """Algorithms that SSH servers must not offer, by patterns of the shell."""
    ssh_auth_tries: int = 4
    """How often one may try to log in on one connection."""
    ssh_idle_s: int = 900
    """After how long a session without a sign of life has to end."""
    ssh_allowlist: bool = True
    """sshd has to name who may log in (AllowUsers or AllowGroups)."""
    ssh_keys: tuple[str, ...] = ()
    """Fingerprints of all keys that may log in, SHA256:…; none: keys are not compared."""
    ssh_rsa_bits: int = 3072
    """How long an RSA key has to be."""
    ssh_key_age_s: int = 730 * _DAY_S
    """How long ago a file of keys may have been changed."""
    sudo_without_password: tuple[str, ...] = ()
    """Who may become root without one: users, %groups, patterns of the shell."""
    clock_offset_ns: int = 1_000_000
    """How far a clock may be off."""
    clock_stratum: int = 10
    """How far a clock may be from a true one: the number of servers on the way."""
    fabric_acl: bool = False
    """Switches filter what reaches the nodes: they need no firewall of their own."""
    exposed_ports: tuple[int, ...] = (2379, 5555, 6666, 8265, 10250, 10255, 11434)
    """Ports that must not be open to every network."""
    exposed_allowed: dict[str, int] = field(default_factory=lambda: {"kubelet": 10250})
    """By process, the one of these that it serves with a check of who asks."""
    ports: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By pool, all that may listen beyond loopback (`22/tcp`); a pool that is not there is not compared."""
    files_checked_age_s: int = 7 * _DAY_S
    """How long ago files may have been checked for changes."""
    sysctls: dict[str, tuple[str, ...]] = field(default_factory=_sysctls)
    """Settings of the kernel, with the values that are good."""
    update_age_s: int = 30 * _DAY_S
    """How long a node may go on with security updates waiting."""
    list_age_s: int = 7 * _DAY_S
    """How old the lists of packages may be for anything to follow from them."""
    reboot_age_s: int = 7 * _DAY_S
    """How long a node may wait for a restart."""
    disk_used_milli: int = 850
    """How full a file system may be, in thousandths."""
    wear_milli: int = 900
    """How worn a drive may be, in thousandths."""
    memory_short_milli: int = 30
    """By how much less than most of its pool a node may have."""
    swap: bool = False
    """Nodes may swap."""
    tuning: dict[str, dict[str, str]] = field(default_factory=dict)
    """By pool, values of governor, clocksource, iommu, …; a pool that is not there goes by its majority."""
    stuck_age_s: int = 600
    """How long a process may be dead or wait for I/O."""
    maintenance_taints: tuple[str, ...] = ("dcctl.io/*", "*maintenance*", "node.kubernetes.io/unschedulable")
    """Taints that stand for maintenance; `*` and `?` are any."""
    maintenance_age_s: int = 3 * _DAY_S
    """How long maintenance may take."""
