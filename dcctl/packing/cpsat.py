"""The CP-SAT solver of OR-Tools as every exact search here runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


def solver(seed: int, effort: float) -> cp_model.CpSolver:
    """Return a solver that gives the same answer to the same model; `effort` is its deterministic time.

    It leaves Ctrl-C alone: by itself it would catch SIGINT and hand it back in its default form, so that the
    next Ctrl-C ends the process without a word. ImportError without ortools.
    """
    from ortools.sat.python import cp_model

    made = cp_model.CpSolver()
    made.parameters.num_workers = 1
    made.parameters.random_seed = seed
    made.parameters.max_deterministic_time = effort
    made.parameters.catch_sigint_signal = False
    return made
