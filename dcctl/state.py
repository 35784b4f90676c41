"""History of runs, in one SQLite file. A run is written whole or not at all; none is ever rewritten."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.errors import OutputError, RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_VERSION: Final = 1
_APPLICATION: Final = 0x6463636C
"""`dccl` in the header of the file: no other program's."""
_SMALLEST: Final = 512
"""Bytes of a page: no database is smaller."""
_TABLES: Final = """
CREATE TABLE runs (
  seq INTEGER PRIMARY KEY, series TEXT NOT NULL, at_s INTEGER NOT NULL,
  body BLOB NOT NULL, hash TEXT NOT NULL, signature BLOB NOT NULL
);
CREATE INDEX runs_of_series ON runs (series, seq);
CREATE TABLE open (
  series TEXT NOT NULL, id TEXT NOT NULL, since_s INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (series, id)
) WITHOUT ROWID;
CREATE TABLE counters (
  series TEXT PRIMARY KEY, body BLOB NOT NULL
);
"""
_TOLD_TABLE: Final = "CREATE TABLE told (series TEXT PRIMARY KEY, seq INTEGER NOT NULL)"
"""The last run of a series whose answer reached its reader. Histories of before have no such table."""


class DamagedError(UsageError):
    """A history cannot be read. It was left as it is."""


class Row(NamedTuple):
    """A run as it is kept."""

    seq: int
    series: str
    at_s: int
    body: bytes
    hash: str
    signature: bytes


def _row(seq: int, series: str, at_s: int, body: object, hashed: object, signature: object) -> Row:
    """Return a run as it was read: whoever changed it may have changed the types too."""
    return Row(seq, str(series), at_s, _bytes(body), str(hashed), _bytes(signature))


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


class Open(NamedTuple):
    """A finding that is open, and since when."""

    body: bytes
    since_s: int


class Entry(NamedTuple):
    """A run to be kept, and what is open and counted after it."""

    row: Row
    opened: Mapping[str, bytes]
    """Findings that came, or changed, by id."""
    closed: tuple[str, ...]
    counting: str
    """What its counters are kept by."""
    counters: bytes


class History:
    """The runs in one folder."""

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        self.folder, self._database = folder, database

    def runs(self, series: str | None = None) -> list[Row]:
        """Return all runs, or those of a series, in the order of their numbers."""
        query = "SELECT seq, series, at_s, body, hash, signature FROM runs"
        with _told(self.folder):
            if series is None:
                found = self._database.execute(f"{query} ORDER BY seq")
            else:
                found = self._database.execute(f"{query} WHERE series = ? ORDER BY seq", (series,))
            return [_row(*row) for row in found]

    def last(self, series: str | None = None) -> Row | None:
        """Return the last run, of all or of a series."""
        query = "SELECT seq, series, at_s, body, hash, signature FROM runs"
        chosen, values = ("WHERE series = ?", (series,)) if series is not None else ("", ())
        with _told(self.folder):
            row = self._database.execute(f"{query} {chosen} ORDER BY seq DESC LIMIT 1", values).fetchone()
        return _row(*row) if row else None

    def open(self, series: str) -> dict[str, Open]:
        """Return what is open after the last run of a series, by id."""
        query = "SELECT id, body, since_s FROM open WHERE series = ? ORDER BY id"
        with _told(self.folder):
            return {
                key: Open(body, since_s) for key, body, since_s in self._database.execute(query, (series,))
            }

    def told(self, series: str) -> int:
        """Return the number of the last run of a series whose answer reached its reader; 0: none did."""
        with _told(self.folder):
            if not self._marks():
                query = "SELECT max(seq) FROM runs WHERE series = ?"
            else:
                query = "SELECT seq FROM told WHERE series = ?"
            row = self._database.execute(query, (series,)).fetchone()
        return (row and row[0]) or 0

    def mark_told(self, series: str, seq: int) -> None:
        """Note that the answer of a run reached its reader. OutputError: it cannot be noted."""
        statement = (
            "INSERT INTO told VALUES (?, ?) ON CONFLICT (series) DO UPDATE SET seq = max(seq, excluded.seq)"
        )
        with _told(self.folder), self._database as database:
            database.execute(statement, (series, seq))

    def _marks(self) -> bool:
        found = self._database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'told'").fetchone()
        return bool(found[0])

    def counters(self, series: str) -> bytes | None:
        """Return what the last run of a series counted, by what its counters are kept by; None: none did."""
        query = "SELECT body FROM counters WHERE series = ?"
        with _told(self.folder):
            row = self._database.execute(query, (series,)).fetchone()
        return _bytes(row[0]) if row else None

    def append(self, entry: Entry) -> None:
        """Keep a run, all of it at once. OutputError: the disk is full, or the file may not be written."""
        row = entry.row
        try:
            with self._database as database:
                if not self._marks():
                    database.execute(_TOLD_TABLE)
                    database.execute("INSERT INTO told SELECT series, max(seq) FROM runs GROUP BY series")
                database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)", row)
                database.executemany(
                    "DELETE FROM open WHERE series = ? AND id = ?",
                    [(row.series, key) for key in entry.closed],
                )
                database.executemany(
                    "INSERT INTO open VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (series, id) DO UPDATE SET body = excluded.body",
                    [(row.series, key, row.at_s, body) for key, body in entry.opened.items()],
                )
                database.execute(
                    "INSERT OR REPLACE INTO counters VALUES (?, ?)", (entry.counting, entry.counters)
                )
        except sqlite3.OperationalError as error:
            raise OutputError(f"{self.folder} was not written", str(error), f"df -h {self.folder}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


@contextmanager
def locked(folder: Path) -> Iterator[History]:
    """Open the history of a folder, which is made where there is none, for one that writes.

    RefusedError: another run has it. DamagedError: the file is damaged. UsageError: it is of a newer version.
    OutputError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise OutputError(
            f"no history in {folder}", error.strerror or str(error), f"ls -ld {folder}"
        ) from error
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RefusedError(
                f"the history in {folder}", "another audit is writing it", f"fuser {folder / 'lock'}"
            ) from error
        with reading(folder) as history:
            yield history
    finally:
        os.close(number)


@contextmanager
def reading(folder: Path) -> Iterator[History]:
    """Open the history of a folder for one that reads. DamagedError; UsageError: too new, not there."""
    history = History(folder, _connected(folder))
    try:
        yield history
    finally:
        history.close()


def there(folder: Path) -> bool:
    """Tell whether a folder has a history."""
    return _file(folder).exists()


def _file(folder: Path) -> Path:
    return folder / "history.db"


def _connected(folder: Path) -> sqlite3.Connection:
    path = _file(folder)
    if not folder.is_dir():
        raise UsageError(f"the history in {folder}", "there is none yet", "dcctl audit")
    size = path.stat().st_size if path.exists() else _SMALLEST
    if size < _SMALLEST and (size or (folder / "head.json").exists()):  # SQLite would begin anew
        raise damaged(folder, f"it has {size} bytes, and runs were kept in it")
    with _told(folder):
        with suppress(FileNotFoundError, PermissionError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(path, timeout=10, isolation_level="IMMEDIATE")
        try:
            _prepare(database, path)
        except BaseException:
            database.close()
            raise
    return database


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    """Make the tables in a new file; look at one that is there before anything is done to it."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (application,) = database.execute("PRAGMA application_id").fetchone()
    if version > _VERSION:
        raise UsageError(
            str(path),
            f"written by a newer dcctl (v{version}), this one reads v{_VERSION}",
            "pip install --upgrade dcctl",
        )
    if version == 0 and not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(
            f"BEGIN;{_TABLES}PRAGMA user_version = {_VERSION};PRAGMA application_id = {_APPLICATION};COMMIT;"
        )
    elif application != _APPLICATION:
        raise UsageError(str(path), "is a database, but not of dcctl", f"file {path}")
    elif (found := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise damaged(path.parent, str(found))
    database.execute("PRAGMA synchronous = FULL")


def damaged(folder: Path, why: str) -> DamagedError:
    """Return the error for a history that cannot be read. Its hint leads to a new one, which misses runs."""
    path = _file(folder)
    return DamagedError(str(path), f"is damaged: {why}", f"mv {path} {path}.damaged")


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Turn what SQLite says of a broken file into an error with its name."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise OutputError(f"{_file(folder)}", str(error), f"ls -l {folder}") from error
    except sqlite3.DatabaseError as error:
        raise damaged(folder, str(error)) from error
