"""Which pods of a unit are asked for a checkpoint, and how long their proof holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dcctl.drain.campaign import Unit

PROOF_LASTS_S: Final = 900
"""A proof in the journal that is older is asked for again on resume: the work has gone on since."""
_DIGITS = re.compile(r"(\d+)")


def asked_of(unit: Unit) -> tuple[tuple[str, str | None], ...]:
    """(namespace/name, UID) of those that are asked, the first of all members first.

    One rank coordinates the checkpoint of a gang: its leader, which sorts first (-0, -launcher, -master),
    also where it stands on a node that stays. Of work that is no gang each pod writes its own.
    """
    leaves = {each.pod: each.uid for each in unit.leaves}
    if unit.hook is None:
        return ()
    if unit.hook.of == "all" or not unit.gang:
        return tuple(sorted(leaves.items(), key=lambda row: by_index(row[0])))
    leader = unit.leader or min(leaves, key=by_index, default="")
    return ((leader, leaves.get(leader)),) if leader else ()


def by_index(pod: str) -> tuple[object, ...]:
    """A key that sorts names as people do: train-2 before train-10."""
    return tuple(int(part) if index % 2 else part for index, part in enumerate(_DIGITS.split(pod)))


def still_proves(proved_at_s: int, now_s: int) -> bool:
    """Whether a proof in the journal is young enough to stand."""
    return 0 <= now_s - proved_at_s <= PROOF_LASTS_S
