"""The emulated API server on a loopback port, and the handles a test has on it."""

from __future__ import annotations

import copy
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kubeapi import kinds, kubeconfig, rules, wire
from tests.kubeapi.clock import Clock
from tests.kubeapi.cluster import Cluster
from tests.kubeapi.controllers import Controllers
from tests.kubeapi.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from tests.kubeapi.corpus import Corpus
    from tests.kubeapi.kinds import Kind
    from tests.kubeapi.status import Obj

ADMIN = {"admin-token": "admin"}


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived; `when_s` is the monotonic clock of this machine."""

    method: str
    path: str
    query: dict[str, str]
    user: str
    when_s: float
    headers: dict[str, str]
    body: bytes


class ApiServer:
    """One emulated API server. `users` maps bearer tokens to names; every user may do what no rule denies.

    `custom` lists the CRD types that exist here. `clock_speed`: how many cluster seconds pass in a real one.
    With `makers` controllers make pods and a scheduler binds them.
    Without `kubelet` nobody ends dying pods; without `anonymous` a request that has no token is 401, not 403.
    """

    def __init__(
        self,
        users: dict[str, str] | None = None,
        custom: Iterable[Kind] = (),
        *,
        tls: bool = False,
        clock_speed: float = 1.0,
        kubelet: bool = True,
        anonymous: bool = True,
        makers: bool = False,
    ) -> None:
        self.clock = Clock(clock_speed)
        self.cluster = Cluster(
            (*kinds.BUILTINS, *custom),
            dict(ADMIN if users is None else users),
            self.clock,
            anonymous=anonymous,
        )
        self.faults = Faults()
        self.requests: list[Seen] = []
        self.controllers = Controllers(self.cluster, kubelet=kubelet, makers=makers)
        self._recording = threading.Lock()
        self.authority = kubeconfig.Authority.make() if tls else None
        self._listener: wire.Listener | None = None
        self.port = 0

    def __enter__(self) -> ApiServer:
        self.up()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def up(self) -> None:
        """Listening on 127.0.0.1, after a `down` on the same port again."""
        self.cluster.store.closed = False
        self._listener = wire.Listener(self, self.port, self.authority)
        self.port = self._listener.port
        self.controllers.start()

    def down(self) -> None:
        """As if the process were killed: open connections and watches are cut, the state stays."""
        if self._listener is not None:
            self.cluster.store.close()
            self._listener.stop()
            self._listener = None

    def close(self) -> None:
        self.controllers.stop()
        self.down()

    @property
    def url(self) -> str:
        return f"{'https' if self.authority else 'http'}://127.0.0.1:{self.port}"

    def kubeconfig(self, path: Path, user: str = "admin", context: str = "emulated") -> Path:
        """A kubeconfig file for this user at `path`, readable by its owner only."""
        token = self.cluster.access.token_of(user)
        return kubeconfig.write(path, self.url, token, context, self.authority)

    def record(self, seen: Seen) -> None:
        with self._recording:
            self.requests.append(seen)

    def seen(self, method: str = "*", path: str = "") -> list[Seen]:
        """The requests so far with this method whose path starts so."""
        return [
            one for one in list(self.requests) if method in {"*", one.method} and one.path.startswith(path)
        ]

    @property
    def watches(self) -> int:
        """How many watches have begun and not ended; one asked for (`seen`) may not have begun yet."""
        return self.cluster.store.watches

    def deny(self, user: str, verb: str, resource: str, namespace: str = "*") -> None:
        """This user is answered 403; `*` is any; resource as `pods`, `pods/eviction`, `jobs.batch`."""
        self.cluster.access.deny(user, verb, resource, namespace)

    def load(self, objects: Iterable[Obj]) -> None:
        """The objects are there as given, status and all; what they lack (uid, namespace, …) is made up."""
        with self.cluster.store.lock:
            for obj in objects:
                kind = self.cluster.registry.of(obj["apiVersion"], obj["kind"])
                meta = obj["metadata"]
                self.cluster.ensure_namespace(meta.get("namespace", ""))
                self.cluster.store.put(kind, rules.with_identity(kind, copy.deepcopy(obj), self.clock))
        self.controllers.settle()

    def load_corpus(self, kind: str, corpus: Corpus) -> None:
        """Lists of this type are served from the corpus alone: all namespaces, read only, quick."""
        found = self.cluster.registry.named(kind)
        self.cluster.corpora[found.group, found.plural] = corpus

    def objects(self, kind: str, namespace: str = "") -> list[Obj]:
        """Copies of what is stored now, in list order; `kind` as `pods`, `Pod`, `po` or `jobs.batch`."""
        return copy.deepcopy(self.cluster.store.objects(self.cluster.registry.named(kind), namespace))

    def get(self, kind: str, name: str, namespace: str = "") -> Obj:
        found = self.cluster.store.find(self.cluster.registry.named(kind), namespace, name)
        if found is None:
            raise KeyError(f"no {kind} {namespace}/{name}")
        return copy.deepcopy(found)

    def change(self, kind: str, name: str, namespace: str = "", **fields: Obj) -> None:
        """Top-level fields of the stored object are merged over, as if somebody else had written them."""
        found = self.cluster.registry.named(kind)
        with self.cluster.store.lock:
            obj = self.get(kind, name, namespace)
            for key, value in fields.items():
                obj[key] = {**obj.get(key, {}), **value}
            self.cluster.store.put(found, obj)
        self.controllers.settle()

    def remove(self, kind: str, name: str, namespace: str = "") -> None:
        """Gone at once, finalizers or not."""
        found = self.cluster.registry.named(kind)
        self.cluster.store.drop(found, self.get(kind, name, namespace))
        self.controllers.settle()

    def bump(self, kind: str, name: str, namespace: str = "") -> None:
        """The object has a new resourceVersion: an update based on the old one now conflicts."""
        self.change(kind, name, namespace)

    def compact(self) -> None:
        """Every continue token and every older resourceVersion is now answered with 410."""
        self.cluster.store.compact()

    def now_s(self) -> float:
        return time.monotonic()
