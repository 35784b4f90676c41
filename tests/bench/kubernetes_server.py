"""A large cluster on the emulated API server: 5,000 nodes with 8 GPUs, 100,000 pods, 500 budgets.

Run as a program, it prints the path of a kubeconfig and serves until its standard input is closed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kubeapi import ApiServer, objects, shapes
from tests.kubeapi.corpus import Corpus, of_template

if TYPE_CHECKING:
    from collections.abc import Sequence

PODS_PER_NODE, PODS_PER_OWNER = 20, 25
NAMESPACES = 50
MARKS = (b"@NAME@", b"@NODE@", b"@SPACE@", b"@OWNER@", b"@UID@")


def pods(count: int) -> Corpus:
    """Every twentieth pod is a member of a Job with 8 GPUs, the others belong to ReplicaSets."""
    train = _pod_template({"cpu": "96", "memory": "1Ti", "nvidia.com/gpu": "8"}, "Job", "batch/v1")
    serve = _pod_template({"cpu": "500m", "memory": "2Gi"}, "ReplicaSet", "apps/v1")
    corpora = [of_template(each, MARKS, _pod_values, count) for each in (train, serve)]
    return Corpus(count, lambda i: corpora[i % PODS_PER_NODE != 0].item(i))


def _pod_template(requests: dict[str, str], kind: str, api_version: str) -> bytes:
    owner = objects.owner(kind, "@OWNER@", api_version, owner_uid="owner-@OWNER@")
    labels = {"app": "@OWNER@", "pod-template-hash": "@OWNER@"}
    pod = objects.pod(
        "@NAME@", "@SPACE@", "@NODE@", requests, requests, owner=owner, labels=labels, bulky=True
    )
    pod["metadata"]["uid"] = "@UID@"
    pod["spec"]["priority"] = 0
    for status in pod["status"]["containerStatuses"]:  # as kubelets report since resizes in place
        status["resources"] = {"requests": requests, "limits": requests}
        status["allocatedResources"] = requests
    return _item(pod)


def _pod_values(index: int) -> Sequence[bytes]:
    owner = _owner(index)
    node, space = index // PODS_PER_NODE, owner % NAMESPACES
    texts = (
        f"pod-{index:06}-x7k2p",
        f"gpu{node:05}",
        f"team-{space:02}",
        f"work-{owner:05}",
        f"{index:08x}-0000-4000-8000-{index:012x}",
    )
    return tuple(text.encode() for text in texts)


def _owner(index: int) -> int:
    """Pods of one owner lie on different nodes, as schedulers spread them."""
    if index % PODS_PER_NODE == 0:
        return 90_000 + index // PODS_PER_NODE // 8
    return index % (100_000 // PODS_PER_OWNER)


def nodes(count: int) -> Corpus:
    """GPU nodes with the labels of feature discovery and an image list: about 13 KB each."""
    node = objects.node("@NAME@", 8, rack="@RACK@", zone="eu-1a", labels={"agentpool": "h100"}, bulky=True)
    node["status"]["addresses"][0]["address"] = "@IP@"
    node["status"]["nodeInfo"] |= {"systemUUID": "@UUID@", "machineID": "@UUID@", "bootID": "@UUID@"}

    def values(index: int) -> Sequence[bytes]:
        address = f"10.{index >> 16}.{index >> 8 & 255}.{index & 255}"
        texts = (f"gpu{index:05}", f"rack-{index // 32}", address, f"{index:08x}-0000-4000-8000-00000000beef")
        return tuple(text.encode() for text in texts)

    return of_template(_item(node), (b"@NAME@", b"@RACK@", b"@IP@", b"@UUID@"), values, count)


def replica_sets(count: int) -> Corpus:
    """Each owned by a Deployment of its own."""
    owner = objects.owner("Deployment", "@NAME@", owner_uid="deployment-@NAME@")
    found = shapes.workload("replicasets", "@NAME@", "@SPACE@", owner=owner)
    found["metadata"]["uid"] = "owner-@NAME@"

    def values(index: int) -> Sequence[bytes]:
        return f"work-{index:05}".encode(), f"team-{index % NAMESPACES:02}".encode()

    return of_template(_item(found), (b"@NAME@", b"@SPACE@"), values, count)


def _item(obj: dict[str, object]) -> bytes:
    """List items of built-in types come without kind and apiVersion."""
    return json.dumps(
        {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}
    ).encode()


def fill(server: ApiServer, node_count: int, pod_count: int) -> None:
    """The server lists that many nodes and pods, with owners, namespaces and budgets to match."""
    spaces = [f"team-{index:02}" for index in range(NAMESPACES)]
    server.load(shapes.namespace(name, {"team": f"group-{name}"}) for name in spaces)
    server.load(
        shapes.disruption_budget(
            f"work-{index:05}", {"app": f"work-{index:05}"}, spaces[index % NAMESPACES], max_unavailable=1
        )
        for index in range(500)
    )
    server.load_corpus("nodes", nodes(node_count))
    server.load_corpus("pods", pods(pod_count))
    server.load_corpus("replicasets", replica_sets(100_000 // PODS_PER_OWNER))


def main() -> None:
    """Serve until standard input ends."""
    node_count, pod_count = int(sys.argv[1]), int(sys.argv[2])
    with ApiServer(kubelet=False) as server, tempfile.TemporaryDirectory() as folder:
        fill(server, node_count, pod_count)
        sys.stdout.write(f"{server.kubeconfig(Path(folder) / 'kubeconfig')}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
