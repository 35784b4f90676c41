"""What the probe tells of the components on a node, as evidence."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import Struct, field

from dcctl.errors import UsageError
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.components import Component, FileMode
from dcctl.inventory.model import Cause  # noqa: TC001  # msgspec resolves annotations at run time
from dcctl.inventory.sources.components import configs
from dcctl.inventory.sources.components.flags import (
    command_of,
    of_environment,
    parse_flags,
    port_of,
    version_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_CLUSTER: Final = ("/etc/kubernetes/pki*", "*/admin.conf", "*/super-admin.conf", "/etc/cni/net.d/*")
FILES: Final[dict[str, tuple[str, ...]]] = {
    "kube-apiserver": ("*/kube-apiserver.y*ml", *_CLUSTER, "/var/lib/cni/networks/*/*"),
    "kube-controller-manager": ("*/kube-controller-manager.y*ml", "*/controller-manager.conf"),
    "kube-scheduler": ("*/kube-scheduler.y*ml", "*/scheduler.conf"),
    "etcd": ("*/etcd.y*ml", "/var/lib/etcd"),
    "kubelet": (
        "*/kubelet.service",
        "*/kubelet.service.d/*",
        "*/kubelet.conf",
        "/var/lib/kubelet/config.yaml",
    ),
    "kube-proxy": ("/etc/kubernetes/proxy.conf",),
}
"""Whose findings these are, beside the paths that its own flags name."""
_RECORD = re.compile(r"<([df]) ([0-7]{1,4}) (\S+:\S+) (/[^<>]*)>")
_DIGITS: Final = 16


class Told(Struct, frozen=True):
    """What one command or file told, or why not."""

    out: str | None = None
    status: int = 0
    why: str = ""
    cause: Cause = "failed"

    def silence(self, what: str) -> Silence:
        """Why it told nothing."""
        return Silence(f"{what}: {self.why}" if self.why else what, self.cause)


class Mode(Struct, frozen=True):
    """Mode and owner of a path; None: not told."""

    mode: int | None = None
    owner: str = ""
    folder: bool = False


class Started(Struct, frozen=True):
    """One process."""

    argv: tuple[str, ...]
    environ: tuple[str, ...] = ()
    texts: dict[str, Told] = field(default_factory=dict)
    drop_ins: tuple[str, ...] = ()
    modes: dict[str, Mode] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


class Processes(Struct, frozen=True):
    """All that run on a node."""

    processes: tuple[Started, ...] = ()


class Document(Struct, frozen=True):
    """The probe's answer: what its commands said by name, and the processes."""

    components: Processes | None = None
    commands: dict[str, Told] = field(default_factory=dict)


class _File(NamedTuple):
    """A flag that names a file, and what is made of its text."""

    flag: str
    field: str
    read: Callable[[str, str], Any]


_FILES_OF_FLAGS: Final = (
    _File("encryption-provider-config", "encryption", configs.encryption),
    _File("audit-policy-file", "audit_policy", configs.audit_policy),
    _File("authentication-config", "authentication", configs.authentication),
    _File("authorization-config", "authorizers", configs.authorizers),
)


def parse(document: Mapping[str, Any], node: str, cluster: str = "") -> tuple[Component, ...]:
    """Return the components of a node out of what its probe told. UsageError: it is no such document."""
    try:
        told = msgspec.convert(document, Document)
    except msgspec.ValidationError as error:
        raise UsageError(node, f"its probe told what is no such document: {error}") from error
    found: list[Component] = []
    for process in (told.components or Processes()).processes:
        one = _component(process, told.commands, node, cluster)
        if one is None:
            continue
        if any(other.name == one.name for other in found):
            one = msgspec.structs.replace(one, name=f"{one.name}@{port_of(one.flags or {})}")
        found.append(one)
    return tuple(found)


def _component(process: Started, commands: dict[str, Told], node: str, cluster: str) -> Component | None:
    command = command_of(process.argv)
    if command is None:
        return None
    kind, arguments = command
    environment = of_environment(process.environ) if kind == "etcd" else {}
    flags = {**environment, **parse_flags(arguments)}
    silent: dict[str, Silence] = {}
    texts = {path: _text(path, told, commands) for path, told in process.texts.items()}
    fields: dict[str, Any] = {"files": _files(kind, process, commands, silent)}
    fields["config_file"], fields["config"] = _config(flags, process.drop_ins, texts, silent)
    for one in _FILES_OF_FLAGS:
        if path := "".join(flags.get(one.flag, ())[-1:]):
            fields[one.field] = _made(one.field, path, texts, one.read, silent)
    if kind == "kubelet":
        fields["version"] = version_of(commands.get("kubelet-version", Told()).out or "")
    digests = {path: digest[:_DIGITS] for path, digest in process.digests.items()}
    return Component(
        cluster=cluster, node=node, name=kind, flags=flags, digests=digests, silent=silent, **fields
    )


def _text(path: str, told: Told, commands: dict[str, Told]) -> Told:
    """What a file holds: as its process sees it, else what root was allowed to print of it."""
    printed = commands.get(f"text:{path}", told)
    return printed if told.out is None and printed.out is not None and not printed.status else told


def _made(
    name: str,
    path: str,
    texts: Mapping[str, Told],
    read: Callable[[str, str], Any],
    silent: dict[str, Silence],
) -> Any:  # noqa: ANN401  # each file is something else
    """What a file says; None, and `silent` has why, where it was not read or is not what it should be."""
    told = texts.get(path, Told(why="not read", cause="missing"))
    if told.out is None:
        silent[name] = told.silence(path)
        return None
    try:
        return read(told.out, path)
    except UsageError as error:
        silent[name] = Silence(str(error), "invalid")
        return None


def _config(
    flags: Mapping[str, tuple[str, ...]],
    drop_ins: Iterable[str],
    texts: Mapping[str, Told],
    silent: dict[str, Silence],
) -> tuple[str, dict[str, str] | None]:
    """Path and settings of the configuration file, with its drop-ins laid over it in their order."""
    named = [*flags.get("config", ())[-1:], *flags.get("config-file", ())[-1:]]
    settings: dict[str, str] = {}
    for path in (*named, *drop_ins):
        part = _made(
            "config", path, texts, lambda text, where: configs.flat(configs.document(text, where)), silent
        )
        if part is None:
            return "".join(named[:1]), None
        settings |= part
    return "".join(named[:1]), settings


def _files(
    kind: str, process: Started, commands: dict[str, Told], silent: dict[str, Silence]
) -> tuple[FileMode, ...] | None:
    """Modes of its files. None, and why, where root was not allowed to list them."""
    listed = commands.get("component-files", Told(why="nobody looked", cause="missing"))
    found = {
        path: FileMode(path, one.mode, one.owner, one.folder)
        for path, one in process.modes.items()
        if one.mode is not None
    }
    if listed.out is None:
        silent["files"] = listed.silence("modes of files")
        return None
    for match in _RECORD.finditer(listed.out):
        if any(fnmatchcase(match[4], pattern) for pattern in FILES[kind]):
            found[match[4]] = FileMode(match[4], int(match[2], 8), match[3], match[1] == "d")
    return tuple(found[path] for path in sorted(found))
