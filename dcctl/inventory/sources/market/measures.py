"""How files of costs write money, lives, masses and shares: with the unit wherever two are possible."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from dcctl.inventory.sources.energy.amounts import SHARE
from dcctl.inventory.sources.jobs import amounts
from dcctl.inventory.sources.jobs.amounts import Measure, read
from dcctl.inventory.sources.jobs.resources import checked

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor

MASS: Final = Measure("mass", {"kg": 10**6, "t": 10**9}, "500t", "a milligram")
YEARS: Final = Measure("length of a life", {"y": 1000}, "5y", "a thousandth of a year")
FINE: Final = Measure("number", {"": 10**6}, "120 or 0.5", "a millionth")
_MOST_MONEY: Final = 10**15
"""In thousandths: above every data centre, and exact in a float."""
_MOST_RATE: Final = 10**15
"""In millionths."""


def amount(given: Cursor, measure: Measure, least: int = 1) -> int:
    """Return an amount in the units of its measure. UsageError with the place."""
    return checked(given, partial(read, measure=measure, least=least))


def money(given: Cursor) -> int:
    """Return thousandths of the currency."""
    found = amount(given, amounts.PLAIN, least=0)
    if found > _MOST_MONEY:
        raise given.error(f"is more than {_MOST_MONEY // 1000:,}")
    return found


def share(given: Cursor) -> int:
    """Return a share in thousandths, from nothing to all."""
    found = amount(given, SHARE, least=0)
    if found > 1000:
        raise given.error("is more than all; a share is at most 100%")
    return found


def throughput(given: Cursor) -> int:
    """Return a number of millionths above zero."""
    found = amount(given, FINE)
    if found > _MOST_RATE:
        raise given.error(f"is more than {_MOST_RATE // 10**6:,}; take a larger unit")
    return found
