"""Nodes are chosen by name as series spell them, and their names are no patterns."""

from __future__ import annotations

import re

import pytest

from dcctl.assess.history import promql as q
from dcctl.assess.history.chosen import Nodes, chosen
from dcctl.assess.history.signals import Found
from dcctl.errors import UsageError

NAMES = ("gpu1", "gpu1.dc1.example", "gpu2.dc1.example", "gpu3.dc1", "gpu3.dc2", "10.0.0.7")


@pytest.mark.parametrize(
    ("include", "exclude", "names", "left_out"),
    [
        ("", "", (), False),
        ("gpu1", "", ("gpu1", "gpu1.dc1.example"), False),
        ("gpu2", "", ("gpu2.dc1.example",), False),
        ("gpu[1-2]", "gpu2", ("gpu1", "gpu1.dc1.example"), False),
        ("", "gpu1", ("gpu1", "gpu1.dc1.example"), True),
        ("10.0.0.7", "", ("10.0.0.7",), False),
    ],
)
def test_a_node_is_all_its_spellings(
    include: str, exclude: str, names: tuple[str, ...], left_out: bool
) -> None:
    assert chosen(NAMES, include, exclude) == Nodes(names, left_out and bool(names))


@pytest.mark.parametrize(
    ("told", "include", "said"),
    [(NAMES, "gpu3", "could be any of"), (NAMES, "gpu9", "gpu9"), ((), "gpu1", "no series names its node")],
)
def test_what_no_series_has_is_refused(told: tuple[str, ...], include: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(told, include, "")


def test_names_are_quoted_and_ports_are_let_through() -> None:
    found = Found(frozenset(), {}, nodes=Nodes(("gpu1.dc1", "a+b")))
    (matcher,) = q.of_node(found, "instance")
    pattern = re.compile(matcher.removeprefix('instance=~"').removesuffix('"').replace("\\\\", "\\"))
    for name in ("gpu1.dc1", "gpu1.dc1:9100", "a+b"):
        assert pattern.fullmatch(name)
    for name in ("gpu1xdc1", "gpu1.dc1.example", "aab", "gpu1.dc1:http", ""):
        assert not pattern.fullmatch(name)


def test_every_spelling_is_asked_for_and_left_out() -> None:
    found = Found(frozenset(), {}, spellings=("Hostname", "hostname"), nodes=Nodes(("a",)))
    assert q.of_nodes(found, lambda matchers: f"m{matchers}") == '(m{Hostname=~"a"} or m{hostname=~"a"})'
    rest = found._replace(nodes=Nodes(("a",), left_out=True))
    assert q.of_nodes(rest, lambda matchers: f"m{matchers}") == 'm{Hostname!~"a",hostname!~"a"}'
