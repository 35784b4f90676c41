"""Read 5,000 nodes and 100,000 pods from an API server: CPU, memory, and the official client beside it.

    python tests/bench/bench_kubernetes.py [NODES PODS]

The server is another process. Prints one JSON line; exits 1 when a target is missed: 6 s of CPU and 300 MB
of peak memory for the whole of `dcctl assess -i kubernetes` (interpreter, decoding, merge, decisions, table),
and decoding 30 times cheaper than the models. `collect_…` is the source alone, from kubeconfig to Fleet.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.cpu import once, python  # noqa: E402 - the path comes first

CPU_S, PEAK_MB, RATIO = 6.0, 300, 30
SAMPLE_PODS = 1000


def main() -> int:
    """Both measurements; each runs in a process of its own."""
    node_count, pod_count = (int(each) for each in sys.argv[1:3]) if len(sys.argv) > 2 else (5000, 100_000)
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.kubernetes_server", str(node_count), str(pod_count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        kubeconfig = server.stdout.readline().strip()
        found = {**assess(kubeconfig), **_part("collect", kubeconfig), **_part("compare", "")}
    finally:
        server.communicate()
    sys.stdout.write(json.dumps(found) + "\n")
    kept = (
        found["exit_code"] == 0
        and found["cpu_s"] <= CPU_S
        and found["peak_mb"] <= PEAK_MB
        and found["ratio"] >= RATIO
    )
    return 0 if kept else 1


def _part(what: str, argument: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.bench_kubernetes", f"--{what}", argument]
    answer = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(answer)
    return found


def assess(kubeconfig: str) -> dict[str, float]:
    """What a person runs, as the kernel accounts it; this process is small, so that its peak hides none."""
    with tempfile.TemporaryDirectory() as home:
        own = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "KUBECONFIG": kubeconfig}
        words = python("-m", "dcctl", "assess", "-i", "kubernetes", "--timeout", "120")
        cost = once(words, {**os.environ, **own, "PYTHONPATH": str(ROOT)})
    return {
        "exit_code": cost.returncode,
        "cpu_s": round(cost.cpu_s, 2),
        "peak_mb": cost.peak_bytes // 1_000_000,
    }


def collect(kubeconfig: str) -> dict[str, float]:
    """The whole way from kubeconfig to Fleet, in this process and nothing else."""
    from dcctl.inventory.sources.kubernetes.source import KubernetesSource

    started = time.monotonic()
    fleet = KubernetesSource("kubernetes:bench", kubeconfig).collect()
    wall_s = time.monotonic() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "collect_cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "collect_user_s": round(usage.ru_utime, 2),
        "collect_wall_s": round(wall_s, 2),
        "collect_peak_mb": _peak_mb(),
        "nodes": len(fleet.nodes),
        "accelerators": sum(len(node.accelerators or ()) for node in fleet.nodes),
        "workloads": len(fleet.workloads),
        "members": sum(len(each.members) for each in fleet.workloads),
        "gaps": len(fleet.gaps),
    }


def _peak_mb() -> int:
    """The high-water mark of this program alone; ru_maxrss would begin with that of the parent."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024 // 1_000_000


def compare() -> dict[str, float]:
    """The same pods through our structs into workload rows, and through the official client's models."""
    from kubernetes.client import ApiClient

    from tests.bench.kubernetes_server import pods

    body = b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[%b]}' % pods(SAMPLE_PODS).page(
        0, SAMPLE_PODS
    )
    text, client = body.decode(), ApiClient()
    client.deserialize(
        '{"metadata":{},"items":[]}', "V1PodList", "application/json"
    )  # imports are not decoding
    ours = min(_cpu_s(lambda: _decode(body)) for _ in range(5))
    theirs = min(_cpu_s(lambda: client.deserialize(text, "V1PodList", "application/json")) for _ in range(2))
    return {
        "pod_bytes": len(body) // SAMPLE_PODS,
        "ours_us_per_pod": round(ours / SAMPLE_PODS * 1e6, 1),
        "models_us_per_pod": round(theirs / SAMPLE_PODS * 1e6, 1),
        "ratio": round(theirs / ours, 1),
    }


def _decode(body: bytes) -> None:
    import msgspec

    from dcctl.inventory.sources.kubernetes.budgets import Budgets
    from dcctl.inventory.sources.kubernetes.disruptions import Disruptions
    from dcctl.inventory.sources.kubernetes.pods import Pods
    from dcctl.inventory.sources.kubernetes.templates import Templates
    from dcctl.inventory.sources.kubernetes.types import Page, Pod

    pods = Pods(Budgets(), Templates(), Disruptions())
    pods.add(msgspec.json.decode(body, type=Page[Pod]).items or [])


def _cpu_s(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    if sys.argv[1:2] == ["--collect"]:
        sys.stdout.write(json.dumps(collect(sys.argv[2])))
    elif sys.argv[1:2] == ["--compare"]:
        sys.stdout.write(json.dumps(compare()))
    else:
        raise SystemExit(main())
