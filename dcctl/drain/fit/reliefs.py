"""What would help work that finds no room: the least of each sort, proved by placing it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.drain.campaign import Relief
    from dcctl.drain.fit.placing import Places
    from dcctl.drain.fit.wave import Wave


def reliefs_of(wave: Wave, found: Places) -> tuple[Relief, ...]:
    """By workload, the least trouble first."""
    return ()
