"""Nodes: whether what happens there is recorded, kept, in time, and closed to who has no business there."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.checks.nodes_common import days, in_container, pools_of, unless_told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.hosts import Host, Listener


@check(
    "NOD-08",
    "Kernel audit is off, or may be switched off",
    "high",
    tier="R",
    over="hosts",
    needs=("services",),
    refs=("800-53:AC-2(g)", "800-53:AU-5(b)", "800-53:AC-6(9)", "soc2:CC7.2", "iso:A.8.15", "mlps:8.1.4.3"),
    why="Without it nobody can tell afterwards who changed what; unlocked rules are the first thing to go.",
    fix="systemctl enable --now auditd; end audit.rules with -e 2; disk_full_action SYSLOG, SINGLE or HALT.",
    applies=in_container,
)
def auditd(host: Host, _scene: Scene) -> list[Fault]:
    """The daemon runs, the rules are locked until the next start, and a full disk is not ignored."""
    state = (host.services or {}).get("auditd", "missing")
    if state != "active":
        return [Fault("auditd is not installed" if state == "missing" else f"auditd is {state}", "auditd")]
    faults, audit = [], host.auditing
    if audit and audit.enabled is not None and audit.enabled != 2:
        says = "rules may be changed by root at any time" if audit.enabled else "the kernel's audit is off"
        faults.append(Fault(says, "enabled"))
    if audit and audit.disk_full == "IGNORE":
        faults.append(Fault("a full disk is ignored: events are lost in silence", "disk_full_action"))
    if not faults and audit and None in {audit.enabled, audit.disk_full}:
        raise Unsure("auditctl and auditd.conf do not tell all of it")
    return unless_told(host, faults, "auditing")


@check(
    "NOD-09",
    "Logs do not leave the node, or do not outlive a restart",
    "medium",
    tier="S",
    over="hosts",
    needs=("logging",),
    refs=("800-53:AU-4(1)", "800-53:AU-9(2)", "soc2:CC7.2", "iso:A.8.15", "mlps:8.1.4.3"),
    why="Who takes over a node removes its logs; a node that breaks takes them along.",
    fix="Send them away (rsyslog, journal-upload, an agent); Storage=persistent in journald.conf.",
    applies=in_container,
)
def logs(host: Host, _scene: Scene) -> list[Fault]:
    """The journal is kept, and something sends logs to another machine."""
    faults, told = [], host.logging
    if told and not told.remotes and "logging" not in host.silent:
        faults.append(Fault("nothing sends logs to another machine", "local"))
    if told and told.persistent is False:
        faults.append(Fault("the journal is lost at a restart", "volatile"))
    if not faults and told and told.persistent is None:
        raise Unsure("nobody told where the journal is kept")
    return unless_told(host, faults, "logging")


@check(
    "NOD-10",
    "Clock is not synchronised, or off",
    "high",
    tier="S",
    over="hosts",
    needs=("clock",),
    refs=("800-53:AU-8", "800-53:CM-6(a)", "soc2:CC7.2", "iso:A.8.17"),
    why="Logs cannot be put in order, certificates and tokens fail, and traces of collectives lie.",
    fix="systemctl enable --now chronyd; chronyc sources. PTP where the fabric has it.",
    applies=in_container,
)
def clock(host: Host, scene: Scene) -> Iterator[Fault]:
    """It is synchronised, within the offset, and not too far from a true clock."""
    told, policy = host.clock, scene.policy.hosts
    if told is None or told.synchronised is None:
        raise Unsure("nobody told whether it is synchronised")
    if not told.synchronised:
        yield Fault("the clock is not synchronised", "synchronised")
        return
    if told.offset_ns is not None and abs(told.offset_ns) > policy.clock_offset_ns:
        yield Fault(
            f"off by {abs(told.offset_ns) / 1e6:.3g} ms, at most {policy.clock_offset_ns / 1e6:g}", "offset"
        )
    if told.stratum is not None and told.stratum > policy.clock_stratum:
        yield Fault(f"stratum {told.stratum}, at most {policy.clock_stratum}", "stratum")


def _filtered_elsewhere(host: Host, scene: Scene) -> str:
    if scene.policy.hosts.fabric_acl:
        return "the site's switches filter what reaches the nodes"
    return in_container(host, scene)


@check(
    "NOD-11",
    "No firewall, or one that lets in what no rule names",
    "medium",
    tier="R",
    over="hosts",
    needs=("firewall",),
    refs=("800-53:SC-7", "soc2:CC6.6", "iso:A.8.20", "mlps:8.1.4.2"),
    why="Every service that somebody starts is open to every network from that moment.",
    fix="Give the input chain the policy drop (nft, ufw default deny), or say audit.hosts.fabric_acl.",
    applies=_filtered_elsewhere,
)
def firewall(host: Host, _scene: Scene) -> Iterator[Fault]:
    """What no rule allows is dropped, for IPv4 and IPv6."""
    for family, verdict in sorted((host.firewall or {}).items()):
        if verdict != "drop":
            yield Fault(
                f"{family}: {'no rules' if verdict == 'none' else 'what no rule names is let in'}", family
            )


def _nothing_listens(host: Host, _scene: Scene) -> str:
    return "nodes where nothing listens" if host.listeners == () else ""


@check(
    "NOD-12",
    "Port is open that should not be",
    "medium",
    tier="R",
    over="hosts",
    needs=("listeners",),
    refs=("800-53:CM-7", "soc2:CC6.6", "iso:A.8.20", "mlps:8.1.4.2"),
    why="etcd, DCGM, Ollama and Ray take orders from whoever reaches them.",
    fix="Bind it to loopback or to the network of its users, or put it behind a firewall.",
    applies=_nothing_listens,
)
def ports(host: Host, scene: Scene) -> Iterator[Fault]:
    """None of the sensitive ports is open to every network, and nothing beyond the list of a site."""
    policy, pool = scene.policy.hosts, scene.once(pools_of).get(host.node, "")
    listed = policy.ports.get(pool, policy.ports.get("*"))
    told: set[str] = set()
    for one in host.listeners or ():
        name = f"{one.proto}/{one.port}"
        if name in told:
            continue
        says = f"{one.process or 'a process that was not told'} on {one.address} port {one.port}"
        if one.port in policy.exposed_ports and _everywhere(one) and not _allowed(one, scene):
            told.add(name)
            yield Fault(f"open to every network: {says}", name)
        elif listed is not None and not _is_loopback(one.address) and f"{one.port}/{one.proto}" not in listed:
            told.add(name)
            yield Fault(f"not on the list: {says}", name)


def _everywhere(one: Listener) -> bool:
    return one.proto == "tcp" and one.address in {"*", "0.0.0.0", "::"}  # noqa: S104  # compared, not bound


def _allowed(one: Listener, scene: Scene) -> bool:
    return scene.policy.hosts.exposed_allowed.get(one.process) == one.port


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


@check(
    "NOD-13",
    "Nobody watches files and system calls",
    "medium",
    tier="S",
    over="hosts",
    needs=("integrity",),
    refs=("800-53:SI-7", "800-53:SI-4", "soc2:CC7.2", "iso:A.8.16", "mlps:8.1.4.4"),
    why="A changed binary or a shell in a pod is noticed by chance, or never.",
    fix="Run Falco, Tetragon or Wazuh, or have AIDE check every night (aideinit; dailyaidecheck.timer).",
    applies=in_container,
)
def watchers(host: Host, scene: Scene) -> list[Fault]:
    """A detector runs, or files were checked within the limit."""
    told, limit_s = host.integrity, scene.policy.hosts.files_checked_age_s
    if told is None or told.watchers:
        return []
    if told.checked_at_s is None:
        if "integrity" in host.silent:
            raise Unsure(host.silent["integrity"].reason)
        return [Fault("no detector runs, and files were never checked", "watchers")]
    age_s = scene.now_s - told.checked_at_s
    return [Fault(f"files were last checked {days(age_s)} days ago", "age")] if age_s > limit_s else []
