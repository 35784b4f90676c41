"""A saved fleet of 10,000 nodes, 80,000 accelerators with every reading, and 100,000 members of workloads.

    python tests/bench/bench_saved_fleet.py [NODES]

Prints the CPU until the first row and of whole processes, interpreter included, then of the phases of one;
each beside `python -c 'json.loads(...)'` of the same file, measured in the same run. Exits 1 when a budget is
missed.
"""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from dcctl.inventory.model import Accelerator, Ecc, Fleet, Node, Pcie, SourceRun, System  # noqa: E402 - the path comes first
from tests.bench.bench_assess import NOW_S, measured_fleet  # noqa: E402 - the path comes first
from tests.bench.cpu import Cost, once, python  # noqa: E402 - the path comes first

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RUNS = 5
JSON = "import json, pathlib, sys; json.loads(pathlib.Path(sys.argv[1]).read_bytes())"


def saved_fleet(nodes: int) -> Fleet:
    """The fleet of bench_assess with all that NVML and the kubelet tell beside it."""
    whole = measured_fleet(nodes, 10)
    run = SourceRun("kubernetes:bench", "kubernetes", ok=True, duration_ms=900, items=nodes)
    rich = tuple(_node(node, number) for number, node in enumerate(whole.nodes))
    return replace(whole, taken_at_s=NOW_S, nodes=rich, sources=(run,))


def _node(node: Node, number: int) -> Node:
    return replace(
        node,
        system_uuid=f"4c4c4544-0000-4000-8000-{number:012x}",
        labels={f"example.com/{key}": "value" for key in range(10)},
        system=System(vendor="maker", kernel="6.1.0", driver="570.1"),
        accelerators=tuple(map(_board, node.accelerators or ())),
    )


def _board(board: Accelerator) -> Accelerator:
    address = f"0000:{board.index:02x}:00.0"
    return replace(
        board,
        power_cap_mw=700_000,
        sm_clock_hz=1_980_000_000,
        sm_clock_max_hz=1_980_000_000,
        temperature_c=61,
        memory_temperature_c=70,
        performance_state=0,
        mig_enabled=False,
        ecc=Ecc(True, 0, 0, remap_pending=False, remap_failed=False),
        pcie=Pcie(address, generation=5, width=16, max_generation=5, max_width=16, replays=0),
    )


def until_first_row(words: Sequence[str]) -> Cost:
    """Run one command and take the CPU that it has used when its first bytes arrive (proc(5), schedstat)."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert child.stdout is not None
    os.read(child.stdout.fileno(), 1)
    spent_ns = int(Path(f"/proc/{child.pid}/schedstat").read_text().split()[0])
    child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Cost(spent_ns / 1e9, usage.ru_maxrss * 1024, child.returncode)


def on_terminal(words: Sequence[str]) -> Cost:
    """Run one command with a terminal of 120 columns as its output, which is read and thrown away."""
    screen, other = pty.openpty()
    reader = threading.Thread(target=_drain, args=(screen,), daemon=True)
    reader.start()
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen(words, env=env | {"COLUMNS": "120"}, stdin=subprocess.DEVNULL, stdout=other)
    os.close(other)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    os.close(screen)
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, child.returncode)


def _drain(screen: int) -> None:
    try:
        while os.read(screen, 1 << 16):
            pass
    except OSError:  # the other end was closed: how Linux says the end of a terminal
        pass


def processes(path: str) -> bool:
    """Print one row per command; False when one needs more than its budget or fails."""
    rows: tuple[tuple[str, float | None, Callable[[], Cost]], ...] = (
        ("python -c json.loads", None, lambda: once(python("-c", JSON, path))),
        ("assess, first row", 1.0, lambda: until_first_row(_dcctl("assess", "-i", path))),
        ("assess | cat", None, lambda: once(_dcctl("assess", "-i", path))),
        ("assess on a terminal", None, lambda: on_terminal(_dcctl("assess", "-i", path))),
        ("assess -w @rack0007", 1.5, lambda: once(_dcctl("assess", "-w", "@rack0007", "-i", path))),
        ("inventory snapshot", 1.5, lambda: once(_dcctl("inventory", "snapshot", "-i", path))),
    )
    costs: list[list[Cost]] = [[] for _ in rows]
    for _ in range(RUNS):  # in turn, so that all meet the same noise
        for cost, (_, _, run) in zip(costs, rows, strict=True):
            cost.append(run())
    floor = min(cost.cpu_s for cost in costs[0])
    kept = True
    print(f"{'command':24} {'CPU s':>6} {'budget':>6} {'x json':>6} {'MiB':>5}")
    for (name, budget, _), measured in zip(rows, costs, strict=True):
        best = min(measured, key=lambda cost: cost.cpu_s)
        kept &= best.returncode == 0 and (budget is None or best.cpu_s <= budget)
        failed = f"  FAILED with {best.returncode}" if best.returncode else ""
        row = f"{best.cpu_s:6.2f} {budget or '':>6} {best.cpu_s / floor:6.2f} {best.peak_bytes >> 20:5}"
        print(f"{name:24} {row}{failed}")
    return kept


def _dcctl(*words: str) -> list[str]:
    return python("-m", "dcctl", *words)


def phases(path: str) -> None:
    """Print the CPU of each step of `assess -i` in this process, the cheapest of a few."""
    from dcctl.assess.fleet.report import Options, report
    from dcctl.cli.names import remember
    from dcctl.inventory.sources.files.file import detect
    from dcctl.render.dispatch import render
    from dcctl.render.style import Style

    fleet = detect(path).collect()
    answer = report(fleet, Options(), NOW_S)
    with tempfile.TemporaryDirectory() as cache:
        steps: tuple[tuple[str, Callable[[], object]], ...] = (
            ("read and decode", lambda: detect(path).collect()),
            ("names for completion", lambda: remember(fleet, Path(cache))),
            ("report", lambda: report(fleet, Options(), NOW_S)),
            ("render, piped", lambda: render(answer, Style(), io.StringIO())),
            ("render, terminal", lambda: render(answer, Style(width=120, terminal=True), io.StringIO())),
        )
        for name, step in steps:
            print(f"  {name:22} {min(_cpu_s(step) for _ in range(3)):6.2f}")


def _cpu_s(step: Callable[[], object]) -> float:
    started = time.process_time()
    kept = step()  # taking the result apart again is not part of the step
    spent = time.process_time() - started
    del kept
    return spent


def write(path: str, nodes: int) -> None:
    """Save the fleet as `inventory snapshot` would."""
    from dcctl.inventory.snapshot import encode

    Path(path).write_bytes(encode(saved_fleet(nodes)))


def main() -> int:
    """Write the file, measure, and remove it."""
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.json"
        subprocess.run(python(__file__, "--write", str(path), str(nodes)), check=True)  # ru_maxrss of a child
        # begins with that of its parent, so the fleet is never in this process
        os.environ["XDG_CACHE_HOME"] = folder
        os.environ["PYTHONPATH"] = str(ROOT)
        size = f"{nodes:,} nodes, {nodes * 8:,} accelerators, {nodes * 10:,} members"
        print(f"{size}, {path.stat().st_size >> 20} MiB")
        kept = processes(str(path))
        subprocess.run(python(__file__, "--phases", str(path)), check=True)
    return int(not kept)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--phases"]:
        phases(sys.argv[2])
    elif sys.argv[1:2] == ["--write"]:
        write(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(main())
