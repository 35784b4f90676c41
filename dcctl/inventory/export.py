"""A fleet as text for other tools: Ansible, JSON, CSV. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from dcctl.harmless import HOSTILE, visible
from dcctl.inventory import snapshot
from dcctl.inventory.folding import sort_key
from dcctl.inventory.hosts import is_host, is_login
from dcctl.inventory.model import Gap
from dcctl.inventory.occupancy.boards import boards_of, count_boards
from dcctl.inventory.racks import Racks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.inventory.model import Fleet, Node

_NOT_IN_GROUP = re.compile(r"[^a-zA-Z0-9_]+")
_FORMULA: Final = ("=", "+", "-", "@")
"""What a spreadsheet would take for a formula at the start of a cell."""

_TEMPLATE: Final = re.compile(r"\{\{|\{%|\{#|#jinja2:")
"""What Ansible would take for a template and evaluate on the machine it runs on."""

_CAN_BE: Final[dict[str, Callable[[str], bool]]] = {
    "the node": is_host,
    "ansible_host": is_host,
    "ansible_user": is_login,
}
"""What goes on a command line of ssh -> what it can be."""


def ansible(fleet: Fleet) -> str:
    """Return a YAML inventory: a group for each pool, rack and site, and how to reach each host.

    Group names are made of letters, digits and `_`, as Ansible wants, with `pool_`, `rack_` or `site_` in
    front; a rack whose name several sites use is `rack_SITE_NAME`. Host names with characters of Ansible's
    patterns (`[`, `:`) are quoted but cannot be ranges there.
    Nodes and values that Ansible would evaluate, or ssh take for an option or a command, are left out:
    `left_out` tells which.
    """
    groups: dict[str, dict[str, None]] = defaultdict(dict)
    racks = Racks(fleet.nodes)
    nodes = [node for node in fleet.nodes if not _why_not("the node", node.name)]
    nodes.sort(key=lambda node: sort_key(node.name))
    for node in nodes:
        for group in _groups(node, racks):
            groups[group][node.name] = None
    hosts = {
        node.name: {name: value for name, value in _variables(node).items() if not _why_not(name, value)}
        for node in nodes
    }
    children = {group: {"hosts": groups[group]} for group in sorted(groups, key=sort_key)}
    document = {"all": {"hosts": hosts} | ({"children": children} if children else {})}
    return _yaml(document)


def _yaml(document: object) -> str:
    """Return the document as YAML. A hostile character anywhere makes the whole text ASCII."""
    import yaml

    text = str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=False))
    if not HOSTILE.search(text.replace("\n", "")):
        return text
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=False, default_flow_style=False))


def left_out(fleet: Fleet, form: str) -> tuple[Gap, ...]:
    """Return a gap for each node of which the export in `form` leaves out values, or the whole of it."""
    if form != "ansible":
        return ()
    return tuple(gap for node in fleet.nodes for gap in _left_out(node))


def _left_out(node: Node) -> Iterator[Gap]:
    """Yield a gap for a node that is left out, else one for each reason why values of it are."""
    reason = _why_not("the node", node.name)
    if reason:
        yield Gap("export", node.name, f"the node is not exported, because {reason}", "invalid")
        return
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, value in _variables(node).items():
        if reason := _why_not(name, value):
            reasons[reason].append(name)
    for reason, names in reasons.items():
        yield Gap("export", node.name, f"{', '.join(names)}: not exported, because {reason}", "invalid")


def _why_not(name: str, value: str | int) -> str:
    """Return why a value is left out, or nothing."""
    if isinstance(value, str):
        if _TEMPLATE.search(value):
            return "Ansible would evaluate it as a template"
        if name in _CAN_BE and not _CAN_BE[name](value):
            return "ssh or a shell could take it for more than a name"
    return ""


def _groups(node: Node, racks: Racks) -> list[str]:
    named = [("pool", pool) for pool in node.pools]
    if rack := racks.of(node):
        named.append(("rack", racks.label(rack)))
    if node.site:
        named.append(("site", node.site))
    return sorted({f"{kind}_{_NOT_IN_GROUP.sub('_', name)}" for kind, name in named})


def _variables(node: Node) -> dict[str, str | int]:
    models = sorted({board.model for board in node.accelerators or () if board.model})
    stated: dict[str, str | int | None] = {
        "ansible_host": node.address,
        "ansible_user": node.login_user,
        "ansible_port": node.login_port,
        "site": node.site,
        "rack": node.rack,
        "dcctl_accelerators": count_boards(node),
        "dcctl_accelerator_model": ", ".join(models) or None,
    }
    return {name: value for name, value in stated.items() if value is not None}


def json(fleet: Fleet) -> str:
    """Return the snapshot of the fleet, which `dcctl -i` reads back."""
    return snapshot.encode(fleet).decode()


def _models(node: Node) -> str:
    models = Counter(board.model() or "unknown" for board in boards_of(node) or ())
    return "; ".join(f"{count} x {model}" for model, count in sorted(models.items()))


_COLUMNS: Final[dict[str, Callable[[Node], object]]] = {
    "node": lambda node: node.name,
    "address": lambda node: node.address,
    "site": lambda node: node.site,
    "rack": lambda node: node.rack,
    "pools": lambda node: " ".join(node.pools),
    "ready": lambda node: node.ready,
    "schedulable": lambda node: node.schedulable,
    "state": lambda node: node.state,
    "cpu_milli": lambda node: node.capacity and node.capacity.cpu_milli,
    "memory_bytes": lambda node: node.capacity and node.capacity.memory_bytes,
    "accelerators": count_boards,
    "models": _models,
    "system_vendor": lambda node: node.system and node.system.vendor,
    "system_product": lambda node: node.system and node.system.product,
    "system_serial": lambda node: node.system and node.system.serial,
    "system_uuid": lambda node: node.system_uuid,
    "provider_id": lambda node: node.provider_id,
    "sources": lambda node: " ".join(node.sources),
    "cordoned_by": lambda node: node.cordon and node.cordon.by,
}
"""Column -> its value. Columns are only ever added, at the end."""


def to_csv(fleet: Fleet) -> str:
    """Return one row for each node (RFC 4180); unknown is empty, never 0, control characters written out."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for node in sorted(fleet.nodes, key=lambda node: sort_key(node.name)):
        writer.writerow([_cell(value(node)) for value in _COLUMNS.values()])
    return out.getvalue()


def _cell(value: object) -> str:
    """Return the cell's text. A text that a spreadsheet would run gets a quote before it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = visible(str(value))
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


FORMATS: Final[dict[str, Callable[[Fleet], str]]] = {"ansible": ansible, "json": json, "csv": to_csv}
"""Name of a format -> what writes it."""
