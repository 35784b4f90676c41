"""Where the work of a plan stands, as a tree: sites, racks in them, nodes in those."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.folding import fold
from dcctl.packing.problem import WHOLE
from dcctl.render.report import Branch, Tree
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.packing.plan import Assignment, Plan
    from dcctl.packing.problem import Problem


class _Row(NamedTuple):
    """What of the plan stands on one node."""

    site: str
    rack: str
    holds: str
    node: str
    gpu_milli: int

    @property
    def order(self) -> tuple[bool, str, bool, str, str]:
        """By site, rack and name; a site or rack that nobody tells comes last."""
        return (not self.site, self.site, not self.rack, self.rack, self.node)


def tree(plan: Plan, problem: Problem) -> Tree:
    """Nodes of a rack on which the same stands are one line. Sites are left out where nobody tells any."""
    bins = {one.name: one for one in problem.bins}
    here: dict[str, list[Assignment]] = defaultdict(list)
    for one in plan.assignments:
        here[one.node].append(one)
    rows = sorted(
        (
            _Row(bins[node].part("site"), bins[node].part("rack"), _holds(members), node, _milli(members))
            for node, members in here.items()
        ),
        key=lambda row: row.order,
    )
    if not any(row.site for row in rows):
        return Tree("where it stands", _racks(rows))
    sites = [(site, list(inside)) for site, inside in groupby(rows, key=lambda row: row.site)]
    branches = (Branch(_head(site or "of no known site", inside), _racks(inside)) for site, inside in sites)
    return Tree("where it stands", tuple(branches))


def _racks(rows: Sequence[_Row]) -> tuple[Branch, ...]:
    racks = [(rack, list(inside)) for rack, inside in groupby(rows, key=lambda row: row.rack)]
    return tuple(Branch(_head(rack or "of no known rack", inside), _nodes(inside)) for rack, inside in racks)


def _nodes(rows: Sequence[_Row]) -> tuple[Branch, ...]:
    """One line for those that hold the same, in the order of their first names."""
    alike: dict[str, list[str]] = {}
    for row in rows:
        alike.setdefault(row.holds, []).append(row.node)
    return tuple(Branch(f"{fold(nodes)}: {holds}") for holds, nodes in alike.items())


def _head(name: str, rows: Sequence[_Row]) -> str:
    taken = _amount(sum(row.gpu_milli for row in rows))
    return ", ".join(filter(None, (f"{name}: {plural(len(rows), 'node')}", taken)))


def _holds(members: Sequence[Assignment]) -> str:
    """The workloads of one node, each with its members there and what they take."""
    counts = Counter(one.job for one in members)
    taken = {job: _amount(_milli([one for one in members if one.job == job])) for job in counts}
    return "; ".join(
        ", ".join(filter(None, (f"{job} x {count:,}" if count > 1 else job, taken[job])))
        for job, count in sorted(counts.items())
    )


def _milli(members: Sequence[Assignment]) -> int:
    return sum(one.share_milli or len(one.devices) * WHOLE for one in members)


def _amount(milli: int) -> str:
    """Accelerators, in words; empty: none."""
    number = f"{milli / WHOLE:,.3f}".rstrip("0").rstrip(".")
    return f"{number} {'accelerator' if milli <= WHOLE else 'accelerators'}" if milli else ""
