"""Part of the node probe: runs what may hang in a child with a deadline. Python 3.6 suffices."""

import json
import os
import select
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def start(function: "Callable[..., Iterable[object]]", *arguments: object) -> "tuple[int, int]":
    """Return pid and pipe of a child that writes what `function` yields, a line of JSON each.

    The child holds none of our streams: should the kernel never let it go, the connection ends all the same.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    status = 1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        for item in function(*arguments):
            os.write(writer, (json.dumps(item) + "\n").encode())
        status = 0
    finally:
        os._exit(status)


def finish(child: "tuple[int, int]", end: float) -> "tuple[list[dict[str, object]], str]":
    """Return the whole lines that came until `end` (monotonic seconds), and how the child ended.

    That is `late` for one that was cut off, the empty text for one that ended well, else a few words.
    """
    pid, reader = child
    data, late = b"", False
    while True:
        left = end - time.monotonic()
        if not select.select([reader], [], [], max(0, left))[0]:
            late = True
            break
        part = os.read(reader, 65536)
        if not part:
            break
        data += part
    os.close(reader)
    if late:
        os.kill(pid, signal.SIGKILL)
    lines = [json.loads(line.decode()) for line in data.split(b"\n")[:-1]]
    return lines, "late" if late else ending_of(pid, end)


def ending_of(pid: int, end: float) -> str:
    """Return how a child ended. One that wrote all may still hang where the driver closes its device."""
    gone, status = os.waitpid(pid, os.WNOHANG)
    while not gone and time.monotonic() < end:
        time.sleep(0.002)
        gone, status = os.waitpid(pid, os.WNOHANG)
    if not gone:
        os.kill(pid, signal.SIGKILL)
        return "late"
    if os.WIFSIGNALED(status):
        return "died of " + signal.Signals(os.WTERMSIG(status)).name
    return f"ended with status {os.WEXITSTATUS(status)}" if status else ""
