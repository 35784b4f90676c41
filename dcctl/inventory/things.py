"""Nodes, and what is on them, as one short text for people: `gpu[001-096]/GPU-* (768)`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_HOST = re.compile(r"[A-Za-z0-9._-]*")
_PART = re.compile(r"([A-Za-z0-9._-]*[0-9][A-Za-z0-9._-]*)/([A-Za-z_]*-?)[^/]*")
"""A thing on a numbered node, `gpu001/GPU-1b2c`: the node, and what things of its kind begin with."""
_BRACKETS = re.compile(r"\[[^\]]*\]")
_DIGITS = re.compile(r"[0-9]+")


def kind_of(name: str) -> str:
    """Return what names have in common that a reader takes for one thing; empty: a plain host name."""
    if _HOST.fullmatch(name):
        return ""
    part = _PART.fullmatch(name)
    return _DIGITS.sub("0", f"{part[1]}/{part[2]}" if part else name)


def brief(names: Iterable[str]) -> str:
    """Return nodes as a node set, things on many nodes as `gpu[001-096]/GPU-* (768)`, others as they are."""
    by: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by.setdefault(kind_of(name), []).append(name)
    return ",".join(map(_brief, by.values()))


def _brief(names: list[str]) -> str:
    from dcctl.inventory.folding import fold

    if len(names) == 1:
        return names[0]
    text = fold(names)
    parts = [_PART.fullmatch(name) for name in names]
    if "," not in _BRACKETS.sub("", text) or parts[0] is None:
        return text
    return f"{fold(part[1] for part in parts if part)}/{parts[0][2]}* ({len(names):,})"
