"""The reports of what-ifs."""

from __future__ import annotations

from dcctl.inventory.model import Fleet
from dcctl.packing.fit.parts import parts_of
from dcctl.packing.problem import Held, ItemClass, Problem, Running
from dcctl.packing.questions.ask import Change, ask
from dcctl.packing.questions.single import single_failures
from dcctl.packing.scene import Scene
from dcctl.packing.solve import Options, solved
from dcctl.render.fold import lines
from dcctl.schedule.whatif_report import single_report, whatif_report
from tests.unit.packing.problems import SPACE, a_bin, device, job, need


def test_parts_that_are_alike_are_one_node_set() -> None:
    """Machine formats keep a row for each."""
    bins = tuple(a_bin(f"gpu{at}", devices=(device(0, 0),)) for at in range(3))
    held = tuple(Held("job", str(at), at, 0, (0,)) for at in range(3))
    running = {"job": Running(minimum=3)}
    problem = Problem(SPACE, bins, (ItemClass(need(devices=1)),), (), held, running)
    scene = Scene(solved(problem))
    table = single_report(list(single_failures(scene, parts_of(bins, Fleet()))), ()).items
    assert len(table.rows) == 3
    (line,) = lines(table, unicode=True)
    assert line[0] == "gpu[0-2]"


def test_work_that_would_start_sooner_is_told() -> None:
    """In a plan in time nothing more fits, but what waits for a node need not."""
    classes = (ItemClass(need(devices=1)),)
    jobs = (job("first", 0, duration_s=3600, priority=1), job("then", 0, duration_s=3600))
    problem = Problem(SPACE, (a_bin("a", devices=(device(),)),), classes, jobs)
    found = whatif_report(ask(problem, Change(added=((1, 0),)), Options()), 0, ())
    assert [row[:2] for row in found.items.rows] == [("then", "starts 1 h sooner")]


def test_evicted_work_changes_something() -> None:
    held = tuple(Held("job", str(at), 0, 0, (at,)) for at in range(2))
    home = a_bin("a", devices=(device(0, 0), device(1, 0)))
    problem = Problem(SPACE, (home,), (ItemClass(need(devices=1)),), (), held, {"job": Running()})
    found = whatif_report(ask(problem, Change(evicted=frozenset(("job",))), Options()), 0, ())
    assert found.headline.startswith("2 members evicted; nothing else changes")


def test_of_a_gang_that_loses_a_member_all_that_stop_are_placed_or_without_room() -> None:
    held = tuple(Held("job", str(at), at, 0, (0,)) for at in range(2))
    bins = (a_bin("a", devices=(device(0, 0),)), a_bin("b", devices=(device(0, 0), device(1))))
    classes = (ItemClass(need(devices=1)),)
    problem = Problem(SPACE, bins, classes, (), held, {"job": Running(minimum=2)})
    table = whatif_report(ask(problem, Change(removed=frozenset((0,))), Options()), 1, ()).items
    (row,) = table.rows
    told = {key: row[table.column(key)] for key in ("members", "lost", "stopped", "placed", "homeless")}
    assert told == {"members": 2, "lost": 1, "stopped": 2, "placed": 2, "homeless": 0}
