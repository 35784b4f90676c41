"""What checks of rights and admission ask of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.pods import Work
    from dcctl.inventory.evidence.rbac import Account

Whose: TypeAlias = tuple[str, str, str]
"""(cluster, namespace, name) of a service account."""
_STATIC: Final = "Static"
"""Kind of the pods that a node runs of its own files."""


def account(work: Work) -> Whose:
    """Return the service account that a workload runs as."""
    return work.cluster, work.namespace, work.account


def runs_as(scene: Scene) -> dict[Whose, list[Work]]:
    """Return the accounts that workloads run as, with these."""
    found: dict[Whose, list[Work]] = {}
    for one in cast("tuple[Work, ...]", scene.of("workloads")):
        found.setdefault(account(one), []).append(one)
    return found


def by_namespace(scene: Scene) -> dict[tuple[str, str], list[Work]]:
    """Return the workloads by (cluster, namespace)."""
    found: dict[tuple[str, str], list[Work]] = {}
    for one in cast("tuple[Work, ...]", scene.of("workloads")):
        found.setdefault((one.cluster, one.namespace), []).append(one)
    return found


def accounts(scene: Scene) -> dict[Whose, Account]:
    """Return the service accounts. Raises Unsure where they were not told."""
    told = cast("tuple[Account, ...]", scene.told("accounts"))
    return {(one.cluster, one.namespace, one.name): one for one in told}


def mounts_token(work: Work, scene: Scene) -> bool:
    """Return whether its pods get a token: the pod has the say, then its account; silence is yes.

    A pod that a node runs of its own files can get none. Raises Unsure where the account has the say and was
    not told.
    """
    if work.kind == _STATIC:
        return False
    if work.automount is not None:
        return work.automount
    one = scene.once(accounts).get(account(work))
    return one is None or one.automount is not False


def images(work: Work) -> Mapping[str, str]:
    """Return the images of its containers, init and ephemeral ones too, by name of container."""
    return work.images
