"""Runs a probe on this machine as a node over SSH would: by a Python of its own, from its standard input."""

from __future__ import annotations

import os
import sys

from dcctl.inventory.sources.machine.deadline import Outcome, run_child


def run_here(program: bytes, deadline_s: float) -> Outcome:
    """What the program wrote until it ended, or was killed. OSError: no process can be started."""
    return run_child([sys.executable, "-IBS", "-"], os.environ, deadline_s, program)
