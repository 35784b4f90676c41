"""Attestations: what no program can decide, and somebody looked at, with a date on which it ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from dcctl.audit.waivers import holds, means

if TYPE_CHECKING:
    from dcctl.audit.scene import Scene

ATTESTED: Final = ("API-15", "SEC-06")
"""Checks that end as `manual` where nobody attests them."""


def attested(check: str, subject: str, scene: Scene) -> str:
    """Return who attests that a subject is in order, in one sentence; empty: nobody does now."""
    for one in scene.evidence.waivers or ():
        if one.attests and one.check == check and means(one, subject) and holds(one, scene.now_s):
            day = time.strftime("%Y-%m-%d", time.gmtime(one.created_at_s))
            return f"{one.owner or 'somebody'} attested it on {day}: {one.reason or 'no reason given'}"
    return ""
