"""Nodes over SSH: one connection and one command each, a probe streamed to it, and nothing left behind."""

from __future__ import annotations

import shlex
from threading import Event, Thread
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.model import Fleet
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.machine.parse import parse_facts, parse_gaps
from dcctl.inventory.sources.machine.vendors import on_bus
from dcctl.inventory.sources.nvml.facts import NvmlDocument
from dcctl.inventory.sources.ssh.error import SshError
from dcctl.inventory.sources.ssh.reply import read_reply
from dcctl.inventory.sources.ssh.run import DEFAULT_FANOUT, Overrides, Script, Session, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcctl.inventory.model import Gap, Node
    from dcctl.inventory.sources.ssh.run import Answer
    from dcctl.inventory.sources.ssh.transport import Deadlines

__all__ = ["Asked", "SshSource", "Target", "ask", "parse", "probe"]

# The system's own Python first: a conda or pyenv on root's PATH is slow and may be broken. RHEL 8 may have
# only the last. -I, -B, -S: nothing is taken from the home directory, nothing is written, no site packages.
_CHOOSE = (
    'for p in /usr/bin/python3 "$(command -v python3)" /usr/libexec/platform-python; do'
    ' [ -x "$p" ] && exec "$p" -IBS -; done; exec sh -s'
)
_ANYBODY = frozenset({"localhost", "localhost.localdomain", "(none)", "debian", "ubuntu"})
"""Host names of machines that were never named: no sign of who a node is."""


def probe() -> Script:
    """Return the node probe and the command that runs it with what the node has: Python, else sh.

    The command is one line without `!`, so that every login shell, csh included, passes it on.
    """
    from dcctl.inventory.probes.bundle import node_probe

    return Script(f"sh -c '{_CHOOSE}'", node_probe())


class Asked:
    """More than their inventory that nodes are asked, by one script for both, and all that they answered."""

    def __init__(self, script: Script) -> None:
        """`script` tells what the node probe does, and more."""
        self.script = script
        self.answers: dict[str, list[Answer]] = {}
        """By the name of the source; one that could not ask at all has none."""


class SshSource:
    """Asks every target at once, `fanout` at a time."""

    kind = "ssh"

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        fanout: int = DEFAULT_FANOUT,
        name: str = "ssh",
        deadlines: Deadlines | None = None,
        overrides: Overrides | None = None,
        stop: Event | None = None,
        heard: Callable[[str], None] | None = None,
        asked: Asked | None = None,
    ) -> None:
        """`overrides` names files other than those of ssh_config(5).

        Once `stop` is set, what has not answered is a gap. `heard` is told the name of each node that did.
        `asked`: what else is asked over the same connections.
        """
        self.name = name
        self._stop, self._heard, self._asked = stop or Event(), heard, asked
        self._targets, self._fanout = tuple(targets), fanout
        self._deadlines, self._overrides = deadlines, overrides

    def collect(self) -> Fleet:
        """Return a Node for each target that answered, a Gap for each failure, in the targets' order."""
        session = Session(self._overrides, self._deadlines, fanout=self._fanout)
        script = self._asked.script if self._asked else probe()
        answers = ask(session, self._targets, script, self._stop, self._heard)
        if self._asked is not None:
            self._asked.answers[self.name] = answers
        parsed = [parse(answer, self.name) for answer in answers]
        return Fleet(
            nodes=tuple(node for node, _ in parsed if node is not None),
            gaps=tuple(gap for _, gaps in parsed for gap in gaps),
        )


def ask(
    session: Session,
    targets: Sequence[Target],
    script: Script,
    stop: Event,
    heard: Callable[[str], None] | None = None,
) -> list[Answer]:
    """Run a script on every target and return the answers in the targets' order, each target once.

    Once `stop` is set, what has not answered is `interrupted`. SourceError: ssh_config cannot be read.
    """
    order = {target: index for index, target in enumerate(targets)}
    answers: list[Answer] = []
    try:
        with session:
            _cut_when_stopped(session, stop)
            for answer in session.run(tuple(order), script):
                answers.append(_unless_cut(answer) if stop.is_set() else answer)
                if heard is not None:
                    heard(answer.target.name)
    except SshError as fault:
        raise SourceError("ssh_config", fault.reason, fault.cause, fault.hint) from fault
    return sorted(answers, key=lambda answer: order[answer.target])


def _cut_when_stopped(session: Session, stop: Event) -> None:
    """Cut every connection as soon as `stop` is set: the hosts that answered before are kept."""

    def watch() -> None:
        stop.wait()
        session.close()

    Thread(target=watch, name="ssh stop", daemon=True).start()


def _unless_cut(answer: Answer) -> Answer:
    """Return the answer, or `interrupted` for a failure after Ctrl-C: it says nothing about the node."""
    if isinstance(answer.result, SshError):
        return replace(answer, result=SshError("interrupted by Ctrl-C", "interrupted", ""))
    return answer


def parse(answer: Answer, source: str = "ssh") -> tuple[Node | None, tuple[Gap, ...]]:
    """Return the node that an answer describes, and what it failed to say."""
    target = answer.target
    try:
        if isinstance(answer.result, SshError):
            raise answer.result
        facts, python = read_reply(answer.result)
    except SshError as fault:
        return None, (fault.gap(source, target.name),)
    gaps: tuple[Gap, ...] = ()
    boards = facts.nvml is None and bool(on_bus(facts.pci))
    if not python:
        hint = f"ssh {shlex.quote(target.name)} command -v python3"
        silent = SshError("no python3 on the node: fewer facts, and no readings of GPUs", "missing", hint)
        gaps = (replace(silent.gap(source, target.name), part="devices" if boards else ""),)
    elif boards:  # of which the probe was to tell
        facts = replace(facts, nvml=NvmlDocument())
    own = [] if facts.hostname is None else [facts.hostname, *facts.aliases]
    named = tuple(name for name in own if name not in _ANYBODY)
    facts = replace(facts, hostname=target.name, aliases=named)
    node = replace(parse_facts(facts, source), site=target.site, address=target.address)
    return node, gaps + parse_gaps(facts, source)
