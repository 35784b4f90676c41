"""Colour, which only repeats what a word says: blue is well, orange is not (many see no red and green)."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["plain", "bold", "dim", "ok", "warn", "crit", "unknown", "l1", "l2", "l3", "l4"]

# 256-colour codes that keep a contrast of at least 3:1 on black and on white
_CODES: dict[Tone, str] = {
    "bold": "1",
    "dim": "2",
    "ok": "38;5;33",
    "warn": "38;5;172",
    "crit": "1;38;5;166",
    "unknown": "38;5;244",
    "l1": "38;5;110",
    "l2": "38;5;74",
    "l3": "38;5;32",
    "l4": "38;5;26",
}
_STATES: dict[Tone, str] = {
    "ok": "ok ready healthy met running up active passed succeeded fits",
    "warn": "warn warning degraded idle stranded cordoned draining drained drain doubt doubtful pending late "
    "medium schedulingdisabled maint maintenance stale incomplete",
    "crit": "crit critical fault faulty failed fail failing down missed notready high bad dead "
    "error lost refused",
    "unknown": "unknown – -",
}
_WORDS: dict[str, Tone] = {word: tone for tone, words in _STATES.items() for word in words.split()}
_RANK: tuple[Tone, ...] = ("plain", "ok", "unknown", "warn", "crit")
_SPLIT = re.compile(r"[\s,+;:/]+")


def paint(text: str, tone: Tone, color: bool) -> str:
    """Return `text` in `tone` for a terminal; as it is when there is no colour or nothing to colour."""
    code = _CODES.get(tone)
    return f"\x1b[{code}m{text}\x1b[0m" if color and code and text else text


def tone_of(state: str) -> Tone:
    """Return the tone of a state, the worst of its words: `NotReady,SchedulingDisabled` is crit."""
    tones = (_WORDS.get(word, "plain") for word in _SPLIT.split(state.casefold()))
    return max(tones, key=_RANK.index)
