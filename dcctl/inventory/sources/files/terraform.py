"""Machines from `terraform show -json`: a state or a plan, of any provider in the table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.inventory.model import Fleet, Node
from dcctl.inventory.nodeexpr import check_name
from dcctl.inventory.sources.files.documents import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Shape(NamedTuple):
    """Where the facts are in one type of resource. Paths are dotted; the first that is there counts."""

    name: tuple[str, ...]
    address: tuple[str, ...]
    zone: str
    size: tuple[str, ...]
    provider_id: str
    """As the cloud's Kubernetes controller writes it; empty: it writes none."""
    system_uuid: str = ""


_AZURE: Final = Shape(
    ("computer_name", "name"),
    ("private_ip_address", "public_ip_address"),
    "zone",
    ("size", "vm_size"),
    "azure://{id}",
)
SHAPES: Final[dict[str, Shape]] = {
    "aws_instance": Shape(
        ("tags.Name", "private_dns", "id"),
        ("private_ip", "public_ip"),
        "availability_zone",
        ("instance_type",),
        "aws:///{availability_zone}/{id}",
    ),
    "google_compute_instance": Shape(
        ("name",),
        ("network_interface.0.network_ip",),
        "zone",
        ("machine_type",),
        "gce://{project}/{zone}/{name}",
    ),
    "azurerm_linux_virtual_machine": _AZURE,
    "azurerm_windows_virtual_machine": _AZURE,
    "azurerm_virtual_machine": _AZURE,
    "openstack_compute_instance_v2": Shape(
        ("name",),
        ("access_ip_v4", "network.0.fixed_ip_v4", "access_ip_v6"),
        "availability_zone",
        ("flavor_name", "flavor_id"),
        "openstack:///{id}",
        "id",
    ),
    "vsphere_virtual_machine": Shape(
        ("name",),
        ("default_ip_address", "guest_ip_addresses.0"),
        "datacenter_id",
        ("guest_id",),
        "vsphere://{uuid}",
        "uuid",
    ),
    "libvirt_domain": Shape(
        ("name",),
        ("network_interface.0.addresses.0",),
        "",
        ("machine",),
        "",
        "id",
    ),
    "alicloud_instance": Shape(
        ("host_name", "instance_name", "id"),
        ("private_ip", "primary_ip_address", "public_ip"),
        "availability_zone",
        ("instance_type",),
        "",
    ),
    "huaweicloud_compute_instance": Shape(
        ("name",),
        ("access_ip_v4", "network.0.fixed_ip_v4"),
        "availability_zone",
        ("flavor_name", "flavor_id"),
        "",
        "id",
    ),
    "oci_core_instance": Shape(
        ("hostname_label", "display_name"),
        ("private_ip", "public_ip"),
        "availability_domain",
        ("shape",),
        "{id}",
    ),
}
"""Type of resource -> its shape."""

_SIZE_LABEL: Final = "node.kubernetes.io/instance-type"
_ZONE_LABEL: Final = "topology.kubernetes.io/zone"


class _Resource(Struct, frozen=True):
    address: str
    type: str = ""
    mode: str = "managed"
    values: dict[str, object] | None = None
    sensitive_values: object = None


class _Module(Struct, frozen=True):
    resources: list[_Resource] = []
    child_modules: list[_Module] = []


class _Values(Struct, frozen=True):
    root_module: _Module = _Module()


class _Show(Struct, frozen=True):
    """What `terraform show -json` prints. A plan also has `prior_state`; what is planned includes it."""

    format_version: str | None = None
    terraform_version: str | None = None
    values: _Values | None = None
    planned_values: _Values | None = None


class TerraformSource:
    """A file with the output of `terraform show -json`."""

    kind = "terraform"

    def __init__(self, path: str) -> None:
        """Nothing is read yet."""
        self.path = path
        self.name = f"terraform:{path}"

    def collect(self) -> Fleet:
        """Return the machines in the file; UsageError when it is something else."""
        return parse(read_bytes(self.path), self.path)


def parse(data: bytes, where: str) -> Fleet:
    """Return the machines of a state or a plan. Values that Terraform marks sensitive are not read.

    UsageError: not `terraform show -json`, cut off, or without any machine.
    """
    hint = "terraform show -json > state.json"
    if not data.strip():
        raise UsageError(where, "is empty", hint)
    try:
        show = msgspec.json.decode(data, type=_Show)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(where, f"is not the JSON of Terraform: {error}", hint) from error
    values = show.planned_values or show.values
    if show.format_version is None or values is None:
        raise UsageError(where, "is not what `terraform show -json` prints", hint)
    nodes = tuple(
        _node(res, SHAPES[res.type], where) for res in _resources(values.root_module) if _is_node(res)
    )
    if not nodes:
        raise UsageError(
            where, f"has no machine of a known type ({', '.join(SHAPES)})", "terraform state list"
        )
    return Fleet(nodes=_unique(nodes))


def _is_node(resource: _Resource) -> bool:
    return resource.mode == "managed" and resource.type in SHAPES and resource.values is not None


def _resources(module: _Module) -> Iterator[_Resource]:
    yield from module.resources
    for child in module.child_modules:
        yield from _resources(child)


def _node(resource: _Resource, shape: Shape, where: str) -> Node:
    values = _open(resource.values, resource.sensitive_values)
    name = _first(values, shape.name) or resource.address
    size, zone = _first(values, shape.size), _first(values, (shape.zone,))
    labels = {_SIZE_LABEL: size, _ZONE_LABEL: zone}
    exists = bool(_first(values, ("id",)))
    return Node(
        name=check_name(name, f"{where}: {resource.address[:80]}"),
        aliases=() if name == resource.address else (resource.address,),
        address=_first(values, shape.address),
        provider_id=_provider_id(shape.provider_id, values) if exists else None,
        system_uuid=_first(values, (shape.system_uuid,)),
        state=None if exists else "planned",
        labels={key: value for key, value in labels.items() if value},
    )


def _open(value: object, sensitive: object) -> object:
    """Return the value without what is marked `true` in the same place of `sensitive`."""
    if sensitive is True:
        return None
    if isinstance(value, dict) and isinstance(sensitive, dict):
        return {key: _open(item, sensitive.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        marks = sensitive + [None] * (len(value) - len(sensitive))
        return [_open(item, mark) for item, mark in zip(value, marks, strict=False)]
    return value


def _first(values: object, paths: tuple[str, ...]) -> str | None:
    """Return the first text that is not empty among these dotted paths."""
    found = (_at(values, path) for path in paths if path)
    return next((text for text in found if isinstance(text, str) and text), None)


def _at(value: object, path: str) -> object:
    for key in path.split("."):
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _provider_id(pattern: str, values: object) -> str | None:
    """Fill the pattern; None when a part is not known."""
    known: Mapping[str, object] = values if isinstance(values, dict) else {}
    parts = {key: str(value) for key, value in known.items() if isinstance(value, str) and value}
    try:
        return pattern.format(**parts) or None
    except KeyError:
        return None


def _unique(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return the nodes; those that share a name are called by their address in Terraform."""
    uses = Counter(node.name for node in nodes)
    return tuple(
        replace(node, name=node.aliases[0], aliases=()) if uses[node.name] > 1 and node.aliases else node
        for node in nodes
    )
