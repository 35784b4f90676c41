"""Records that diagnostics and benchmarks left: `dcgmi diag -j` and nccl-tests.

A folder holds `NODE.diag.json` and `NODE.nccl.txt`, as the commands wrote them, or several of each with more
words before the ending (`NODE.diag.2025-06.json`). The time of the file is the time of the record.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Final

import msgspec

from dcctl.inventory.evidence.boards import BusBandwidth, Diagnostic
from dcctl.inventory.model import Gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from dcctl.inventory.evidence.fleet import Records

_FAILED: Final = "fail"
_LOOKS: Final = {"pcie", "memory", "gpumemory", "memorybandwidth"}
_LOADS: Final = {"diagnostic", "targetedstress", "targetedpower", "memorystress", "pulsetest", "nvbandwidth"}
"""Tests of `dcgmi diag -r 2` and of `-r 3`, as it names them."""

_ALL_REDUCE_COLUMNS: Final = 13
"""size count type redop root, then time algbw busbw wrong, out of place and in place (nccl-tests)."""
_BUSBW: Final = 7
_MOST: Final = 100_000
_MOST_BYTES: Final = 16 << 20
_RECORD: Final = re.compile(r"(?P<node>.+?)\.(?:(?P<kind>diag)(?:\..+)?\.json|nccl(?:\..+)?\.txt)")


def diagnostic(text: bytes, at_s: int, level: int = 0) -> Diagnostic:
    """Return what `dcgmi diag -j` tells. ValueError: it is no such record.

    `level`: where the file does not tell it; the plugins that ran tell the least that it was.
    """
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"no JSON of dcgmi diag: {error}") from error
    results = dict(_results(document))
    if not results:
        raise ValueError("no JSON of dcgmi diag: it has no test with a result")
    failed = tuple(sorted(name for name, bad in results.items() if bad))
    return Diagnostic(level or _level(results), at_s, not failed, failed)


def _level(results: dict[str, bool]) -> int:
    """The level whose tests ran: 1 has software alone, 2 adds PCIe and memory, 3 what loads the board."""
    names = {re.sub(r"[^a-z]", "", name.lower()) for name in results}
    if names & _LOADS:
        return 3
    return 2 if names & _LOOKS else 1


def _results(node: object) -> Iterator[tuple[str, bool]]:
    """Yield (name, whether it failed) of each test that ran, wherever the versions of DCGM have them."""
    if isinstance(node, list):
        for one in node:
            yield from _results(one)
    elif isinstance(node, dict):
        statuses = set(_statuses(node.get("results"))) - {"skip"}
        if isinstance(node.get("name"), str) and statuses:
            yield node["name"], _FAILED in statuses
        for key in ("DCGM Diagnostic", "DCGM GPU Diagnostic", "test_categories", "tests"):
            yield from _results(node.get(key))


def _statuses(results: object) -> Iterator[str]:
    for one in results if isinstance(results, list) else ():
        if isinstance(one, dict) and isinstance(one.get("status"), str):
            yield one["status"].lower()


def bandwidth(text: str, at_s: int) -> BusBandwidth:
    """Return the best bus bandwidth of an `all_reduce_perf`. ValueError: the text has no row of one."""
    found = []
    for line in text.splitlines()[:_MOST]:
        words = line.split()
        if len(words) >= _ALL_REDUCE_COLUMNS - 1 and words[0].isdigit():
            found.append(float(words[_BUSBW]))
    if not found:
        raise ValueError("no row of nccl-tests in it")
    return BusBandwidth(at_s, round(max(found) * 8_000_000_000))


def _read(path: Path) -> tuple[int, bytes]:
    """When a file was written, and its bytes. ValueError: it is no file, or too large; OSError."""
    with open(path, "rb", opener=_opener) as file:  # a path has no opener
        known = os.fstat(file.fileno())
        if not stat.S_ISREG(known.st_mode):
            raise ValueError("is no regular file")
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"is larger than {_MOST_BYTES >> 20} MiB")
    return int(known.st_mtime), data


def _opener(path: str, flags: int) -> int:
    """A pipe is opened, and refused, without waiting for who writes to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def read_records(folder: Path) -> tuple[dict[str, Records], list[str]]:
    """Return the records of a folder by node, and one line for each file that is none. OSError: no folder."""
    diagnostics: dict[str, list[Diagnostic]] = {}
    bandwidths: dict[str, list[BusBandwidth]] = {}
    refused = []
    for path in sorted(folder.iterdir()):
        found = _RECORD.fullmatch(path.name)
        if found is None:
            continue
        try:
            at_s, data = _read(path)
            if found["kind"] == "diag":
                record = diagnostic(data, at_s)
                diagnostics.setdefault(found["node"], []).append(record)
            else:
                measured = bandwidth(data.decode("utf-8", "replace"), at_s)
                bandwidths.setdefault(found["node"], []).append(measured)
        except (OSError, ValueError) as error:
            refused.append(f"{path.name}: {error}")
    nodes = sorted(diagnostics.keys() | bandwidths.keys())
    records = {node: (tuple(diagnostics.get(node, ())), tuple(bandwidths.get(node, ()))) for node in nodes}
    return records, refused


def gather(folder: Path) -> tuple[dict[str, Records] | None, tuple[Gap, ...]]:
    """Return the records of a folder by node, None where it cannot be read, and a gap for what is none."""
    try:
        records, refused = read_records(folder)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return None, (Gap("diagnostics", str(folder), why, "missing", f"ls -ld {folder}"),)
    return records, tuple(Gap("diagnostics", str(folder), line, "invalid") for line in refused)


def together(found: Iterable[Mapping[str, Records] | None]) -> dict[str, Records] | None:
    """Return the records of several folders by node; None: no folder was read."""
    read = [one for one in found if one is not None]
    whole: dict[str, Records] = {}
    for records in read:
        for node, (diagnostics, bandwidths) in records.items():
            before = whole.get(node, ((), ()))
            whole[node] = ((*before[0], *diagnostics), (*before[1], *bandwidths))
    return whole if read else None
