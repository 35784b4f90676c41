"""The lines that cron mails, and the day on which it always mails."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.audit.act.watch import is_due
from dcctl.audit.mail import lines
from dcctl.inventory.model import Gap
from dcctl.render.report import Findings, Report, Result, Table, Waived

if TYPE_CHECKING:
    from typing import Literal

MONDAY_S = 1_767_571_200
"""5 January 2026, 00:00 UTC."""
DAY_S = 86400


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.parametrize(
    ("now_s", "before_s", "due"),
    [
        (MONDAY_S, None, True),
        (MONDAY_S + DAY_S - 1, MONDAY_S - 1, True),
        (MONDAY_S + 3600, MONDAY_S, False),
        (MONDAY_S, MONDAY_S - 7 * DAY_S, True),
        (MONDAY_S - 1, None, False),
        (MONDAY_S + DAY_S, None, False),
    ],
)
def test_the_digest_is_due_with_the_first_run_of_its_day(now_s: int, before_s: int | None, due: bool) -> None:
    assert is_due("mon", now_s, before_s) == due
    assert not is_due(None, now_s, before_s)
    assert is_due("tue", now_s + DAY_S, before_s and before_s + DAY_S) == due


def one(number: int, status: Literal["new", "known"], waived: Waived | None = None) -> Result:
    return Result(
        "RBAC-03", f"{number}", f"Role/{number}", "is wild", "fail", "high", status, "", (), 0, waived
    )


def told(results: tuple[Result, ...], gaps: int = 0, *, digest: bool = False) -> list[str]:
    found = Findings(at_s=0, rules=(), results=results)
    dark = tuple(Gap("ssh", f"gpu{number}", "refused") for number in range(gaps))
    report = Report("audit", "2 new", Table("items", (), ()), findings=found, gaps=dark)
    return list(lines(report, "dcctl audit", digest=digest))


def test_a_mail_has_what_is_new_and_what_is_missing() -> None:
    borne = one(3, "new", Waived("wu", "T-1", "rdma", 0))
    assert told((one(1, "new"), one(2, "known"), borne), 4) == [
        "2 new",
        "HIGH     RBAC-03  Role/1  is wild",
        "gap: gpu0: refused",
        "gap: gpu1: refused",
        "gap: gpu2: refused",
        "… 1 more gap",
    ]


def test_a_digest_has_what_is_still_open_too() -> None:
    rows = tuple(replace(one(number, "known"), says=f"is {number}") for number in range(12))
    text = told((*rows, one(99, "known", Waived("wu", "T-1", "rdma", 0))), digest=True)
    assert text[:2] == ["2 new", "still open:"]
    assert (len(text), text[-1]) == (13, "… 2 more: dcctl audit")
    assert told((), digest=True) == ["2 new"]


def test_what_is_the_same_of_several_nodes_is_one_line() -> None:
    rows = tuple(replace(one(0, "new"), object=f"gpu{number:03}") for number in range(17, 25))
    assert told(rows)[1:] == ["HIGH     RBAC-03  gpu[017-024]  is wild"]


def test_a_fault_of_many_boards_is_one_short_line() -> None:
    boards = tuple(
        replace(one(number, "new"), object=f"gpu{number}/GPU-{number}c") for number in range(1, 97)
    )
    (line,) = told(boards)[1:]
    assert "gpu[1-96]/GPU-* (96)" in line
