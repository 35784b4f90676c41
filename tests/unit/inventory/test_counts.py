"""How many boards a node has is one answer, wherever it is asked."""

from __future__ import annotations

import csv
import io

import pytest
import yaml
from msgspec.structs import replace

from dcctl.assess.fleet.report import Options, report
from dcctl.inventory import export
from dcctl.inventory.diff import diff
from dcctl.inventory.merge import merge
from dcctl.inventory.model import Accelerator, Fleet, Node, SourceRun
from dcctl.inventory.views import nodes_report
from tests.unit.assess.fleet.build import NOW_S, boards, node, size

_MIG = "nvidia.com/mig-3g.40gb"
_SLICED = node(
    capacity=size(gpus=14, resource=_MIG),
    allocatable=size(gpus=14, resource=_MIG),
    accelerators=tuple(Accelerator(at, resource=_MIG, kind="mig", profile="3g.40gb") for at in range(14)),
)


@pytest.mark.parametrize(
    ("one", "count"),
    [(_SLICED, 7), (node(), 8), (node(accelerators=None), 8), (node(capacity=None, accelerators=()), 0)],
)
def test_the_table_the_exports_and_the_capacity_agree(one: Node, count: int) -> None:
    fleet = Fleet(nodes=(one,))
    shown = nodes_report(fleet)
    (row,) = csv.DictReader(io.StringIO(export.to_csv(fleet)))
    assert shown.items.rows[0][shown.items.column("accelerators")] == count
    assert f"{count} accelerators" in shown.headline
    assert row["accelerators"] == str(count)
    assert sum(int(part.split()[0]) for part in row["models"].split("; ") if part) == count
    assert yaml.safe_load(export.ansible(fleet))["all"]["hosts"]["n1"]["dcctl_accelerators"] == count
    assert report(fleet, Options(), NOW_S).summary["accelerators"] == count


def test_a_list_of_slices_that_cannot_be_read_any_more_changes_from_its_boards() -> None:
    old, new = Fleet(nodes=(_SLICED,)), Fleet(nodes=(replace(_SLICED, accelerators=None),))
    assert [(change.old, change.new) for change in diff(old, new)] == [("7", "unknown")]


def _source(name: str, *accelerators: Accelerator) -> Fleet:
    return Fleet(nodes=(Node("n1", accelerators=accelerators),), sources=(SourceRun(name, name, True, 1, 1),))


def test_slices_that_name_no_board_state_no_count_that_could_differ() -> None:
    whole = replace(boards(1)[0], id=None)
    for listed in (_SLICED.accelerators or (), (whole, *(_SLICED.accelerators or ()))):
        assert merge([_source("kubernetes", *listed), _source("nvml", *boards(8))]).conflicts == ()


def test_listed_boards_state_their_count() -> None:
    (conflict,) = merge([_source("kubernetes", *boards(8)), _source("nvml", *boards(7))]).conflicts
    assert conflict.values == (("kubernetes", "8"), ("nvml", "7"))
