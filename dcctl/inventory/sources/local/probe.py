"""Runs a probe on this machine as a node over SSH would: by a Python of its own, from its standard input."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from dcctl.inventory.sources.machine.deadline import Outcome, run_child

if TYPE_CHECKING:
    from threading import Event


def run_here(program: bytes, deadline_s: float, stop: Event | None = None) -> Outcome:
    """What the program wrote until it ended, or was killed: at the deadline, or once `stop` is set.

    OSError: no process can be started.
    """
    return run_child([sys.executable, "-IBS", "-"], os.environ, deadline_s, program, stop)
