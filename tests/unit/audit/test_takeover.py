"""Takeover paths, held against a plain search through every chain of accounts."""

from __future__ import annotations

import random
from itertools import product

import pytest

from dcctl.audit.facts.graph import Graph
from dcctl.audit.facts.takeover import Reach
from dcctl.inventory.evidence.rbac import Binding, Bound, Role, Rule

SPACES, NAMES = ("a", "b", "c", "d"), ("x", "y")
ACCOUNTS = tuple(("", space, name) for space, name in product(SPACES, NAMES))
EVERYTHING = Rule(("*",), ("*",), ("*",))
STARTS = Rule(("create",), ("",), ("pods",))
ENTERS = Rule(("create",), ("",), ("pods/exec",))
NAMED = Rule(("create",), ("",), ("serviceaccounts/token",), ("x",))
RULES = (EVERYTHING, STARTS, ENTERS, NAMED, Rule(("get",), ("",), ("pods",)))


def world(seed: int) -> tuple[list[tuple[tuple[str, str, str], str, Rule]], frozenset[tuple[str, str, str]]]:
    """(account, namespace in which it has a rule or empty, the rule), and the accounts that pods run as."""
    rng = random.Random(seed)
    held = [
        (rng.choice(ACCOUNTS), rng.choice((*SPACES, *SPACES, "")), rng.choices(RULES, (1, 5, 5, 5, 5))[0])
        for _ in range(rng.randint(2, 9))
    ]
    held.append((rng.choice(ACCOUNTS), "", EVERYTHING))
    return held, frozenset(rng.sample(ACCOUNTS, 4))


def shortest(
    whose: tuple[str, str, str],
    held: list[tuple[tuple[str, str, str], str, Rule]],
    running: frozenset[tuple[str, str, str]],
    most: int,
) -> int | None:
    """The fewest steps of an account to every right, by trying all of them."""
    mine = [(space, rule) for owner, space, rule in held if owner == whose]
    if any(rule is EVERYTHING and not space for space, rule in mine):
        return 0
    if most == 0:
        return None
    found = []
    for other, (space, rule) in product(ACCOUNTS, mine):
        inside = space in ("", other[1])
        starts = rule in (STARTS, EVERYTHING)
        if inside and (
            starts or (rule is ENTERS and other in running) or (rule is NAMED and other[2] == "x")
        ):
            left = shortest(other, held, running, most - 1)
            if left is not None:
                found.append(left + 1)
    return min(found, default=None)


@pytest.mark.parametrize("seed", range(150))
def test_the_shortest_path_is_found_and_no_other(seed: int) -> None:
    held, running = world(seed)
    roles = [Role(name=f"r{number}", rules=(rule,)) for number, (_, _, rule) in enumerate(held)]
    bindings = [
        Binding(
            namespace=space,
            name=f"r{number}",
            role_kind="ClusterRole",
            role=f"r{number}",
            subjects=(Bound("ServiceAccount", owner[2], owner[1]),),
        )
        for number, (owner, space, _) in enumerate(held)
    ]
    reach = Reach(Graph(roles, bindings), ACCOUNTS, running)
    paths = {whose: reach.path(whose) for whose in ACCOUNTS}
    steps = {whose: None if path is None else len(path.steps) for whose, path in paths.items()}
    assert steps == {whose: shortest(whose, held, running, 2) for whose in ACCOUNTS}
