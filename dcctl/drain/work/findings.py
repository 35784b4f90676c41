"""How a finding about pods is told, and in which order findings stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.drain.campaign import Finding
from dcctl.inventory.folding import sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.drain.campaign import Why
    from dcctl.drain.work.pods import Pod


def about(
    why: Why, pods: Sequence[Pod], says: str, cure: str = "", *, opened: bool = False, blocks: bool = True
) -> Finding:
    """A finding about pods of one work: its subject is the pod, or of several the work.

    `opened`: the gate is, so it blocks nothing and there is nothing to be done.
    """
    subject = pods[0].name if len(pods) == 1 else pods[0].work.id
    return Finding(why, subject, says, nodes_of(pods), blocks and not opened, "" if opened else cure)


def nodes_of(pods: Iterable[Pod]) -> tuple[str, ...]:
    """The nodes on which they stand, each once, in the order of the pods."""
    return tuple(dict.fromkeys(pod.node for pod in pods))


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that block first, then by subject."""
    return tuple(sorted(findings, key=lambda one: (not one.blocks, sort_key(one.subject), one.why, one.says)))
