"""Headers of safetensors files: which tensors there are, in which number format, and what they take.

Only headers are read, never weights: https://github.com/huggingface/safetensors#format. A file may come
from anywhere, so what its header claims is held against the file.
"""

from __future__ import annotations

import stat
from io import SEEK_END
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from dcctl.errors import DeniedError, UsageError

if TYPE_CHECKING:
    from typing import BinaryIO

INDEX: Final = "model.safetensors.index.json"
CONFIG: Final = "config.json"
MOST_HEADER: Final = 100_000_000
"""Bytes; safetensors itself reads no larger header."""
MOST_CONFIG: Final = 16 << 20
MOST_FILES: Final = 10_000
BITS: Final = {
    "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F32": 32, "I32": 32, "U32": 32,
    "F16": 16, "BF16": 16, "I16": 16, "U16": 16,
    "I8": 8, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip
"""Of one element, by number format."""


class Tensor(Struct, frozen=True):
    """One tensor of a model."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int

    @property
    def elements(self) -> int:
        """How many numbers it has; packed ones (4 bits in an I32) count as they are stored."""
        return prod(self.shape)


class Weights(Struct, frozen=True):
    """The tensors of all files of a model."""

    tensors: tuple[Tensor, ...]
    files: int

    @property
    def total_bytes(self) -> int:
        """Sum over tensors, each in its own number format."""
        return sum(one.bytes for one in self.tensors)

    @property
    def elements(self) -> int:
        """How many numbers they have, packed ones as they are stored."""
        return sum(one.elements for one in self.tensors)

    @property
    def bytes_by_dtype(self) -> dict[str, int]:
        """The same by number format."""
        found: dict[str, int] = {}
        for one in self.tensors:
            found[one.dtype] = found.get(one.dtype, 0) + one.bytes
        return dict(sorted(found.items()))


class _Entry(Struct, forbid_unknown_fields=True):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


class _Index(Struct):
    weight_map: dict[str, str]


def is_weights(path: str) -> bool:
    """Whether a path may have weights: a directory, a file of them, their index."""
    return Path(path).is_dir() or path.endswith((".safetensors", ".index.json"))


def read_config(path: str) -> dict[str, object] | None:
    """Return the decoded config.json at a path, in a directory, or beside weights.

    None when a directory, or weights, have none; UsageError when it is not one.
    """
    place = Path(path)
    if is_weights(path):
        place = place / CONFIG if place.is_dir() else place.with_name(CONFIG)
        if not place.exists():
            return None
    with _open(place) as file:
        text = file.read(MOST_CONFIG + 1)
    if len(text) > MOST_CONFIG:
        raise UsageError(
            str(place), f"is larger than {MOST_CONFIG >> 20} MiB: it is no configuration of a model"
        )
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(str(place), f"is not a JSON object: {error}") from error


def read_weights(path: str) -> Weights | None:
    """Return the tensors of a directory, of one file or of an index; None when the directory has no weights.

    UsageError names the file whose header is cut, too large, not JSON or at odds with the file.
    """
    index = _index(Path(path))
    listed = {} if index is None else _listed(index)
    files = sorted(set(listed.values())) or _files(Path(path))
    if len(files) > MOST_FILES:
        raise UsageError(path, f"has {len(files):,} files of weights; at most {MOST_FILES:,} are read")
    if not files:
        return None
    tensors: dict[str, Tensor] = {}
    for file in files:
        for one in _header(file):
            if one.name in tensors:
                raise UsageError(str(file), f"has the tensor {one.name[:80]!r}, and so has a file before it")
            tensors[one.name] = one
    lost = min(listed.keys() - tensors.keys(), default=None)
    if lost is not None:
        raise UsageError(
            str(index), f"names the tensor {lost[:80]!r}, which {listed[lost].name} does not have"
        )
    return Weights(tuple(tensors.values()), len(files))


def _index(place: Path) -> Path | None:
    if place.is_dir():
        return place / INDEX if (place / INDEX).exists() else None
    return place if place.name.endswith(".index.json") else None


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("*.safetensors")) if place.is_dir() else [place]


def _listed(index: Path) -> dict[str, Path]:
    """The tensors of an index and their files; each lies beside it."""
    with _open(index) as file:
        text = file.read(MOST_HEADER + 1)
    try:
        found = msgspec.json.decode(text, type=_Index).weight_map
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(str(index), f"is not an index of safetensors: {error}") from error
    for name in sorted(set(found.values())):
        if Path(name).name != name:
            raise UsageError(str(index), f"names {name[:80]!r}, which does not lie beside it")
    return {tensor: index.with_name(name) for tensor, name in found.items()}


def _open(place: Path) -> BinaryIO:
    """Open a regular file, through links; a pipe or a device would keep us waiting."""
    try:
        if not stat.S_ISREG(place.stat().st_mode):
            raise UsageError(str(place), "is not a file")
        return place.open("rb")
    except PermissionError as error:
        raise DeniedError(str(place), "may not be read by this user", f"ls -l {place}") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(str(place), reason.lower(), f"ls -l {place.parent}") from error


def _header(place: Path) -> list[Tensor]:
    with _open(place) as file:
        return read_header(file, place)


def read_header(file: BinaryIO, place: Path) -> list[Tensor]:
    """Return the tensors of one open file. UsageError, with `place`: its header is wrong."""
    size = file.seek(0, SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(MOST_HEADER, size - 8):
        raise UsageError(
            str(place), f"is no safetensors file: {length:,} bytes of header in a file of {size:,}"
        )
    text = file.read(length)
    try:
        found = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        found.pop("__metadata__", None)
        entries = {name: msgspec.json.decode(raw, type=_Entry) for name, raw in found.items()}
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(str(place), f"has a header that is not one of safetensors: {error}") from error
    tensors = [_tensor(place, name, entry) for name, entry in entries.items()]
    _check_offsets(place, entries, size - 8 - length)
    return tensors


def _tensor(place: Path, name: str, entry: _Entry) -> Tensor:
    """One tensor, whose bytes are those of its shape in its number format."""
    bits = BITS.get(entry.dtype)
    if bits is None:
        raise UsageError(str(place), f"{name[:80]}: number format {entry.dtype[:20]!r} is not known")
    if any(one < 0 for one in entry.shape) or len(entry.shape) > 32:
        raise UsageError(str(place), f"{name[:80]}: its shape is impossible")
    begin, end = entry.data_offsets
    if (prod(entry.shape) * bits + 7) // 8 != end - begin:
        raise UsageError(str(place), f"{name[:80]}: {end - begin:,} bytes are not those of its shape")
    return Tensor(name, entry.dtype, tuple(entry.shape), end - begin)


def _check_offsets(place: Path, entries: dict[str, _Entry], room: int) -> None:
    """Tensors follow each other without holes and overlaps, up to the end of the file."""
    at = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        if entry.data_offsets[0] != at:
            kind = "overlaps the one before it" if entry.data_offsets[0] < at else "leaves a hole before it"
            raise UsageError(str(place), f"{name[:80]}: {kind}")
        at = entry.data_offsets[1]
    if at != room:
        kind = "is cut" if at > room else "has more than its tensors"
        raise UsageError(str(place), f"{kind}: {at:,} bytes of tensors, {room:,} in the file")
