"""Racks are told by site and name."""

from __future__ import annotations

from dcctl.inventory.model import Node, Rack
from dcctl.inventory.racks import Racks

_HERE = Node("a", site="dc1", rack="r07")
_THERE = Node("b", site="dc2", rack="r07")
_NOWHERE = Node("c", rack="r07")


def test_a_rack_without_a_site_is_the_only_one_of_its_name_or_of_no_site() -> None:
    assert Racks([_HERE, _NOWHERE]).of(_NOWHERE) == ("dc1", "r07")
    assert Racks([_NOWHERE], [Rack("r07", "dc1")]).of(_NOWHERE) == ("dc1", "r07")
    assert Racks([_HERE, _THERE, _NOWHERE]).of(_NOWHERE) == (None, "r07")
    assert Racks([_NOWHERE]).of(_NOWHERE) == (None, "r07")
    assert Racks([_HERE]).of(Node("d")) is None


def test_names_mean_one_rack() -> None:
    one, two = Racks([_HERE]), Racks([_HERE, _THERE, _NOWHERE])
    assert (one.names(_HERE), two.names(_HERE), two.names(_NOWHERE)) == (["r07", "dc1/r07"], ["dc1/r07"], [])
    assert (one.label(("dc1", "r07")), two.label(("dc1", "r07"))) == ("r07", "dc1/r07")
