"""The answer of the audit's probe, as it came, and how parsers ask it. Pure; the node may be hostile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.model import Cause  # noqa: TC001  # msgspec reads it
from dcctl.inventory.sources.ssh.error import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping


class Told(Struct, frozen=True, omit_defaults=True):
    """What a command or a file said, or why it said nothing that counts."""

    out: str | None = None
    status: int = 0
    why: str = ""
    cause: Cause = "failed"
    mode: int | None = None
    uid: int | None = None
    changed_at_s: int | None = None


class Untold(Exception):  # noqa: N818  # it says that something was not told
    """Something was not told; the field is None and silent."""

    def __init__(self, reason: str, cause: Cause = "failed") -> None:
        super().__init__(reason)
        self.silence = Silence(printable(reason), cause)


class FilesystemRow(Struct, frozen=True):
    """A mount, as the probe tells it."""

    path: str
    device: str = ""
    fstype: str = ""
    options: str = ""
    size_bytes: int | None = None
    free_bytes: int | None = None
    inodes: int | None = None
    inodes_free: int | None = None


class StuckRow(Struct, frozen=True):
    """A process, as the probe tells it."""

    name: str
    state: str
    age_s: int


class HostDocument(Struct, frozen=True):
    """The part `host`. With `why` it was not told at all."""

    why: str = ""
    cause: Cause = "failed"
    taken_at_s: int | None = None
    files: dict[str, Told] = field(default_factory=dict)
    sysctls: dict[str, Told] = field(default_factory=dict)
    changes: dict[str, Told] = field(default_factory=dict)
    host_keys: dict[str, Told] = field(default_factory=dict)
    edac: dict[str, Told] = field(default_factory=dict)
    governors: dict[str, int] = field(default_factory=dict)
    filesystems: tuple[FilesystemRow, ...] = ()
    numa_nodes: int = 0
    drives: tuple[str, ...] = ()
    iommu_groups: int = 0
    processes: tuple[str, ...] = ()
    stuck: tuple[StuckRow, ...] = ()
    servers: tuple[str, ...] = ()
    """Command lines of what is called sshd; of the part `sshd`."""


class Reading:
    """One node's answer: what parsers ask, and what they found to be missing beside what they return."""

    def __init__(self, commands: Mapping[str, Told], host: HostDocument) -> None:
        self.commands, self.host = commands, host
        self.silent: dict[str, Silence] = {}

    def begin(self) -> None:
        """Untold: the part was not told at all."""
        if self.host.why:
            raise Untold(self.host.why, self.host.cause)

    def command(self, name: str, ok: Collection[int] = (0,)) -> str:
        """Return what a command printed. Untold: it did not run, or ended otherwise than `ok`."""
        told = self.commands.get(name)
        if told is None:
            raise Untold(f"{name} was not run there", "missing")
        return out_of(told, name, ok)

    def ran(self, name: str) -> bool:
        """True when a command was tried."""
        return name in self.commands

    def file(self, path: str) -> str:
        """Return a file. Untold: it was not read; `missing`: there is none."""
        told = self.host.files.get(path)
        if told is None:
            raise Untold(f"{path} was not asked for", "missing")
        return out_of(told, path, (0,))

    def has(self, path: str) -> bool:
        """True when there is such a file. Untold: nobody could tell."""
        try:
            self.file(path)
        except Untold as reason:
            if reason.silence.cause != "missing":
                raise
            return False
        return True

    def changed(self, *paths: str) -> int | None:
        """Return when the last of these was changed; None: there are none of them."""
        found = [self.host.changes[path].changed_at_s for path in paths if path in self.host.changes]
        return max((moment for moment in found if moment is not None), default=None)

    def only(self, field_: str, reason: str, cause: Cause = "failed") -> None:
        """Note that a field is told in part: what is missing from it."""
        self.silent[field_] = Silence(printable(reason), cause)


def out_of(told: Told, name: str, ok: Collection[int] = (0,)) -> str:
    """Return what was said. Untold: nothing, or it ended otherwise than `ok`."""
    if told.out is None:
        raise Untold(told.why or f"{name} said nothing", told.cause)
    if told.status not in ok:
        first = next((line for line in told.out.splitlines() if line.strip()), "")
        raise Untold(f"{name} ended with status {told.status}: {first}")
    return told.out


def grepped(text: str) -> Iterator[tuple[str, str]]:
    """(file, line) of the output of `grep -R`."""
    for row in text.splitlines():
        path, colon, line = row.partition(":")
        if colon and path.startswith("/"):
            yield path, line


def read_all(reading: Reading, readers: Mapping[str, Callable[[Reading], Any]]) -> dict[str, Any]:
    """Return what the readers make of it, by field, with `silent` for those that could not."""
    found: dict[str, Any] = {}
    for name, reader in readers.items():
        try:
            reading.begin()
            found[name] = reader(reading)
        except Untold as reason:
            reading.silent[name] = reason.silence
        except (ValueError, LookupError, TypeError, OverflowError, msgspec.MsgspecError) as error:
            reading.silent[name] = Silence(f"it makes no sense: {printable(str(error))}", "invalid")
    return found | {"silent": reading.silent}
