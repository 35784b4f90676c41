"""Label selectors as kubectl takes them: `pool=train,disk!=hdd,zone in (a,b),!spare`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from dcctl.errors import UsageError
from dcctl.inventory.nodeexpr import shown
from dcctl.inventory.placement import Expression, Selector
from dcctl.packing.fit.relations import selects

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY: Final = r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?"
_VALUE: Final = r"(?:[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?)?"
_EQUALS: Final = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})", re.ASCII)
_SET: Final = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)", re.ASCII)
_THERE: Final = re.compile(rf"(!?)\s*({_KEY})", re.ASCII)
_ONE_VALUE: Final = re.compile(_VALUE, re.ASCII)
_COMMA: Final = re.compile(r",(?![^()]*\))")
"""Not one within brackets."""


def selector(text: str) -> Selector:
    """Read a selector. UsageError names the part that is none."""
    return Selector(expressions=tuple(_expression(part.strip()) for part in _COMMA.split(text)))


def meets(labels: Mapping[str, str], chosen: Selector) -> bool:
    """Tell whether labels are as a selector asks."""
    return selects(chosen, labels)


def _expression(part: str) -> Expression:
    if found := _SET.fullmatch(part):
        values = tuple(value.strip() for value in found[3].split(","))
        if all(_ONE_VALUE.fullmatch(value) for value in values):
            return Expression(found[1], "In" if found[2] == "in" else "NotIn", values)
    elif found := _EQUALS.fullmatch(part):
        return Expression(found[1], "NotIn" if found[2] == "!=" else "In", (found[3],))
    elif found := _THERE.fullmatch(part):
        return Expression(found[2], "DoesNotExist" if found[1] else "Exists")
    why = "is none of key=value, key!=value, key in (a,b), key notin (a,b), key, !key"
    raise UsageError(f"-l {shown(part)}", why, "dcctl inventory -o json")
