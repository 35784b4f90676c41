"""What a drain does at a cluster, as data: the one origin of the role, the checks and the refusals."""

from __future__ import annotations

from typing import Final, NamedTuple


class Right(NamedTuple):
    """One thing that a drain does, and the verbs that it takes."""

    why: str
    resource: str
    """With its subresource: `pods/eviction`."""
    verbs: tuple[str, ...]
    group: str = ""
    namespace: str = ""
    """In which alone; empty: wherever it is."""
    name: str = ""
    """Of which object alone; a drain does without it."""
    need: str = ""
    """The field of `Needs` that tells whether a campaign takes it; empty: each does."""

    @property
    def told(self) -> str:
        """`get and create pods/exec`."""
        return f"{' and '.join(self.verbs)} {self.resource}"


_DEVICES: Final = "resource.k8s.io"
RIGHTS: Final = (
    Right("to tell this cluster from every other", "namespaces", ("get",), name="kube-system"),
    Right("to cordon, and to give back", "nodes", ("get", "list", "patch")),
    Right("to see pods go", "pods", ("get", "list", "watch")),
    Right("to evict: budgets hold", "pods/eviction", ("create",)),
    Right(
        "one campaign at a time", "leases", ("get", "create", "patch"), "coordination.k8s.io", "kube-system"
    ),
    Right("for --allow-pdb-violation alone", "pods", ("delete",), need="deletes"),
    Right(
        "for checkpoints that are asked for by a signal or a command, or proved by a file",
        "pods/exec",
        ("get", "create"),
        need="execs",
    ),
    Right("for checkpoints that are asked for over HTTP", "pods/proxy", ("get", "create"), need="requests"),
    Right("for checkpoints that are asked for by an annotation", "pods", ("patch",), need="patches_pods"),
    Right(
        "for --gpu: single devices are kept back",
        "devicetaintrules",
        ("get", "list", "create", "delete"),
        _DEVICES,
        need="devices",
    ),
    Right("for --gpu: which devices a board has", "resourceslices", ("list",), _DEVICES, need="devices"),
)
