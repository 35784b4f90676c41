"""Runs a child process that may never end, and never waits longer than it was told to."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from threading import Event

MAX_OUTPUT_BYTES = 16 << 20
"""More than this of one stream is not read: 64 boards with all their links and processes are below 1 MiB."""
_CHUNK_BYTES = 1 << 16
_LOOK_S = 0.2
"""How often somebody who may be told to stop looks whether he was."""
_REAP_S = 0.2
"""So long a killed child may take to go. One that the kernel keeps (state D) is left behind."""


class Outcome(Struct, frozen=True):
    """What a child wrote, and how it ended."""

    output: bytes
    errors: bytes = b""
    status: int | None = None
    """Exit status, negative for a signal; None when it was killed at the deadline or could not be reaped."""
    timed_out: bool = False


def run_child(
    command: Sequence[str],
    environment: Mapping[str, str],
    deadline_s: float,
    stdin: bytes = b"",
    stop: Event | None = None,
) -> Outcome:
    """What `command` wrote until it ended, or until `deadline_s` or `stop`, when it was killed.

    In a session of its own: Ctrl-C at the terminal reaches dcctl, which reports what it has, and not the
    child.
    """
    until = time.monotonic() + deadline_s
    with _given(stdin) as given:
        child = subprocess.Popen(  # noqa: S603 -- the command is built by dcctl
            command,
            env=dict(environment),
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    patience = 0.0  # an exception, Ctrl-C say, kills the child at once
    try:
        output, errors, ended = _drain(child, until, stop)
        patience = 0.0 if _is_set(stop) else until
    finally:
        status = _end(child, patience)
    return Outcome(output, errors, status if ended else None, timed_out=not ended or status is None)


@contextmanager
def _given(data: bytes) -> Iterator[int]:
    """What a child reads as its standard input: of memory, for the disk of a sick machine may be full."""
    if not data:
        yield subprocess.DEVNULL
        return
    with os.fdopen(os.memfd_create("stdin"), "w+b") as file:
        file.write(data)
        file.seek(0)
        yield file.fileno()


def _is_set(stop: Event | None) -> bool:
    return stop is not None and stop.is_set()


def _drain(child: subprocess.Popen[bytes], until: float, stop: Event | None) -> tuple[bytes, bytes, bool]:
    """Both streams until they are closed or time is up; True when they were closed."""
    collected: dict[int, bytearray] = {}
    with selectors.DefaultSelector() as selector:
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                selector.register(stream.fileno(), selectors.EVENT_READ)
                collected[stream.fileno()] = bytearray()
        while selector.get_map():
            left = until - time.monotonic()
            ready = selector.select(max(0.0, left if stop is None else min(left, _LOOK_S)))
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK_BYTES)
                collected[key.fd] += chunk[: MAX_OUTPUT_BYTES - len(collected[key.fd])]
                if not chunk:
                    selector.unregister(key.fd)
            if left <= 0 or _is_set(stop):
                break
        ended = not selector.get_map()
    output, errors = (bytes(text) for text in collected.values())
    return output, errors, ended


def _end(child: subprocess.Popen[bytes], until: float) -> int | None:
    """Exit status of the child; it is killed when time is up, and left to the kernel when it does not go."""
    for stream in (child.stdout, child.stderr):
        if stream is not None:
            stream.close()
    try:
        return child.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        child.kill()
    with suppress(subprocess.TimeoutExpired):
        child.wait(_REAP_S)
    return None
