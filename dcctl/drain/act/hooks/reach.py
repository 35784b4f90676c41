"""One pod, and the means to reach it until a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import field

from dcctl.drain.act.hooks.remote import Ran, Remote
from dcctl.drain.backends import NoProof
from dcctl.inventory.sources.http.client import Answer, Client, Patience
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.objects import Live, Objects
from dcctl.inventory.sources.kubernetes.paths import pod_path
from dcctl.inventory.sources.kubernetes.types import Wire
from dcctl.redaction import first_line_of_a_program

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcctl.inventory.sources.http.connection import Connection

_AGAIN_S: Final = 1.0
"""Before a question is asked again that got no answer."""
_TRIES: Final = 10
_CHECKPOINT: Final = "dcctl.io/checkpoint"
_TOLD_LINES, _TOLD_CHARS = 3, 200


class _Container(Wire):
    name: str = ""


class _Spec(Wire):
    containers: list[_Container] | None = None
    share_process_namespace: bool | None = None
    host_pid: bool | None = field(default=None, name="hostPID")


class _State(Wire):
    running: dict[str, object] | None = None


class _ContainerStatus(Wire):
    name: str = ""
    state: _State = field(default_factory=_State)


class _PodStatus(Wire):
    phase: str = ""
    container_statuses: list[_ContainerStatus] | None = None
    init_container_statuses: list[_ContainerStatus] | None = None


class AskedPod(Live):
    """A pod, as far as whoever asks it must know."""

    spec: _Spec = field(default_factory=_Spec)
    status: _PodStatus = field(default_factory=_PodStatus)

    @property
    def shares_processes(self) -> bool:
        """Whether PID 1 in its containers is not their own command."""
        return bool(self.spec.share_process_namespace or self.spec.host_pid)

    def annotation(self, key: str) -> str | None:
        """What it says; None: it has none."""
        return (self.metadata.annotations or {}).get(key)


class Place(NamedTuple):
    """The container that is asked."""

    path: str
    """Of its pod at the API server."""
    uid: str
    container: str
    shares_processes: bool
    asked_by: str = ""
    """Its own annotation dcctl.io/checkpoint."""


class Reach:
    """One pod, reached through the API server. Raises Failure unless told otherwise."""

    def __init__(
        self, connection: Connection, pod: str, timeout_s: float, pause: Callable[[float], None]
    ) -> None:
        """`pod`: namespace/name. `pause` waits so many seconds; what it raises ends every wait."""
        self._client = Client(connection, timeout_s, Patience(sleep=pause))
        self._once = Client(connection, timeout_s, Patience(request_s=timeout_s, tries=1, sleep=pause))
        self._objects, self._remote = Objects(self._client), Remote(connection, self._left, pause)
        self.path = pod_path(pod)

    @property
    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self._client.left_s

    def pause(self, wait_s: float) -> None:
        """Wait so long, if there is time."""
        self._client.pause(wait_s)

    def _left(self) -> float:
        return self._client.left_s

    def read(self) -> AskedPod:
        """The pod as it is now."""
        return self._objects.read(self.path, AskedPod)

    def place(self, uid: str | None, container: str) -> Place:
        """The container, which runs; empty: the first. NoProof: it does not, or another pod has the name."""
        pod = self.read()
        if uid is not None and pod.metadata.uid != uid:
            raise NoProof("another pod has its name now")
        names = [each.name for each in pod.spec.containers or ()]
        chosen = container or (names or [""])[0]
        states = [*(pod.status.container_statuses or ()), *(pod.status.init_container_statuses or ())]
        if chosen not in {*names, *(each.name for each in states)}:
            raise NoProof(f"it has no container {chosen}: {', '.join(names)}")
        if not any(each.name == chosen and each.state.running is not None for each in states):
            raise NoProof(f"container {chosen} does not run (the pod is {pod.status.phase or 'of no phase'})")
        own = pod.annotation(_CHECKPOINT) or ""
        return Place(self.path, pod.metadata.uid, chosen, pod.shares_processes, own)

    def patch(self, body: dict[str, object]) -> None:
        """The pod has these fields."""
        self._objects.patch(self.path, body)

    def request(self, method: str, target: str) -> Answer:
        """The answer of a port of the pod. Asks once."""
        return self._once.exchange(method, target, b"" if method == "POST" else None)

    def run(self, place: Place, words: Sequence[str]) -> Ran:
        """The command ended. It is not begun twice: asked again is only what did not begin."""
        return self._tried(place, words, lambda failure: failure.again and not failure.may_be_done)

    def look(self, place: Place, words: Sequence[str]) -> Ran:
        """The command ended; it changes nothing, so it may be begun twice."""
        return self._tried(place, words, lambda failure: failure.again)

    def _tried(self, place: Place, words: Sequence[str], again: Callable[[Failure], bool]) -> Ran:
        for _ in range(_TRIES):
            try:
                return self._remote.run(place.path, place.container, words)
            except Failure as failure:
                wait_s = failure.wait_s or _AGAIN_S
                if not again(failure) or wait_s >= self.left_s:
                    raise
                self.pause(wait_s)
        return self._remote.run(place.path, place.container, words)


def told(text: str) -> str:
    """The last lines of what a program said, short, on one line, without what may be a secret."""
    clean = "".join(each if each.isprintable() or each == "\n" else " " for each in text)
    lines = [line for line in clean.splitlines() if line.strip()][-_TOLD_LINES:]
    shown = " / ".join(" ".join(first_line_of_a_program(line).split()) for line in lines)
    return shown if len(shown) <= _TOLD_CHARS else f"{shown[: _TOLD_CHARS - 1]}…"
