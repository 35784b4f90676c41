"""What shows that a checkpoint was written after it was asked for: a file, or an annotation."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from dcctl.drain.act.hooks.asking import denied, missing
from dcctl.drain.act.hooks.reach import told
from dcctl.drain.backends import NoProof
from dcctl.drain.request import ChangedAnnotation, WrittenFile
from dcctl.inventory.sources.http.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcctl.drain.act.hooks.reach import Place, Reach
    from dcctl.drain.request import Hook

LOOK_S: Final = 2.0
"""Between two looks: a file that is as it was one look ago is no longer being written."""
_SLACK_S: Final = 5
"""So much the clock of who writes an annotation may be behind ours."""
_NO_FILE: Final = 1


class Proof(Protocol):
    """One kind of proof of one pod."""

    missing: str
    """What is not seen yet."""

    def before(self) -> None:
        """What there is before the request was looked at. NoProof: it could never be seen."""

    def seen(self) -> str:
        """One look: the proof in words, or empty."""


class _File(NamedTuple):
    """A file as `stat` tells it."""

    written_s: int
    size_bytes: int
    inode: int


class FileProof:
    """A file in the container that was written after the request, by the container's own clock."""

    def __init__(self, path: str, reach: Reach, place: Place) -> None:
        self._path, self._reach, self._place = path, reach, place
        self._asked_s, self._old, self._last = 0, _File(0, 0, 0), _File(0, 0, 0)
        self.missing = f"{path} is not there"

    def before(self) -> None:
        """The time in the container and the file that is there now are kept."""
        clock = self._run("date", ("date", "+%s"))
        if not clock.strip().isdecimal():
            raise NoProof(f"the clock of its container is not understood: {told(clock)}")
        self._asked_s, self._old = int(clock), self._stat() or self._old

    def seen(self) -> str:
        """It is newer than the request, is not empty, and did not change since the last look."""
        now = self._stat()
        if now is None or now == self._old:
            old = f"{self._path} was not written since it was asked"
            self.missing = f"{self._path} is not there" if now is None else old
        elif now.written_s < self._asked_s:
            self.missing = f"{self._path} is {self._asked_s - now.written_s} s older than the request"
        elif not now.size_bytes:
            self.missing = f"{self._path} is empty"
        elif now != self._last:
            self.missing = f"{self._path} is still being written"
        else:
            after_s = now.written_s - self._asked_s
            return f"{self._path} ({now.size_bytes} bytes) was written {after_s} s after it was asked"
        self._last = now or self._last
        return ""

    def _stat(self) -> _File | None:
        text = self._run("stat", ("stat", "-L", "-c", "%Y %s %i %F", "--", self._path))
        if not text:
            return None
        words = text.split(None, 3)
        if len(words) < 4 or not all(word.isdecimal() for word in words[:3]):
            raise NoProof(f"what stat says of {self._path} is not understood: {told(text)}")
        if not words[3].startswith("regular"):
            raise NoProof(f"{self._path} is a {words[3].strip()}: name a file that is written last")
        return _File(*(int(word) for word in words[:3]))

    def _run(self, name: str, words: Sequence[str]) -> str:
        """What a command says; empty where stat finds no file."""
        try:
            ran = self._reach.look(self._place, words)
        except Failure as failure:
            if failure.status == 403:
                raise NoProof(denied(failure, "exec")) from failure
            if "not found" in failure.reason or "no such file" in failure.reason.lower():
                raise NoProof(missing(name, self._place)) from failure
            raise
        if not ran.code:
            return ran.out
        if name == "stat" and ran.code == _NO_FILE and "o such file" in ran.err:
            return ""
        if ran.code in (126, 127):
            raise NoProof(missing(name, self._place))
        raise NoProof(f"{name} ended with exit code {ran.code}: {told(ran.err)}")


class AnnotationProof:
    """An annotation of the pod that changed after the request, to a time not before it if it is one."""

    def __init__(self, key: str, reach: Reach, place: Place, now_s: Callable[[], float]) -> None:
        self._key, self._reach, self._place, self._now_s = key, reach, place, now_s
        self._old: str | None = None
        self._asked_s = 0
        self.missing = f"the annotation {key} did not change"

    def before(self) -> None:
        """What the annotation says now is kept."""
        self._old, self._asked_s = self._value(), int(self._now_s())

    def seen(self) -> str:
        """It says something else now."""
        now = self._value()
        if not now or now == self._old:
            return ""
        told_s = seconds_of(now)
        if told_s is not None and told_s < self._asked_s - _SLACK_S:
            self.missing = f"the annotation {self._key} tells {told(now)}, which is before it was asked"
            return ""
        return f"the annotation {self._key} tells {told(now)}"

    def _value(self) -> str | None:
        pod = self._reach.read()
        if pod.metadata.uid != self._place.uid:
            raise NoProof("another pod has its name now")
        return pod.annotation(self._key)


def seconds_of(text: str) -> float | None:
    """Unix time of RFC 3339; None for what is no time with a zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo is not None and "T" in text.upper() else None


def proof_of(hook: Hook, reach: Reach, place: Place, now_s: Callable[[], float]) -> Proof | None:
    """What is to be seen; None: the answer to the request is the proof."""
    if isinstance(hook.proof, WrittenFile):
        return FileProof(hook.proof.path, reach, place)
    if isinstance(hook.proof, ChangedAnnotation):
        return AnnotationProof(hook.proof.key, reach, place, now_s)
    return None
