"""What the kernel's log says of accelerators: XIDs, SXIDs of switches, boards that fell off the bus. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.inventory.evidence.boards import LoggedFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OFF_THE_BUS: Final = 79
_SLOT: Final = r"(?:PCI:)?((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}(?:\.[0-9a-f])?)"
_XID: Final = re.compile(rf"NVRM: (?:GPU at [^:]+: )?Xid \({_SLOT}\): (\d{{1,9}})", re.IGNORECASE)
_SXID: Final = re.compile(rf"SXid \({_SLOT}\): (\d{{1,9}}),?\s*(Fatal|Non-fatal)?", re.IGNORECASE)
_BOARD: Final = re.compile(rf"The NVIDIA GPU {_SLOT}", re.IGNORECASE)
_FALLEN: Final = re.compile(rf"NVRM: GPU (?:at )?{_SLOT}:? (?:GPU )?has fallen off the bus", re.IGNORECASE)
_FALLEN_WORDS: Final = "fallen off the bus"
_JOURNAL_TIME: Final = re.compile(r"(\d{1,12})\.\d+ ")
_BOOT_TIME: Final = re.compile(r"(?:kern\s*:\w+\s*:\s*)?\[\s*(\d{1,10})\.\d+\] ")
_KEPT: Final = 300
"""Of each kind of fault of each device one row is kept, whatever the log holds."""


class Logged(NamedTuple):
    """What a log told."""

    xids: tuple[LoggedFault, ...]
    fallen: tuple[LoggedFault, ...]


def read_log(text: str, booted_at_s: int | None = None) -> Logged:
    """Return the faults of a log, one for each device and number with how often and when it came last.

    Lines of `journalctl -o short-unix` tell Unix time, those of `dmesg` seconds since `booted_at_s`.
    """
    found = list(_faults(text.splitlines(), booted_at_s))
    return Logged(
        _joined(fault for kind, fault in found if kind == "xid"),
        _joined(fault for kind, fault in found if kind == "fallen"),
    )


def _faults(lines: Iterable[str], booted_at_s: int | None) -> Iterator[tuple[str, LoggedFault]]:
    board = ""  # of a message that goes over several lines
    for line in lines:
        at_s = _moment(line, booted_at_s)
        if one := _BOARD.search(line):
            board = slot(one[1])
        if one := _SXID.search(line):
            fatal = None if one[3] is None else one[3].lower() == "fatal"
            yield "xid", LoggedFault(int(one[2]), slot(one[1]), at_s, source="switch", fatal=fatal)
        elif one := _XID.search(line):
            yield "xid", LoggedFault(int(one[2]), slot(one[1]), at_s)
            if _FALLEN_WORDS in line:
                yield "fallen", LoggedFault(_OFF_THE_BUS, slot(one[1]), at_s)
        elif one := _FALLEN.search(line):
            yield "fallen", LoggedFault(0, slot(one[1]), at_s)
        elif _FALLEN_WORDS in line and board:
            yield "fallen", LoggedFault(0, board, at_s)
            board = ""


def slot(text: str) -> str:
    """Return `0000:3b:00.0` for `0000:3b:00`, `00000000:3B:00.0` or `3b:00.0`."""
    rest, _, function = text.lower().partition(".")
    parts = rest.split(":")
    domain = int(parts[0], 16) if len(parts) > 2 else 0
    return f"{domain:04x}:{parts[-2]}:{parts[-1]}.{function or '0'}"


def _moment(line: str, booted_at_s: int | None) -> int | None:
    if one := _JOURNAL_TIME.match(line):
        return int(one[1])
    one = _BOOT_TIME.match(line)
    return None if one is None or booted_at_s is None else booted_at_s + int(one[1])


def _joined(faults: Iterable[LoggedFault]) -> tuple[LoggedFault, ...]:
    """Equal ones as one: how many there were, and when the last one was."""
    found: dict[tuple[str, str, int, bool | None], LoggedFault] = {}
    for one in faults:
        key = (one.source, one.slot, one.number, one.fatal)
        before = found.get(key)
        if before is None and len(found) >= _KEPT:
            continue
        moments = [at_s for at_s in (one.at_s, before.at_s if before else None) if at_s is not None]
        times = one.times + (before.times if before else 0)
        found[key] = LoggedFault(
            one.number, one.slot, max(moments, default=None), times, one.source, one.fatal
        )
    return tuple(found.values())
