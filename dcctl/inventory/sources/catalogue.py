"""Catalogues that come with dcctl, decoded as asked: models, accelerators, published cases."""

from __future__ import annotations

from importlib import resources
from typing import Literal, TypeAlias, TypeVar

import msgspec

Row = TypeVar("Row")
Catalogue: TypeAlias = Literal["cases", "gpus", "models", "runs"]


def rows(name: Catalogue, row: type[Row]) -> tuple[Row, ...]:
    """Return the rows of a catalogue as the type that its owner has for them, in their order."""
    text = resources.files("dcctl").joinpath("data", f"{name}.json").read_bytes()
    return tuple(msgspec.json.decode(text, type=list[row]))  # type: ignore[valid-type]
