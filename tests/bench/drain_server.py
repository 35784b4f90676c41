"""An emulated cluster to drain, in a process of its own: budgets, and 429 for one eviction in five.

Run as a program with a folder, it writes a kubeconfig there and prints its path; once a line comes on its
standard input it prints what it counted, and ends.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kubeapi import ApiServer, objects
from tests.kubeapi.faults import Reply, match
from tests.live.kubeapi.draining import budget, maker

if TYPE_CHECKING:
    from tests.kubeapi.status import Obj

NODES, TARGETS, WORKS, PODS, LEAST = 40, 20, 20, 40, 30
"""Pods of each work, and how many of them its budget wants."""
EVERY = 5


def main() -> None:
    with ApiServer(makers=True, clock_speed=20) as server:
        assert server.controllers.makers is not None
        server.controllers.makers.ready = server.controllers.makers.spreads = True
        server.load(objects.node(f"gpu{index:02}", 8) for index in range(NODES))
        works = [f"work{index:02}" for index in range(WORKS)]
        server.load(_inside(name, budget(name, LEAST)) for name in works)
        server.load(_inside(name, maker("Deployment", name, PODS)) for name in works)
        server.faults.add(match("POST", "/eviction", every=EVERY), Reply(429))
        sys.stdout.write(f"{server.kubeconfig(Path(sys.argv[1]) / 'kubeconfig')}\n{server.url}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        twice = sum(count > 1 for count in Counter(server.cluster.evicted).values())
        told = {"evicted": len(server.cluster.evicted), "breaches": server.cluster.breaches, "twice": twice}
        sys.stdout.write(json.dumps(told | {"refused": server.faults.fired}) + "\n")


def _inside(namespace: str, obj: Obj) -> Obj:
    obj["metadata"]["namespace"] = namespace
    return obj


if __name__ == "__main__":
    main()
