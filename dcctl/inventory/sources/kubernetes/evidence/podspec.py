"""What is read of a PodSpec, and how it becomes a shape. Everything else is skipped unread."""

from __future__ import annotations

import re
from functools import lru_cache
from posixpath import normpath
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import field

from dcctl.inventory.evidence.pods import Container, HostPath, Literally, Mount, Shape, Turn
from dcctl.inventory.sources.kubernetes.evidence.literals import in_arguments, in_value
from dcctl.inventory.sources.kubernetes.quantity import units
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

Quantities: TypeAlias = dict[str, str | int | float]

_DEVICES: Final = ("nvidia.com/", "amd.com/", "gpu.intel.com/", "habana.ai/", "huawei.com/")
"""What the resources of accelerators begin with."""
_VISIBLE: Final = "NVIDIA_VISIBLE_DEVICES"
CLAIM: Final = "claim"
"""Stands for a device that a container is given by a ResourceClaim."""


class Capabilities(Wire):
    """Capabilities that are added and dropped."""

    add: list[str] | None = None
    drop: list[str] | None = None


class Seccomp(Wire):
    """A seccomp profile."""

    type: str = ""


class Windows(Wire):
    """What is of Windows alone."""

    host_process: bool | None = None


class SysctlWire(Wire):
    """A parameter of the kernel."""

    name: str = ""


class SecurityWire(Wire):
    """A securityContext, of a pod or of a container."""

    privileged: bool | None = None
    allow_privilege_escalation: bool | None = None
    run_as_user: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    proc_mount: str | None = None
    capabilities: Capabilities | None = None
    seccomp_profile: Seccomp | None = None
    windows_options: Windows | None = None
    sysctls: list[SysctlWire] | None = None


class EnvWire(Wire):
    """A variable; `valueFrom` is skipped, for it names where the value is and not what."""

    name: str = ""
    value: str | None = None


class PortWire(Wire):
    """A port of a container."""

    host_port: int | None = None


class MountWire(Wire):
    """A mount."""

    name: str = ""
    read_only: bool | None = None
    sub_path: str | None = None
    sub_path_expr: str | None = None


class ClaimWire(Wire):
    """A claim of a device."""

    name: str = ""


class ResourcesWire(Wire):
    """What a container asks for, and the most that it may have."""

    requests: Quantities | None = None
    limits: Quantities | None = None
    claims: list[ClaimWire] | None = None


class ContainerWire(Wire):
    """A container of any kind."""

    name: str = ""
    image: str | None = None
    restart_policy: str | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    env: list[EnvWire] | None = None
    ports: list[PortWire] | None = None
    resources: ResourcesWire | None = None
    volume_mounts: list[MountWire] | None = None
    security_context: SecurityWire | None = None


class HostPathWire(Wire):
    """A path of the node."""

    path: str = ""
    type: str | None = None


class ClaimedWire(Wire):
    """A claim of a volume, by its name."""

    claim_name: str = ""


class VolumeWire(Wire):
    """A volume; of others than those of the node, and claims, only the name is read."""

    name: str = ""
    host_path: HostPathWire | None = None
    persistent_volume_claim: ClaimedWire | None = None


class SystemWire(Wire):
    """The operating system that a pod is for."""

    name: str = ""


class SpecWire(Wire):
    """A PodSpec."""

    containers: list[ContainerWire] | None = None
    init_containers: list[ContainerWire] | None = None
    ephemeral_containers: list[ContainerWire] | None = None
    volumes: list[VolumeWire] | None = None
    security_context: SecurityWire | None = None
    resources: ResourcesWire | None = None
    host_pid: bool | None = field(default=None, name="hostPID")
    host_ipc: bool | None = field(default=None, name="hostIPC")
    host_network: bool | None = None
    host_users: bool | None = None
    os: SystemWire | None = None
    node_selector: dict[str, str] | None = None
    node_name: str | None = None
    service_account_name: str | None = None
    service_account: str | None = None
    """The older name of the same; the API server keeps both alike."""
    automount_service_account_token: bool | None = None


_NOTHING: Final = SecurityWire()


def containers(spec: SpecWire) -> Iterator[tuple[Turn, ContainerWire]]:
    """Yield all containers, with when each runs."""
    for one in spec.init_containers or ():
        yield ("sidecar" if one.restart_policy == "Always" else "init"), one
    for one in spec.containers or ():
        yield "main", one
    for one in spec.ephemeral_containers or ():
        yield "ephemeral", one


def shape(spec: SpecWire) -> Shape:
    """Return the shape of a pod. ValueError for a quantity that is none."""
    volumes = tuple(_host_paths(spec))
    names = {one.name for one in volumes}
    said = spec.security_context or _NOTHING
    inside = tuple([_container(turn, one, names) for turn, one in containers(spec)])
    return Shape(
        containers=inside,
        host_pid=bool(spec.host_pid),
        host_ipc=bool(spec.host_ipc),
        host_network=bool(spec.host_network),
        host_users=spec.host_users,
        user=said.run_as_user,
        non_root=said.run_as_non_root,
        seccomp=said.seccomp_profile.type if said.seccomp_profile else None,
        host_process=said.windows_options.host_process if said.windows_options else None,
        windows=_is_windows(spec),
        sysctls=tuple([one.name for one in said.sysctls or ()]),
        volumes=volumes,
        memory_most=_amount(spec.resources.limits if spec.resources else None, "memory"),
        says=_says(spec.security_context),
    )


def _says(context: SecurityWire | None) -> bool:
    return context is not None and context != _NOTHING


def _is_windows(spec: SpecWire) -> bool:
    if spec.os is not None:
        return spec.os.name == "windows"
    if (spec.node_selector or {}).get("kubernetes.io/os") == "windows":
        return True
    contexts = (spec.security_context, *(one.security_context for _, one in containers(spec)))
    return any(one is not None and one.windows_options is not None for one in contexts)


def _host_paths(spec: SpecWire) -> Iterator[HostPath]:
    for one in spec.volumes or ():
        if one.host_path is not None:
            yield HostPath(one.name, one.host_path.path, one.host_path.type or "")


def claims(spec: SpecWire) -> Iterator[str]:
    """Yield the names of the claims of volumes that a pod has."""
    for one in spec.volumes or ():
        if one.persistent_volume_claim is not None:
            yield one.persistent_volume_claim.claim_name


_NAME_AND_PASSWORD: Final = re.compile(r"^.*@(?![a-z0-9+._-]+:[0-9a-fA-F]{32})")
"""Before the registry of an image, where no runtime takes them and some people write them; no digest."""


def _container(turn: Turn, one: ContainerWire, volumes: set[str]) -> Container:
    said = one.security_context or _NOTHING
    rights = said.capabilities
    asked, most, claims = _resources(one)
    return Container(
        name=one.name,
        turn=turn,
        image=_NAME_AND_PASSWORD.sub("", one.image or ""),
        privileged=said.privileged,
        escalates=said.allow_privilege_escalation,
        user=said.run_as_user,
        non_root=said.run_as_non_root,
        adds=tuple(rights.add or ()) if rights else (),
        drops=tuple(rights.drop or ()) if rights else (),
        read_only=said.read_only_root_filesystem,
        seccomp=said.seccomp_profile.type if said.seccomp_profile else None,
        proc_mount=said.proc_mount,
        host_process=said.windows_options.host_process if said.windows_options else None,
        host_ports=tuple([port.host_port for port in one.ports or () if port.host_port]),
        mounts=tuple([_mount(each) for each in one.volume_mounts or () if each.name in volumes]),
        memory_asked=_amount(asked, "memory"),
        memory_most=_amount(most, "memory"),
        devices_asked=_devices(asked, claims),
        devices_most=_devices(most, claims),
        visible=next((each.value for each in one.env or () if each.name == _VISIBLE), None),
        says=_says(one.security_context),
    )


def _resources(one: ContainerWire) -> tuple[Quantities | None, Quantities | None, bool]:
    """(requests, limits, whether it claims devices)."""
    told = one.resources
    return (told.requests, told.limits, bool(told.claims)) if told else (None, None, False)


def _mount(one: MountWire) -> Mount:
    part = one.sub_path or ("" if one.sub_path_expr is None else one.sub_path_expr)
    return Mount(one.name, bool(one.read_only), part and normpath(part))


def _amount(told: Quantities | None, name: str) -> int | None:
    value = told.get(name) if told else None
    return None if value is None else _units(str(value))


@lru_cache(maxsize=4096)
def _units(text: str) -> int:
    return units(text)


def _devices(told: Quantities | None, claims: bool) -> tuple[str, ...]:
    found = [name for name in told or () if name.startswith(_DEVICES) and _units(str((told or {})[name]))]
    return (*sorted(found), CLAIM) if claims else tuple(sorted(found))


def secrets(spec: SpecWire) -> tuple[Literally, ...]:
    """Return the secrets that its containers have written in variables and arguments."""
    found: list[Literally] = []
    for _, one in containers(spec):
        for each in one.env or ():
            if each.value:
                found += _of_variable(one.name, each.name, each.value)
        if one.command or one.args:
            found += _of_arguments(one.name, tuple(one.command or ()), tuple(one.args or ()))
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=8192)
def _of_variable(container: str, name: str, value: str) -> tuple[Literally, ...]:
    return tuple(in_value(f"{container}/env/{name}", name, value)) if len(value) > 3 else ()


@lru_cache(maxsize=2048)
def _of_arguments(
    container: str, command: tuple[str, ...], arguments: tuple[str, ...]
) -> tuple[Literally, ...]:
    return tuple(in_arguments(f"{container}/args/", (*command, *arguments)))
