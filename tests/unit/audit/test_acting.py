"""One audit after the other, as `audit run` acts: what is gone, what nobody looked at, and their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.audit.act.run import Asked, Book, compared
from dcctl.audit.act.signing import Signer
from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.policy import Policy
from dcctl.audit.record import Scope
from dcctl.inventory.evidence.boards import Board
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.plant import Plant
from dcctl.inventory.model import Fleet, Gap, Node
from dcctl.state import locked

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.audit.act.run import Audited

ALL = Scope()
BOARD = Board(node="gpu2", uuid="A", ecc_enabled=False, ecc_pending=False)
"""It has no ECC: GPU-04."""
UPS = Plant(name="ups1", kind="ups", nodes=("gpu1", "gpu2"), status=("OL", "BYPASS"))
"""It is on bypass: ENE-03."""
DARK = Gap("ssh", "gpu2", "timed out", "timeout", node="gpu2")


def audited(folder: Path, check: str, evidence: Evidence, scope: Scope = ALL) -> Audited:
    """One run of one check."""
    asked = Asked((CATALOGUE[check],), Policy(), (), scope, "demo", 1_750_000_000, 950, None)
    with locked(folder) as history:
        book = Book(history, Signer(folder / "key"), (), folder / "errors")
        return compared(asked, evidence, book, kept=True)


def fleet(*names: str, gaps: tuple[Gap, ...] = ()) -> Fleet:
    return Fleet(nodes=tuple(map(Node, names)), gaps=gaps)


@pytest.mark.parametrize(
    ("scope", "gone"),
    [(ALL, 1), (Scope(exclude="gpu2"), 0), (Scope(nodes="gpu1"), 0)],
    ids=["all", "exclude", "nodes"],
)
def test_what_is_on_a_node_that_was_left_out_is_not_gone(tmp_path: Path, scope: Scope, gone: int) -> None:
    before = audited(tmp_path, "GPU-04", Evidence(fleet=fleet("gpu1", "gpu2"), boards=(BOARD,)))
    assert [one.nodes for one in before.compared.new] == [("gpu2",)]
    after = audited(tmp_path, "GPU-04", Evidence(fleet=fleet("gpu1"), boards=()), scope).compared
    assert (len(after.gone), len(after.unsure)) == (gone, 1 - gone)


@pytest.mark.parametrize(
    ("gaps", "gone"), [((), True), ((DARK,), False)], ids=["both answered", "one is dark"]
)
def test_what_is_on_two_nodes_is_gone_when_both_answered(
    tmp_path: Path, gaps: tuple[Gap, ...], gone: bool
) -> None:
    before = audited(tmp_path, "ENE-03", Evidence(fleet=fleet("gpu1", "gpu2"), plants=(UPS,)))
    assert {one.nodes for one in before.compared.new} == {("gpu1", "gpu2")}
    after = audited(tmp_path, "ENE-03", Evidence(fleet=fleet("gpu1", "gpu2", gaps=gaps), plants=())).compared
    assert (bool(after.gone), bool(after.unsure)) == (gone, not gone)


def test_every_run_that_is_kept_has_the_next_number(tmp_path: Path) -> None:
    evidence = Evidence(fleet=fleet("gpu1"), boards=())
    assert [audited(tmp_path, "GPU-04", evidence).seq for _ in range(3)] == [1, 2, 3]
