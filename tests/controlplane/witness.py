"""What a real kube-scheduler says of a pod: the nodes that pass its filters, or why none does."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from http.client import OK
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

if TYPE_CHECKING:
    from tests.controlplane.client import ApiClient

DEADLINE_S = 30.0
_COUNTED = re.compile(r"(\d+) ((?:Insufficient|Too many|node\(s\))[^,]*?)(?=, |\. |\.$|$)")
_EVERY = "pod affinity terms conflict"

PLUGINS = {
    "node(s) were unschedulable": "cordoned",
    "node(s) had untolerated taint(s)": "taint",
    "node(s) didn't match Pod's node affinity/selector": "labels",
    "node(s) didn't satisfy plugin(s) [NodeAffinity]": "named",
    "node(s) didn't have free ports for the requested pod ports": "port",
    "node(s) didn't match pod topology spread constraints": "spread",
    "node(s) didn't match pod topology spread constraints (missing required label)": "spread",
    "node(s) didn't match pod affinity rules": "together",
    "node(s) didn't match pod anti-affinity rules": "apart",
    "node(s) didn't satisfy existing pods anti-affinity rules": "apart",
}
"""Whose words these are. A node is counted under the first plugin that refuses it; others are of amounts."""


class Verdict(NamedTuple):
    """What became of a pod."""

    node: str
    """Empty: none was found."""
    fits: frozenset[str]
    """Nodes that passed all filters."""
    refused: Counter[str]
    """Nodes by what refuses them, in the words of PLUGINS; short of an amount: by its name."""
    message: str


class Witness:
    """An extender that refuses nothing and notes which nodes the scheduler's own filters let through.

    A context manager: inside it the extender listens on loopback.
    """

    def __enter__(self) -> Self:
        seen: dict[str, frozenset[str]] = {}

        class Handler(_Extender):
            passed = seen

        self._passed = seen
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def scheduler_config(self) -> str:
        """The lines by which a scheduler asks this extender."""
        address = f"http://127.0.0.1:{self._server.server_port}"
        return f"extenders: [{{urlPrefix: '{address}', filterVerb: filter, nodeCacheCapable: true}}]\n"

    def verdict(self, api: ApiClient, namespace: str, name: str) -> Verdict:
        """What the scheduler decides about a pod that it is to see now. TimeoutError when it does not."""
        path, end = f"/api/v1/namespaces/{namespace}/pods/{name}", time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            found = api.get(path)
            if node := found["spec"].get("nodeName"):
                return Verdict(node, self._passed[f"{namespace}/{name}"], Counter(), "")
            for each in found["status"].get("conditions", ()):
                if each["type"] == "PodScheduled" and each["reason"] == "Unschedulable":
                    return Verdict("", frozenset(), refused(each["message"]), each["message"])
            time.sleep(0.003)
        raise TimeoutError(f"{namespace}/{name}: no verdict: {found['status']}")


class _Extender(BaseHTTPRequestHandler):
    """Answers `filter` with all nodes that were asked about (kube-scheduler/extender/v1)."""

    protocol_version = "HTTP/1.1"
    passed: ClassVar[dict[str, frozenset[str]]]

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        meta, names = asked["Pod"]["metadata"], asked["NodeNames"]
        self.passed[f"{meta['namespace']}/{meta['name']}"] = frozenset(names)
        body = json.dumps({"NodeNames": names}).encode()
        self.send_response(OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Nothing: a line for each pod helps nobody."""


def refused(message: str) -> Counter[str]:
    """How many nodes are refused by what, from `0/60 nodes are available: 3 Insufficient cpu, …`."""
    told = message.partition("preemption:")[0]
    every = re.match(r"0/(\d+) nodes", told)
    if every and _EVERY in told:
        return Counter({"named": int(every[1])})
    found: Counter[str] = Counter()
    for count, words in _COUNTED.findall(told):
        amount = words.removeprefix("Insufficient ")
        found[PLUGINS.get(words) or ("pods" if words == "Too many pods" else amount)] += int(count)
    return found
