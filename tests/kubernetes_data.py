"""Lists saved under tests/data/kubernetes, read into a sink as pages from a server would be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from dcctl.inventory.sources.kubernetes.types import Page

if TYPE_CHECKING:
    from dcctl.inventory.sources.kubernetes.paging import Sink

T = TypeVar("T")
DATA = Path(__file__).parent / "data" / "kubernetes"


def items(case: str, of: type[T]) -> list[T]:
    """The items of the list saved as `case`, e.g. `nodes/nodes`."""
    page = msgspec.json.decode((DATA / f"{case}.json").read_bytes(), type=Page[of])  # type: ignore[valid-type]
    found: list[T] = page.items or []
    return found


def feed(sink: Sink[T], case: str, of: type[T]) -> None:
    """The sink has read the list."""
    sink.add(items(case, of))
