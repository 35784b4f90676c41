"""What an audit answers: whom to drain, figures by severity, and why a check does not apply."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.check import SEVERITIES
from dcctl.audit.coverage import coverage
from dcctl.audit.drains import DRAINS
from dcctl.audit.judge import Verdict
from dcctl.audit.listing import explain_report
from dcctl.audit.record import Compared
from dcctl.audit.report import View, report
from dcctl.inventory.evidence.own import Waiver
from dcctl.render.dispatch import render
from dcctl.render.style import Style
from tests.unit.audit.runs import finding, tally

if TYPE_CHECKING:
    from dcctl.audit.evaluate import Tally
    from dcctl.audit.finding import Finding
    from dcctl.render.report import Report

NODES = frozenset({"gpu1", "gpu2", "gpu3"})
WAIVER = Waiver(check="GPU-14", objects="*", owner="wu", created_at_s=0, expires_at_s=1)


def audited(
    new: tuple[Finding, ...],
    known: tuple[Finding, ...] = (),
    unsure: tuple[Finding, ...] = (),
    waived: tuple[Finding, ...] = (),
    tallies: tuple[Tally, ...] = (),
    drained_from: frozenset[str] | None = None,
    before_s: int | None = None,
) -> Report:
    every = (*new, *known, *unsure)
    tallies = tallies or tuple(tally(name) for name in dict.fromkeys(one.check for one in every))
    borne = {one.id: WAIVER for one in waived}
    verdict = Verdict(tallies, (*new, *known), borne, coverage(tallies), frozenset())
    view = View(at_s=100, target="demo", drained_from=drained_from, before_s=before_s)
    return report(verdict, Compared(new, known, (), unsure), view)


def shown(told: Report, output: str, sort: str = "") -> str:
    out = io.StringIO()
    render(told, Style(output=output, sort=sort), out)
    return out.getvalue()


def test_names_are_of_nodes_of_the_inventory_that_draining_mends() -> None:
    told = audited(
        new=(
            finding("GPU-14", "gpu1", nodes=("gpu1",)),
            finding("STO-09", "gpu2", nodes=("gpu2",)),
            finding("NOD-18", "nfs01", nodes=("nfs01", "gpu3")),
            finding("NOD-19", "nfs02", nodes=("nfs02",)),
            finding("RBAC-02", "nlp/jupyter"),
        ),
        drained_from=NODES,
    )
    assert shown(told, "name") == "gpu1\ngpu3\n"
    assert told.aside == (
        "left out: 2 findings that no draining mends, 2 nodes that the inventory does not have"
    )


def test_what_was_not_seen_or_is_borne_is_not_drained() -> None:
    one, two, three = (finding("GPU-14", name, nodes=(name,)) for name in sorted(NODES))
    told = audited((one,), known=(two,), unsure=(three,), waived=(one,), drained_from=NODES)
    assert (shown(told, "name"), told.aside) == ("gpu2\n", "")


def test_what_draining_mends_is_in_the_catalogue() -> None:
    """What tells people to drain is among them; updates and idle sites are of many nodes at once."""
    assert set(CATALOGUE) >= DRAINS
    drains = {one.id for one in CATALOGUE.values() if one.drains}
    assert drains == DRAINS
    told = {one.id for one in CATALOGUE.values() if "drain" in one.fix.lower()}
    assert told - drains == {"NOD-16", "ENE-04"}
    assert {one.over for one in CATALOGUE.values() if one.drains} <= {
        *("hosts", "boards", "gpu_nodes", "ports", "fabric_nodes"),
        *("pool_drivers", "pool_nics", "pool_systems", "pool_runtimes"),
    }


def test_explain_tells_whether_draining_mends_it() -> None:
    (text,) = explain_report(CATALOGUE["GPU-14"]).documents
    assert "-o name lists its nodes" in text
    assert not any("-o name" in text for text in explain_report(CATALOGUE["RBAC-02"]).documents)


def test_what_is_new_and_what_is_open_are_figures_apart() -> None:
    known, unsure, borne = (finding("GPU-14", name, "critical") for name in ("a", "b", "c"))
    told = audited((finding("NOD-18", "d", "low"), borne), (known,), (unsure,), waived=(borne,))
    zero = dict.fromkeys(SEVERITIES, 0)
    assert told.summary["severities"] == told.summary["new_severities"] == {**zero, "low": 1}
    assert told.summary["open_severities"] == {**zero, "critical": 2, "low": 1}
    assert told.summary["open"] == 3
    assert " new_severities_critical=0 " in shown(told, "nagios")
    assert " open_severities_critical=2 " in shown(told, "nagios")
    still: Counter[str] = Counter()
    for sample in told.samples:
        labels = dict(sample.labels)
        if sample.name == "dcctl_audit_findings" and labels["status"] != "waived":
            still[labels["severity"]] += int(sample.value)
    assert still == told.summary["open_severities"]


def test_findings_are_sorted_by_weight() -> None:
    told = audited(tuple(finding("NOD-18", each, each) for each in sorted(SEVERITIES)))
    for sort, order in (("severity", SEVERITIES), ("-severity", SEVERITIES[::-1])):
        rows = [line.split(",")[1] for line in shown(told, "csv", sort).splitlines()]
        assert rows == ["severity", *order]
    page = shown(told, "html")
    assert 'data-v="0">critical<' in page.replace(' class="crit"', "")
    assert 'data-v="4">info<' in page


def test_why_a_check_does_not_apply_is_in_every_output_that_says_so() -> None:
    tallies = (tally("GPU-14", ("na", "")), tally("GPU-12", ("pass", "gpu1"), ("na", "")))
    told = audited((), tallies=tallies)
    (table,) = (one for one in told.details if one.name == "na")
    assert table.rows == (("GPU-14", "403"), ("GPU-12", "403"))
    assert 'message="does not apply: 403"' in shown(told, "junit")
    assert '"na": [' in shown(told, "json")
    assert "Does not apply" in shown(told, "html")


def test_the_run_before_may_be_of_a_clock_that_was_ahead() -> None:
    assert audited((), before_s=40).headline.startswith("0 new since the run 60 s ago")
    assert audited((), before_s=160).headline.startswith("0 new since the run that is dated 60 s ahead")


def test_one_is_told_as_one() -> None:
    told = audited((), tallies=(tally("GPU-14", ("unknown", "gpu1")),))
    assert [note.text for note in told.notes] == ["1 answer of 1 check: not counted as passed"]
