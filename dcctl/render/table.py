"""The table on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from dcctl.render.dispatch import Style
    from dcctl.render.report import Report


def as_table(report: Report, style: Style, out: TextIO) -> None:
    """Write the report for a person."""
    from dcctl.render.plain import as_tsv

    as_tsv(report, out, style.unicode)
