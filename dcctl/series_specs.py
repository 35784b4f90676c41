"""What `meters` of a source of kind prometheus may say, checked and made into rows that are asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec

from dcctl.config import wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.sources.series.row import Row


class SeriesSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Meters of one kind: those of a known exporter, or a point with its power, its energy, or both."""

    exporter: Literal["ipmi", "node", "dcgm", "kepler"] | None = None
    point: Literal["facility", "ups", "pdu", "node", "cpu", "gpu"] | None = None
    power: str = ""
    """PromQL: a value for each meter."""
    power_unit: str = ""
    energy: str = ""
    """A counter, with matchers."""
    energy_unit: str = ""
    label: str = ""
    """It names the meter; of a point below the PDUs, the node."""
    regex: str = ""
    """What of the label is the name: its first group; without it, all but a port."""
    site_label: str = ""
    name: str = ""
    nodes: str = ""
    feeds: dict[str, str] = {}
    sum: bool = False


def row_of(spec: SeriesSpec, labels: Mapping[str, str], where: str) -> Row:
    """The row to ask. UsageError for what cannot be asked, or has no unit."""
    _check(spec, where)
    row = _of_exporter(spec) if spec.exporter else _by_hand(spec, where)
    return row.asking(labels)


def _of_exporter(spec: SeriesSpec) -> Row:
    from msgspec.structs import replace

    from dcctl.inventory.sources.series.row import EXPORTERS

    row = EXPORTERS[spec.exporter or ""]
    labels = (spec.label,) if spec.label else row.labels
    return replace(row, labels=labels, regex=spec.regex or row.regex, site_label=spec.site_label)


def _by_hand(spec: SeriesSpec, where: str) -> Row:
    from dcctl.inventory.sources.series.row import ENERGY_UNITS, OF_A_NODE, POINTS, POWER_UNITS, REGEX, Row

    if spec.point is None or not (spec.power or spec.energy):
        raise wrong(where, "needs an exporter, or a point with power or energy")
    kind = POINTS[spec.point]
    if kind in OF_A_NODE and not spec.label:
        raise wrong(where, f"a meter of point {spec.point!r} is of one node: say the label that names it")
    name = spec.name or spec.point
    return Row(
        kind,
        f"{spec.point} {spec.name}".strip(),
        spec.power,
        _unit(spec.power, spec.power_unit, "power", POWER_UNITS, ENERGY_UNITS, where),
        spec.energy,
        _unit(spec.energy, spec.energy_unit, "energy", ENERGY_UNITS, POWER_UNITS, where),
        (spec.label,) if spec.label else (),
        spec.regex or REGEX,
        spec.site_label,
        name,
        spec.nodes,
        spec.feeds,
        spec.sum,
    )


def _unit(
    asked: str, unit: str, noun: str, units: Mapping[str, int], others: Mapping[str, int], where: str
) -> int:
    """How many of the model's units one is."""
    if bool(asked) != bool(unit):
        why = f"needs {noun}_unit: one of {', '.join(units)}" if asked else f"{noun}_unit is of no {noun}"
        raise wrong(where, why)
    if unit and unit not in units:
        other = "energy" if noun == "power" else "power"
        why = f"{unit} is {other}" if unit in others else f"unknown unit {unit!r}"
        raise wrong(f"{where}.{noun}_unit", f"{why}; {noun} is in one of {', '.join(units)}")
    return units[unit] if unit else 1


_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def _check(spec: SeriesSpec, where: str) -> None:
    from dcctl.inventory.sources.series.row import COUNTER, OF_A_NODE, POINTS

    for label in filter(None, (spec.label, spec.site_label)):
        if not _LABEL.fullmatch(label):
            raise wrong(where, f"{label!r} is not the name of a label")
    if spec.energy and not COUNTER.fullmatch(spec.energy):
        why = (
            "is a counter by its name, with matchers if need be: dcctl asks what it grew by, resets made good"
        )
        raise wrong(f"{where}.energy", why)
    single = [key for key in ("name", "nodes") if getattr(spec, key)]
    if single and spec.label:
        raise wrong(where, f"{single[0]} is of a meter without a label: the label names each of them")
    if spec.feeds and (not spec.label or (spec.point and POINTS[spec.point] in OF_A_NODE)):
        raise wrong(where, "feeds is of UPSes and PDUs that a label names")
    own = [key for key in ("point", "power", "energy", "sum", "feeds") if getattr(spec, key)]
    if spec.exporter and own:
        raise wrong(where, f"{own[0]} is known of {spec.exporter}: leave it out, or leave out exporter")
    _check_regex(spec, where)


def _check_regex(spec: SeriesSpec, where: str) -> None:
    if not spec.regex:
        return
    try:
        groups = re.compile(spec.regex).groups
    except (re.error, RecursionError, OverflowError) as error:
        raise wrong(f"{where}.regex", f"is no regular expression: {error}") from error
    if not groups:
        raise wrong(f"{where}.regex", "has no group: (…) around what is the name")
