"""How a UPS fares in NUT's variables (docs/nut-names.txt of NUT): status, battery, test, temperature."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.plant import Plant, Temperature

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATE: Final = re.compile(r"(?:(\d{4})[/-](\d\d)[/-](\d\d)|(\d\d)/(\d\d)/(\d{4}|\d\d))")
"""2023/05/17, or as APC and others write it 05/17/23."""
_PASSED: Final = ("done and passed", "passed", "ok", "success")
_FAILED: Final = ("done and error", "failed", "fail", "error", "aborted")


def parse(name: str, variables: Mapping[str, str], read_at_s: int) -> Plant:
    """Return a UPS beside its meter. What it does not tell is None."""
    told = variables.get("ups.status", "").split()
    warm = variables.get("ambient.temperature", "")
    silent = {} if told else {"status": Silence(f"{name}: tells no ups.status", "missing")}
    return Plant(
        name=name,
        kind="ups",
        read_at_s=read_at_s,
        status=tuple(told) or None,
        battery_made_s=_date(variables.get("battery.date") or variables.get("battery.mfr.date")),
        tested_at_s=_date(variables.get("ups.test.date")),
        test_passed=_passed(variables.get("ups.test.result", "")),
        temperatures=(Temperature("ambient", round(float(warm) * 1000)),) if _is_number(warm) else None,
        silent=silent,
    )


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d{1,3}(\.\d{1,6})?", text) is not None


def _date(text: str | None) -> int | None:
    """Unix time of a day, UTC. None: not told, or not as a date of which the order is known."""
    found = _DATE.fullmatch((text or "").strip())
    if not found:
        return None
    if found[1]:
        year, month, day = int(found[1]), int(found[2]), int(found[3])
    else:
        year, month, day = int(found[6]), int(found[4]), int(found[5])
        year += 2000 if year < 100 else 0
    try:
        return int(datetime(year, month, day, tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _passed(text: str) -> bool | None:
    """None: no test was made, one is under way, or its result is told in other words."""
    word = text.strip().lower()
    return True if word.startswith(_PASSED) else False if word.startswith(_FAILED) else None
