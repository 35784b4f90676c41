"""Asks nodes for an audit: one connection and one command each, then a greeting that needs no login."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.hosts import Algorithms  # noqa: TC001  # msgspec reads it
from dcctl.inventory.model import Fleet
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.machine.facts import Facts
from dcctl.inventory.sources.ssh.audit.boards import board_evidence
from dcctl.inventory.sources.ssh.audit.components import component_evidence
from dcctl.inventory.sources.ssh.audit.greet import Greeter
from dcctl.inventory.sources.ssh.audit.hosts import host_evidence
from dcctl.inventory.sources.ssh.audit.stores import store_evidence
from dcctl.inventory.sources.ssh.audit.told import Told, Untold
from dcctl.inventory.sources.ssh.error import SshError
from dcctl.inventory.sources.ssh.reply import decode, read_document
from dcctl.inventory.sources.ssh.run import DEFAULT_FANOUT, Script, Session
from dcctl.inventory.sources.ssh.source import ask, parse, probe
from dcctl.inventory.sources.ssh.transport import Deadlines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dcctl.inventory.sources.ssh.run import Answer, Overrides, Target

COMMAND_S: Final = 120.0
"""The probe's own deadlines end before this: a node that goes beyond is cut."""


class AuditReply(Struct, frozen=True):
    """The document of a probe, its parts as they came."""

    audit: dict[str, msgspec.Raw] | None = None


class NodeAnswer(Struct, frozen=True):
    """What came of one node, for whoever reads a part of it."""

    node: str
    silence: Silence | None = None
    """Why the probe told nothing."""
    facts: Facts = Facts()
    commands: dict[str, Told] = field(default_factory=dict)
    parts: dict[str, msgspec.Raw] = field(default_factory=dict)
    unheard: Silence | None = None
    """Why its SSH server told nothing without a login."""
    ssh_server: str | None = None
    algorithms: Algorithms | None = None


TOPICS: Final[tuple[Callable[[NodeAnswer], Evidence], ...]] = (
    host_evidence,
    board_evidence,
    component_evidence,
    store_evidence,
)
"""Who reads the parts of an answer: a row for each part of the probe."""


def script() -> Script:
    """Return the audit's probe and the command that runs it."""
    from dcctl.inventory.probes.bundle import audit_probe

    return Script(probe().command, audit_probe())


def gather(
    targets: Sequence[Target],
    *,
    fanout: int = DEFAULT_FANOUT,
    name: str = "ssh",
    deadlines: Deadlines | None = None,
    overrides: Overrides | None = None,
    stop: Event | None = None,
    heard: Callable[[str], None] | None = None,
) -> Evidence:
    """Return what the nodes tell, with their inventory as `fleet`. SourceError: ssh_config cannot be read.

    A server is greeted after its probe has run: one that counts visitors who do not log in bears that.
    """
    stop = stop or Event()
    limits = deadlines or Deadlines(command_s=COMMAND_S)
    answers = ask(Session(overrides, limits, fanout=fanout), targets, script(), stop, heard)
    try:
        greeter = Greeter(overrides, stop, limits.banner_s)
    except SshError as fault:
        raise SourceError("ssh_config", fault.reason, fault.cause, fault.hint) from fault
    with ThreadPoolExecutor(max(1, min(fanout, len(answers))), thread_name_prefix="greet") as pool:
        read = list(pool.map(lambda answer: _greeted(read_answer(answer), greeter, answer.target), answers))
    return merged([_fleet(answers, name), *(topic(one) for one in read for topic in TOPICS)])


def read_answer(answer: Answer) -> NodeAnswer:
    """Return an answer by its parts. Pure; whatever the node did, it is an answer."""
    node = answer.target.name
    try:
        if isinstance(answer.result, SshError):
            raise answer.result
        document, python = read_document(answer.result)
        if not python:
            return NodeAnswer(node, Silence("no python3 on the node", "missing"))
        audit = decode(document, AuditReply).audit or {}
        commands = decode(bytes(audit["commands"]), dict[str, Told])
    except SshError as fault:
        return NodeAnswer(node, Silence(fault.reason, fault.cause))
    except KeyError:
        return NodeAnswer(node, Silence("the answer has no part for an audit", "invalid"))
    return NodeAnswer(node, None, decode(document, Facts), commands, audit)


def _greeted(answer: NodeAnswer, greeter: Greeter, target: Target) -> NodeAnswer:
    try:
        found = greeter.greet(target)
    except Untold as reason:
        return replace(answer, unheard=reason.silence)
    return replace(answer, ssh_server=found.software, algorithms=found.algorithms)


def _fleet(answers: Iterable[Answer], name: str) -> Evidence:
    parsed = [parse(answer, name) for answer in answers]
    nodes = tuple(node for node, _ in parsed if node is not None)
    return Evidence(fleet=Fleet(nodes=nodes, gaps=tuple(gap for _, gaps in parsed for gap in gaps)))


def merged(found: Iterable[Evidence]) -> Evidence:
    """Return evidence of several as one: of a kind behind each other; the fleet is that of the first."""
    whole: dict[str, object] = {}
    for one in found:
        for name in one.__struct_fields__:
            value = getattr(one, name)
            if isinstance(value, tuple):
                before = whole.get(name)
                whole[name] = (*before, *value) if isinstance(before, tuple) else value
            elif isinstance(value, dict):
                before = whole.get(name)
                whole[name] = {**before, **value} if isinstance(before, dict) else value
            elif value is not None and (name != "fleet" or name not in whole):
                whole[name] = value
    return msgspec.convert(whole, Evidence, from_attributes=True)
