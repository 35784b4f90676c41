"""The program, told to end while a library of it computes in C."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from signal import Signals
from typing import NamedTuple


class Ended(NamedTuple):
    """What it left, and the CPU seconds that it had used when the signal was sent and when it was gone."""

    code: int
    out: bytes
    errors: bytes
    sent_at_s: float
    gone_at_s: float


def ended_by(number: Signals, words: list[str], env: Mapping[str, str]) -> Ended:
    """Start `dcctl WORDS…`, and send the signal after three CPU seconds: it is past reading by then."""
    command = [sys.executable, "-m", "dcctl", *words]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while (sent_at_s := _cpu_s(process.pid)) < 3:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # gone, and its figures can still be read
        gone_at_s = _cpu_s(process.pid)
        out, errors = process.communicate(timeout=60)
    return Ended(process.returncode, out, errors, sent_at_s, gone_at_s)


def _cpu_s(pid: int) -> float:
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
