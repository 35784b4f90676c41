"""Walks stores of models on this machine. Nothing but regular files is opened.

A link within a store that gives a file another ending is read under its own name, as frameworks do in a cache
of Hugging Face; others are not followed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from dcctl.errors import DcctlError
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.models import ModelFile, ModelFolder
from dcctl.inventory.evidence.unreached import CUT
from dcctl.inventory.sources.models.access import access_of
from dcctl.inventory.sources.models.contents import Contents
from dcctl.inventory.sources.models.limits import Budget, TooMuch
from dcctl.inventory.sources.models.manifest import NAMES, sums
from dcctl.inventory.sources.models.names import readable, spelled, told
from dcctl.inventory.sources.safetensors import read_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dcctl.inventory.evidence.models import Access
    from dcctl.inventory.model import Cause

TOLD: Final = ("model_files", "model_folders")
"""The fields of Evidence that stores tell."""
MOST_FILES: Final = 200_000
DEEPEST: Final = 32
STORE_S: Final = 1800.0
"""For one store, with all sums of its files."""
ANSWER_S: Final = 10.0
"""A file system that has said nothing by then is given up."""
HASHED_BYTES: Final = 64 << 30
"""Of one store, for comparison with manifests; what lies behind it is unknown."""
_APPROVABLE: Final = 16 << 20
"""A file with code is no larger than this; its SHA-256 is told, so that somebody may approve it."""
_MANIFEST_BYTES: Final = 16 << 20
_WEIGHTS: Final = ("pickle", "archive", "safetensors", "gguf", "keras", "savedmodel")
_READ: Final = ("kind", "access", "imports", "payloads", "header")
_NOT_THERE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Store(NamedTuple):
    """A folder, or one file, with models."""

    name: str
    path: str
    serving: bool = False
    """Production loads from it."""


class Refused(Exception):  # noqa: N818  # it says that something was not opened
    """Something is not opened, being a link, a pipe or a device, or it cannot be read."""

    def __init__(self, silence: Silence) -> None:
        super().__init__(silence.reason)
        self.silence = silence


class _Stopped(Exception):  # noqa: N818  # it says that nobody wants more
    """No more is to be read."""


def gather(
    stores: Sequence[Store], *, hashed_bytes: int = HASHED_BYTES, stop: Event | None = None
) -> Evidence:
    """Return the files and folders of all stores. A store that is not there is silent, with why.

    Once `stop` is set no more is read, and what was read by then is kept.
    """
    files: list[ModelFile] = []
    folders: list[ModelFolder] = []
    silent: dict[str, Silence] = {}
    for store in stores:
        if not answers(store.path):
            why = f"{store.path}: the file system did not answer within {ANSWER_S:g} s"
            _unheard(silent, Silence(why, "timeout"))
            continue
        walk = _Walk(store, hashed_bytes, stop or Event())
        try:
            walk.all()
        except Refused as refused:
            _unheard(silent, refused.silence)
        except _Stopped:
            _unheard(silent, CUT)
        except TooMuch as limit:
            _unheard(silent, Silence(f"{store.path}: {limit}", "truncated"))
        files += walk.files
        folders += walk.folders
    return Evidence(model_files=tuple(files), model_folders=tuple(folders), silent=silent)


def answers(path: str, look: Callable[[str], object] = os.stat, deadline_s: float = ANSWER_S) -> bool:
    """Whether a file system says anything of a path, be it that there is none.

    A dead NFS server never does: the thread that asks is left behind.
    """

    def ask() -> None:
        with suppress(OSError):
            look(path)

    asking = Thread(target=ask, name=f"store {path}", daemon=True)
    asking.start()
    asking.join(deadline_s)
    return not asking.is_alive()


def _unheard(silent: dict[str, Silence], why: Silence) -> None:
    for kind in TOLD:
        silent.setdefault(kind, why)


@contextmanager
def _opened(path: str, folder: bool = False) -> Iterator[int]:
    """Open what is a regular file, or a folder, now and not a moment ago.

    Raises Refused, also where the file system fails while it is read.
    """
    with _readable(path):
        descriptor = os.open(path, _OPEN | (os.O_DIRECTORY if folder else 0))
        try:
            if not folder and not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Refused(Silence(f"{path}: is no regular file, and is not opened", "unsupported"))
            yield descriptor
        finally:
            os.close(descriptor)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """Inside it what the system says against reading a path is Refused."""
    try:
        yield
    except OSError as error:
        denied = isinstance(error, PermissionError)
        cause: Cause = "denied" if denied else "missing" if error.errno in _NOT_THERE else "failed"
        raise Refused(Silence(f"{path}: {(error.strerror or 'failed').lower()}", cause)) from error


class _Walk:
    """One store: its folders in order of name, each file by its bytes."""

    def __init__(self, store: Store, hashed_bytes: int, stop: Event) -> None:
        self._store, self._left, self._stop = store, hashed_bytes, stop
        self._root = os.path.realpath(store.path)
        self._linked: set[str] = set()
        """Files that were read under the name of a link."""
        self._time = Budget(monotonic, seconds=STORE_S, members=MOST_FILES)
        self.files: list[ModelFile] = []
        self.folders: list[ModelFolder] = []

    def all(self) -> None:
        """Raises Refused for a store that cannot be read at all, TooMuch for one that is too large.

        _Stopped: it was not read to its end.
        """
        root = Path(self._root)
        with _readable(self._root):
            is_folder = root.is_dir()
        if not is_folder:
            self._file(self._root, root.name)
            return
        self._folder(self._root, "", _outer_closed(self._root), 0)
        if not self.files:
            raise Refused(Silence(f"{self._store.path}: has no file in it: is it mounted?", "missing"))

    def _heed(self) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _clock(self) -> float:
        """The time; what is being looked at ends when nobody wants it, and is then not told."""
        return inf if self._stop.is_set() else monotonic()

    def _name(self, inside: str) -> str:
        return f"{readable(self._store.name)}/{spelled(inside)}" if inside else readable(self._store.name)

    def _folder(self, path: str, inside: str, closed: bool, depth: int) -> None:
        if depth > DEEPEST:
            raise TooMuch("has folders deeper than they are walked")
        with _opened(path, folder=True) as descriptor:
            access = access_of(descriptor)
            entries = sorted(os.listdir(descriptor))  # noqa: PTH208  # of what is open, not of a path
        closed = closed or not access.mode & 0o001
        begun = len(self.files)
        below = []
        for name in entries:
            self._heed()
            self._time.member()
            way, within = f"{path}/{name}", f"{inside}/{name}" if inside else name
            if self._safely(way, within):
                below.append((way, within))
        self._judge(path, inside, access, closed, self.files[begun:])
        for way, within in sorted(below, key=_is_blobs):
            try:
                self._folder(way, within, closed, depth + 1)
            except Refused as refused:
                self._silent(within, refused.silence)

    def _link(self, path: str, inside: str) -> None:
        """A link to what is in the store is nothing new, unless what it is depends on how it is called."""
        target = self._within(path)
        if target is None:
            raise Refused(Silence(f"{inside}: a link that leads out of the store", "unsupported"))
        with _readable(path):
            is_named = Path(target).suffix != Path(path).suffix and Path(target).is_file()
        if is_named:
            self._linked.add(target)
            self._file(target, inside)

    def _within(self, path: str) -> str | None:
        """Return where a path leads to, past all links; None: out of the store."""
        target = os.path.realpath(path)
        return target if target == self._root or target.startswith(f"{self._root}/") else None

    def _silent(self, inside: str, why: Silence) -> None:
        mute = dict.fromkeys(_READ, Silence(readable(why.reason), why.cause))
        store = self._store
        self.files.append(
            ModelFile(name=self._name(inside), store=store.name, serving=store.serving, silent=mute)
        )

    def _safely(self, path: str, inside: str) -> bool:
        """Look at an entry of a folder, whatever it is; True: it is a folder, which comes later."""
        place = Path(path)
        try:
            with _readable(path):
                is_link, is_folder = place.is_symlink(), place.is_dir()
            if is_link:
                self._link(path, inside)
            elif not is_folder and path not in self._linked:
                self._file(path, inside)
        except Refused as refused:
            self._silent(inside, refused.silence)
            return False
        return is_folder and not is_link

    def _file(self, path: str, inside: str) -> None:
        with _opened(path) as descriptor, os.fdopen(os.dup(descriptor), "rb") as file:
            access, size = access_of(descriptor), os.fstat(descriptor).st_size
            one = self._read(path, inside, file, size)
            self._heed()
            self.files.append(replace(one, access=access))

    def _read(self, path: str, inside: str, file: BinaryIO, size: int) -> ModelFile:
        contents = Contents(Budget(self._clock))
        one = ModelFile(
            name=self._name(inside), store=self._store.name, serving=self._store.serving, size_bytes=size
        )
        try:
            contents.look(file, inside)
        except OSError as error:
            why = Silence(f"{inside}: {(error.strerror or 'failed').lower()}", "failed")
            return replace(one, silent=dict.fromkeys(_READ, why))
        whys = {"imports": contents.unread, "payloads": contents.unread or contents.unjudged}
        silent = {
            name: Silence(readable(f"{inside}: {why}"), "unsupported") for name, why in whys.items() if why
        }
        shown = contents.payloads and size <= _APPROVABLE
        return replace(
            one,
            kind=contents.kind,
            imports=None if "imports" in silent and not contents.imports else told(contents.imports),
            broken=tuple(map(readable, contents.broken)),
            header=readable(_header(file, path)) if contents.kind == "safetensors" else None,
            payloads=None if "payloads" in silent and not contents.payloads else told(contents.payloads),
            sha256=self._sum(file) if shown else None,
            silent=silent,
        )

    def _judge(
        self, path: str, inside: str, access: Access, closed: bool, files: Sequence[ModelFile]
    ) -> None:
        """Enter a folder: what it has of weights, and whether they are what its manifest says."""
        base = len(self._name(inside)) + 1
        weights = tuple(one.name[base:] for one in files if one.kind in _WEIGHTS)
        found = ModelFolder(
            name=self._name(inside),
            store=self._store.name,
            serving=self._store.serving,
            access=access,
            closed=closed,
            weights=weights,
        )
        named = {one.name[base:] for one in files}
        manifest = next((name for name in NAMES if name in named), "")
        self.folders.append(self._compared(path, replace(found, manifest=manifest), weights))

    def _compared(self, path: str, folder: ModelFolder, weights: Sequence[str]) -> ModelFolder:
        if not folder.manifest:
            return folder
        try:
            with (
                _opened(self._within(f"{path}/{folder.manifest}") or "") as descriptor,
                os.fdopen(os.dup(descriptor), "rb") as file,
            ):
                wanted = sums(file.read(_MANIFEST_BYTES), folder.manifest)
        except Refused as refused:
            return _unlike(folder, refused.silence)
        except (ValueError, msgspec.MsgspecError) as error:
            return _unlike(folder, Silence(f"{folder.manifest} cannot be read: {error}"[:200], "invalid"))
        missing, mismatched, silence = [], [], None
        for name, digest in sorted(wanted.items()):
            found = self._digest(f"{path}/{name}")
            if found is None:
                missing.append(spelled(name))
            elif isinstance(found, Silence):
                silence = found
            elif found != digest:
                mismatched.append(spelled(name))
        listed = {spelled(name) for name in wanted}
        return replace(
            folder,
            missing=tuple(missing),
            mismatched=None if silence and not mismatched else tuple(mismatched),
            unlisted=tuple(name for name in weights if name not in listed),
            silent={"mismatched": silence} if silence and not mismatched else {},
        )

    def _digest(self, path: str) -> str | Silence | None:
        """The SHA-256 of a file, or why it is not told; None: it is not there."""
        try:
            self._time.check_time()
            within = self._within(path)
            if within is None:
                return Silence("a link leads out of the store", "unsupported")
            with _opened(within) as descriptor, os.fdopen(os.dup(descriptor), "rb") as file:
                size = os.fstat(descriptor).st_size
                if size > self._left:
                    return Silence("its files are larger than what one run compares", "truncated")
                self._left -= size
                return self._sum(file)
        except Refused as refused:
            return None if refused.silence.cause == "missing" else refused.silence

    def _sum(self, file: BinaryIO) -> str:
        file.seek(0)
        digest = hashlib.sha256()
        while piece := file.read(1 << 20):
            self._heed()
            digest.update(piece)
        return digest.hexdigest()


def _is_blobs(folder: tuple[str, str]) -> bool:
    """Files of a cache whose names are their sums: those with a name are read by it, so they come last."""
    return folder[1].rpartition("/")[2] == "blobs"


def _unlike(folder: ModelFolder, why: Silence) -> ModelFolder:
    return replace(folder, silent=dict.fromkeys(("mismatched", "missing", "unlisted"), why))


def _header(file: BinaryIO, path: str) -> str:
    """What is wrong with the header of an open safetensors file; empty: nothing."""
    try:
        read_header(file, Path(path))
    except DcctlError as error:
        return error.why
    return ""


def _outer_closed(path: str) -> bool:
    """True when a folder above lets nobody in but owner and group."""
    try:
        return any(not above.stat().st_mode & 0o001 for above in Path(path).parents)
    except OSError:
        return False
