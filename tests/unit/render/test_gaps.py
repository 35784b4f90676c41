"""Gaps in as few lines as say them, with hints that run as they are printed."""

from __future__ import annotations

import pytest

from dcctl.inventory.model import Gap
from dcctl.render.gaps import gap_lines
from dcctl.render.report import Report, Table
from dcctl.render.style import Style


def _lines(*gaps: Gap) -> list[str]:
    return gap_lines(Report(kind="t", headline="", items=Table("items", (), ()), gaps=gaps), Style())


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("ssh {} true", "ssh gw1 true"),
        ("dcctl inventory -w {}", "dcctl inventory -w 'gw[1-3]'"),
    ],
)
def test_only_dcctl_is_told_many_nodes_at_once(hint: str, shown: str) -> None:
    gaps = [Gap("ssh", f"gw{at}", "refused", hint=hint.format(f"gw{at}")) for at in (1, 2, 3)]
    assert _lines(*gaps) == [f"gap: gw[1-3]: refused. Try: {shown}"]
