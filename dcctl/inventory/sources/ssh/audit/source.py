"""What nodes told when the fleet was surveyed, and what this machine tells when it is asked as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.evidence.document import merged
from dcctl.inventory.evidence.unreached import CUT
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.ssh.audit.gather import TOLD, evidence_here, evidence_of, script
from dcctl.inventory.sources.ssh.error import SshError
from dcctl.inventory.sources.ssh.run import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.inventory.model import Fleet
    from dcctl.inventory.sources.machine.deadline import Outcome
    from dcctl.inventory.sources.ssh.run import Answer, Overrides


class NodeEvidence:
    """The nodes of one source, by the names that the fleet has for them."""

    kinds = TOLD

    def __init__(
        self,
        name: str,
        answers: Sequence[Answer] | None,
        fleet: Fleet,
        *,
        fanout: int,
        overrides: Overrides,
    ) -> None:
        """`answers`: None where the source could ask nobody; `fanout`: servers that are greeted at once."""
        self.name, self._answers, self._fleet = name, answers, fleet
        self._fanout, self._overrides = fanout, overrides

    def gather(self, stop: Event) -> Evidence:
        """Return what they told, and what their servers tell anybody. SourceError: nobody was asked."""
        if self._answers is None:
            why = next((gap for gap in self._fleet.gaps if gap.source == self.name), None)
            if why is None:
                raise SourceError(self.name, "was not asked")
            raise SourceError(why.subject, why.reason, why.cause, why.hint)
        names = {alias: node.name for node in self._fleet.nodes for alias in node.aliases}
        names |= {node.name: node.name for node in self._fleet.nodes}
        known = [answer for answer in self._answers if answer.target.name in names]
        return evidence_of(known, names, fanout=self._fanout, overrides=self._overrides, stop=stop)


class LocalEvidence:
    """The machine that dcctl runs on, under the names that the fleet has for it."""

    name, kinds = "local", TOLD

    def __init__(
        self, nodes: Sequence[str], limit_s: float, run: Callable[[bytes, float, Event], Outcome]
    ) -> None:
        """`run` is given a program, the seconds it may take, and what ends it before. It raises OSError."""
        self._nodes, self._limit_s, self._run = tuple(nodes), limit_s, run

    def gather(self, stop: Event) -> Evidence:
        """Return what it told; one that told nothing is a gap."""
        return merged(tuple(evidence_here(node, self._probed(stop), stop=stop) for node in self._nodes))

    def _probed(self, stop: Event) -> Reply | SshError:
        """What it answered to the script that nodes are asked with, or why it did not."""
        try:
            done = self._run(script().stdin, self._limit_s, stop)
        except OSError as error:
            return SshError(f"no process can be started: {error.strerror or error}", "failed")
        if done.timed_out and stop.is_set():
            return SshError(CUT.reason, CUT.cause)
        if done.timed_out:
            return SshError(f"the probe did not end within {self._limit_s:g} s", "timeout")
        return Reply(done.output, done.errors.decode("utf-8", "replace"), done.status or 0)
