"""Days of the week, as a digest names them."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
