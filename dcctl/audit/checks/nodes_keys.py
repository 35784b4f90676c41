"""Nodes: keys of servers and of persons. One key on many nodes is one finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.checks.nodes_common import days
from dcctl.audit.scene import DERIVED, MADE_OF
from dcctl.inventory.evidence.base import Silence, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.hosts import AuthorizedKey, Host, HostKey


class Held(NamedTuple):
    """A key on a node."""

    node: str
    key: HostKey | AuthorizedKey


class Key(Subject, frozen=True, kw_only=True):
    """A key by its fingerprint, and where it is; or a node that did not tell its keys."""

    name: str
    nodes: tuple[str, ...]
    held: tuple[Held, ...] | None = None
    """None: the node told none of its keys; empty: it has none."""

    @property
    def key(self) -> str:
        """Its fingerprint, or the node that did not tell."""
        return self.name

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Every node that has it."""
        return self.nodes


def _gathered(scene: Scene, field: str) -> list[Key]:
    """Return the keys in a field of the hosts, and a subject for each host that told none or not all."""
    places: dict[str, list[Held]] = {}
    rest = []
    for host in scene.evidence.hosts or ():
        keys: tuple[HostKey | AuthorizedKey, ...] | None = getattr(host, field)
        for key in keys or ():
            places.setdefault(key.fingerprint, []).append(Held(host.node, key))
        if not keys or field in host.silent:
            rest.append(_rest(host, field, keys))
    found = [
        Key(name=name, nodes=tuple(dict.fromkeys(one.node for one in held)), held=tuple(held))
        for name, held in sorted(places.items())
    ]
    return found + rest


def _rest(host: Host, field: str, keys: Sequence[object] | None) -> Key:
    """What is to be said of a host beside the keys that it told."""
    silence = host.silent.get(field)
    if silence is None and keys is None:
        silence = Silence(f"nobody told {field.replace('_', ' ')}", "missing")
    silent = {"held": silence} if silence else {}
    return Key(name=host.node, nodes=(host.node,), held=None if silence else (), silent=silent)


def host_keys(scene: Scene) -> list[Key]:
    """Return the keys of SSH servers."""
    return _gathered(scene, "host_keys")


def login_keys(scene: Scene) -> list[Key]:
    """Return the keys that let somebody in."""
    return _gathered(scene, "authorized_keys")


MADE_OF["host_keys"] = MADE_OF["login_keys"] = ("hosts",)
DERIVED["host_keys"] = host_keys
DERIVED["login_keys"] = login_keys


def _none_there(key: Key, _scene: Scene) -> str:
    return "nodes without such a key" if key.held == () else ""


@check(
    "NOD-05",
    "Key of an SSH server is shared, or readable by others",
    "high",
    tier="S",
    over="host_keys",
    needs=("held",),
    refs=("800-53:AC-17(a)", "800-53:SC-12", "soc2:CC6.1", "iso:A.8.24"),
    why="Who has the key of one node can pass itself off as every node that shares it.",
    fix="rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh; keep host keys out of images.",
    applies=_none_there,
)
def server_key(key: Key, _scene: Scene) -> list[Fault]:
    """Each node has a key of its own, which root alone reads."""
    faults, untold = [], ""
    if len(key.nodes) > 1:
        faults.append(Fault(f"{len(key.nodes)} nodes have the same host key", "shared"))
    for node, one in key.held or ():
        mode, uid = getattr(one, "mode", None), getattr(one, "uid", None)
        if mode is None or uid is None:
            untold = untold or f"{node}: mode of the private key of {key.name} was not told"
        elif mode & 0o077 & ~0o040 or uid != 0:  # Red Hat's group ssh_keys may read it
            faults.append(Fault(f"{node}: private key has mode {mode:o}, owner {uid}", f"mode {node}"))
    if untold and not faults:
        raise Unsure(untold)
    return faults


@check(
    "NOD-06",
    "SSH key that lets in is unknown, weak or old",
    "high",
    tier="R",
    over="login_keys",
    needs=("held",),
    refs=("800-53:IA-5", "800-53:AC-2", "soc2:CC6.1", "iso:A.5.18", "mlps:8.1.4.1"),
    why="Keys outlive the people that they were made for, and nothing ends them by itself.",
    fix="Remove it from authorized_keys where nobody knows it; have a new one made (ssh-keygen -t ed25519).",
    applies=_none_there,
)
def login_key(key: Key, scene: Scene) -> Iterator[Fault]:
    """The site knows the key, it is long enough, and its file was changed within the limit."""
    policy, (first, *_) = scene.policy.hosts, key.held or ()
    told = first.key
    name = f"{getattr(told, 'comment', '') or 'key without a comment'} of {', '.join(_users(key))}"
    kind, bits = told.kind.upper(), getattr(told, "bits", 0)
    if policy.ssh_keys and key.name not in policy.ssh_keys:
        yield Fault(f"{name}: nobody knows this key", "unknown")
    if kind == "DSA" or (kind.startswith("RSA") and bits < policy.ssh_rsa_bits):
        yield Fault(f"{name}: {kind} with {bits} bits", "weak")
    moments = [getattr(one.key, "changed_at_s", None) for one in key.held or ()]
    known = [moment for moment in moments if moment is not None]
    if known and scene.now_s - min(known) > policy.ssh_key_age_s:
        yield Fault(f"{name}: there for {days(scene.now_s - min(known))} days at least", "old")


def _users(key: Key) -> list[str]:
    return sorted({getattr(one.key, "user", "") for one in key.held or ()})
