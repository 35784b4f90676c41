"""Fleets from files: a snapshot, or a list of nodes written by hand; and what kind of file one is.

The list, in YAML or JSON:

    nodes:
      - name: gpu[001-016]
        rack: r1
        site: dc1
        pools: [train]
        accelerators: {model: NVIDIA H100 80GB HBM3, count: 8, memory_bytes: 85899345920}
      - login1
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec
from msgspec import Struct

from dcctl.errors import UsageError
from dcctl.inventory import snapshot
from dcctl.inventory.folding import fold
from dcctl.inventory.model import Accelerator, Fleet, Natural, Node, Pool, Port, Rack, Resources, Site
from dcctl.inventory.nodeexpr import check_name, expand, shown
from dcctl.inventory.sources.files.documents import read_bytes, text_of, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.sources.base import Source

_MAX_BOARDS = 1024
_Cpus: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
"""Processors; no machine has more."""
_Bytes: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 60)]
"""Memory; no machine has more."""
_INI = re.compile(r"^\s*\[[^\]\n]+\]\s*$", re.MULTILINE)


class _Boards(Struct, frozen=True, forbid_unknown_fields=True):
    model: str | None = None
    count: Natural = 1
    memory_bytes: _Bytes | None = None
    vendor: str = "nvidia"
    resource: str = "nvidia.com/gpu"


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """One node or one folded set of equal nodes."""

    name: str
    address: str | None = None
    user: str | None = None
    port: Port | None = None
    site: str | None = None
    rack: str | None = None
    pools: list[str] = []
    labels: dict[str, str] = {}
    cpus: _Cpus | None = None
    memory_bytes: _Bytes | None = None
    system_uuid: str | None = None
    accelerators: _Boards | None = None


class _List(Struct, frozen=True, forbid_unknown_fields=True):
    nodes: list[str | _Entry]
    name: str = ""
    sites: list[Site] = []
    racks: list[Rack] = []


class FileSource:
    """A snapshot or a list of nodes in a file; `-` is standard input."""

    kind = "file"

    def __init__(self, path: str, data: bytes | None = None) -> None:
        """Nothing is read yet. `data`: what the file was found to hold, so that it is not read twice."""
        self.path, self._data = path, data
        self.name = f"file:{_where(path)}"

    def collect(self) -> Fleet:
        """Return the fleet in the file. UsageError, not a gap: the file was named and cannot be used."""
        data = read_bytes(self.path) if self._data is None else self._data
        return parse(data, _where(self.path))


def _where(path: str) -> str:
    return "stdin" if path == "-" else path


def parse(data: bytes, where: str) -> Fleet:
    """Return the fleet of a snapshot or of a list of nodes; UsageError with the place of what is wrong."""
    if snapshot.begins(data):
        return snapshot.decode(data, where)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b""} and not _is_list(data):
        return snapshot.decode(data, where)
    read = tree(text_of(data, where), where)
    if not isinstance(read, dict | list):
        raise _no_list(where)
    document = {"nodes": read} if isinstance(read, list) else read
    try:
        listed = msgspec.convert(document, _List, strict=False)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        why = f"{path.strip('`')}: {what}" if path else what
        raise UsageError(where, why, "dcctl man inventory") from error
    return _fleet(listed, where)


def _no_list(where: str) -> UsageError:
    why = "is plain text, not an inventory; a list of nodes looks like `nodes: [gpu001, gpu002]`"
    return UsageError(where, why, "dcctl man inventory")


def _is_list(data: bytes) -> bool:
    """Tell whether JSON is a list of nodes written by hand: it has nodes, and no schema."""
    try:
        keys = msgspec.json.decode(data, type=dict[str, msgspec.Raw]).keys()
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return "nodes" in keys and "schema" not in keys


def _fleet(listed: _List, where: str) -> Fleet:
    nodes = [
        node
        for at, entry in enumerate(listed.nodes)
        for node in _nodes(entry, f"{where}: $.nodes[{at}].name")
    ]
    if not nodes:
        raise UsageError(where, "holds no nodes", "dcctl assess -i demo")
    seen: set[str] = set()
    for node in nodes:
        if node.name in seen:
            raise UsageError(where, f"names the node {node.name} twice")
        seen.add(node.name)
    pools = sorted({pool for node in nodes for pool in node.pools})
    return Fleet(
        name=listed.name,
        nodes=tuple(nodes),
        sites=tuple(listed.sites),
        racks=tuple(listed.racks),
        pools=tuple(Pool(name=p, nodes=fold(n.name for n in nodes if p in n.pools)) for p in pools),
    )


def _nodes(entry: str | _Entry, where: str) -> Iterator[Node]:
    """Yield a node for each name of an entry."""
    given = _Entry(name=entry) if isinstance(entry, str) else entry
    check_name(given.name, where)
    try:
        names = expand(given.name, {})
    except UsageError as error:
        raise UsageError(f"{where}: {error.what}", error.why, error.hint) from error
    if not names:
        raise UsageError(f"{where}: node set {shown(given.name)}", "stands for no node")
    for name in names:
        yield Node(
            name=check_name(name, where),
            address=given.address,
            login_user=given.user,
            login_port=given.port,
            site=given.site,
            rack=given.rack,
            pools=tuple(given.pools),
            labels=given.labels,
            system_uuid=given.system_uuid,
            capacity=_capacity(given),
            accelerators=_boards(given.accelerators, where),
        )


def _capacity(given: _Entry) -> Resources | None:
    boards = given.accelerators
    if given.cpus is None and given.memory_bytes is None and boards is None:
        return None
    return Resources(
        cpu_milli=None if given.cpus is None else given.cpus * 1000,
        memory_bytes=given.memory_bytes,
        devices={boards.resource: boards.count} if boards else {},
    )


def _boards(given: _Boards | None, where: str) -> tuple[Accelerator, ...] | None:
    if given is None:
        return None
    if given.count > _MAX_BOARDS:
        raise UsageError(where, f"has {given.count} accelerators; 0 to {_MAX_BOARDS} can be")
    return tuple(
        Accelerator(
            index=index,
            model=given.model,
            memory_bytes=given.memory_bytes,
            vendor=given.vendor,
            resource=given.resource,
        )
        for index in range(given.count)
    )


def detect(path: str, timeout_s: float = 30.0) -> Source:
    """Return the source for a file: snapshot or list, Ansible inventory or script, or Terraform JSON.

    `timeout_s` is how long a script may take.
    """
    from dcctl.inventory.sources.files.ansible import AnsibleSource, is_script
    from dcctl.inventory.sources.files.terraform import TerraformSource

    if path == "-":
        return FileSource(path)
    if is_script(path):
        return AnsibleSource(path, timeout_s)
    data = read_bytes(path)
    match "file" if snapshot.begins(data) else _kind(data, path):
        case "ansible":
            return AnsibleSource(path)
        case "terraform":
            return TerraformSource(path)
        case _:
            return FileSource(path, data)


def _kind_of_json(data: bytes) -> str:
    """Return the kind of a JSON object by its keys."""
    try:
        keys = msgspec.json.decode(data, type=dict[str, msgspec.Raw]).keys()
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return "file"
    if keys & {"terraform_version", "planned_values"}:
        return "terraform"
    return "ansible" if "_meta" in keys or ("all" in keys and "schema" not in keys) else "file"


def _kind(data: bytes, path: str) -> str:
    """Return the kind of file by what is in it; the end of its name decides only what could be either."""
    if data.lstrip()[:1] == b"{":
        return _kind_of_json(data)
    text = data[: 1 << 20].decode("utf-8", "replace")
    if len(text.split()) == 1 and text.strip()[0] not in "[-":
        raise _no_list(path)
    if path.endswith((".ini", ".cfg")) or _INI.search(text):
        return "ansible"
    if path.endswith((".json", ".jsonl")) or re.search(r"^nodes\s*:|^\s*-\s", text, re.MULTILINE):
        return "file"
    yaml = re.search(r"^\s+(hosts|children|vars)\s*:", text, re.MULTILINE)
    return "ansible" if yaml or not path.endswith((".yaml", ".yml")) else "file"
