"""`dcctl audit` over evidence of 5,000 nodes and 50,000 pods: python -m tests.bench.bench_audit.

CPU time and peak memory of the whole command, a first and a second run, against a process that does no more
than read the same file as JSON; then of its parts. 1 where a bar is not kept.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from dcctl.audit.act.keep import Run, before, keep
from dcctl.audit.act.signing import Signer
from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.judge import judge
from dcctl.audit.record import Judged, Scope, compare
from dcctl.audit.report import View, report
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.document import decode
from dcctl.render.dispatch import render
from dcctl.render.style import Style
from dcctl.state import locked
from tests.bench.audit_evidence import NOW_S
from tests.bench.cpu import once, python

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

NODES, PODS = 5_000, 50_000
BAR_S, BAR_BYTES = 20.0, 600 * 10**6
FLOOR = "import json, sys; json.load(open(sys.argv[1], 'rb'))"


def main() -> int:
    """Print what the command and its parts cost; 1 where a bar is not kept."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evidence.json"
        once(python("-m", "tests.bench.audit_evidence", str(path), str(NODES), str(PODS)))
        print(f"{NODES:,} nodes, {PODS:,} pods, {path.stat().st_size / 1e6:.0f} MB of evidence")
        kept = _commands(path, Path(folder))
        _parts(path, Path(folder))
    return int(not kept)


def _commands(path: Path, folder: Path) -> bool:
    floor = once(python("-c", FLOOR, str(path)))
    print(f"{'json.load':24} {floor.cpu_s:7.2f} s  {floor.peak_bytes / 1e6:6.0f} MB")
    env = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
    kept = True
    for name, more in (("first run", ()), ("second run, nothing new", ("--cron",))):
        cost = once(python("-m", "dcctl", "audit", "-i", str(path), *more), env)
        ratio = f"{cost.cpu_s / floor.cpu_s:5.2f} x json.load"
        print(
            f"{name:24} {cost.cpu_s:7.2f} s  {cost.peak_bytes / 1e6:6.0f} MB  {ratio}, exit {cost.returncode}"
        )
        kept = kept and cost.cpu_s <= BAR_S and cost.peak_bytes <= BAR_BYTES
    return kept


def _parts(path: Path, folder: Path) -> None:
    """The parts of a second run, one after the other."""
    seen = _timed("decode", lambda: decode(path.read_bytes(), "bench"))
    checks, signer = tuple(CATALOGUE.values()), Signer(folder / "key")
    for _ in range(2):
        with locked(folder / "history") as history:
            known = before(history, (signer.public,), "bench", None, NOW_S)
            scene = Scene(seen, NOW_S, counters=known.counters)
            verdict = _timed("evaluate", partial(judge, scene, checks))
            compared = compare(
                known.open, verdict.findings, Judged(verdict.tallies, lambda _check, _one: True)
            )
            run = Run("bench", Scope(), NOW_S, (), seen, _timed("count", scene.counted))
            _timed("keep", partial(keep, history, signer, run, verdict, compared))
    told = _timed("report", partial(report, verdict, compared, View(NOW_S, "bench")))
    for output in ("table", "json", "sarif"):
        _timed(f"render {output}", partial(render, told, Style(output=output), io.StringIO()))


def _timed(name: str, work: Callable[[], T]) -> T:
    started = time.process_time()
    found = work()
    print(f"{name:24} {time.process_time() - started:7.2f} s")
    return found


if __name__ == "__main__":
    sys.exit(main())
