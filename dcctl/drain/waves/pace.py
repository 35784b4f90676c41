"""Work that nobody can ask for a checkpoint, but that writes one at a known pace: it leaves after the next.

Less GPU time lost comes before a shorter campaign; so what has a rule with `checkpoint-every`, and tells when
it wrote its last one, is waited for. It is a wait of at most one period, and none that misses the deadline or
the end of the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.drain.waves.calendar import opening
from dcctl.drain.waves.estimate import CHECKPOINT_S, seconds_of
from dcctl.drain.waves.loss import loses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.drain.campaign import Unit
    from dcctl.drain.request import Request
    from dcctl.drain.waves.loss import Past

WRITTEN_S = CHECKPOINT_S["signal"]
"""From when a checkpoint is due until it is written. Assumed."""


def paced(unit: Unit, pasts: Sequence[tuple[int, Past]], request: Request, now_s: int) -> Unit:
    """The unit, waited for until its next checkpoint is written if that saves work; else as it was."""
    begins_s, over_s = _open(request, now_s)
    until_s = _next(pasts, begins_s, now_s)
    if until_s is None or not loses(unit) or any(leaf.how != "evict" for leaf in unit.leaves):
        return unit
    if over_s is not None and until_s + seconds_of(unit) > over_s:
        return unit
    leaves = tuple(replace(leaf, how="wait") for leaf in unit.leaves)
    return replace(unit, leaves=leaves, paced=True, waits_until_s=until_s, after_wait="evict")


def _open(request: Request, now_s: int) -> tuple[int, int | None]:
    """When a campaign may begin (not before its time, in a window), and by when work has left; None: ever."""
    at_s = max(now_s, request.not_before_s or now_s)
    found = opening(request.windows, at_s) if request.windows else None
    begins_s, closes_s = found or (at_s, None)
    ends = [one for one in (closes_s, request.deadline_s) if one is not None]
    return begins_s, min(ends, default=None)


def _next(pasts: Sequence[tuple[int, Past]], at_s: int, now_s: int) -> int | None:
    """When the first checkpoint after `at_s` is written; None: nobody knows, or the last one is as good."""
    told = {(past.last_s, past.every_s) for _, past in pasts}
    if len(told) != 1:
        return None
    last_s, every_s = told.pop()
    if last_s is None or not every_s or now_s - last_s > every_s + WRITTEN_S:  # it does not keep its pace
        return None
    gone_s = (at_s - last_s) % every_s
    return at_s + every_s - gone_s + WRITTEN_S if gone_s > 2 * WRITTEN_S else None
