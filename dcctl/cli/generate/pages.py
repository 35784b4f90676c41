"""Pages of the documents that follow from the code: the policy of audits, and what their evidence holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.audit.limits import shown
from dcctl.audit.site import KINDS
from dcctl.cli.generate.fields import evidence_fields, policy_fields

if TYPE_CHECKING:
    from collections.abc import Iterable


def policy_page() -> str:
    """Return the page of all keys of the policy."""
    rows = [(f"`{one.path}`", one.kind, f"`{shown(one.default)}`", one.about) for one in policy_fields()]
    return _page(
        "The policy of dcctl audit",
        "What a site decides, in tables below `[context.NAME.audit]` of the [configuration]"
        "(configuration.md): `hosts.clock_offset_ns` is the key `clock_offset_ns` of "
        "`[context.NAME.audit.hosts]`. Endings tell units: `_s` seconds, `_ns` nanoseconds, `_milli` "
        "thousandths, `_mc` thousandths of a degree.",
        _table(("key", "what it is", "default", "meaning"), rows),
    )


def evidence_page() -> str:
    """Return the page of all kinds of evidence and their paths."""
    lines: list[str] = []
    for kind in KINDS:
        rows = [(f"`{one.path}`", one.kind, one.about) for one in evidence_fields(kind)]
        lines += [f"## {kind}", "", *_table(("path", "what it is", "meaning"), rows), ""]
    return _page(
        "What dcctl audit sees",
        "The kinds of things that [checks of your own](audit.md#checks-of-your-own) may look at, each with "
        "its paths. A path leads through lists to every entry, and into a table by its key: "
        '`labels["app"]`. Endings tell units: `_s` seconds (`_at_s` Unix time), `_mw` thousandths of a '
        "watt, `_mj` of a joule, `_milli` thousandths.",
        lines[:-1],
    )


def _page(title: str, about: str, lines: Iterable[str]) -> str:
    return "\n".join((f"# {title}", "", about, "", *lines)) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    cells = (tuple(cell.replace("|", "\\|") for cell in row) for row in rows)
    lines = [head, ("---",) * len(head), *cells]
    return ["| " + " | ".join(row) + " |" for row in lines]
