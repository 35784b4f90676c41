"""Nodes: kernel settings, confinement, updates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.checks.nodes_common import days, in_an_image, in_container, nodes_of, unless_told
from dcctl.audit.facts.support import ends_s

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.hosts import Host, Updates, Upgrades

_ROUTED_BY = {"net.ipv4.conf.all.rp_filter": "cilium-agent"}
"""Settings that a network plug-in has to loosen, and the process that shows that it is there."""


@check(
    "NOD-14",
    "Kernel setting is weaker than it should be",
    "low",
    tier="S",
    over="hosts",
    needs=("sysctls",),
    refs=("800-53:SC-30", "800-53:CM-7(a)", "800-53:SI-11(a)", "soc2:CC6.1", "iso:A.8.9"),
    why="Each of them makes an exploit, or a spoofed packet, one step harder.",
    fix="A file in /etc/sysctl.d, then sysctl --system. With dmesg_restrict reading XIDs takes root.",
    applies=in_container,
)
def sysctls(host: Host, scene: Scene) -> Iterator[Fault]:
    """Each setting of the site's list has one of its values; one that the kernel lacks is passed over."""
    told = host.sysctls or {}
    if not told:
        raise Unsure("no kernel setting could be read")
    for name, allowed in scene.policy.hosts.sysctls.items():
        value = told.get(name)
        if value is None or value in allowed or _ROUTED_BY.get(name) in (host.processes or ()):
            continue
        yield Fault(f"{name} is {value}, not {' or '.join(allowed)}", name)


@check(
    "NOD-15",
    "Mandatory access control is off",
    "low",
    tier="S",
    over="hosts",
    needs=("confinement",),
    refs=("800-53:AC-3(4)", "soc2:CC6.8", "iso:A.8.2", "mlps:8.1.4.2"),
    why="A container that is broken out of has the whole node.",
    fix="setenforce 1 and SELINUX=enforcing, or apparmor=1 and aa-enforce /etc/apparmor.d/*.",
    applies=in_container,
)
def confinement(host: Host, _scene: Scene) -> list[Fault]:
    """SELinux enforces, or AppArmor enforces a profile at least."""
    told = host.confinement
    if told is None or told.enforcing:
        return unless_told(host, [], "confinement")
    if told.kind == "none":
        return [Fault("neither SELinux nor AppArmor is on", "off")]
    says = "SELinux only complains" if told.kind == "selinux" else "AppArmor enforces no profile"
    return [Fault(says, told.kind)]


@check(
    "NOD-16",
    "Security updates wait, or the system gets none any more",
    "high",
    tier="S",
    over="hosts",
    needs=("updates",),
    refs=("800-53:SI-2", "soc2:CC7.1", "iso:A.8.8", "mlps:8.1.10.5"),
    why="What an update closes is public from the day it comes out.",
    fix="kubectl drain NODE, then apt-get dist-upgrade or dnf upgrade --security; restart; kubectl uncordon.",
    applies=in_an_image,
)
def updates(host: Host, scene: Scene) -> list[Fault]:
    """The system is still kept, no security update has waited too long, and no restart is due."""
    faults, told, now_s, policy = [], host.updates, scene.now_s, scene.policy.hosts
    end = ends_s(host.os or "")
    if end is not None and now_s > end:
        faults.append(Fault(f"{host.os} gets no security updates any more", "end of life"))
    if told is None:
        return faults
    if told.reboot_since_s is not None and now_s - told.reboot_since_s > policy.reboot_age_s:
        since = days(now_s - told.reboot_since_s)
        faults.append(Fault(f"a restart is due for {since} days", "restart", "medium"))
    if (
        told.security
        and told.installed_at_s is not None
        and now_s - told.installed_at_s > policy.update_age_s
    ):
        since = days(now_s - told.installed_at_s)
        says = f"{len(told.security)} security updates wait, nothing installed for {since} days"
        faults.append(Fault(says, "security"))
    if not faults:
        _trust(told, now_s, policy.list_age_s)
    return unless_told(host, faults, "os")


def _trust(told: Updates, now_s: int, limit_s: int) -> None:
    """Unsure: what is told does not show that nothing waits."""
    if told.security is None:
        raise Unsure("nobody told which updates wait")
    if told.security and told.installed_at_s is None:
        raise Unsure("security updates wait, and nobody told since when")
    if told.listed_at_s is None:
        raise Unsure("nobody told how old the lists of packages are")
    if now_s - told.listed_at_s > limit_s:
        raise Unsure(f"the lists of packages are {days(now_s - told.listed_at_s)} days old")


def _without_boards(host: Host, scene: Scene) -> str:
    node = scene.once(nodes_of).get(host.node)
    if node is not None and node.accelerators == () and not any(node.accelerator_counts.values()):
        return "nodes without accelerators"
    return in_an_image(host, scene)


@check(
    "NOD-17",
    "Driver or kernel is upgraded without a person",
    "medium",
    tier="S",
    over="hosts",
    needs=("upgrades",),
    refs=("800-53:CM-3", "soc2:CC8.1", "iso:A.8.32"),
    why="A library newer than its loaded module breaks every new job on the node until it is restarted.",
    fix="apt-mark hold them, or put them on Unattended-Upgrade::Package-Blacklist (dnf: excludepkgs).",
    applies=_without_boards,
)
def unattended(host: Host, _scene: Scene) -> Iterator[Fault]:
    """Automatic upgrades are off, or leave the packages of driver and kernel alone."""
    told = host.upgrades
    if told is None or not told.enabled:
        return
    for family, beginning in (("driver", "nvidia"), ("kernel", ("linux-image", "kernel"))):
        free = [name for name in told.packages if name.startswith(beginning) and not _left_alone(name, told)]
        if free:
            more = f" and {len(free) - 1} more" if len(free) > 1 else ""
            yield Fault(f"{family}: {free[0]}{more} may be upgraded at night", family)


def _left_alone(name: str, told: Upgrades) -> bool:
    """True for a held package, and for one that a pattern covers. Unsure: a pattern is not understood."""
    return name in told.held or any(_covers(pattern, name) for pattern in told.excluded)


def _covers(pattern: str, name: str) -> bool:
    """Patterns of apt are expressions that have to match the beginning, those of dnf are of the shell."""
    plain = re.fullmatch(r"\^?([\w.+-]*?)(\.?\*|\$)?", pattern)
    if plain is None:
        raise Unsure(f"the pattern {pattern[:60]} of packages that are left alone is not understood")
    return name == plain[1] if plain[2] == "$" else name.startswith(plain[1])
