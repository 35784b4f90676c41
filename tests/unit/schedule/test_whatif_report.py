"""The reports of what-ifs."""

from __future__ import annotations

from dcctl.packing.problem import Held, ItemClass, Problem, Running
from dcctl.packing.solve import solved
from dcctl.packing.whatif import Scene
from dcctl.render.fold import lines
from dcctl.schedule.whatif_report import Part, single_report
from tests.unit.packing.problems import SPACE, a_bin, device, need


def test_parts_that_are_alike_are_one_node_set() -> None:
    """Machine formats keep a row for each."""
    bins = tuple(a_bin(f"gpu{at}", devices=(device(0, 0),)) for at in range(3))
    held = tuple(Held("job", str(at), at, 0, (0,)) for at in range(3))
    running = {"job": Running(minimum=3)}
    problem = Problem(SPACE, bins, (ItemClass(need(devices=1)),), (), held, running)
    scene = Scene(solved(problem))
    parts = [Part("node", one.name, scene.lose((at,))) for at, one in enumerate(bins)]
    table = single_report(parts, 3, problem, ()).items
    assert len(table.rows) == 3
    (line,) = lines(table, unicode=True)
    assert line[0] == "gpu[0-2]"
