"""dcctl on a terminal of its own: a pseudo-terminal of a given size, and what a person would see there."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(slots=True)
class Terminal:
    """A running dcctl whose stdin, stdout and stderr are one terminal."""

    process: subprocess.Popen[bytes]
    master: int
    seen: bytes = b""

    @property
    def text(self) -> str:
        """All that was written so far, escape sequences included."""
        return self.seen.decode("utf-8", "replace")

    def read_until(self, word: str, within_s: float = 60, times: int = 1) -> str:
        """Read until `word` was written so many times or the program ended."""
        deadline = time.monotonic() + within_s
        while self.text.count(word) < times:
            left = deadline - time.monotonic()
            assert left > 0, f"{word!r} did not come: {self.text!r}"
            if select.select([self.master], [], [], left)[0] and not self._read():
                break
        return self.text

    def finish(self, within_s: float = 60) -> tuple[int, str]:
        """Read to the end; the exit code and all that was written."""
        deadline = time.monotonic() + within_s
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                self.process.kill()
                raise AssertionError(f"dcctl did not end: {self.text!r}")
            if select.select([self.master], [], [], left)[0] and not self._read():
                break
        code = self.process.wait(60)
        os.close(self.master)
        return code, self.text

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def _read(self) -> bool:
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:  # EIO: the other side is closed
            return False
        self.seen += data
        return bool(data)


def start(words: Sequence[str], env: Mapping[str, str], columns: int = 100, rows: int = 40) -> Terminal:
    """Start dcctl on a terminal of `columns` × `rows`."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "dcctl", *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={"TERM": "xterm-256color", **env},
        start_new_session=True,
    )
    os.close(slave)
    return Terminal(process, master)


def on_terminal(words: Sequence[str], env: Mapping[str, str], columns: int = 100) -> tuple[int, str]:
    """Run dcctl to its end on a terminal; the exit code and what was written."""
    return start(words, env, columns).finish()


def plain(text: str) -> str:
    """What is left to read: without colour and cursor movement, line ends as in a file."""
    return ESCAPE.sub("", text).replace("\r\n", "\n")
