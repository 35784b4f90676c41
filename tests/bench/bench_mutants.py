"""The mutation score of checks: `python tests/bench/bench_mutants.py [ID…]`, with -v also what survives."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.unit.audit.mutating import NOT_CHANGED, by_check, score

BAR = 0.95


def main(arguments: list[str]) -> int:
    """Print the score of each check, of each module that they share, and of all; 1 below the bar."""
    verbose = "-v" in arguments
    found = score([one for one in arguments if one != "-v"] or None)
    tallies = by_check(found)
    for name in sorted(tallies, key=lambda each: tallies[each][0] / tallies[each][1]):
        killed, made, survivors = tallies[name]
        print(f"{name:24} {killed:4} of {made:4}  {killed / made:.3f}")
        for survivor in survivors if verbose else ():
            print(f"           {survivor}")
    killed, made = sum(not one.alive for one in found.results), len(found.results)
    print(f"{killed} of {made} mutants killed: {killed / max(1, made):.3f}, at least {BAR}")
    print(f"{found.worded} more changed words alone")
    kept = [f"{module} {places}".rstrip() for module, places in NOT_CHANGED.items()]
    print(
        f"{len(kept)} modules are left as they are, or tables of theirs", *kept if verbose else (), sep="\n  "
    )
    print(f"{len(found.unmade)} could not be put in place", *found.unmade if verbose else (), sep="\n  ")
    idle = [f"{one.module}.{one.name}" for one in found.idle]
    print(f"{len(idle)} places no fixture of these runs through", *idle if verbose else (), sep="\n  ")
    return killed < BAR * made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
