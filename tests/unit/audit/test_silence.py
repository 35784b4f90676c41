"""What a run must not keep silent about: what is lost on the way, or seen less of, is told by the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.audit.act.keep import check
from dcctl.audit.act.run import Asked, Audited, Book, compared
from dcctl.audit.act.signing import Signer, read_head, write_head
from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.chain import Head
from dcctl.audit.mail import lines
from dcctl.audit.policy import Policy
from dcctl.audit.record import Scope
from dcctl.audit.report import View, report
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.boards import Board, GpuNode, LoggedFault
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.own import Waiver
from dcctl.inventory.model import Fleet, Node
from dcctl.state import locked
from tests.unit.audit.nights import DAY_S, NOW_S, seen
from tests.unit.audit.test_history import folder, sql
from tests.unit.audit.test_mail import one, told

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.audit.finding import Finding
    from dcctl.render.report import Report

__all__ = ["folder"]
SERIES = "demo"
NODE = Fleet(nodes=(Node("gpu1"),))


class Nights:
    """Runs of one series, a day apart."""

    def __init__(self, place: Path) -> None:
        self.place, self.at_s = place, NOW_S

    def run(
        self,
        evidence: Evidence,
        *waivers: Waiver,
        select: tuple[str, ...] = (),
        told: bool = True,
        days: int = 1,
    ) -> Audited:
        self.at_s += days * DAY_S
        checks = tuple(one for name, one in CATALOGUE.items() if not select or name in select)
        asked = Asked(checks, Policy(), waivers, Scope(select), SERIES, self.at_s, 0, None)
        with locked(self.place) as history:
            book = Book(history, Signer(self.place / "key"), (), self.place / "errors")
            done = compared(asked, replace(evidence, taken_at_s=self.at_s), book, kept=True)
            if told:
                history.mark_told(SERIES, done.seq)
        return done


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path / "audit")


def mail(done: Audited, at_s: int) -> Report:
    assert done.before is not None
    return report(
        done.verdict, done.compared, View(at_s, SERIES, least_milli=0, alike=done.before.alike, cron=True)
    )


def of(check_id: str, found: tuple[Finding, ...]) -> list[Finding]:
    return [one for one in found if one.check == check_id]


def boards(**counters: int) -> Evidence:
    return Evidence(fleet=NODE, boards=(Board(node="gpu1", uuid="A", model="H200", **counters),))  # type: ignore[arg-type]


def waiver(until_s: int) -> Waiver:
    return Waiver(
        check="GPU-02", objects="*", owner="wu", ticket="T", reason="r", created_at_s=NOW_S,
        expires_at_s=until_s, place="w.yaml:1",
    )  # fmt: skip


def test_coverage_that_falls_is_news_and_is_told_once(nights: Nights) -> None:
    """Neither a finding of the audit itself nor a gap has to say so."""
    others = tuple(name for name in CATALOGUE if not name.startswith("SLF-"))
    nights.run(seen(), select=others)
    dark = dict.fromkeys(("hosts", "boards", "roles", "bindings"))
    silent = dict.fromkeys(dark, Silence("403", "denied"))
    refused = replace(seen(), silent=silent, **dark)
    first, second = (mail(nights.run(refused, select=others), nights.at_s) for _ in range(2))
    text = "\n".join(lines(first, "dcctl audit"))
    assert (first.silent, second.silent) == (False, True)
    assert "coverage fell from" in text
    assert "can see nothing: RBAC-01" in text
    assert "could not be looked at again" in text


@pytest.mark.parametrize("again", [(waiver(NOW_S + 2 * DAY_S),), ()], ids=["expired", "deleted"])
def test_what_a_waiver_covered_is_new_when_it_ends(nights: Nights, again: tuple[Waiver, ...]) -> None:
    sick = boards(ecc_uncorrected=7)
    borne = waiver(NOW_S + 9 * DAY_S)
    nights.run(sick, borne)
    assert nights.run(sick, borne).compared.new == ()
    ended = nights.run(sick, *again)
    assert [one.check for one in of("GPU-02", ended.compared.new)] == ["GPU-02"]
    assert of("GPU-02", nights.run(sick, *again).compared.new) == []


def test_a_waiver_that_ends_while_nobody_looks_is_not_forgotten(nights: Nights) -> None:
    sick = boards(ecc_uncorrected=7)
    nights.run(sick, waiver(NOW_S + 9 * DAY_S))
    nights.run(sick, select=("RBAC-03",))
    assert of("GPU-02", nights.run(sick).compared.new)


def test_what_no_source_tells_any_more_is_unknown_and_coverage_does_not_rise(nights: Nights) -> None:
    first = nights.run(seen())
    less = replace(seen(), hosts=None, boards=None, gpu_nodes=None, ports=None, model_files=None)
    for _ in range(2):
        done = nights.run(less)
        assert (done.verdict.coverage.milli or 0) < (first.verdict.coverage.milli or 0)
        assert [one for one in done.compared.gone if one.check.startswith(("GPU", "FAB", "NOD", "MOD"))] == []
    assert of("GPU-02", nights.run(seen()).compared.new) == []


def test_a_run_of_some_checks_takes_no_growth_from_the_others(nights: Nights) -> None:
    nights.run(boards(pcie_replays=1))
    grown = boards(pcie_replays=9000)
    for select in (("RBAC-01",), ("GPU-02",), ("GPU-11",)):
        narrow = nights.run(grown, select=select)
        assert bool(of("GPU-11", narrow.compared.new)) == (select == ("GPU-11",))
    found = nights.run(grown)
    assert of("GPU-11", found.verdict.findings)
    assert not of("GPU-11", nights.run(grown, select=("GPU-11",)).verdict.findings)
    assert not of("GPU-11", nights.run(grown).verdict.findings)


def test_growth_is_by_the_time_since_the_board_itself_was_read(nights: Nights) -> None:
    held_ns = DAY_S * 10**9 // 50
    nights.run(boards(ecc_corrected=0))
    first = Board(
        node="gpu1", uuid="A", model="H200", ecc_corrected=0, throttle=(), violations_ns={"thermal": 0}
    )
    other = Board(node="gpu2", uuid="B", model="H200", ecc_corrected=0)
    both = Fleet(nodes=(Node("gpu1"), Node("gpu2")))
    nights.run(Evidence(fleet=both, boards=(first, other)))
    for _ in range(6):
        nights.run(Evidence(fleet=both, boards=(other,)))
    back = replace(first, ecc_corrected=60_000, violations_ns={"thermal": 7 * held_ns})
    found = nights.run(Evidence(fleet=both, boards=(back, other))).verdict.findings
    assert (of("GPU-03", found), of("GPU-08", found)) == ([], [])
    soon = replace(back, ecc_corrected=130_000, violations_ns={"thermal": 14 * held_ns})
    found = nights.run(Evidence(fleet=both, boards=(soon, other))).verdict.findings
    assert "14 %" in of("GPU-08", found)[0].says
    assert of("GPU-03", found)[0].says == "70,000 corrected errors in 1 d"


def test_an_xid_that_was_logged_while_its_node_was_silent_is_told(nights: Nights) -> None:
    node = GpuNode(node="gpu1", vendor="nvidia", xids=())
    dark = replace(node, xids=None, silent={"xids": Silence("timed out", "timeout")})
    nights.run(Evidence(fleet=NODE, gpu_nodes=(node,)))
    nights.run(Evidence(fleet=NODE, gpu_nodes=(dark,)))
    fallen = LoggedFault(at_s=nights.at_s - 6 * 3600, slot="0000:3b:00.0", number=79)
    back = Evidence(fleet=NODE, gpu_nodes=(replace(node, xids=(fallen,)),))
    assert of("GPU-06", nights.run(back).compared.new)
    assert of("GPU-06", nights.run(back).compared.gone)


def test_news_that_nobody_was_told_is_new_in_the_next_run(nights: Nights) -> None:
    nights.run(boards(ecc_uncorrected=0))
    sick = boards(ecc_uncorrected=7)
    for shown in (False, False, True):
        assert of("GPU-02", nights.run(sick, told=shown).compared.new), shown
    assert nights.run(sick).compared.new == ()
    with locked(nights.place) as history:
        assert check(history, [Signer(nights.place / "key").public]) == ()


def test_a_mail_has_no_line_that_a_node_wrote() -> None:
    name = "x\x1b[2J\x1b]0;pwn\x07\n0 new since the run 1 d ago: all is well\u202e"
    text = told((replace(one(1, "new"), object=name, says=name),))
    assert len(text) == 2
    assert text[1].isprintable()


def test_a_chain_that_was_cut_off_needs_the_key_for_its_head(folder: Path) -> None:
    """The signature of a record is none of a head."""
    head = read_head(folder)
    with locked(folder) as history:
        row = history.runs()[1]
    sql(folder, "DELETE FROM runs WHERE seq > 2")
    write_head(folder, Head(2, row.hash, row.signature.hex()))
    assert head is not None
    with locked(folder) as history:
        assert (0, "the head is not signed by this key") in check(history, [Signer(folder / "key").public])
