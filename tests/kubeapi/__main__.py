"""A server process for benchmarks: python -m tests.kubeapi --nodes 5000 --pods 100000 --kubeconfig FILE

Prints its URL, then serves until its standard input ends: it dies with whoever started it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.kubeapi import ApiServer, corpora
from tests.kubeapi.kinds import ALL_CUSTOM


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kubeapi")
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--pods", type=int, default=1000)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--tls", action="store_true")
    asked = parser.parse_args()
    with ApiServer(custom=ALL_CUSTOM, tls=asked.tls) as server:
        server.load_corpus("nodes", corpora.nodes(asked.nodes))
        server.load_corpus("pods", corpora.pods(asked.pods, asked.nodes))
        server.kubeconfig(asked.kubeconfig)
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
