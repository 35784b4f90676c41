"""The catalogue, told: a table of all checks, and all that is known of one."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from dcctl.audit.shape import EXPLAIN, LIST
from dcctl.audit.waivers import may_be_waived
from dcctl.render.report import Report, Table
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.audit.check import Check, Tier
    from dcctl.render.report import Shape

TIERS: Final[dict[Tier, str]] = {
    "A": "Kubernetes lists",
    "F": "effective configuration of Kubernetes' components",
    "S": "SSH",
    "R": "SSH with sudo",
    "N": "NVML",
    "P": "Prometheus and meters",
    "B": "backup and object stores",
    "M": "bytes of model files",
    "L": "dcctl's own records",
    "net": "what a port says of itself",
}
STANDARDS: Final = {
    "cis-1.12": "CIS Kubernetes Benchmark 1.12",
    "nsa": "NSA/CISA Kubernetes Hardening Guidance",
    "800-53": "NIST SP 800-53",
    "iso": "ISO/IEC 27001:2022",
    "soc2": "SOC 2",
    "mlps": "MLPS 2.0, GB/T 22239-2019, level 3",
    "dcctl": "dcctl",
}
WIDTH: Final = 88
"""Of lines that are easy to read."""


def list_report(checks: Iterable[Check]) -> Report:
    """Return the table of checks, in their order."""
    rows = tuple(
        (one.id, one.severity, one.title, one.tier, one.over, one.refs, one.why, one.fix) for one in checks
    )
    return Report(LIST.kind, plural(len(rows), "check"), Table("items", LIST.items, rows), name_key="check")


def markdown(checks: Iterable[Check]) -> str:
    """Return the page of the documents that lists every check."""
    rows = list(checks)
    lines = [
        "# The checks of dcctl audit",
        "",
        f"{plural(len(rows), 'check')}; `dcctl audit explain ID` tells more of each. They need: "
        + "; ".join(f"**{tier}** {text}" for tier, text in TIERS.items())
        + ".",
        "",
        "| id | severity | what | needs | why | how to mend it | standards |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in rows:
        cells = (
            one.id, one.severity, one.title, " ".join(one.tier), one.why, one.fix, ", ".join(one.refs)
        )  # fmt: skip
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def explain_report(one: Check, width: int = WIDTH) -> Report:
    """Return all that is known of a check, as text of lines of `width` cells at most."""
    lines = (line for text in _explained(one) for line in _wrapped(text, width))
    return text_report(EXPLAIN, one.title, "\n".join(lines) + "\n")


def _wrapped(text: str, width: int) -> list[str]:
    indent = "  " if text.startswith("  ") else ""
    return textwrap.wrap(text, width, subsequent_indent=indent or "  ", break_on_hyphens=False) or [""]


def text_report(shape: Shape, headline: str, text: str) -> Report:
    """Return an answer that is text alone."""
    empty = Table("items", (), ())
    form = shape.document_format
    return Report(shape.kind, headline, empty, documents=(text,), document_format=form)


def _explained(one: Check) -> Iterator[str]:
    yield f"{one.id}  {one.severity}  {one.title}"
    yield ""
    holds = " ".join((one.run.__doc__ or "").split())
    for heading, text in (("Passes when", holds), ("Why", one.why), ("How to mend it", one.fix)):
        if text:
            yield f"{heading}:"
            yield f"  {text}"
            yield ""
    yield "Looks at:"
    yield f"  {one.over.replace('_', ' ')}, by {', '.join(TIERS[each] for each in one.tier)}"
    yield ""
    if one.drains:
        yield "Taking the node out of service is part of the cure: -o name lists its nodes."
        yield ""
    yield "Asked for by:"
    for ref in one.refs:
        standard, _, control = ref.partition(":")
        yield f"  {STANDARDS.get(standard, standard)}: {control}"
    yield ""
    if may_be_waived(one.id):
        yield "To bear it for a time:"
        yield f"  dcctl audit waive {one.id} OBJECT --owner WHO --ticket T --reason WHY"
    else:
        yield "It cannot be waived: it is about the audit itself."
