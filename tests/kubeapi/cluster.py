"""The emulated cluster: from an authenticated request to its answer. No sockets here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kubeapi import discovery, paging, response, rules, status, watch, writes
from tests.kubeapi.access import Access
from tests.kubeapi.kinds import NAMESPACES, NODES, Kind, Registry
from tests.kubeapi.response import Response, Stream
from tests.kubeapi.store import Store

if TYPE_CHECKING:
    from tests.kubeapi.clock import Clock
    from tests.kubeapi.corpus import Corpus
    from tests.kubeapi.route import Request, Route

SYSTEM_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


class Cluster:
    """State and rules of one emulated control plane."""

    def __init__(
        self, kinds: tuple[Kind, ...], users: dict[str, str], clock: Clock, *, anonymous: bool
    ) -> None:
        self.registry = Registry(kinds)
        self.store = Store()
        self.access = Access(users, anonymous=anonymous)
        self.clock = clock
        self.corpora: dict[tuple[str, str], Corpus] = {}
        self.bookmark_period_s = 60.0
        self.evicted: list[str] = []
        """UIDs of pods that were told to go by an eviction, one for each that was answered with yes."""
        self.breaches = 0
        """Evictions after which a budget had fewer healthy pods than it wants."""
        for name in SYSTEM_NAMESPACES:
            self.ensure_namespace(name)

    def ensure_namespace(self, name: str) -> None:
        if name and self.store.find(NAMESPACES, "", name) is None:
            self.store.put(NAMESPACES, rules.namespace(name, self.clock))

    def answer(self, user: str, request: Request) -> Response | Stream:
        """The answer to an authenticated request; every refusal is an ApiError."""
        self.access.check(user, request)
        route = request.route
        if route is None:
            return self._document(request)
        if route.kind is None:
            raise status.no_such_resource()
        if request.verb not in route.kind.verbs and not route.subresource:
            raise status.method_not_allowed()
        if request.method == "GET":
            return self._read(request, route, route.kind)
        return writes.answer(self, user, request, route, route.kind)

    def _document(self, request: Request) -> Response:
        found = discovery.document(self.registry, request.path)
        if found is None:
            return response.NOT_FOUND
        if request.method != "GET":
            raise status.method_not_allowed()
        if isinstance(found, str):
            return Response(200, found.encode(), "text/plain; charset=utf-8")
        return response.of_object(found)

    def _read(self, request: Request, route: Route, kind: Kind) -> Response | Stream:
        if route.name and not request.is_watch:
            if route.subresource not in {"", "status"}:
                raise status.method_not_allowed()
            return response.of_object(self.store.get(kind, route.namespace, route.name))
        if request.is_watch:
            return Stream(watch.open_stream(self, kind, route, request.query))
        options = paging.ListOptions.of(kind, request.query)
        corpus = self.corpora.get((kind.group, kind.plural))
        if corpus is not None:
            found = paging.corpus_page(self.store, corpus, route.namespace, options)
        else:
            found = paging.page(self.store, kind, route.namespace, options)
        return Response(200, found.render(kind) + b"\n")

    def node_names(self) -> set[str]:
        return {node["metadata"]["name"] for node in self.store.objects(NODES)}
