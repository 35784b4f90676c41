"""What a run of some nodes says of sites, racks and pools, and what becomes of findings about them."""

from __future__ import annotations

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate
from dcctl.audit.finding import findings
from dcctl.audit.record import Judged, compare
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.leftout import LeftOut
from dcctl.inventory.merge import merge
from dcctl.inventory.model import Fleet, Node, Pool, PowerMeter, Rack, Site, System
from dcctl.inventory.nodeset import select
from dcctl.inventory.snapshot import decode, encode

NOW_S = 1_750_000_000
CHECKS = [CATALOGUE[name] for name in ("ENE-01", "DRF-01")]


def _fleet() -> Fleet:
    nodes = [
        Node(
            f"g{number}",
            site="dc1",
            rack=f"r{number % 2}",
            pools=("train",),
            system=System(driver="550" if number == 1 else "560"),
        )
        for number in range(8)
    ]
    nodes.append(Node("spare"))
    meters = [
        PowerMeter("entry", "facility", "dc1", power_mw=9000, read_at_s=NOW_S),
        *(PowerMeter(node.name, "pdu", nodes=node.name, power_mw=900, read_at_s=NOW_S) for node in nodes),
    ]
    return Fleet(
        sites=(Site("dc1", pue_limit_milli=1100),),
        racks=(Rack("r0", "dc1"), Rack("r1", "dc1")),
        nodes=tuple(nodes),
        pools=(Pool("queue", "g[2-3]"),),
        meters=tuple(meters),
    )


def _judged(fleet: Fleet) -> tuple[list[str], list[str], Judged]:
    """(findings, what does not apply, …)."""
    tallies = evaluate(Scene(Evidence(fleet=fleet), NOW_S), CHECKS)
    untold = [one.says for tally in tallies for one in tally.outcomes if one.state == "na"]
    kept = {node.name for node in fleet.nodes}
    return [one.says for one in findings(tallies)], untold, Judged(tallies, kept.__contains__)


def test_a_choice_of_nodes_says_which_sites_racks_and_pools_are_not_whole() -> None:
    fleet = _fleet()
    assert select(fleet, None, None).left_out == LeftOut()
    assert select(fleet, "g[0-7],spare").left_out == LeftOut()
    found = select(fleet, None, "g3,spare")
    assert found.left_out == LeftOut(("", "dc1"), (("dc1", "r1"),), {"queue": 1, "train": 1, "": 1})
    again = select(found, None, "g2")
    assert again.left_out == LeftOut(
        ("", "dc1"), (("dc1", "r0"), ("dc1", "r1")), {"queue": 2, "train": 2, "": 1}
    )
    assert decode(encode(again), "x").left_out == again.left_out
    assert merge([again, Fleet()]).left_out == again.left_out


def test_a_run_of_some_nodes_divides_nothing_by_them_and_takes_no_finding_back() -> None:
    fleet = _fleet()
    says, _, _ = _judged(fleet)
    assert says == ["is 1.111, at most 1.100", "driver 550 on g1, others have 560"]
    before = findings(evaluate(Scene(Evidence(fleet=fleet), NOW_S), CHECKS))
    says, untold, judged = _judged(select(fleet, "g[0-2]"))
    assert says == []
    assert "not all nodes of site dc1 are in this run" in untold
    assert "not all nodes of pool train are in this run: they are compared with each other" in untold
    assert not compare({one.id: one for one in before}, [], judged).gone
