"""What an action in progress did: an append-only file of JSON lines, each on the disk before the next step.

The first line says what is done, to which cluster, and how to go on. Then every step writes its intent before
it touches anything, and its end after. Whoever opens the journal after a crash knows what may have happened.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec
from msgspec import Struct, field

from dcctl.errors import OutputError, RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

SCHEMA: Final = "dcctl/journal/v1"
_VERSION = re.compile(r"dcctl/journal/v(\d{1,9})")
END: Final = "end"
"""The step after which nothing follows."""

State: TypeAlias = Literal["intent", "done", "failed"]


class Header(Struct, frozen=True, kw_only=True):
    """What the action is. No secret belongs here: whoever may read the state directory reads it."""

    schema: str = SCHEMA
    kind: str
    """`schedule-apply`, `drain`, …"""
    run: str
    """What the objects that it makes are marked with."""
    plan: str
    """Digest of the plan that it carries out."""
    who: str
    started_at_s: int
    cluster: str
    """UID of the namespace kube-system, or what else tells the target from every other."""
    command: str
    """The command, with all that says whom it acts on: `dcctl schedule apply -i kubernetes:prod`."""
    options: str = ""
    """How it acts, to be said again when it goes on: `--wait 3600`."""
    files: dict[str, str] = {}
    """Digests of the files that it reads, by path."""
    number: int = 0
    """One more than all journals of its kind beside it: which is the newest, whatever clocks say."""

    @property
    def resume(self) -> str:
        """The command that goes on where it stopped."""
        return f"{self.command} --resume {self.options}".rstrip()

    @property
    def undo(self) -> str:
        """The command that takes it back."""
        return f"{self.command} --undo"

    @property
    def status(self) -> str:
        """The command that lists all runs of its kind."""
        return f"{self.command} --status"


class Entry(Struct, frozen=True, omit_defaults=True):
    """One step begins, is done, or failed."""

    step: str
    state: State
    at_s: int
    data: dict[str, str] = field(default_factory=dict)


class Record(Struct, frozen=True):
    """A journal as it was read."""

    path: Path
    header: Header
    entries: tuple[Entry, ...] = ()
    size: int = 0
    """Bytes up to the end of the last whole line."""

    @property
    def outcome(self) -> str:
        """How it ended; empty: it did not."""
        last = self.entries[-1] if self.entries else None
        return last.data.get("outcome", "ended") if last is not None and last.step == END else ""

    @property
    def steps(self) -> dict[str, Entry]:
        """The last word on every step, with all that was told of it."""
        found: dict[str, Entry] = {}
        for one in self.entries:
            before = found.get(one.step)
            data = one.data if before is None else {**before.data, **one.data}
            found[one.step] = Entry(one.step, one.state, one.at_s, data)
        return found


class Journal:
    """A journal that this process writes, and nobody else while it is open."""

    def __init__(self, record: Record, number: int, clock: Callable[[], float] = time.time) -> None:
        """`number` is the open file, which is locked."""
        self.path, self.header = record.path, record.header
        self.steps, self.outcome = record.steps, record.outcome
        self._number, self._size, self._clock = number, record.size, clock

    def begin(self, step: str, **data: str) -> None:
        """It is on the disk that this step may have happened from now on."""
        self._tell({step: data}, "intent")

    def begin_all(self, steps: Mapping[str, Mapping[str, str]]) -> None:
        """The same of many steps, with what is to be known of each; one write, forced to the disk once."""
        self._tell(steps, "intent")

    def done(self, step: str, **data: str) -> None:
        """It is on the disk that the step was done."""
        self._tell({step: data}, "done")

    def done_all(self, steps: Mapping[str, Mapping[str, str]]) -> None:
        """The same of many steps, as `begin_all`."""
        self._tell(steps, "done")

    def failed(self, step: str, why: str) -> None:
        """It is on the disk that the step was not done, and why.

        Where nobody knows whether it was, its intent stays.
        """
        self._tell({step: {"why": why}}, "failed")

    def end(self, outcome: str) -> None:
        """Nothing is left to do."""
        self._tell({END: {"outcome": outcome}}, "done")
        self.outcome = outcome

    def close(self) -> None:
        """Another process may open it."""
        os.close(self._number)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _tell(self, steps: Mapping[str, Mapping[str, str]], state: State) -> None:
        at_s = int(self._clock())
        entries = [Entry(step, state, at_s, dict(data)) for step, data in steps.items()]
        if entries:
            self._append(b"\n".join(map(msgspec.json.encode, entries)))
        for one in entries:
            before = self.steps.get(one.step)
            known = one.data if before is None else {**before.data, **one.data}
            self.steps[one.step] = Entry(one.step, state, 0, known)

    def _append(self, line: bytes) -> None:
        """Write whole lines and force them to the disk, or leave the file as it was. OutputError."""
        try:
            _write(self._number, line + b"\n")
        except OSError as error:
            with suppress(OSError):  # a torn line is passed over when it is read
                os.ftruncate(self._number, self._size)
            raise OutputError(
                f"{self.path} was not written", error.strerror or str(error), "df -h"
            ) from error
        self._size += len(line) + 1


def create(folder: Path, header: Header, clock: Callable[[], float] = time.time) -> Journal:
    """A new journal, on the disk and locked.

    RefusedError: another run on the same cluster is under way, or the same plan was begun and not finished.
    OutputError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _Turn(folder):
            demand_alone(folder, header)
            others = journals(folder, header.kind)
            newest = max((one.header.number for one in others), default=0)
            header = msgspec.structs.replace(header, number=newest + 1)
            path, number = _new_file(folder, header)
            _lock(number, path)
            journal = Journal(Record(path, header), number, clock)
            journal._append(msgspec.json.encode(header))  # noqa: SLF001  # the one line that is no step
            _sync(folder)
    except OSError as error:
        raise OutputError(
            f"no journal in {folder}", error.strerror or str(error), f"ls -ld {folder}"
        ) from error
    return journal


def reopen(path: Path, clock: Callable[[], float] = time.time) -> Journal:
    """A journal that is there already, locked; what a crash left of its last line is gone.

    RefusedError: its run is under way. UsageError: it is no journal.
    """
    try:
        number = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise UsageError(str(path), error.strerror or str(error), f"ls -l {path}") from error
    try:
        _lock(number, path)
        record = read(path)
        os.ftruncate(number, record.size)
    except BaseException:
        os.close(number)
        raise
    return Journal(record, number, clock)


def read(path: Path) -> Record:
    """What a journal says, without its last line if that was torn. UsageError: it is no journal."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(str(path), error.strerror or str(error), f"ls -l {path}") from error
    size = data.rfind(b"\n") + 1
    lines = data[:size].splitlines()
    if not lines:
        raise UsageError(str(path), "holds no whole line: the run ended before it began", f"rm {path}")
    header = _header(lines[0], path)
    return Record(path, header, tuple(_entries(lines[1:], path)), size)


def journals(folder: Path, kind: str) -> list[Record]:
    """All readable journals of one kind, the newest first. Those that are not: see `damaged`."""
    found = []
    for path in _paths(folder, kind):
        with suppress(UsageError):
            found.append(read(path))
    return sorted(found, key=_age, reverse=True)


def _age(one: Record) -> tuple[int, int, str]:
    return one.header.number, one.header.started_at_s, one.path.name


def damaged(folder: Path, kind: str) -> list[tuple[Path, UsageError]]:
    """Why journals of one kind cannot be read; one without a whole line belongs to a run that did nothing."""
    found = []
    for path in _paths(folder, kind):
        try:
            read(path)
        except UsageError as error:
            if b"\n" in _bytes(path):
                found.append((path, error))
    return found


def demand_none_damaged(folder: Path, kind: str) -> None:
    """RefusedError where a journal cannot be read: nobody can tell what its run did."""
    for path, error in damaged(folder, kind):
        why = f"cannot be read, and nobody can tell what its run did: {error.what}: {error.why}"
        raise RefusedError(
            f"the journal {path}", f"{why}; once that is settled, move it away", f"mv {path} {path}.damaged"
        )


def _paths(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.glob(f"{kind}-*.jsonl")) if folder.is_dir() else []


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b"\n"


def under_way(path: Path) -> bool:
    """Whether a process is writing it now."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(number)
    return False


class _Turn:
    """Inside it no other process makes a journal in the folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".lock"

    def __enter__(self) -> None:
        self._number = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(self._number, fcntl.LOCK_EX)

    def __exit__(self, *_error: object) -> None:
        os.close(self._number)


def demand_alone(folder: Path, header: Header) -> None:
    """Return when the run may begin, as far as can be told before its journal is made.

    RefusedError: as `create`, or a journal is damaged.
    """
    demand_none_damaged(folder, header.kind)
    for one in journals(folder, header.kind):
        if one.header.cluster != header.cluster or one.outcome:
            continue
        if under_way(one.path):
            raise RefusedError(f"{header.kind} on this cluster", f"is under way: {one.path}", header.status)
        if one.header.plan == header.plan:
            raise RefusedError(
                f"this plan (journal {one.path})", "was begun and is not finished", one.header.resume
            )


def _new_file(folder: Path, header: Header) -> tuple[Path, int]:
    for number in range(1000):
        name = f"{header.kind}-{header.run}{f'.{number}' if number else ''}.jsonl"
        path, flags = folder / name, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with suppress(FileExistsError):
            return path, os.open(path, flags, 0o600)
    raise FileExistsError(17, "too many journals of this run", str(folder))


def _lock(number: int, path: Path) -> None:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RefusedError(str(path), "another run is writing it", f"fuser {path}") from error


def _write(number: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(number, left) :]
    os.fsync(number)


def _sync(folder: Path) -> None:
    """Make the name of the file last."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _header(line: bytes, path: Path) -> Header:
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}:1", "is not a journal of dcctl", f"head -c 200 {path}") from error
    version = _VERSION.fullmatch(header.schema)
    if version is None:
        raise UsageError(f"{path}:1", "is not a journal of dcctl", f"head -c 200 {path}")
    if int(version[1]) > 1:
        raise UsageError(str(path), "was written by a newer dcctl", "pip install --upgrade dcctl")
    return header


def _entries(lines: list[bytes], path: Path) -> Iterator[Entry]:
    decoder = msgspec.json.Decoder(Entry)
    for number, line in enumerate(lines, 2):
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{path}:{number}", f"the journal is damaged: {error}", f"sed -n {number}p {path}"
            ) from error
