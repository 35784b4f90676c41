"""Reads NVML by pynvml and prints it as JSON lines: run as a program of its own, so that it can be killed.

The kernel driver of a sick board may never return, and nothing but the end of the process gets a caller out.
One line for the machine, one for each board as soon as it was read, and `{"done": true}` at the end: what was
said before a hang is kept. Keys are the fields of `facts`. Of dcctl it imports the readings alone: the
fewer modules, the sooner it answers. Usage: python -m dcctl.inventory.sources.nvml.child DEADLINE_S.
"""

from __future__ import annotations

import json
import signal
import sys

import pynvml as nv

from dcctl.inventory.sources.nvml.readings import Handle, Row, add, error_row, readings


def main(deadline_s: float) -> int:
    """Print what NVML says. The alarm ends an orphan whose parent died before it could kill it."""
    signal.setitimer(signal.ITIMER_REAL, deadline_s)
    try:
        nv.nvmlInit()
        count = nv.nvmlDeviceGetCount()
    except nv.NVMLError as error:
        _say({"error": error_row("init", error)})
        return 0
    _say({"count": count, **_machine()})
    for index in range(count):
        _say({"gpu": _board(index)})
    _say({"done": True})
    return 0


def _say(row: Row) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def _machine() -> Row:
    row: Row = {}
    add(row, [], "driver", lambda: {"driver": nv.nvmlSystemGetDriverVersion()})
    add(row, [], "cuda", lambda: {"cuda": nv.nvmlSystemGetCudaDriverVersion()})
    return row


def _board(index: int) -> Row:
    row: Row = {"index": index}
    errors: list[Row] = []
    handles: list[Handle] = []

    def opened() -> Row:
        handles.append(nv.nvmlDeviceGetHandleByIndex(index))
        return {}

    if add(row, errors, "handle", opened) and handles:
        for call, read in readings(handles[0]):
            if not add(row, errors, call, read):
                break
    return {**row, "errors": errors} if errors else row


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
