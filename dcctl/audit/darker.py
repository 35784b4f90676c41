"""Where a run saw less than the one before it: that is news, as a finding is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dcctl.audit.check import State
    from dcctl.audit.judge import Verdict
    from dcctl.audit.record import Compared, Record

_FALL_MILLI: Final = 10
"""A fall of coverage by less is told of by nodes that fell silent, and no news itself."""
_TOLD: Final = ("pass", "fail", "manual")
_NAMED: Final = 8
"""So many checks are named."""


def darker(before: Record | None, verdict: Verdict, compared: Compared) -> Iterator[str]:
    """Yield what an earlier run of the same scope was told and this one is not, in lines for a person."""
    if before is None:
        return
    milli, old = verdict.coverage.milli, before.coverage_milli
    if old is not None and (milli or 0) <= old - _FALL_MILLI:
        yield f"coverage fell from {old / 10:.1f} % to {(milli or 0) / 10:.1f} %"
    lost = [
        one.check.id
        for one in verdict.tallies
        if _told(before.checks.get(one.check.id, {})) and not _told(one.counts) and _dark(one.counts)
    ]
    if lost:
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        yield f"{plural(len(lost), 'check')} told of before can see nothing: {', '.join(lost[:_NAMED])}{more}"
    ran = {one.check.id for one in verdict.tallies}
    unsure = [one for one in compared.unsure if one.check in ran and one.id not in before.unsure]
    if unsure:
        yield f"{plural(len(unsure), 'finding')} seen before could not be looked at again"


def _told(counts: Mapping[State, int]) -> bool:
    return any(counts.get(state) for state in _TOLD)


def _dark(counts: Mapping[State, int]) -> bool:
    return bool(counts.get("unknown") or counts.get("error"))
