"""What is in a file of a model: it is known by its bytes, and archives are opened member by member."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from dcctl.inventory.evidence.models import Import, Payload
from dcctl.inventory.sources.models.formats import config_payloads, gguf_payloads, scan_payloads
from dcctl.inventory.sources.models.limits import Bounded, Guarded, TooMuch
from dcctl.inventory.sources.models.opcodes import Pickles, is_pickle
from dcctl.inventory.sources.models.readers import OPCODES
from dcctl.inventory.sources.models.ziptail import directory_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.inventory.evidence.models import FileKind
    from dcctl.inventory.sources.models.limits import Budget

HEAD: Final = 512
PICKLED: Final = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill", ".pdparams", ".pdopt")
"""What people call files that are pickles: these have to be one, or something else that is known."""
LOADED: Final = (".bin", ".model", ".sav")
"""Pickles for some frameworks, and anything for others: what begins like a pickle and breaks is unknown."""
SCRIPTS: Final = (".py", ".pyc", ".pyo", ".so", ".sh", ".dll", ".dylib")
_NESTED_BYTES: Final = 64 << 20
_DIRECTORY_BYTES: Final = 64 << 20
_CONFIG_BYTES: Final = 64 << 20
"""Tokenizers of large vocabularies take half of it."""
_STREAMS: Final[dict[bytes, Callable[[BinaryIO], object]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_CLOSED: Final = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "LZ4",
}
"""Archives that are not opened here."""
_RUNS: Final = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_ERRORS: Final = (
    OSError, EOFError, ValueError, LookupError, RuntimeError, NotImplementedError, zlib.error, lzma.LZMAError,
    zipfile.BadZipFile, tarfile.TarError, MemoryError,
)  # fmt: skip


class Contents:
    """What was found in one file, with all that is in it."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.kind: FileKind = "other"
        self.imports: dict[Import, None] = {}
        self.broken: dict[str, None] = {}
        self.payloads: dict[Payload, None] = {}
        self.unread = ""
        """Why something of it was not looked at, though nothing says that it is a pickle."""
        self.unjudged = ""
        """Why what a framework would run of it is not known."""

    def look(self, file: BinaryIO, name: str) -> None:
        """Look at a file that can seek. What breaks a limit, or cannot be read to its end, is `broken`."""
        try:
            self.kind = self._look(file, name, "", 0)
        except TooMuch as limit:
            self._fails(str(limit))

    def _fails(self, why: str, member: str = "") -> None:
        self.broken[f"{member}: {why}" if member else why] = None

    def _look(self, file: BinaryIO, name: str, member: str, depth: int) -> FileKind:
        """`member`: where in the file it lies; empty: it is the file."""
        head = file.read(HEAD)
        file.seek(0)
        claimed = name.lower().endswith(PICKLED)
        self._code(head, name, member)
        if depth > self._budget.depth:
            raise TooMuch("has archives in archives deeper than they are opened")
        kind = self._plain(file, head, name, member)
        if kind is None or claimed:
            return self._packed(file, head, name, member, depth) or self._bare(file, head, name, member)
        if zipped(file):  # and a zip may have anything before it
            inside = self._zip(file, head, name, member, depth)
            return kind if inside == "archive" else inside
        # the bytes of a pickle may begin like those of anything
        return "pickle" if self._bare(file, head, name, member) == "pickle" else kind

    def _code(self, head: bytes, name: str, member: str) -> None:
        """Programs by their first bytes; scripts that only their names tell, where a framework finds them."""
        where = member or name.rpartition("/")[2]
        if head.startswith(_RUNS[0]) or (head.startswith(_RUNS[1:]) and b"\x00" in head):
            self.payloads[Payload("executable", where)] = None
        elif head.startswith(b"#!") or (not member and name.lower().endswith(SCRIPTS)):
            self.payloads[Payload("script", where)] = None

    def _plain(self, file: BinaryIO, head: bytes, name: str, member: str) -> FileKind | None:
        """Formats that are no archives and no pickles."""
        last = name.rpartition("/")[2].lower()
        if last.endswith(".safetensors") or (head[8:9] == b"{" and head[7:8] == b"\x00"):
            return "safetensors"
        if head.startswith(b"GGUF"):
            self._add(gguf_payloads(Guarded(file), self._budget))
            return "gguf"
        if head.startswith(b"\x93NUMPY"):
            return self._numpy(file, head, member)
        if head.startswith(b"\x89HDF\r\n\x1a\n") or last == "saved_model.pb":
            kind: FileKind = "savedmodel" if last == "saved_model.pb" else "keras"
            self._add(scan_payloads(file, "operator" if kind == "savedmodel" else "lambda", self._budget))
            return kind
        if head.lstrip()[:1] == b"{" or last.endswith((".json", ".jinja")):
            return self._config(file, last)
        return "code" if last.endswith(SCRIPTS) else None

    def _add(self, found: Iterator[Payload]) -> None:
        try:
            self.payloads.update(dict.fromkeys(found))
        except TooMuch as limit:
            self.unjudged = self.unjudged or str(limit)
        except _ERRORS as error:
            self.unjudged = self.unjudged or f"cannot be read: {str(error)[:120]}"

    def _config(self, file: BinaryIO, last: str) -> FileKind:
        """Of another name than frameworks read, what is no JSON is nothing to be read."""
        read = last.endswith((".json", ".jinja"))
        text = file.read(_CONFIG_BYTES + 1)
        if len(text) > _CONFIG_BYTES:
            self.unjudged = self.unjudged or "is larger than any configuration that is read"
            return "config" if read else "other"
        before = self.unjudged
        self._add(config_payloads(text, last))
        if not read:
            self.unjudged = before
        return "config"

    def _numpy(self, file: BinaryIO, head: bytes, member: str) -> FileKind:
        """An array; of objects, it is a pickle behind a header."""
        wide = head[6:7] != b"\x01"
        length = int.from_bytes(head[8 : 12 if wide else 10], "little")
        header = head[12 if wide else 10 :][:length]
        if b"O" not in header.partition(b"'descr':")[2].partition(b"'fortran_order'")[0]:
            return "numpy"
        file.seek((12 if wide else 10) + length)
        self._follow(file, True, member)
        return "pickle"

    def _packed(self, file: BinaryIO, head: bytes, name: str, member: str, depth: int) -> FileKind | None:
        for sign, kind in _CLOSED.items():
            if head.startswith(sign):
                return self._closed(f"is a {kind} archive, which is not opened", name)
        for sign, opened in _STREAMS.items():
            if head.startswith(sign):
                return self._inflated(cast("BinaryIO", opened(file)), name, member, depth)
        if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0:
            return self._inflated(cast("BinaryIO", BytesIO(self._zlib(file))), name, member, depth)
        if head[257:262] == b"ustar" or (name.lower().endswith(PICKLED) and _is_tar(head)):
            return self._members(self._tar(file), "is no tar that can be read", member, depth)
        if zipped(file):
            return self._zip(file, head, name, member, depth)
        return None

    def _closed(self, why: str, name: str) -> FileKind:
        if name.lower().endswith(PICKLED):
            self._fails(why)
        else:
            self.unread = self.unread or why
        return "archive"

    def _zlib(self, file: BinaryIO) -> bytes:
        try:
            inflater = zlib.decompressobj()
            data = inflater.decompress(file.read(_NESTED_BYTES), _NESTED_BYTES)
        except zlib.error:
            return b""
        self._budget.inflate(len(data))
        return data

    def _inflated(self, stream: BinaryIO, name: str, member: str, depth: int) -> FileKind:
        """What is in a compressed stream: a tar, a pickle, or something else of which the start is enough."""
        inner = name.lower()
        for ending in (".gz", ".bz2", ".xz", ".z"):
            inner = inner.removesuffix(ending)
        try:
            data = stream.read(_NESTED_BYTES + 1)
            self._budget.inflate(len(data))
        except _ERRORS as error:
            return self._closed(f"cannot be unpacked: {str(error)[:120]}", name)
        if len(data) > _NESTED_BYTES:
            stream.seek(0)
            return self._large(stream, data[:HEAD], name, member, depth)
        return self._look(BytesIO(data), inner, f"{member}{_INSIDE}" if member else "", depth + 1)

    def _large(self, stream: BinaryIO, head: bytes, name: str, member: str, depth: int) -> FileKind:
        if head[257:262] == b"ustar":
            return self._members(self._tar(stream), "is no tar that can be read", member, depth)
        if zipped(BytesIO(head)) or head[:2] == b"PK":
            self._fails("an archive in a compressed file, larger than is opened", member)
            return "archive"
        return self._bare(stream, head, name, member)

    def _bare(self, file: BinaryIO, head: bytes, name: str, member: str) -> FileKind:
        """A pickle, if it is one: by its first bytes or by its name, else by what it would call."""
        file.seek(0)
        claimed, loaded = name.lower().endswith(PICKLED), name.lower().endswith(LOADED)
        signed = is_pickle(head) and (claimed or head[2:3] in OPCODES)
        return "pickle" if self._follow(file, signed or claimed, member, loaded=loaded) else "other"

    def _follow(self, file: BinaryIO, strict: bool, member: str, *, loaded: bool = False) -> bool:
        """True when it counts as a pickle. Without `strict`, only what calls something does.

        `loaded`: it may be one by its name, so that one which breaks is not known to be none.
        """
        found = Pickles(self._budget)
        found.follow(Bounded(file, self._budget))
        if not strict and not found.calls:
            if not loaded or not found.begun:
                return False
            if found.broken:
                self.unread = self.unread or f"may be a pickle, and {found.broken}"
                return False
        if found.broken:
            self._fails(found.broken, member)
        for name, inside in found.imports.items():
            self.imports[Import(name, f"{member}{_INSIDE}{inside}".strip(" >") if inside else member)] = None
        return True

    def _zip(self, file: BinaryIO, head: bytes, name: str, member: str, depth: int) -> FileKind:
        """An archive, whatever stands before it: of a file that is both, both are looked at."""
        if not head.startswith(b"PK") and is_pickle(head):
            self._follow(file, True, member)
        if directory_bytes(file) > _DIRECTORY_BYTES:
            raise TooMuch("has a directory larger than any that is read")
        return self._members(self._zipped(file, name), "is no zip that can be read", member, depth)

    def _zipped(self, file: BinaryIO, name: str) -> Iterator[tuple[str, int, BinaryIO]]:
        file.seek(0)
        with zipfile.ZipFile(cast("BinaryIO", Guarded(file))) as archive:
            listed = [one for one in archive.infolist() if not one.is_dir()]
            names = {one.filename for one in listed}
            for one in listed:
                folder, _, last = one.filename.rpartition("/")
                torch = folder.endswith("data") and f"{folder[:-5] or '.'}/data.pkl" in names
                if torch and last.isdecimal():
                    continue  # raw numbers of a tensor: loaders give them to no unpickler
                if one.flag_bits & 1:
                    self._closed(f"{one.filename}: is encrypted", name)
                    continue
                with archive.open(one) as stream:
                    yield one.filename, one.file_size, cast("BinaryIO", stream)

    def _tar(self, file: BinaryIO) -> Iterator[tuple[str, int, BinaryIO]]:
        file.seek(0)
        with tarfile.open(fileobj=cast("BinaryIO", Guarded(file)), mode="r:") as archive:
            for one in archive:
                stream = archive.extractfile(one) if one.isreg() else None
                if stream is not None:
                    yield one.name, one.size, cast("BinaryIO", stream)

    def _members(
        self, members: Iterator[tuple[str, int, BinaryIO]], broken: str, member: str, depth: int
    ) -> FileKind:
        kinds: set[FileKind] = set()
        try:
            for name, size, stream in members:
                self._budget.member()
                inside = f"{member}{_INSIDE}{name}" if member else name
                kinds.add(self._member(stream, size, name, inside, depth))
        except _ERRORS as error:
            self._fails(f"{broken}: {str(error)[:120]}", member)
        lambdas = any(one.kind == "lambda" for one in self.payloads)
        return "pickle" if "pickle" in kinds else "keras" if lambdas else "archive"

    def _member(self, stream: BinaryIO, size: int, name: str, inside: str, depth: int) -> FileKind:
        """A member as a file of its own; one that is large is followed as a stream, and not opened."""
        if size <= _NESTED_BYTES:
            data = stream.read(_NESTED_BYTES + 1)
            self._budget.inflate(len(data))
            if len(data) <= _NESTED_BYTES:
                return self._look(BytesIO(data), name, inside, depth + 1)
        head = stream.read(HEAD)
        stream.seek(0)
        if head.startswith(b"PK"):
            self._fails("an archive in an archive, larger than is opened", inside)
            return "archive"
        return self._bare(stream, head, name, inside)


_INSIDE: Final = " > "


def zipped(file: BinaryIO) -> bool:
    """True for a zip by its end, where loaders look for it, wherever it begins."""
    file.seek(0)
    found = zipfile.is_zipfile(file)
    file.seek(0)
    return found


def _is_tar(head: bytes) -> bool:
    """True for a tar without its magic, of before POSIX: its checksum is right."""
    try:
        return len(head) == HEAD and tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape").size >= 0
    except tarfile.TarError:
        return False
