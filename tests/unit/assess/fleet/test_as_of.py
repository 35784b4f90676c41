"""A saved fleet is judged as of the moment at which it was taken, and a part of one as the whole is."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.assess.fleet.report import Options, report
from dcctl.inventory.model import Fleet, Member, Taint
from tests.unit.assess.fleet.build import NOW_S, asks, boards, node, work

_YOUNG = replace(work("young", asks(gpus=1)), started_at_s=NOW_S - 60)
_DAY_S = 86_400


def test_the_same_fleet_gives_the_same_answer_days_later() -> None:
    saved = Fleet(taken_at_s=NOW_S, nodes=(node(accelerators=boards(8, busy=0)),), workloads=(_YOUNG,))
    then, later, latest = (report(saved, Options(), NOW_S + days * _DAY_S) for days in (0, 3, 30))
    assert then.summary["idle"] == later.summary["idle"] == 0
    assert later == replace(then, headline=later.headline)
    assert later == latest
    assert "as of 2025-10-09 08:53 UTC" in later.headline
    assert "as of" not in then.headline


def test_what_is_usual_is_learned_from_all_of_a_pool() -> None:
    tainted = node("n3", taints=(Taint("dedicated-hold", "NoSchedule"),))
    whole = Fleet(nodes=(node("n1"), node("n2"), node("n4"), tainted))
    part = replace(whole, nodes=(tainted,))
    assert report(part, Options(), NOW_S).summary["free"] == 8
    assert report(part, Options(), NOW_S, whole).summary["unavailable"] == 8


def test_a_share_that_other_work_of_the_pool_asks_for_strands_here_too() -> None:
    usual = [work(f"w{at}", asks(cpus=40, gpus=4), where=f"m{at}") for at in (1, 2)]
    hog = work("hog", asks(cpus=60, gib=1, gpus=0), where="m3")
    whole = Fleet(nodes=(node("m1"), node("m2"), node("m3")), workloads=(*usual, hog))
    part = replace(whole, nodes=(whole.nodes[2],))
    alone, known = report(part, Options(), NOW_S), report(part, Options(), NOW_S, whole)
    assert known.summary["stranded"] != alone.summary["stranded"]
    assert known.summary["stranded"] == report(whole, Options(), NOW_S).summary["stranded"]


def test_racks_are_called_the_same_with_and_without_a_choice_of_nodes() -> None:
    whole = Fleet(
        nodes=(node("a", site="dc1", rack="r07"), node("b", rack="r07"), node("c", site="dc2", rack="r07"))
    )

    def racks(fleet: Fleet) -> dict[object, object]:
        answer = report(fleet, Options(by="rack"), NOW_S, whole)
        keys = [column.key for column in answer.items.columns]
        return {row[keys.index("name")]: row[keys.index("nodes")] for row in answer.items.rows}

    assert racks(whole) == {"dc1/r07": ("a",), "dc2/r07": ("c",), "r07": ("b",)}
    assert racks(replace(whole, nodes=whole.nodes[:2])) == {"dc1/r07": ("a",), "r07": ("b",)}


def test_work_on_nodes_that_were_not_chosen_is_not_called_unlisted() -> None:
    train = work("train", asks(gpus=1), where="n2")
    train = replace(train, members=(*train.members, Member("later", None, "pending", asks())))
    whole = Fleet(nodes=(node("n1"), node("n2")), workloads=(train,))
    part = replace(whole, nodes=(node("n1"),))
    assert "requests" not in {note.label for note in report(part, Options(), NOW_S, whole).notes}
