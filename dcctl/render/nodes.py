"""Node names, and names of things on nodes, as one short text on a screen."""

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


def node_set(names: Iterable[str]) -> str:
    """Return the distinct names as one node set, `gpu[001-126]`; a single name as it is."""
    distinct = list(dict.fromkeys(names))
    if len(distinct) == 1:
        return distinct[0]
    from dcctl.inventory.folding import fold

    return fold(distinct)


def kind_of(name: str) -> str:
    """Return what names have in common that a reader takes for one thing; empty: a plain host name."""
    if _HOST.fullmatch(name):
        return ""
    part = _PART.fullmatch(name)
    return _DIGITS.sub("0", f"{part[1]}/{part[2]}" if part else name)


def brief(names: Iterable[str]) -> str:
    """Return the names as `node_set` does, but things on many nodes as `gpu[001-096]/GPU-* (768)`."""
    by: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by.setdefault(kind_of(name), []).append(name)
    return ",".join(_brief(each) for each in by.values())


def _brief(names: list[str]) -> str:
    text = node_set(names)
    parts = [_PART.fullmatch(name) for name in names]
    if len(names) == 1 or "," not in _BRACKETS.sub("", text) or None in parts:
        return text
    nodes = node_set(part[1] for part in parts if part)
    return f"{nodes}/{parts[0][2] if parts[0] else ''}* ({len(names):,})"
