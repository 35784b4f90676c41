"""Large files in memory that is given back as soon as it has been read."""

from __future__ import annotations

import mmap
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dcctl.errors import UsageError
from dcctl.inventory.sources.files.documents import MAX_BYTES, opening

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pages(NamedTuple):
    """The bytes of a file."""

    data: mmap.mmap

    def done(self, size: int) -> None:
        """Give back what stands in the first `size` bytes: they are not read again."""
        whole = size // mmap.PAGESIZE * mmap.PAGESIZE
        if whole:
            self.data.madvise(mmap.MADV_DONTNEED, 0, whole)


@contextmanager
def pages_of(path: str) -> Iterator[Pages]:
    """Hold what a file holds. It is a copy: whoever cuts the file off meanwhile does no harm.

    UsageError: it is too large, or changed while it was read; DeniedError: not for this user.
    """
    with opening(path), Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not 0 < size <= MAX_BYTES:
            raise UsageError(path, "is empty" if not size else f"is larger than {MAX_BYTES >> 30} GiB")
        data = mmap.mmap(-1, size)
        if file.readinto(data) != size:
            raise UsageError(path, "changed while it was read", f"dcctl audit -i {path}")
    yield Pages(data)
