"""Options of `dcctl schedule plan` that say what changes over time and between sites, read into a problem."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.conditions import Curve, SiteLink
    from dcctl.inventory.model import Fleet
    from dcctl.packing.problem import Problem

Windows = Annotated[
    list[str] | None,
    typer.Option(
        "--window",
        metavar="NODESET=FROM/TO",
        help="Nothing runs there in between: gpu[001-008]=2026-11-24T20:00Z/2026-11-24T23:00Z.",
    ),
]
Links = Annotated[
    str | None,
    typer.Option("--links", metavar="FILE", help="YAML: how fast sites are joined, and what a TB costs."),
]
Wait = Annotated[
    str | None,
    typer.Option(
        "--wait-at-most",
        metavar="TIME",
        help="Work without a deadline may start so much later where that is cheaper.",
    ),
]


class Conditions(NamedTuple):
    """What the files of the options tell."""

    prices: "Mapping[str, Curve]"
    carbon: "Mapping[str, Curve]"
    links: "tuple[SiteLink, ...]"


def conditions(price: str | None, carbon: str | None, links: str | None) -> Conditions:
    """Read the files. UsageError with the place of what is wrong."""
    from dcctl.inventory.sources.jobs.curves import curves
    from dcctl.inventory.sources.jobs.links import links as read_links

    return Conditions(
        curves(_text(price), price, negative=True) if price else {},
        curves(_text(carbon), carbon) if carbon else {},
        read_links(_text(links), links) if links else (),
    )


def under(problem: "Problem", told: Conditions, windows: list[str] | None, whole: "Fleet") -> "Problem":
    """The problem under these conditions, nodes closed in their windows. UsageError: no such window."""
    from msgspec.structs import replace

    closed = _closed(windows or [], whole)
    bins = tuple(
        replace(one, closed_windows=closed[one.name]) if one.name in closed else one for one in problem.bins
    )
    return replace(problem, bins=bins, prices=told.prices, carbon=told.carbon, links=told.links)


def seconds(wait: str | None) -> int:
    """The length of --wait-at-most. UsageError when it is none."""
    from dcctl.errors import UsageError
    from dcctl.inventory.lengths import duration

    try:
        return duration(wait) if wait is not None else 0
    except ValueError as error:
        raise UsageError("--wait-at-most", str(error)) from error


def _text(path: str) -> str:
    from dcctl.inventory.sources.files.documents import read_bytes, text_of

    return text_of(read_bytes(path), path)


def _closed(windows: list[str], whole: "Fleet") -> dict[str, tuple[tuple[int, int], ...]]:
    """When each node is closed, by name."""
    from dcctl.errors import UsageError
    from dcctl.inventory.moments import moment
    from dcctl.inventory.nodeset import expand, groups_of

    known, groups = {node.name for node in whole.nodes}, groups_of(whole)
    found: dict[str, list[tuple[int, int]]] = {}
    for text in windows:
        nodes, _, times = text.rpartition("=")
        first, slash, last = times.partition("/")
        if not (nodes and slash):
            raise UsageError(f"--window {text}", "must read NODESET=FROM/TO")
        try:
            window = moment(first), moment(last)
        except ValueError as error:
            raise UsageError(f"--window {text}", str(error)) from error
        if window[0] >= window[1]:
            raise UsageError(f"--window {text}", "ends before it begins")
        for name in expand(nodes, groups):
            if name not in known:
                raise UsageError(f"--window {text}", f"there is no node {name}", "dcctl inventory show")
            found.setdefault(name, []).append(window)
    return {name: tuple(sorted(each)) for name, each in found.items()}
