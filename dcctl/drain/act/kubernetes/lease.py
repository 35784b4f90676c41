"""The lock of a cluster: a Lease, renewed while a run goes on.

Whether another's is alive is judged by whether it changes while we look, as client-go's leader election does:
clocks of two machines need not agree.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from msgspec import field

from dcctl.errors import DcctlError, RefusedError, UnreachableError
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.sources.kubernetes.objects import Objects

NAME: Final = "dcctl-drain"
_ALL = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
_PATH = f"{_ALL}/{NAME}"
_WHO = "dcctl.io/who"
_LOOKS = 10
"""How often another's lease is looked at while it could expire."""
_STATUS = "dcctl drain --status"
_TITLE = f"the lease kube-system/{NAME}"
_LOOK = "kubectl get --raw /readyz?verbose"


_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""It goes on while the machine is suspended, as the lease does, where the system has such a clock."""


def _passed_s() -> float:
    return time.clock_gettime(_CLOCK)


class _Meta(Wire):
    resource_version: str = ""
    annotations: dict[str, str] | None = None


class _Spec(Wire):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    lease_transitions: int | None = None


class _Lease(Wire):
    metadata: _Meta = field(default_factory=_Meta)
    spec: _Spec = field(default_factory=_Spec)

    @property
    def told(self) -> str:
        """Who holds it, in words."""
        who = (self.metadata.annotations or {}).get(_WHO)
        return f"the run {self.spec.holder_identity}" + (f" of {who}" if who else "")


class Lease:
    """The lease of one run. Methods but `demand` raise Failure for what the server refuses."""

    def __init__(
        self,
        objects: Objects,
        run: str,
        who: str,
        duration_s: int,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = _passed_s,
    ) -> None:
        """`duration_s`: how long it holds without being renewed. `clock`: seconds, from any moment on."""
        self._objects, self._run, self._who, self._duration_s = objects, run, who, duration_s
        self._sleep, self._clock, self._version, self._transitions = sleep, clock, "", 0
        self._renewed_s, self._lost = 0.0, ""
        self._over, self._turn = threading.Event(), threading.Lock()

    def demand_vacant(self) -> _Lease | None:
        """Return the lease once it may be taken; None: there is none. RefusedError names its holder."""
        seen = self._read()
        if seen is None or (seen.spec.holder_identity or "") in ("", self._run):
            return seen
        for _ in range(_LOOKS):
            self._sleep((seen.spec.lease_duration_seconds or self._duration_s) / _LOOKS)
            now = self._read()
            if now is None:
                return None
            if now.metadata.resource_version != seen.metadata.resource_version:
                raise RefusedError("another drain of this cluster", f"is under way: {now.told}", _STATUS)
        return seen

    def take(self) -> None:
        """It is ours, and renewed by a thread of its own from now on. RefusedError names who was quicker."""
        seen = self.demand_vacant()
        changed = seen is not None and seen.spec.holder_identity != self._run
        self._transitions = (seen.spec.lease_transitions or 0) + changed if seen is not None else 0
        began_s = self._clock()
        try:
            self._write(seen.metadata.resource_version if seen is not None else "")
        except Failure as failure:
            if failure.status != 409:
                raise
            now = self._read()  # an earlier try may have been done, though no answer came
            if now is None or now.spec.holder_identity != self._run:
                who = now.told if now is not None else "somebody else"
                raise RefusedError("the lock of this cluster", f"{who} was quicker", _STATUS) from failure
            self._version, self._renewed_s = now.metadata.resource_version, began_s
        threading.Thread(target=self._renew, daemon=True).start()

    def demand(self) -> None:
        """Return while it is ours. DcctlError: another took it. UnreachableError: it cannot be renewed now.

        One that expired is still ours if it can be renewed: nobody wrote it meanwhile.
        """
        if self._is_overdue():
            with self._turn:
                self._renew_once()
            if self._is_overdue():
                raise UnreachableError(_TITLE, f"cannot be renewed for {self._duration_s} s now", _LOOK)
        if self._lost:
            raise DcctlError(f"{_TITLE} is lost", self._lost)

    def _is_overdue(self) -> bool:
        return not self._lost and self._clock() - self._renewed_s > self._duration_s

    def release(self) -> None:
        """Nobody holds it; who takes over need not wait. What cannot be told to the server expires."""
        self._over.set()
        with self._turn:
            if not self._lost:
                spec = {"holderIdentity": "", "leaseDurationSeconds": 1}
                body = {"metadata": {"resourceVersion": self._version}, "spec": spec}
                try:
                    self._objects.patch(_PATH, body)
                except Failure:
                    self._lost = "it was given back"

    def _renew(self) -> None:
        while not self._over.wait(self._duration_s / 3):
            with self._turn:
                if self._over.is_set() or self._lost:
                    return
                self._renew_once()

    def _renew_once(self) -> None:
        try:
            self._write(self._version)
        except Failure as failure:
            self._lost = self._why_lost(failure)

    def _why_lost(self, failure: Failure) -> str:
        """Empty where it may still be ours."""
        if failure.status == 409:
            try:
                now = self._read()
            except Failure:
                return ""
            if now is not None and now.spec.holder_identity == self._run:
                self._version = now.metadata.resource_version
                return ""
            return f"{now.told} took it" if now is not None else "somebody deleted it"
        if failure.status == 404:
            return "somebody deleted it"
        return failure.reason if failure.cause in ("denied", "unauthenticated") else ""

    def _write(self, version: str) -> None:
        """It has our name and the time. A new one is made without a version."""
        began_s = self._clock()
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {
            "holderIdentity": self._run,
            "leaseDurationSeconds": self._duration_s,
            "renewTime": now,
            "leaseTransitions": self._transitions,
        }
        meta: dict[str, object] = {"annotations": {_WHO: self._who}}
        if version:
            meta["resourceVersion"] = version
            path, send = _PATH, self._objects.patch
        else:
            meta |= {"name": NAME, "namespace": "kube-system"}
            path, send = _ALL, self._objects.create
            spec["acquireTime"] = now
        made = send(path, {"metadata": meta, "spec": spec})
        self._version, self._renewed_s = made.metadata.resource_version, began_s

    def _read(self) -> _Lease | None:
        try:
            return self._objects.read(_PATH, _Lease)
        except Failure as failure:
            if failure.status != 404:
                raise
            return None
