"""What a node tells of its hardening and health."""

from typing import Final, Literal

from dcctl.inventory.devices import Fact, Natural
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.model import Moment

SEL_EVENTS: Final = "SEL events"


class Algorithms(Fact, frozen=True):
    """What an SSH server offers before anybody logs in: its KEXINIT (RFC 4253, 7.1), in its order."""

    kex: tuple[str, ...] = ()
    host_keys: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()


class Match(Fact, frozen=True):
    """A setting of sshd that holds for some logins alone."""

    criteria: str
    keyword: str
    """Lower case."""
    value: str


class HostKey(Fact, frozen=True):
    """A key by which the SSH server shows who it is."""

    file: str
    kind: str
    fingerprint: str
    """SHA256:…, as ssh-keygen prints it."""
    mode: Natural | None = None
    """Of the private half."""
    uid: Natural | None = None


class AuthorizedKey(Fact, frozen=True):
    """A key that lets somebody in."""

    user: str
    kind: str
    """As ssh-keygen names it: RSA, ED25519, ED25519-SK, ECDSA, DSA."""
    bits: Natural
    fingerprint: str
    comment: str = ""
    file: str = ""
    changed_at_s: Moment | None = None
    """When its file last changed: the key is at least that old."""


class HostAccount(Fact, frozen=True):
    """A line of /etc/passwd."""

    name: str
    uid: Natural
    home: str = ""
    shell: str = ""


class Grant(Fact, frozen=True):
    """A line of sudoers that asks for no password."""

    who: str
    commands: str
    """As written, on one line."""
    file: str = ""


class Auditing(Fact, frozen=True):
    """The kernel's audit and its daemon."""

    enabled: Natural | None = None
    """1: on; 2: on, and locked until the next start."""
    disk_full: str | None = None
    """`disk_full_action`, upper case."""


class Logging(Fact, frozen=True):
    """Where logs go."""

    persistent: bool | None = None
    """The journal outlives a restart."""
    remotes: tuple[str, ...] = ()
    """Lines of rsyslog that send away, and running agents by name."""


class Clock(Fact, frozen=True):
    """How the clock is kept."""

    daemon: str = ""
    synchronised: bool | None = None
    offset_ns: int | None = None
    stratum: Natural | None = None


class Listener(Fact, frozen=True):
    """A socket that waits for others."""

    proto: Literal["tcp", "udp"]
    address: str
    port: Natural
    process: str = ""
    """Empty: not told."""


class Integrity(Fact, frozen=True):
    """Who watches the files and system calls of the node."""

    watchers: tuple[str, ...] = ()
    """Detectors that run, by name."""
    checked_at_s: Moment | None = None
    """Newest check of files or their data base."""


class Confinement(Fact, frozen=True):
    """Mandatory access control."""

    kind: Literal["selinux", "apparmor", "none"]
    enforcing: bool
    profiles: Natural | None = None
    """AppArmor: how many it enforces."""


class Updates(Fact, frozen=True):
    """Packages that wait to be installed."""

    security: tuple[str, ...] | None = None
    """Packages or advisories with a security update."""
    installed_at_s: Moment | None = None
    """When packages last changed."""
    listed_at_s: Moment | None = None
    """When the lists of what there is were last fetched."""
    reboot_since_s: Moment | None = None
    """Since when a restart is asked for; None: it is not."""


class Upgrades(Fact, frozen=True):
    """What is upgraded without a person."""

    enabled: bool
    held: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    """Patterns of packages that are left alone."""
    packages: tuple[str, ...] = ()
    """Packages of kernel and driver."""


class HostFilesystem(Fact, frozen=True):
    """A local file system."""

    path: str
    fstype: str = ""
    size_bytes: Natural | None = None
    free_bytes: Natural | None = None
    inodes: Natural | None = None
    inodes_free: Natural | None = None
    read_only: bool = False
    meant_read_only: bool = False
    """By /etc/fstab, or by its kind."""


class Drive(Fact, frozen=True):
    """What a drive says of itself (SMART)."""

    name: str
    passed: bool | None = None
    critical_warning: Natural | None = None
    """NVMe: bits of the critical warning."""
    used_milli: Natural | None = None
    """NVMe: wear, in thousandths of what its maker allows; it may go beyond."""


class HostMemory(Fact, frozen=True):
    """Memory and what became of it."""

    total_bytes: Natural | None = None
    uncorrected: Natural | None = None
    """Since the node was started; None: nobody counts."""
    corrected: Natural | None = None
    swaps: tuple[str, ...] | None = None
    """Devices and files in use."""


class Stuck(Fact, frozen=True):
    """A process that was dead or waited for I/O at two looks, and did not run in between."""

    name: str
    state: Literal["Z", "D"]
    age_s: int


class SelEvent(Fact, frozen=True):
    """A line of the BMC's log of events."""

    at: str
    sensor: str
    event: str
    asserted: bool = True


class Sensor(Fact, frozen=True):
    """A sensor of the BMC."""

    name: str
    state: str
    """ok, ns, nc, cr, nr, as ipmitool prints it."""
    reading: str = ""


class Bmc(Fact, frozen=True):
    """What the baseboard management controller says."""

    events: tuple[SelEvent, ...] | None = None
    """Oldest first."""
    sensors: tuple[Sensor, ...] | None = None


class Host(Subject, frozen=True, kw_only=True):
    """A node as its probe saw it, and as it shows itself to who has no login."""

    node: str
    virtual: str | None = None
    """`none`, `kvm`, `docker`, …, as systemd-detect-virt says."""
    container: bool = False
    """The kernel is another machine's."""
    os: str | None = None
    """ID and VERSION_ID of os-release: `debian 12`."""
    ssh_server: str | None = None
    """Its software, `OpenSSH_9.2p1 Debian-2`; empty: none answers."""
    algorithms: Algorithms | None = None
    sshd: dict[str, tuple[str, ...]] | None = None
    """`sshd -T`: effective settings, all but the Match blocks, by lower-case keyword."""
    sshd_matches: tuple[Match, ...] | None = None
    host_keys: tuple[HostKey, ...] | None = None
    authorized_keys: tuple[AuthorizedKey, ...] | None = None
    accounts: tuple[HostAccount, ...] | None = None
    empty_passwords: tuple[str, ...] | None = None
    nopasswd: tuple[Grant, ...] | None = None
    services: dict[str, str] | None = None
    """State by unit: active, inactive, failed, …; `missing`: there is no such unit."""
    auditing: Auditing | None = None
    logging: Logging | None = None
    clock: Clock | None = None
    firewall: dict[str, str] | None = None
    """By family (`ipv4`, `ipv6`): what becomes of what no rule allows, `drop`, `accept`; `none`: no rules."""
    listeners: tuple[Listener, ...] | None = None
    integrity: Integrity | None = None
    sysctls: dict[str, str] | None = None
    confinement: Confinement | None = None
    updates: Updates | None = None
    upgrades: Upgrades | None = None
    filesystems: tuple[HostFilesystem, ...] | None = None
    drives: tuple[Drive, ...] | None = None
    memory: HostMemory | None = None
    tuning: dict[str, str] | None = None
    """governor, clocksource, iommu, numa_nodes, hugepages, transparent_hugepages."""
    processes: tuple[str, ...] | None = None
    """Names of what runs, each once."""
    stuck: tuple[Stuck, ...] | None = None
    bmc: Bmc | None = None

    @property
    def counted(self) -> dict[str, int]:
        """How many events its controller has logged."""
        events = None if self.bmc is None else self.bmc.events
        return {} if events is None else {SEL_EVENTS: len(events)}

    @property
    def key(self) -> str:
        """Its node."""
        return self.node

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Its node."""
        return (self.node,)
