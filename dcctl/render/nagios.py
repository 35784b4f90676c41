"""One line as Nagios plugins write it, with performance data. The exit code stays dcctl's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.render.report import Report

_WORD = {"ok": "OK", "info": "OK", "warn": "WARNING", "crit": "CRITICAL"}


def as_nagios(report: Report, out: TextIO) -> None:
    """Write state, headline and the numbers of the summary."""
    word = "UNKNOWN" if any(gap.cause != "limited" for gap in report.gaps) else _WORD[report.level]
    data = " ".join(_performance(report))
    out.write(
        _clean(f"DCCTL {report.kind.upper()} {word}: {report.headline}")
        + (f" | {data}" if data else "")
        + "\n"
    )


def _performance(report: Report) -> Iterator[str]:
    for key, cell in report.summary.items():
        values = cell.items() if isinstance(cell, dict) else (("", cell),)
        for name, value in values:
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield f"{key}{'_' if name else ''}{name}={value}"


def _clean(text: str) -> str:
    """Return a text that Nagios takes for one line without performance data."""
    from dcctl.render.text import printable

    return printable(text.replace("|", "/"), unicode=True)
