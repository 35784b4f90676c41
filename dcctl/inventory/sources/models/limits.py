"""How much of a file is looked at, and streams that keep to it: a file may be made to take us down."""

from __future__ import annotations

from io import SEEK_CUR
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_LINE: Final = 1 << 20
_PIECE: Final = 1 << 20


class TooMuch(Exception):  # noqa: N818  # it says that a limit was met
    """A limit was met: what lies behind it was not looked at."""


class Skipped(bytes):
    """Bytes that were there and were not kept: empty, and as long as they were."""

    length = 0

    def __len__(self) -> int:
        return self.length


class Budget:
    """What one file may take, with everything in it."""

    def __init__(
        self,
        clock: Callable[[], float] = lambda: 0.0,
        *,
        seconds: float = 60.0,
        steps: int = 20_000_000,
        inflated: int = 4 << 30,
        members: int = 100_000,
        depth: int = 4,
    ) -> None:
        """`steps`: opcodes; `inflated`: bytes that come out of what is compressed; `depth`: of nesting."""
        self._clock, self._end, self._seconds = clock, clock() + seconds, seconds
        self.steps, self.inflated, self.members, self.depth = steps, inflated, members, depth

    def step(self) -> None:
        """Count an opcode. Raises TooMuch."""
        self.steps -= 1
        if self.steps < 0:
            raise TooMuch("has more opcodes than are followed")
        if not self.steps & 0xFFF:
            self.check_time()

    def inflate(self, count: int) -> None:
        """Count bytes that were read out of something. Raises TooMuch."""
        self.inflated -= count
        if self.inflated < 0:
            raise TooMuch("unpacks to more than is read")
        self.check_time()

    def member(self) -> None:
        """Count a file in an archive. Raises TooMuch."""
        self.members -= 1
        if self.members < 0:
            raise TooMuch("has more members than are looked at")
        self.check_time()

    def check_time(self) -> None:
        """Raises TooMuch when the time is up."""
        if self._clock() > self._end:
            raise TooMuch(f"takes longer than {self._seconds:g} s to look through")


class Bounded:
    """A stream for parsers: large pieces are passed over, endless lines are refused, one may look ahead."""

    def __init__(self, file: BinaryIO, budget: Budget, *, seekable: bool = False) -> None:
        """`seekable`: of a plain file, what is passed over is not even read."""
        self._file, self._budget, self._seekable = file, budget, seekable
        self._ahead = b""

    def peek(self, count: int) -> bytes:
        """Return the next bytes without taking them; fewer at the end."""
        while len(self._ahead) < count and (more := self._file.read(count - len(self._ahead))):
            self._ahead += more
        return self._ahead[:count]

    def read(self, count: int) -> bytes:
        """Return bytes; many are passed over, and only their number is kept."""
        if count > _PIECE:
            return self._pass_over(count)
        data = self.peek(count)
        self._take(len(data))
        return data

    def readline(self) -> bytes:
        """Return a line with its end; of a long one the middle is passed over, and not kept."""
        if b"\n" not in self._ahead:
            self._ahead += self._file.readline(MOST_LINE)
        line = self._ahead[: self._ahead.find(b"\n") + 1 or None]
        self._take(len(line))
        while not line.endswith(b"\n") and (piece := self._file.readline(MOST_LINE)):
            self._budget.inflate(len(piece))
            line = line[:MOST_LINE] + piece[-1:]
        return line

    def _take(self, count: int) -> None:
        self._ahead = self._ahead[count:]
        if not self._seekable:
            self._budget.inflate(count)

    def _pass_over(self, count: int) -> bytes:
        found = Skipped()
        taken = min(count, len(self._ahead))
        self._take(taken)
        if self._seekable and count - taken:
            self._file.seek(count - taken - 1, SEEK_CUR)
            taken = count if self._file.read(1) else 0
        while taken < count and (piece := self._file.read(min(_PIECE, count - taken))):
            taken += len(piece)
            self._budget.inflate(len(piece))
        found.length = taken
        return found


class Guarded:
    """A file for libraries of archives: they may seek, and read no more at once than fits."""

    def __init__(self, file: BinaryIO, most: int = 64 << 20) -> None:
        self._file, self._most = file, most

    def read(self, count: int = -1) -> bytes:
        """Return bytes. Raises TooMuch for more at once than a header of any honest archive has."""
        most = self._most + 1
        data = self._file.read(min(count, most) if count >= 0 else most)
        if len(data) > self._most:
            raise TooMuch("has a directory or a header larger than any that is read")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Where it stands."""
        return self._file.tell()

    def seekable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Whoever opened the file closes it."""
