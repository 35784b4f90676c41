"""Which pods of a unit are asked for a checkpoint, and how long their proof holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.drain.work.pods import named
from dcctl.inventory.folding import sort_key
from dcctl.inventory.model import ENDED

if TYPE_CHECKING:
    from dcctl.drain.campaign import Unit
    from dcctl.inventory.model import Workload

PROOF_LASTS_S: Final = 900
"""A proof in the journal that is older is asked for again on resume: the work has gone on since."""


def asked_pods(unit: Unit) -> tuple[tuple[str, str | None], ...]:
    """(namespace/name, UID) of those that are asked for a checkpoint, in order of name.

    One rank coordinates the checkpoint of a gang: its leader, also where it stands on a node that stays. Of
    work that is no gang each pod writes its own.
    """
    if unit.hook is None:
        return ()
    leaves = {each.pod: each.uid for each in unit.leaves}
    if unit.hook.of == "all" or not unit.gang:
        return tuple((pod, leaves[pod]) for pod in sorted(leaves, key=sort_key))
    leader = unit.leader or min(leaves, key=sort_key, default="")
    return ((leader, leaves.get(leader)),) if leader else ()


def leader_of(work: Workload) -> str:
    """Its first member by name (-0, -head, -launcher, -master), as namespace/name; empty: none stands."""
    standing = [one.name for one in work.members if one.node is not None and one.phase not in ENDED]
    return named(work, min(standing, key=sort_key)) if standing else ""


def still_proves(proved_at_s: int, now_s: int) -> bool:
    """Whether a proof in the journal is young enough to stand."""
    return 0 <= now_s - proved_at_s <= PROOF_LASTS_S
