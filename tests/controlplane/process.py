"""Starts, watches and ends the processes of the control plane, always by their own pid."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STOP_GRACE_S = 10.0
# Below 32768, where Linux takes the ports of outgoing connections: none of those can take a port between its
# pick here and the listen() of the server.
PORT_RANGE = range(20000, 32000)


class PlaneError(RuntimeError):
    """A component did not start, died, or did not reach the state waited for; the message says which."""


def free_ports(count: int) -> list[int]:
    """Returns different ports of 127.0.0.1 on which nobody listens now."""
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            candidate = socket.socket()
            try:
                candidate.bind(("127.0.0.1", random.choice(PORT_RANGE)))
            except OSError:
                candidate.close()
            else:
                held.append(candidate)
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()


def wait_until(predicate: Callable[[], object], timeout_s: float, what: str, pause_s: float = 0.1) -> None:
    """Returns when the predicate is true; PlaneError naming `what` when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not predicate():
        if time.monotonic() > deadline:
            raise PlaneError(f"not within {timeout_s:g} s: {what}")
        time.sleep(pause_s)


class Component:
    """One running server, its log file and its end.

    The kernel kills it when the thread that started it dies (setpriv --pdeathsig): not even `kill -9` of the
    tests leaves one behind. Start it from a thread that lives as long as it does.
    """

    def __init__(self, name: str, command: Sequence[str], log_file: Path) -> None:
        self.name = name
        self.log_file = log_file
        setpriv = shutil.which("setpriv")  # execs the command: the pid is the component's own
        prefix = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=log_file.parent,
                start_new_session=True,  # Ctrl-C reaches the tests first; they then stop this in order
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def log_tail(self, lines: int = 30) -> str:
        """Returns the last lines of what the component printed."""
        text = self.log_file.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def wait_healthy(self, healthy: Callable[[], bool], timeout_s: float) -> None:
        """Returns when the component says it is healthy; PlaneError with its log when it ends or is late."""

        def settled() -> bool:
            return not self.alive or healthy()

        try:
            wait_until(settled, timeout_s, f"{self.name} is healthy")
        except PlaneError as error:
            raise PlaneError(f"{error}\n{self.log_tail()}") from error
        if not self.alive:
            code = self._process.returncode
            raise PlaneError(f"{self.name} ended with {code} while starting:\n{self.log_tail()}")

    def terminate(self) -> None:
        """Asks the component to end; returns at once."""
        if self.alive:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """Leaves no process: SIGTERM, then SIGKILL after the grace."""
        self.terminate()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def process_exists(pid: int) -> bool:
    """Returns whether a process with this pid runs (a zombie counts: nobody has collected it)."""
    return Path(f"/proc/{pid}").exists()
