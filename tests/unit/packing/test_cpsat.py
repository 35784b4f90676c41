"""The solver of OR-Tools as we run it."""

import subprocess
import sys

import pytest

pytest.importorskip("ortools")

PROGRAM = """
import os, signal
from ortools.sat.python.cp_model import CpModel
from dcctl.packing import cpsat

signal.signal(signal.SIGINT, signal.default_int_handler)
model = CpModel()
model.maximize(model.new_int_var(0, 9, "x"))
solver = cpsat.solver(0, 1.0)
solver.solve(model)
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print(f"found {solver.objective_value:g}, and Ctrl-C is heard")
"""


def test_ctrl_c_is_heard_after_a_search() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("found 9, and Ctrl-C is heard\n", 0), done.stderr
