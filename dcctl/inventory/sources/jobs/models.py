"""Elastic demand (`models:`), what there is to share out (`supply:`), and `quotas:`, in dcctl's own form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import UsageError
from dcctl.inventory.asked import Elastic, Supply
from dcctl.inventory.model import Accelerator, Node, Quota, Resources
from dcctl.inventory.nodeexpr import check_name, expand
from dcctl.inventory.sources.jobs import amounts
from dcctl.inventory.sources.jobs.place import labels as labels_of
from dcctl.inventory.sources.jobs.resources import checked, rates, resources
from dcctl.inventory.vendors import device

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor

MODEL_KEYS = ("name", "weight", "training", "inference", "min", "quota")
SUPPLY_KEYS = ("nodes", "total", "price")
NODE_KEYS = ("name", "each", "model", "site", "rack", "labels")
_MOST_NODES = 100_000
_MOST_BOARDS = 1024


def elastic(given: Cursor) -> Elastic:
    """Return a model that takes what it can get. UsageError with the place."""
    keys = given.fields(MODEL_KEYS, required=("name",))
    name = keys["name"].name()
    given.path = f"model {name}"
    amount = {key: resources(keys[key]) for key in MODEL_KEYS[2:] if key in keys}
    if not amount.keys() & {"training", "inference"}:
        raise given.error("wants neither training nor inference")
    return Elastic(
        name=name,
        weight_milli=checked(keys["weight"], _weight) if "weight" in keys else 1000,
        training=amount.get("training"),
        inference=amount.get("inference"),
        minimum=amount.get("min"),
        quota=amount.get("quota"),
    )


def _weight(text: str) -> int:
    return amounts.read(text, amounts.PLAIN)


def quota(owner: str, given: Cursor, source: str) -> Quota:
    """Return the most that work of an owner or queue may hold. UsageError with the place."""
    if len(owner.split()) != 1:
        raise given.error("an owner or queue has a name without blanks")
    if len(owner.split()) != 1:
        raise given.error("an owner or queue has a name without blanks")
    hard = resources(given, least=0)
    if hard.gpu_memory_bytes is not None:
        raise given.error("gpu_memory is of one GPU; a quota counts them: `gpu: 8`")
    return Quota(owner, owner, source, hard)


def supply(given: Cursor) -> Supply:
    """Return what there is, as nodes, in total, or both, and what it costs. UsageError with the place."""
    keys = given.fields(SUPPLY_KEYS)
    if not keys:
        raise given.error(f"says nothing; known are {', '.join(SUPPLY_KEYS)}")
    price = keys["price"].keys() if "price" in keys else {}
    currency = price.pop("currency").name() if "currency" in price else ""
    nodes: dict[str, Node] = {}
    for item in keys["nodes"].items() if "nodes" in keys else ():
        for node in _nodes(item):
            if node.name in nodes:
                raise item.error(f"the node {node.name} is there twice")
            nodes[node.name] = node
    return Supply(
        nodes=tuple(nodes.values()),
        total=resources(keys["total"], least=0) if "total" in keys else None,
        rates=rates(price),
        currency=currency,
    )


def _nodes(given: Cursor) -> list[Node]:
    """A node for each name of a node set."""
    keys = given.fields(NODE_KEYS, required=("name", "each"))
    each = resources(keys["each"], least=0)
    boards = _boards(each, keys)
    return [
        Node(
            name=name,
            site=keys["site"].name() if "site" in keys else None,
            rack=keys["rack"].name() if "rack" in keys else None,
            ready=True,
            schedulable=True,
            labels=labels_of(keys["labels"]) if "labels" in keys else {},
            capacity=each,
            allocatable=each,
            accelerators=boards,
        )
        for name in _names(keys["name"])
    ]


def _names(given: Cursor) -> tuple[str, ...]:
    """The names in a node set."""
    text = check_name(given.name(), given.place)
    try:
        names = expand(text, {})
    except UsageError as error:
        raise given.error(f"{error.what}: {error.why}", error.hint) from error
    if not 0 < len(names) <= _MOST_NODES:
        raise given.error(f"stands for {len(names):,} nodes; 1 to {_MOST_NODES:,} can be")
    return tuple(check_name(name, given.place) for name in names)


def _boards(each: Resources, keys: dict[str, Cursor]) -> tuple[Accelerator, ...]:
    """The boards behind the devices, of the model that the node is said to have."""
    model = keys["model"].text() if "model" in keys else None
    known = [(row, name, count) for name, count in each.devices.items() if (row := device(name)) is not None]
    if any(count > _MOST_BOARDS for _, _, count in known):
        raise keys["each"].error(f"no node has more than {_MOST_BOARDS:,} accelerators")
    return tuple(
        Accelerator(index, vendor=row.vendor, resource=name, kind=row.kind, model=model)
        for row, name, count in known
        for index in range(count)
    )
