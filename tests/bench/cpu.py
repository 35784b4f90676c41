"""CPU time of whole processes as the kernel accounts it: best of several, since machines are shared."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """What one finished process used."""

    cpu_s: float
    peak_bytes: int
    returncode: int


def once(words: Sequence[str], env: Mapping[str, str] | None = None) -> Cost:
    """Run one command, its output thrown away; it may keep compiled modules, as it would at work."""
    env = {key: value for key, value in (env or os.environ).items() if key != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, process.returncode)


def best(words: Sequence[str], env: Mapping[str, str] | None = None, runs: int = 7) -> Cost:
    """The cheapest of several runs."""
    return min((once(words, env) for _ in range(runs)), key=lambda cost: cost.cpu_s)


def python(*words: str) -> list[str]:
    """A command line of this interpreter."""
    return [sys.executable, *words]


def alternating(first: Sequence[str], second: Sequence[str], runs: int = 7) -> tuple[Cost, Cost]:
    """The cheapest of several runs of each, taken in turn, so that both meet the same noise."""
    pairs = [(once(first), once(second)) for _ in range(runs)]
    return min((a for a, _ in pairs), key=lambda c: c.cpu_s), min(
        (b for _, b in pairs), key=lambda c: c.cpu_s
    )
