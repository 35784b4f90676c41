"""What nodes answer to the probe of an audit, and to a greeting that needs no login, as evidence."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.document import merged
from dcctl.inventory.evidence.hosts import Algorithms  # noqa: TC001  # msgspec reads it
from dcctl.inventory.evidence.unreached import CUT
from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import PART_GRACE_S, SourceError, Task, at_once
from dcctl.inventory.sources.machine.facts import Facts
from dcctl.inventory.sources.ssh.audit.boards import board_evidence
from dcctl.inventory.sources.ssh.audit.components import component_evidence
from dcctl.inventory.sources.ssh.audit.greet import Greeter, ask_server
from dcctl.inventory.sources.ssh.audit.hosts import host_evidence
from dcctl.inventory.sources.ssh.audit.stores import store_evidence
from dcctl.inventory.sources.ssh.audit.told import Told, Untold
from dcctl.inventory.sources.ssh.error import SshError
from dcctl.inventory.sources.ssh.reply import decode, read_document
from dcctl.inventory.sources.ssh.run import DEFAULT_FANOUT, Answer, Script, Target
from dcctl.inventory.sources.ssh.source import probe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.inventory.sources.ssh.audit.kexinit import Greeting
    from dcctl.inventory.sources.ssh.run import Overrides, Reply

GREETING_S: Final = 15.0
SSH_PORT: Final = 22


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
TOLD: Final = (
    *("hosts", "boards", "gpu_nodes", "ports", "components"),
    *("exports", "filesystems", "backups", "scratches"),
)
"""The fields of Evidence that nodes tell."""


def script() -> Script:
    """Return the audit's probe and the command that runs it."""
    from dcctl.inventory.probes.bundle import audit_probe

    return Script(probe().command, audit_probe())


def evidence_of(
    answers: Sequence[Answer],
    names: Mapping[str, str],
    *,
    fanout: int = DEFAULT_FANOUT,
    overrides: Overrides | None = None,
    timeout_s: float = GREETING_S,
    stop: Event | None = None,
) -> Evidence:
    """Return what nodes answered to `script`, and what their servers tell anybody.

    `names`: what the inventory calls a node, by the name that it was asked by. A server is greeted after its
    probe has run: one that counts visitors who do not log in bears that. Once `stop` is set no other is
    greeted. SourceError: ssh_config cannot be read.
    """
    stop = stop or Event()
    try:
        greeter = Greeter(overrides, stop, timeout_s)
    except SshError as fault:
        raise SourceError("ssh_config", fault.reason, fault.cause, fault.hint) from fault

    def read(answer: Answer) -> NodeAnswer:
        told = read_answer(answer)
        return replace(told, node=names.get(told.node, told.node))

    def greet(answer: Answer) -> NodeAnswer:
        return _greeted(read(answer), lambda: greeter.greet(answer.target))

    def ungreeted(answer: Answer) -> NodeAnswer:
        return replace(read(answer), unheard=CUT)

    greeting = [Task(partial(greet, one), partial(ungreeted, one)) for one in answers]
    greeted = at_once(greeting, stop, most=fanout, grace_s=PART_GRACE_S)
    return merged(tuple(topic(one) for one in greeted for topic in TOPICS))


def evidence_here(
    node: str, reply: Reply | SshError, timeout_s: float = GREETING_S, stop: Event | None = None
) -> Evidence:
    """Return what this machine answered to the script, and what its SSH server tells anybody.

    A machine that answered nothing is a gap of the fleet.
    """
    told = read_answer(Answer(Target(node), reply))
    greeted = _greeted(told, lambda: ask_server("127.0.0.1", SSH_PORT, stop or Event(), timeout_s))
    found = merged(tuple(topic(greeted) for topic in TOPICS))
    if told.silence is None:
        return found
    gap = Gap("local", node, told.silence.reason, told.silence.cause, node=node)
    return replace(found, fleet=Fleet(gaps=(gap,)))


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


def _greeted(answer: NodeAnswer, greet: Callable[[], Greeting]) -> NodeAnswer:
    try:
        found = greet()
    except Untold as reason:
        return replace(answer, unheard=reason.silence)
    return replace(answer, ssh_server=found.software, algorithms=found.algorithms)
