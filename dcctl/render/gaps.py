"""What gave no answer, in as few lines as say it: subjects with the same reason become one node set."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from dcctl.render.nodes import node_set
from dcctl.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.model import Gap
    from dcctl.render.dispatch import Style
    from dcctl.render.report import Report

MOST = 10
"""Lines before the rest is only counted."""
_HERE = "\x00"
"""Stands for the subject in a reason or hint that names it, so that two nodes' hints compare equal."""


def gap_lines(report: Report, style: Style) -> list[str]:
    """Return one line per kind of gap, worst-covered first as they came, at most MOST unless `-o wide`.

    For standard error when the answer is piped, and for the end of a table on a terminal.
    """
    groups = _grouped(report.gaps)
    most = len(groups) if style.output == "wide" else MOST
    lines = [printable(_line(group), style.unicode) for group in groups[:most]]
    if len(groups) > most:
        rest = sum(len(group) for group in groups[most:])
        lines.append(f"gap: {rest:,} more. Try: -o json, or -o wide")
    return lines


def _grouped(gaps: Sequence[Gap]) -> list[list[Gap]]:
    """Return gaps that differ in their subject alone together, in order of first appearance."""
    groups: dict[tuple[str, str, str], list[Gap]] = {}
    for gap in gaps:
        key = (gap.source, _template(gap.reason, gap.subject), _template(gap.hint, gap.subject))
        groups.setdefault(key, []).append(gap)
    return list(groups.values())


def _template(text: str, subject: str) -> str:
    """Return `text` with the subject replaced by a mark."""
    return text.replace(subject, _HERE) if subject else text


def _line(group: Sequence[Gap]) -> str:
    """Return `gap: subject: reason. Try: hint` for gaps of one kind."""
    first = group[0]
    subject = node_set(gap.subject for gap in group)
    reason = _template(first.reason, first.subject).replace(_HERE, subject).rstrip(".")
    hint = first.hint if len(group) == 1 else _quoted(_template(first.hint, first.subject), subject)
    text = ": ".join(part for part in ("gap", subject or first.source, reason) if part)
    return f"{text}. Try: {hint}" if hint else text


def _quoted(template: str, subject: str) -> str:
    """Return the hint for many nodes, quoted so that a shell does not expand its brackets."""
    return template.replace(_HERE, shlex.quote(subject))
