"""A run of a part of the fleet, or without one of its sources, takes back nothing that it could not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.audit.act.keep import records
from dcctl.audit.act.run import Asked, Audited, Book, compared
from dcctl.audit.act.signing import Signer
from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.changes import timeline_report
from dcctl.audit.evaluate import evaluate
from dcctl.audit.finding import Finding, findings
from dcctl.audit.policy import Policy
from dcctl.audit.record import Compared, Judged, Scope, compare
from dcctl.audit.scene import Scene
from dcctl.audit.sight import Sight
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.document import restricted
from dcctl.inventory.evidence.own import Waiver
from dcctl.inventory.model import Fleet, Gap, Node
from dcctl.inventory.nodeset import restrict
from dcctl.state import locked, reading
from tests.unit.audit.cases import cases
from tests.unit.audit.nights import DAY_S, NOW_S, seen
from tests.unit.audit.runs import finding

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dcctl.audit.check import Check

WHOLE, PART = Scope(), Scope(nodes="some")


def of_nodes(evidence: Evidence, names: set[str]) -> Evidence:
    """The evidence as `-w` leaves it; fixtures seldom have a fleet."""
    there = {node.name for node in evidence.fleet.nodes}
    more = tuple(Node(name=name) for name in sorted(names - there))
    fleet = replace(evidence.fleet, nodes=(*evidence.fleet.nodes, *more))
    return replace(restricted(evidence, names), fleet=restrict(fleet, names))


def again(before: Iterable[Finding], scene: Scene, checks: Iterable[Check], scope: Scope) -> Compared:
    tallies = evaluate(scene, checks)
    judged = Judged(tallies, Sight(scene, frozenset(), scope))
    return compare({one.id: one for one in before}, findings(tallies), judged)


@pytest.mark.parametrize("name", [name for name in CATALOGUE if cases(name)])
def test_what_a_node_has_is_not_gone_since_nobody_looked_at_its_like(name: str) -> None:
    """Each finding of the fixtures, looked for again on its own nodes alone."""
    for case in cases(name):
        scene = case.scene()
        for one in findings(evaluate(scene, [CATALOGUE[name]])):
            part = of_nodes(case.evidence, set(one.nodes))
            here = Scene(part, scene.now_s, scene.policy, scene.counters)
            assert again([one], here, [CATALOGUE[name]], PART).gone == (), case.case


def test_a_part_of_the_demo_takes_nothing_back() -> None:
    checks = list(CATALOGUE.values())
    before = findings(evaluate(Scene(seen(), NOW_S), checks))
    some = {node.name for node in seen().fleet.nodes[:10]}
    found = again(before, Scene(of_nodes(seen(), some), NOW_S), checks, PART)
    assert (found.gone, bool(found.known), bool(found.unsure)) == ((), True, True)


def test_what_was_mended_on_a_node_that_was_chosen_is_gone() -> None:
    one, other = (finding("NOD-01", key, nodes=(key,)) for key in ("a", "b"))
    scene = Scene(of_nodes(Evidence(hosts=()), {"a"}), NOW_S)
    found = again([one, other], scene, [CATALOGUE["NOD-01"]], PART)
    assert (found.gone, found.unsure) == ((one,), (other,))


def test_what_no_source_told_of_is_not_gone() -> None:
    """A source that was taken out of the configuration, or that stands in no file."""
    for name, told in (("RBAC-03", Evidence(roles=())), ("NOD-01", Evidence(hosts=())), ("RBAC-06", None)):
        one = finding(name, "a")
        assert again([one], Scene(Evidence(), NOW_S), [CATALOGUE[name]], WHOLE).unsure == (one,)
        if told is not None:
            assert again([one], Scene(told, NOW_S), [CATALOGUE[name]], WHOLE).gone == (one,)


def test_what_a_site_adds_up_to_is_not_gone_while_a_meter_is_silent() -> None:
    one, check = finding("ENE-01", "Site/dc1"), CATALOGUE["ENE-01"]
    for gaps, gone in (((), True), ((Gap("nut", "ups1", "timed out", "timeout"),), False)):
        scene = Scene(Evidence(plants=(), fleet=Fleet(gaps=gaps)), NOW_S)
        assert bool(again([one], scene, [check], WHOLE).gone) == gone


def run(folder: Path, evidence: Evidence, scope: Scope, *waivers: Waiver) -> Audited:
    """One run of the checks of boards and of the audit itself, kept."""
    checks = tuple(one for name, one in CATALOGUE.items() if name.startswith(("GPU-", "SLF-")))
    with locked(folder) as history:
        book = Book(history, Signer(folder / "key"), (), folder / "errors")
        asked = Asked(checks, Policy(), waivers, scope, "demo", NOW_S, 0, None)
        done = compared(asked, evidence, book, kept=True)
        history.mark_told("demo", done.seq)
        return done


def test_counters_are_held_against_the_last_run_of_the_whole_fleet(tmp_path: Path) -> None:
    """Else a board that was left out would have grown in an hour by what it grew in a day."""
    first = run(tmp_path, seen(), WHOLE)
    run(tmp_path, replace(of_nodes(seen(), {"gpu001"}), taken_at_s=NOW_S + 60), PART)
    later = run(tmp_path, replace(seen(), taken_at_s=NOW_S + DAY_S), WHOLE)
    assert later.scene.counted_at_s == first.scene.now_s
    assert later.compared.new == ()


def test_a_gap_that_was_told_is_no_news_after_a_run_without_that_node(tmp_path: Path) -> None:
    gap = Gap("ssh", "gpu2", "timed out", "timeout", node="gpu2")
    evidence = Evidence(fleet=Fleet(nodes=(Node("gpu1"), Node("gpu2")), gaps=(gap,)))
    run(tmp_path, evidence, WHOLE)
    run(tmp_path, of_nodes(evidence, {"gpu1"}), PART)
    last = run(tmp_path, evidence, WHOLE)
    assert last.before is not None
    assert last.before.alike is not None
    assert "ssh gpu2: timeout" in last.before.alike.gaps
    with reading(tmp_path) as history:
        report = timeline_report(records(history), 0, DAY_S)
    assert [row[1] for row in report.items.rows if row[1] in ("silent", "answers")] == []


def test_a_waiver_of_what_nobody_looked_at_is_not_unused(tmp_path: Path) -> None:
    fields = {
        "owner": "wu",
        "ticket": "T",
        "reason": "r",
        "created_at_s": NOW_S,
        "expires_at_s": NOW_S + 86400,
    }
    waiver = Waiver(check="GPU-09", objects="gpu066*", **fields)  # type: ignore[arg-type]
    dark = replace(seen(), boards=None, silent={"boards": Silence("403", "denied")})
    for evidence, scope in ((of_nodes(seen(), {"gpu001"}), PART), (dark, WHOLE)):
        assert not [
            one for one in run(tmp_path, evidence, scope, waiver).verdict.findings if one.check == "SLF-03"
        ]
    told = run(tmp_path, replace(seen(), boards=()), WHOLE, waiver).verdict.findings
    assert [one.says for one in told if one.check == "SLF-03"] == ["covers nothing"]
    late = replace(dark, taken_at_s=NOW_S + 2 * DAY_S)
    found = run(tmp_path, late, WHOLE, waiver).compared
    assert [one.says for one in found.unsure if one.check == "SLF-03"] == ["covers nothing"], "it has expired"
