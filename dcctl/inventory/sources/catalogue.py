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


def standards(kind: type[Row]) -> tuple[Row, ...]:
    """Return the standards that controls are told of, as the type that their owner has for them, by name."""
    folder = resources.files("dcctl").joinpath("data", "standards")
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".json")), key=lambda one: one.name)
    return tuple(msgspec.json.decode(one.read_bytes(), type=kind) for one in files)
