"""API-12 and KUB-05: who may read and change the files that configure Kubernetes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.audit.facts.parameters import API, ETCD, KUBELET, MANAGER, PROXY, SCHEDULER, only
from dcctl.audit.parts import Part, in_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.components import Component, FileMode

_SHOWN = 3


class FileRule(NamedTuple):
    """What files of a component have to be."""

    component: str
    paths: str
    """A pattern, or `@flag` for what a flag names."""
    mode: int | None = None
    """No permission beyond these; None: not asked for."""
    owner: str = "root:root"
    """Empty: not asked for; `@name`: those of the site's policy."""
    together: str = ""
    """One part of all of them under this name, where files come and go by themselves."""


CONTROL_PLANE_FILES: Final = (
    FileRule(API, "*/kube-apiserver.y*ml", 0o600),
    FileRule(MANAGER, "*/kube-controller-manager.y*ml", 0o600),
    FileRule(SCHEDULER, "*/kube-scheduler.y*ml", 0o600),
    FileRule(ETCD, "*/etcd.y*ml", 0o600),
    FileRule(API, "/etc/cni/net.d/*", 0o600, together="CNI"),
    FileRule(API, "/var/lib/cni/networks/*", 0o600, together="CNI addresses"),
    FileRule(ETCD, "@data-dir", 0o700, "@etcd_owners"),
    FileRule(API, "*/admin.conf", 0o600),
    FileRule(API, "*/super-admin.conf", 0o600),
    FileRule(SCHEDULER, "*/scheduler.conf", 0o600),
    FileRule(MANAGER, "*/controller-manager.conf", 0o600),
    FileRule(API, "/etc/kubernetes/pki*"),
    FileRule(API, "/etc/kubernetes/pki/*.crt", 0o644, ""),
    FileRule(API, "/etc/kubernetes/pki/*.key", 0o600, ""),
)
NODE_FILES: Final = (
    FileRule(KUBELET, "*/kubelet.service", 0o600),
    FileRule(KUBELET, "*/kubelet.service.d/*", 0o600),
    FileRule(KUBELET, "@kubeconfig", 0o600),
    FileRule(KUBELET, "@config", 0o600),
    FileRule(KUBELET, "@client-ca-file", 0o644),
    FileRule(PROXY, "@kubeconfig", 0o600),
)
_IN_FILE: Final = {"client-ca-file": "authentication.x509.clientCAFile"}


def _modes(component: Component, scene: Scene, rules: Sequence[FileRule]) -> Iterator[Part]:
    for rule in rules:
        if rule.component != component.kind:
            continue
        files = _named(component, rule.paths)
        together = rule.together or (rule.paths[1:] if rule.paths.startswith("@") else "")
        groups = [(together, files)] if together and files else [(one.path, [one]) for one in files]
        for name, group in groups:
            if rule.mode is not None:
                open_ = [f"{one.path} ({one.mode:04o})" for one in group if one.mode & ~rule.mode]
                yield _part(f"mode {name}", open_, f"may be at most {rule.mode:04o}")
            owners = _owners(rule, scene)
            if owners:
                foreign = [f"{one.path} ({one.owner})" for one in group if one.owner not in owners]
                yield _part(f"owner {name}", foreign, f"should belong to {' or '.join(owners)}")


def _named(component: Component, paths: str) -> list[FileMode]:
    """The files that a pattern, or a flag, names; folders only where they are named themselves."""
    files = component.files or ()
    if not paths.startswith("@"):
        return [
            one for one in files if fnmatchcase(one.path, paths) and not (one.folder and paths.endswith("/*"))
        ]
    flag = paths[1:]
    given = (component.flags or {}).get(flag, ())[-1:] or (
        (component.config or {}).get(_IN_FILE.get(flag, "")),
    )
    return [one for one in files if one.path == given[0]]


def _owners(rule: FileRule, scene: Scene) -> tuple[str, ...]:
    if rule.owner.startswith("@"):
        owners: tuple[str, ...] = getattr(scene.policy.components, rule.owner[1:])
        return owners
    return (rule.owner,) if rule.owner else ()


def _part(where: str, wrong: list[str], wanted: str) -> Part:
    if not wrong:
        return Part(where, "pass")
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return Part(where, "fail", f"{', '.join(wrong[:_SHOWN])}{more}: {wanted}")


@in_parts(
    "API-12",
    "Files of the control plane are open to others than root",
    "medium",
    tier="R",
    over="components",
    needs=("files",),
    refs=(
        *(f"cis-1.12:1.1.{number}" for number in range(1, 22)),
        "800-53:AC-3",
        "soc2:CC6.1",
        "mlps:8.1.4.2",
    ),
    why="Who can change a manifest runs anything as root; who can read a key or a kubeconfig is an admin.",
    fix="chmod and chown as the finding says; kubeadm writes such files with 600 root:root.",
    applies=only(API, MANAGER, SCHEDULER, ETCD),
)
def control_plane_files(component: Component, scene: Scene) -> Iterator[Part]:
    """Manifests, kubeconfigs, keys and data have the mode and the owner that they should."""
    return _modes(component, scene, CONTROL_PLANE_FILES)


@in_parts(
    "KUB-05",
    "Files of the kubelet or kube-proxy are open to others than root",
    "medium",
    tier="R",
    over="components",
    needs=("files", "flags"),
    refs=(
        *(f"cis-1.12:4.1.{number}" for number in range(1, 11)),
        "800-53:AC-3",
        "soc2:CC6.1",
        "mlps:8.1.4.2",
    ),
    why="The kubelet's credentials read the Secrets of its pods; its settings decide who may run commands.",
    fix="chmod 600 the unit, kubelet.conf and config.yaml, chmod 644 the CA, chown root:root all of them.",
    applies=only(KUBELET, PROXY),
)
def node_files(component: Component, scene: Scene) -> Iterator[Part]:
    """Unit, kubeconfig, configuration and CA have the mode and the owner that they should."""
    return _modes(component, scene, NODE_FILES)
