"""Part of the audit's probe: runs fixed commands and reads files, each with its own deadline and limit.

Streamed to `python3 -` on a node behind the parts that `audit_parts` lists; nothing is written there. Python
3.6 and its standard library alone. What was not told is named with its reason and cause, never left out.
"""

import errno
import os
import re
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.probes.child import finish, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


class Command(NamedTuple):
    """One command with fixed arguments, and why it is run."""

    name: str
    argv: "tuple[str, ...]"
    root: bool
    """By `sudo -n`, unless we are root."""
    deadline_s: float
    where: str
    """A path without which it is not run, and nobody misses it; empty: it is always tried."""
    why: str


AUDIT_ROOT = ""  # tests put a recorded tree here
SUDO = ("/usr/bin/sudo", "-n", "--")
COMMAND_BYTES = 256 * 1024
FILE_BYTES = 64 * 1024
AT_ONCE = 8
PROBE_S = 45.0  # for all commands, and for the parts beside them
PATIENCE_S = 2.0  # for a part that has only to be heard
UNPRINTABLE = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]")


class Running:
    """A command that was started: its pipe, what came of it, and when its time is up."""

    def __init__(self, command: "Command", argv: "Sequence[str]", over: float) -> None:
        """`over`: when all commands have to be. OSError when it cannot be started."""
        self.command, self.data = command, b""
        self.began = time.monotonic()
        self.end = min(self.began + command.deadline_s, over)
        self.process = subprocess.Popen(  # noqa: S603  # the arguments are those of the table
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={
                "LC_ALL": "C",
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "SYSTEMD_PAGER": "",
                "HOME": "/nonexistent",
            },
            start_new_session=True,
            cwd="/",
        )

    def fileno(self) -> int:
        """Of the pipe, for select."""
        return self.process.stdout.fileno() if self.process.stdout else -1

    def take(self) -> bool:
        """Read what is there; True when it is over or too much."""
        part = os.read(self.fileno(), 65536)
        self.data += part
        return not part or len(self.data) > COMMAND_BYTES

    def told(self) -> "dict[str, object]":
        """Close it and return what it said, or why it said nothing that counts."""
        late, much = time.monotonic() >= self.end, len(self.data) > COMMAND_BYTES
        status = None if late or much else _status(self.process, self.end)
        if self.process.stdout:
            self.process.stdout.close()
        if status is None:
            _kill(self.process)
            if much:
                return untold(f"more than {COMMAND_BYTES // 1024} KiB of output", "truncated")
            return untold(f"no answer within {self.end - self.began:.3g} s", "timeout")
        text = UNPRINTABLE.sub("", self.data.decode("utf-8", "replace"))
        refused = self.command.root and re.match(r"sudo: (.*)", text) if status else None
        if refused:
            return untold(f"sudo refused: {refused.group(1)[:160]}", "denied")
        return {"out": text, "status": status}


def _status(process: "subprocess.Popen[bytes]", end: float) -> "int | None":
    """Return how it ended; None when it closed its output and lives on."""
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    return process.poll()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End it and its children. Those of sudo are not ours to end: they hold none of our streams."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        return


def untold(reason: str, cause: str) -> "dict[str, object]":
    """Return why something was not told."""
    return {"why": reason, "cause": cause}


def begin(command: "Command", over: float) -> "Running | dict[str, object]":
    """Start a command, by sudo where it needs root and we are not; else return why not."""
    if time.monotonic() > over:
        return untold(f"the node took longer than {PROBE_S:g} s", "timeout")
    binary = command.argv[0]
    if not os.path.exists(binary):
        return untold(f"there is no {binary}", "missing")
    argv = list(command.argv)
    if command.root and os.geteuid():
        if not os.path.exists(SUDO[0]):
            return untold("it needs root, and there is no sudo", "denied")
        argv = [*SUDO, *argv]
    try:
        return Running(command, argv, over)
    except OSError as error:
        return untold(f"{binary}: {error.strerror}", "denied" if error.errno == errno.EACCES else "failed")


def run_commands(commands: "Iterable[Command]") -> "dict[str, dict[str, object]]":
    """Run them, a few at once, and return what each said by its name."""
    told = {}  # type: dict[str, dict[str, object]]
    waiting = [one for one in commands if not one.where or os.path.exists(AUDIT_ROOT + one.where)]
    over, running = time.monotonic() + PROBE_S, []  # type: float, list[Running]
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            command = waiting.pop(0)
            begun = begin(command, over)
            if isinstance(begun, Running):
                running.append(begun)
            else:
                told[command.name] = begun
        for one in ended(running):
            running.remove(one)
            told[one.command.name] = one.told()
    return told


def ended(running: "list[Running]") -> "list[Running]":
    """Return those that are over, said too much or are late; waits until something happens."""
    if not running:
        return []
    left = max(0, min(one.end for one in running) - time.monotonic())
    ready = select.select(running, [], [], left)[0]
    done = [one for one in ready if one.take()]
    now = time.monotonic()
    return done + [one for one in running if one not in done and now >= one.end]


def file_text(path: str) -> "dict[str, object]":
    """Return a file or why it was not read. What does not exist, or is no file, is missing."""
    try:
        descriptor = os.open(AUDIT_ROOT + path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(FILE_BYTES + 1) or b""
    except OSError as error:
        absent = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR)
        denied = error.errno in (errno.EACCES, errno.EPERM)
        return untold(error.strerror or "failed", "missing" if absent else "denied" if denied else "failed")
    if len(data) > FILE_BYTES:
        return untold(f"more than {FILE_BYTES // 1024} KiB", "truncated")
    return {"out": UNPRINTABLE.sub("", data.decode("utf-8", "replace"))}


def file_mode(path: str) -> "dict[str, object]":
    """Return mode, owner, time of change and size of a path, or why they were not told."""
    try:
        found = os.stat(AUDIT_ROOT + path)
    except OSError as error:
        return untold(error.strerror or "failed", "missing" if error.errno == errno.ENOENT else "denied")
    return {
        "mode": found.st_mode & 0o7777,
        "uid": found.st_uid,
        "gid": found.st_gid,
        "changed_at_s": int(found.st_mtime),
        "size_bytes": found.st_size,
    }


class Part:
    """One topic of the audit: the commands it needs, and what it reads beside them."""

    def __init__(
        self, name: str, commands: "tuple[Command, ...]", read: "Callable[[], dict[str, object]]"
    ) -> None:
        """`read` returns JSON; the module that it is defined in is what is streamed to a node."""
        self.name, self.commands, self.read = name, commands, read


def audit_document(parts: "Iterable[Part]") -> "dict[str, object]":
    """Return what the parts tell: the commands' answers by name, and the parts' own by theirs.

    A part reads in a child, beside the commands: a file system that hangs costs that part alone.
    """
    parts, end = tuple(parts), time.monotonic() + PROBE_S
    readers = [(part.name, start(read_part, part)) for part in parts]
    document = {"uid": os.geteuid()}  # type: dict[str, object]
    document["commands"] = run_commands([one for part in parts for one in part.commands])
    for name, child in readers:
        document[name] = heard(*finish(child, max(end, time.monotonic() + PATIENCE_S)))
    return document


def read_part(part: "Part") -> "Iterator[dict[str, object]]":
    """Yield what a part reads."""
    yield part.read()


def heard(lines: "list[dict[str, object]]", ending: str) -> "dict[str, object]":
    """Return what a child told, or why it did not."""
    if lines:
        return lines[0]
    late = ending == "late"
    return untold(f"no answer within {PROBE_S:g} s" if late else ending, "timeout" if late else "failed")
