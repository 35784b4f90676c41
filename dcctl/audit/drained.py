"""What `-o name` prints: nodes that another command takes out of service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dcctl.render.report import Result


def drained(
    results: Iterable[Result], checks: Collection[str], nodes: Collection[str]
) -> tuple[list[Result], str]:
    """Return the open findings that draining meets, on nodes of the inventory alone, and what is left out.

    `checks`: ids of those that draining meets. What this run did not see, or somebody bears, is not open.
    """
    seen = [one for one in results if one.status != "unsure" and one.waived is None]
    met = [one for one in seen if one.rule in checks]
    kept = [replace(one, nodes=tuple(node for node in one.nodes if node in nodes)) for one in met]
    strangers = {node for one in met for node in one.nodes if node not in nodes}
    told = []
    if len(seen) > len(met):
        told.append(f"{plural(len(seen) - len(met), 'finding')} that no draining mends")
    if strangers:
        told.append(f"{plural(len(strangers), 'node')} that the inventory does not have")
    return [one for one in kept if one.nodes], f"left out: {', '.join(told)}" if told else ""
