"""`types:`: nodes that can be bought or rented, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.market import NodeType
from dcctl.inventory.sources.jobs.resources import resources
from dcctl.inventory.sources.market.measures import YEARS, amount, money

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor

KEYS = ("name", "model", "each", "stock", "capex", "life", "opex", "sites", "whole")
_MOST_STOCK: Final = 1_000_000
_MOST_DEVICES: Final = 1024


def node_type(given: Cursor) -> NodeType:
    """Return a type of node. UsageError with the place."""
    keys = given.fields(KEYS, required=("name", "each"))
    name = keys["name"].name()
    given.path = f"type {name}"
    each = resources(keys["each"], least=0)
    if each.gpu_milli is not None:
        raise keys["each"].error("has a share of a GPU; a node has whole ones")
    if len(each.devices) > 1 or any(count > _MOST_DEVICES for count in each.devices.values()):
        raise keys["each"].error(f"has accelerators of one kind, at most {_MOST_DEVICES:,}")
    if not keys.keys() & {"capex", "opex"}:
        raise given.error("has no price: neither `capex` nor `opex`; write `opex: 0` where it is free")
    if ("capex" in keys) != ("life" in keys):
        told, missing = ("capex", "life") if "capex" in keys else ("life", "capex")
        raise given.error(f"tells its {told} and not its {missing}: a year of it is capex / life")
    return NodeType(
        name=name,
        each=each,
        model=keys["model"].text() if "model" in keys else None,
        stock=keys["stock"].integer(0, _MOST_STOCK) if "stock" in keys else None,
        capex_milli=money(keys["capex"]) if "capex" in keys else 0,
        life_milliyears=amount(keys["life"], YEARS) if "life" in keys else None,
        opex_milli=money(keys["opex"]) if "opex" in keys else 0,
        sites=keys["sites"].names() if "sites" in keys else (),
        whole=keys["whole"].flag() if "whole" in keys else True,
    )
