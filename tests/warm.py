"""`dcctl WORDS…` in a process of its own, forked from one that has loaded the libraries already.

A test that starts the program spends most of its time on importing what never changes: Python's own modules
and the libraries. `Warm` keeps one process in which they are loaded, and nothing of dcctl; each run is a fork
of it, with environment, folder, streams, exit code and signals of its own: `python -m dcctl` from there on.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOADED = (
    "ClusterShell.NodeSet",
    "asyncio",
    "concurrent.futures.thread",
    "cryptography.x509",
    "csv",
    "http.client",
    "importlib.resources",
    "inspect",
    "ipaddress",
    "kubernetes.client",
    "kubernetes.config",
    "msgspec.json",
    "msgspec.structs",
    "multiprocessing",
    "numpy",
    "psutil",
    "sqlite3",
    "ssl",
    "tomllib",
    "typer",
    "typer.core",
    "urllib.request",
    "urllib3",
    "uuid",
    "xml.sax.saxutils",
    "yaml",
)
"""What is loaded before the fork, if it is installed. Not rich: loaded, it reads the environment."""
AT_START = ("PYTHON", "LD_", "LC_", "LANG", "MALLOC_", "GLIBC_", "OMP_", "OPENBLAS_")
"""Beginnings of variables that only the start of a process heeds."""
MAX_MESSAGE_BYTES = 1 << 20


Done = subprocess.CompletedProcess[str]


class Request(NamedTuple):
    """A run that is asked for: words, environment and folder."""

    words: Sequence[str]
    env: Mapping[str, str]
    folder: str


class Warm:
    """The process to fork from. It ends with this one, or at `close`."""

    def __init__(self, env: Mapping[str, str], folder: str) -> None:
        self._env = at_start(env)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # as the runs have: what Python makes of its streams stays right
                stderr=subprocess.PIPE,
                env={**env},
                cwd=folder,
            )

    def fits(self, env: Mapping[str, str]) -> bool:
        """Whether a run in this environment may be forked, instead of started."""
        return at_start(env) == self._env

    def run(self, request: Request, stdin: str | None, timeout_s: float) -> Done:
        """As subprocess.run with captured text; TimeoutExpired after it is killed."""
        reply, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        streams = [os.pipe() for _ in range(3)]
        given = [streams[0][0], streams[1][1], streams[2][1], theirs.fileno()]
        with reply, ThreadPoolExecutor(3) as pool:
            message = json.dumps([*request, stdin is not None]).encode()
            socket.send_fds(self._control, [message], given)
            theirs.close()
            for one in given[:3]:
                os.close(one)
            fed = pool.submit(_feed, streams[0][1], stdin)
            told = [pool.submit(_drain, stream[0]) for stream in streams[1:]]
            code = _code(reply, list(request.words), timeout_s)
            fed.result()
            out, err = (one.result() for one in told)
        return subprocess.CompletedProcess(list(request.words), code, out, err)

    def close(self) -> None:
        """End it."""
        self._control.close()
        self._process.communicate(timeout=60)


def at_start(env: Mapping[str, str]) -> dict[str, str]:
    """Of an environment, what only the start of a process heeds."""
    return {key: value for key, value in env.items() if key.startswith(AT_START)}


def _feed(stream: int, text: str | None) -> None:
    try:
        with open(stream, "wb") as file:
            file.write((text or "").encode())
    except BrokenPipeError:
        pass  # it did not want to hear it


def _drain(stream: int) -> str:
    with open(stream, encoding="utf-8") as file:
        return file.read()


def _code(reply: socket.socket, words: list[str], timeout_s: float) -> int:
    """The exit code; minus the signal that ended it."""
    pid, end = int(reply.recv(32)), time.monotonic() + timeout_s
    if not select.select([reply], [], [], max(end - time.monotonic(), 0))[0]:
        os.kill(pid, signal.SIGKILL)
        reply.recv(32)
        raise subprocess.TimeoutExpired(words, timeout_s)
    return int(reply.recv(32))


# Below: the process that is forked from.


def _serve(control: socket.socket) -> list[Any] | None:
    """Fork for each request and tell how each ended. A fork returns its own request; None: no more come."""
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        watched: list[socket.socket | int] = [control, *running]
        for ready in select.select(watched, [], [])[0]:
            if isinstance(ready, int):
                pid, reply = running.pop(ready)
                os.close(ready)
                with reply:
                    reply.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
                continue
            message, streams, _, _ = socket.recv_fds(control, MAX_MESSAGE_BYTES, 4)
            if not message:
                return None
            pid = os.fork()
            if not pid:
                _close(control.fileno(), *(one for one in running), streams[3])
                for _, reply in running.values():
                    reply.close()
                return [*json.loads(message), streams[:3]]
            reply = socket.socket(fileno=streams[3])
            reply.send(str(pid).encode())
            running[os.pidfd_open(pid)] = (pid, reply)
            _close(*streams[:3])


def _close(*descriptors: int) -> None:
    for one in descriptors:
        os.close(one)


def _become(words: list[str], env: dict[str, str], folder: str, fed: bool, streams: list[int]) -> None:
    """Be what `python -m dcctl WORDS…` is in that environment and folder."""
    for number, stream in enumerate(streams):
        if number or fed:
            os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, encoding=sys.stdin.encoding, errors=sys.stdin.errors, closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.path[0] = folder
    sys.argv = ["dcctl", *words]


def _main() -> None:
    import gc
    import importlib
    from contextlib import suppress

    control = socket.socket(fileno=int(sys.argv[1]))
    for name in LOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    assert not any(name.partition(".")[0] == "dcctl" for name in sys.modules)
    gc.collect()
    gc.freeze()
    request = _serve(control)
    if request is not None:
        import runpy

        _become(*request)
        runpy.run_module("dcctl", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
