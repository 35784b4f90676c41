"""What gave no answer, in as few lines as say it: subjects with the same reason become one node set."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from dcctl.render.nodes import node_set
from dcctl.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.model import Gap
    from dcctl.render.report import Report
    from dcctl.render.style import Style

MOST = 10
"""Lines before the rest is only counted."""
_HERE = "\x00"
"""Stands for the subject in a reason or hint that names it, so that two nodes' hints compare equal."""


def gap_lines(report: Report, style: Style) -> list[str]:
    """Return `gap: subject: reason. Try: hint` once per kind of gap, for standard error. See `gap_parts`."""
    return [
        f"{text}. Try: {hint}" if hint else text
        for text, hint in gap_parts(report, style.unicode, most_shown(style))
    ]


def most_shown(style: Style) -> int | None:
    """Return how many kinds of gaps are told before the rest is counted; None: all."""
    return None if style.output == "wide" else MOST


def gap_parts(report: Report, unicode: bool, most: int | None) -> list[tuple[str, str]]:
    """Return (`gap: subject: reason`, hint) once per kind of gap, as they came: the first `most` or all.

    The rest is counted. Each is one line and harmless to a terminal; the hint may be empty.
    """
    groups = _grouped(report.gaps)
    parts = [_parts(group) for group in groups[:most]]
    if most is not None and len(groups) > most:
        rest = sum(len(group) for group in groups[most:])
        parts.append((f"gap: {rest:,} more", "-o json, or -o wide"))
    return [(printable(text, unicode), printable(hint, unicode)) for text, hint in parts]


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


def _parts(group: Sequence[Gap]) -> tuple[str, str]:
    """Return what gaps of one kind say, and their hint."""
    first = group[0]
    subject = node_set(gap.subject for gap in group)
    reason = _template(first.reason, first.subject).replace(_HERE, subject).rstrip(".")
    hint = first.hint
    if len(group) > 1 and hint.startswith("dcctl "):  # other programs take one host: that of the first
        hint = _quoted(_template(hint, first.subject), subject)
    return ": ".join(part for part in ("gap", subject or first.source, reason) if part), hint


def _quoted(template: str, subject: str) -> str:
    """Return the hint for many nodes, quoted so that a shell does not expand its brackets."""
    return template.replace(_HERE, shlex.quote(subject))
