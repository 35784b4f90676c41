"""Words of a request that match nothing: refused, or told where what they name stands elsewhere."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.drain.matched import demand_matched, idle
from dcctl.drain.request import Gates, Request
from dcctl.errors import UsageError
from dcctl.inventory.model import Budget, Gap
from tests.unit.drain.fleets import SOURCE, fleet, work

PDB = Budget("web", 1, 1, 2, 2)
WHOLE = fleet(3, work("web", [0, 1], told="served", budgets=(PDB,)), work("job", [2]))


def _asked(violated: str = "", waived: str = "") -> Request:
    return Request(
        ("n00",),
        gates=Gates(
            allow_pdb_violation=(violated,) if violated else (), waive_checkpoint=(waived,) if waived else ()
        ),
    )


def test_what_stands_elsewhere_is_told_and_no_more() -> None:
    demand_matched(WHOLE, _asked("a/web", "a/j*"))
    (found,) = idle(WHOLE, _asked("a/web", "a/j*"))
    assert (found.subject, found.says, found.blocks) == (
        "--waive-checkpoint a/j*",
        "matches no work on these nodes",
        False,
    )


@pytest.mark.parametrize("request_", [_asked("web"), _asked("/web"), _asked("a/pg"), _asked(waived="b/*")])
def test_what_the_fleet_does_not_have_is_refused(request_: Request) -> None:
    with pytest.raises(UsageError):
        demand_matched(WHOLE, request_)


def test_where_not_all_work_was_told_it_may_be_there() -> None:
    gap = Gap(SOURCE, "pods", "refused", "denied", part="work")
    demand_matched(replace(WHOLE, gaps=(gap,)), _asked("a/pg"))
    demand_matched(fleet(3, work("job", [2])), _asked("a/pg"))


def test_parts_that_some_or_none_of_the_nodes_tell() -> None:
    first, *rest = WHOLE.nodes
    some = replace(WHOLE, nodes=(replace(first, rack=None), *rest))
    both = Request(("n00", "n01"), by="rack")
    demand_matched(some, both)
    (found,) = idle(some, both)
    assert (found.nodes, found.says) == (("n00",), "no rack is known: each goes by itself")
    with pytest.raises(UsageError, match="no rack is known for n00"):
        demand_matched(some, replace(both, nodes=("n00",)))
    demand_matched(some, replace(both, by="node"))
