"""The mutation score of checks: `python tests/bench/bench_mutants.py [ID…]`, with -v also what survives."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.unit.audit.mutants import scores

BAR = 0.95


def main(arguments: list[str]) -> int:
    """Print the score of each check and of all; 1 below the bar."""
    names = [one for one in arguments if one != "-v"]
    found = scores(names or None)
    for one in sorted(found, key=lambda each: each.killed / max(1, each.made)):
        print(f"{one.check:8} {one.killed:4} of {one.made:4}  {one.killed / max(1, one.made):.3f}")
        for survivor in one.survivors if "-v" in arguments else ():
            print(f"           {survivor}")
    killed, made = sum(one.killed for one in found), sum(one.made for one in found)
    score = killed / max(1, made)
    print(f"{killed} of {made} mutants killed: {score:.3f}, at least {BAR}")
    return score < BAR


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
