"""What a node stores and shares, as its probe told it. Pure; the node may be hostile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct, field

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.models import Leftover, Scratch
from dcctl.inventory.evidence.storage import (
    Backup,
    Copy,
    Export,
    Filesystem,
    Health,
    Permission,
    StorePool,
)
from dcctl.inventory.probes.rules import SHARED_TYPES
from dcctl.inventory.sources.ssh.audit.told import HostDocument, Reading, Told, Untold
from dcctl.inventory.sources.ssh.error import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.sources.ssh.audit.gather import NodeAnswer

_ROW: Final = re.compile(r"-\S+\s+\d+\s+\d+\s+\d+\s+(\d+)\s+(\d+)\s+(.+)")
_CLIENT: Final = re.compile(r"(\S+?)\(([^()]*)\)")
_CEPH_HEALTH: Final[dict[str, Health]] = {"HEALTH_OK": "ok", "HEALTH_WARN": "warning", "HEALTH_ERR": "error"}
_BAD: Final = (ValueError, LookupError, TypeError, AttributeError, OverflowError, msgspec.MsgspecError)


class ScratchRow(Struct, frozen=True):
    """What the probe tells of one folder."""

    why: str = ""
    left: dict[str, int] = field(default_factory=dict)


class StoresDocument(Struct, frozen=True):
    """The part `stores`. With `why` it was not told at all."""

    why: str = ""
    mounts: Told = Told()
    lustre: Told = Told()
    wiped: Told = Told()
    etcd: bool = False
    scratches: dict[str, ScratchRow] = field(default_factory=dict)


def store_evidence(answer: NodeAnswer) -> Evidence:
    """Return what a node stores and shares; nothing of one that did not answer."""
    raw = answer.parts.get("stores")
    if answer.silence is not None or raw is None:
        return Evidence()
    try:
        document = msgspec.json.decode(raw, type=StoresDocument)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Evidence()
    reading = Reading(answer.commands, HostDocument())
    return Evidence(
        exports=tuple(_exports(reading, answer.node)),
        filesystems=tuple(_filesystems(reading, document)),
        backups=tuple(_backups(reading, document, answer.node)),
        scratches=tuple(_scratches(document, answer.node)),
    )


def _exports(reading: Reading, node: str) -> Iterator[Export]:
    if not reading.ran("exportfs"):
        return
    try:
        told = exported(reading.command("exportfs"))
    except Untold as why:
        yield Export(name="", node=node, silent={"permissions": why.silence})
        return
    for path, permissions in told.items():
        yield Export(name=path, node=node, permissions=tuple(permissions))
    if not told:
        yield Export(name="", node=node, permissions=())


def exported(text: str) -> dict[str, list[Permission]]:
    """Return path -> who may mount it, of `exportfs -v`: a long path has its client on the next line."""
    found: dict[str, list[Permission]] = {}
    path = ""
    for line in text.splitlines():
        if line[:1] == "/":
            path, _, line = line.partition("\t") if "\t" in line else line.partition(" ")  # noqa: PLW2901
            path = path.rstrip()
        for clients, options in _CLIENT.findall(line):
            found.setdefault(path, []).append(Permission(clients, tuple(options.split(","))))
    return found


def _filesystems(reading: Reading, document: StoresDocument) -> Iterator[Filesystem]:
    if reading.ran("shared_df"):
        told = reading.commands["shared_df"]
        for line in (told.out or "").splitlines()[1:]:
            yield from _mounted(line, document)
    if reading.ran("ceph_health"):
        yield _ceph(reading)


def _mounted(line: str, document: StoresDocument) -> Iterator[Filesystem]:
    """A shared file system that answered: of NFS that is all that a client can tell of its health."""
    words = line.split(None, 3)
    if len(words) < 4 or not words[1].isdigit() or not words[2].isdigit():
        return
    kind, size, free, source = words
    health: Health | None = "ok"
    if kind == "lustre":
        state = (document.lustre.out or "").strip()
        health = None if not state else "ok" if state.startswith("healthy") else "error"
    yield Filesystem(name=source, kind=kind, health=health, size_bytes=int(size), free_bytes=int(free))


def _ceph(reading: Reading) -> Filesystem:
    silent: dict[str, Silence] = {}

    def told(name: str) -> Any:  # noqa: ANN401  # JSON of another program, of which each reader takes parts
        return msgspec.json.decode(reading.command(name))

    def tried(name: str, *fields: str) -> Any:  # noqa: ANN401  # as above
        try:
            return _CEPH[name](told(name))
        except Untold as untold:
            why = untold.silence
        except _BAD as error:
            why = Silence(f"{name} makes no sense: {printable(str(error))}", "invalid")
        silent.update(dict.fromkeys(fields, why))
        return None

    health, complaints = tried("ceph_health", "health") or (None, ())
    size, free = tried("ceph_df", "free_bytes") or (None, None)
    return Filesystem(
        name="ceph",
        kind="ceph",
        health=health,
        complaints=complaints,
        size_bytes=size,
        free_bytes=free,
        pools=tried("ceph_pools", "pools"),
        silent=silent,
    )


def _ceph_health(told: Any) -> tuple[Health, tuple[str, ...]]:  # noqa: ANN401  # as above
    muted = [name for name, one in told["checks"].items() if one.get("muted")]
    said = {name: one["summary"]["message"] for name, one in told["checks"].items() if name not in muted}
    return _CEPH_HEALTH[told["status"]], tuple(f"{name}: {printable(each)}" for name, each in said.items())


def _ceph_df(told: Any) -> tuple[int, int]:  # noqa: ANN401  # as above
    return int(told["stats"]["total_bytes"]), int(told["stats"]["total_avail_bytes"])


def _ceph_pools(told: Any) -> tuple[StorePool, ...]:  # noqa: ANN401  # as above
    """Replicated pools by their size; of an erasure code, what may be lost at the least."""
    return tuple(
        StorePool(printable(one["pool_name"]), _copies(one)) for one in told if one["pool_name"] != ".mgr"
    )


def _copies(pool: dict[str, Any]) -> int | None:
    if pool["type"] == 1:
        return int(pool["size"])
    return int(pool["size"]) - int(pool["min_size"]) + 1 if pool.get("erasure_code_profile") else None


_CEPH: Final = {"ceph_health": _ceph_health, "ceph_df": _ceph_df, "ceph_pools": _ceph_pools}


def _backups(reading: Reading, document: StoresDocument, node: str) -> Iterator[Backup]:
    """Snapshots of etcd and repositories of restic in the folders that are usual for them."""
    told = 0
    for name in reading.commands:
        kind, slash, folder = name.partition("/")
        if kind not in ("snapshots", "restic") or not slash:
            continue
        copies, silent = _listed(reading, name)
        etcd = kind == "snapshots"
        told += etcd
        place = f"/{folder if etcd else folder.removesuffix('/snapshots')}"
        yield Backup(
            name=f"{'etcd' if etcd else 'restic'} {node}:{place}",
            tool="etcd" if etcd else "restic",
            node=node,
            copies=copies,
            encrypted=None if etcd else True,
            off_node=_is_shared(place, document),
            silent=silent,
        )
    if document.etcd and not told:
        why = Silence("no snapshots in the usual folders; declare where they are", "missing")
        yield Backup(name=f"etcd {node}", tool="etcd", node=node, silent={"copies": why})


def _listed(reading: Reading, name: str) -> tuple[tuple[Copy, ...] | None, dict[str, Silence]]:
    try:
        text = reading.command(name)
    except Untold as why:
        return None, {"copies": why.silence}
    rows = [row for line in text.splitlines() if (row := _ROW.fullmatch(line))]
    sized = name.startswith("snapshots")
    return tuple(Copy(int(row[2]), size_bytes=int(row[1]) if sized else None) for row in rows), {}


def _is_shared(path: str, document: StoresDocument) -> bool | None:
    """True when a path lies on a file system of another machine. None: nobody told what is mounted."""
    if document.mounts.out is None:
        return None
    best, kind = "", ""
    for line in document.mounts.out.splitlines():
        words = line.split(" ")
        if (
            len(words) > 2
            and len(words[1]) >= len(best)
            and f"{path}/".startswith(f"{words[1].rstrip('/')}/")
        ):
            best, kind = words[1], words[2]
    return kind in SHARED_TYPES


def _scratches(document: StoresDocument, node: str) -> Iterator[Scratch]:
    """Local ones alone: of what several nodes share, the owner may run on another."""
    wiped, silent = document.wiped.changed_at_s, {}
    if wiped is None and document.wiped.cause == "missing":
        wiped = 0
    elif wiped is None:
        silent["wiped_at_s"] = Silence(document.wiped.why or "it was not asked for", document.wiped.cause)
    for path, row in document.scratches.items():
        if _is_shared(path, document):
            continue
        mute = silent | ({"leftovers": Silence(f"{path}: {row.why}", "denied")} if row.why else {})
        left = tuple(Leftover(printable(user), files) for user, files in sorted(row.left.items()))
        yield Scratch(
            node=node, path=path, leftovers=None if row.why else left, wiped_at_s=wiped, silent=mute
        )
