"""kill -9 at every write of drains: resumed to the same end, no pod evicted twice, no cordon left behind."""

import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.live.kubeapi.killing import SCENARIOS, Killed  # noqa: E402

LEAST = 1_000
WORKERS = 2


def tried(number: int, first: int, step: int) -> tuple[int, list[str]]:
    """How many points of a scenario were tried, from `first` in steps, and what went wrong."""
    warnings.simplefilter("ignore")  # a process that has threads is forked: the child writes, and dies
    with tempfile.TemporaryDirectory() as folder:
        killed = Killed(SCENARIOS[number], Path(folder))
        points, end = killed.undisturbed()
        wrong = []
        for point in range(first, points + 1, step):
            try:
                found = killed.at(point)
                if found != end:
                    wrong.append(f"{killed.scenario.name} at {point}: {found} in place of {end}")
            except Exception as error:  # noqa: BLE001  # told below
                wrong.append(f"{killed.scenario.name} at {point}: {error}")
        return len(range(first, points + 1, step)), wrong


def main() -> int:
    parts = [(number, first) for number in range(len(SCENARIOS)) for first in range(1, WORKERS + 1)]
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        found = [pool.submit(tried, number, first, WORKERS) for number, first in parts]
        answers = [one.result() for one in found]
    total, wrong = sum(count for count, _ in answers), [each for _, rows in answers for each in rows]
    for each in wrong:
        print(f"  {each}")
    print(f"{total:,} points, at least {LEAST:,}: {len(wrong)} ended otherwise")
    return 1 if wrong or total < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
