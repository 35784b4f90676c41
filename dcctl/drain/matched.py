"""Words of a request that match nothing of the fleet: a name that is mistyped opens no gate unseen."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from dcctl.drain.campaign import Finding
from dcctl.drain.waves.parts import untold
from dcctl.drain.work.pods import named, on
from dcctl.errors import UsageError
from dcctl.inventory.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.drain.request import Request
    from dcctl.inventory.model import Fleet, Workload

_BUDGET: Final = "--allow-pdb-violation"
_WAIVED: Final = "--waive-checkpoint"
_BY: Final = {"domain": "NVLink domain", "feed": "power feed"}


def demand_matched(fleet: Fleet, request: Request) -> None:
    """Return when each word means something of this fleet, on the nodes or elsewhere.

    UsageError: a budget is not named as namespace/name; no budget or work is matched; `--by` asks for parts
    of which none of the nodes tells. Where not all work was told, what is not seen may be there.
    """
    _demand_parts(fleet, request)
    for name in request.gates.allow_pdb_violation:
        if not all(name.partition("/")):
            raise UsageError(f"{_BUDGET} {name}", "must read NAMESPACE/NAME", "dcctl drain --help")
    if any(gap.part == "work" and not gap.node for gap in fleet.gaps):
        return
    some = any(work.budgets for work in fleet.workloads)  # none: they may have been refused to us
    for option, word, says in _unmatched(request, fleet.workloads):
        if some or option != _BUDGET:
            raise UsageError(f"{option} {word}", f"{says} of the inventory", "dcctl drain --help")


def idle(fleet: Fleet, request: Request) -> Iterator[Finding]:
    """Yield what is only to be known: words that mean nothing on these nodes, and nodes without a part."""
    nodes = frozenset(request.nodes)
    here = tuple(work for work, _ in on(fleet, nodes))
    for option, word, says in _unmatched(request, here):
        yield Finding("unknown", f"{option} {word}", f"{says} on these nodes", blocks=False)
    lone = untold(fleet, request.nodes, request.by)
    if lone:
        says = f"no {_part(request)} is known: each goes by itself"
        yield Finding("unknown", fold(lone), says, lone, blocks=False)


def _demand_parts(fleet: Fleet, request: Request) -> None:
    if request.nodes and len(untold(fleet, request.nodes, request.by)) == len(request.nodes):
        why = f"no {_part(request)} is known for {fold(request.nodes)}"
        raise UsageError(f"--by {request.by}", why, "dcctl drain --help")


def _part(request: Request) -> str:
    return _BY.get(request.by, request.by)


def _unmatched(request: Request, works: tuple[Workload, ...]) -> Iterator[tuple[str, str, str]]:
    """(option, word, what it does not match) of each word that means nothing for this work."""
    gates = request.gates
    for name in gates.allow_pdb_violation:
        if not any(named(work, one.name) == name for work in works for one in work.budgets):
            yield _BUDGET, name, "matches no PDB that covers work"
    for pattern in gates.waive_checkpoint:
        if not any(fnmatchcase(work.id, pattern) for work in works):
            yield _WAIVED, pattern, "matches no work"
