"""The part `host` of an answer as a `Host`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.hosts import Algorithms, Host, HostMemory
from dcctl.inventory.sources.ssh.audit import access, hardware, openings, sshd_files, sudo, upkeep
from dcctl.inventory.sources.ssh.audit.told import HostDocument, Reading, read_all
from dcctl.inventory.sources.ssh.error import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.evidence.base import Silence
    from dcctl.inventory.sources.machine.facts import Facts
    from dcctl.inventory.sources.ssh.audit.gather import NodeAnswer

_READERS: Final[dict[str, Callable[[Reading], Any]]] = {
    "virtual": hardware.virtual,
    "sshd": access.sshd,
    "sshd_matches": sshd_files.sshd_matches,
    "host_keys": access.host_keys,
    "authorized_keys": access.authorized_keys,
    "accounts": access.accounts,
    "empty_passwords": access.empty_passwords,
    "nopasswd": sudo.nopasswd,
    "services": upkeep.services,
    "auditing": access.auditing,
    "logging": upkeep.logging,
    "clock": upkeep.clock,
    "firewall": openings.firewall,
    "listeners": openings.listeners,
    "integrity": upkeep.integrity,
    "sysctls": upkeep.sysctls,
    "confinement": upkeep.confinement,
    "updates": upkeep.updates,
    "upgrades": upkeep.upgrades,
    "filesystems": hardware.filesystems,
    "drives": hardware.drives,
    "memory": hardware.memory,
    "tuning": hardware.tuning,
    "processes": lambda reading: reading.host.processes,
    "stuck": hardware.stuck,
    "bmc": hardware.bmc,
}


def host_evidence(answer: NodeAnswer) -> Evidence:
    """Return the host of an answer; one that gave none is silent about everything."""
    if answer.silence is not None:
        return Evidence(hosts=(_mute(answer.node, answer.silence, answer),))
    document = replace(_document(answer.parts.get("host")), servers=_servers(answer.parts.get("sshd")))
    found = read_all(Reading(answer.commands, document), _READERS)
    host = Host(
        node=answer.node,
        container=hardware.is_container(found.get("virtual")),
        os=_os(answer.facts),
        ssh_server=answer.ssh_server,
        algorithms=answer.algorithms or _configured(found.get("sshd")),
        **found,
    )
    memory = replace(host.memory or HostMemory(), total_bytes=answer.facts.memory_total_bytes)
    host = replace(host, memory=memory if host.memory else None)
    return Evidence(hosts=(_with_greeting(host, answer),))


def _document(raw: msgspec.Raw | None) -> HostDocument:
    if raw is None:
        return HostDocument(why="the answer has no part host", cause="missing")
    try:
        return msgspec.json.decode(raw, type=HostDocument)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return HostDocument(why=f"the part host makes no sense: {printable(str(error))}", cause="invalid")


def _servers(raw: msgspec.Raw | None) -> tuple[str, ...]:
    """The command lines of the part `sshd`; none where it told none."""
    if raw is None:
        return ()
    try:
        return tuple(msgspec.json.decode(raw, type=dict[str, list[str]]).get("started", ()))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()


def _with_greeting(host: Host, answer: NodeAnswer) -> Host:
    """Note why the server told nothing without a login; what it is set to offer may still be known."""
    if answer.unheard is None:
        return host
    names = ["ssh_server", *(["algorithms"] if host.algorithms is None else [])]
    return replace(host, silent=host.silent | dict.fromkeys(names, answer.unheard))


def _mute(node: str, silence: Silence, answer: NodeAnswer) -> Host:
    """A host that told nothing by its login; what its server shows to anybody is kept."""
    silent = dict.fromkeys((*_READERS, "os"), silence)
    if answer.algorithms is None:
        silent["algorithms"] = silence
    return Host(node=node, silent=silent, ssh_server=answer.ssh_server, algorithms=answer.algorithms)


def _os(facts: Facts) -> str | None:
    told = dict(line.split("=", 1) for line in (facts.os_release or "").splitlines() if "=" in line)
    words = [told.get(name, "").strip("\"'") for name in ("ID", "VERSION_ID")]
    return " ".join(word for word in words if word) or None


def _configured(sshd: dict[str, tuple[str, ...]] | None) -> Algorithms | None:
    """What sshd is set to offer, where nobody could ask it from outside."""
    if sshd is None:
        return None
    kinds = ("kexalgorithms", "hostkeyalgorithms", "ciphers", "macs")
    return Algorithms(*(tuple(",".join(sshd.get(kind, ())).split(",")) for kind in kinds))
