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
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        for item in function(*arguments):
            os.write(writer, (json.dumps(item) + "\n").encode())
    finally:
        os._exit(0)


def finish(child: "tuple[int, int]", end: float) -> "tuple[list[dict[str, object]], bool]":
    """Return the whole lines that came until `end` (monotonic seconds), and whether the child was cut off."""
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
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, os.WNOHANG if late else 0)
    return [json.loads(line.decode()) for line in data.split(b"\n")[:-1]], late
