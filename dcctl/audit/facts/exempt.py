"""Pods that set up the nodes themselves: drivers, networks, disks. As their makers' own manifests have them.

Each row is pinned by namespace, service account and image: a pod beside them, or one of another image in the
same namespace, is nobody that we know. What a row does not name is still told.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Final

from dcctl.audit.check import Unsure
from dcctl.audit.facts.images import image, is_from
from dcctl.audit.policy.pods import Exempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dcctl.audit.check import Fault
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.pods import Container, Shape, Work

_HOST: Final = ("POD-0?", "POD-1[0-6]")
"""All that a pod may have of its node."""
_NETWORK: Final = ("POD-01", "POD-0[4-9]", "POD-1[0-24]")
"""Root in the network of the node, with its files; not its processes, not its container runtime."""
_PLUGIN: Final = ("POD-01", "POD-0[5-9]", "POD-1[1245]")
"""Root with sockets of the kubelet and devices of the node, in a network of its own."""
_STORAGE: Final = ("POD-01", "POD-02", "POD-0[4-9]", "POD-1[0-24]")
"""Mounts for others, so it needs the mounts and sometimes the processes of the node."""
_METRICS: Final = ("POD-02", "POD-04", "POD-08", "POD-09", "POD-10", "POD-11", "POD-13", "POD-14")
_WATCH: Final = (*_PLUGIN, "POD-13")
"""What watches the calls of all processes, and asks the container runtime whose they are."""
_BACKUP: Final = ("POD-0[5-79]", "POD-1[124]")
"""Reads the volumes of pods where the kubelet has them."""
_METERS: Final = ("POD-0[6-9]", "POD-1[0245]")
"""What reads the meters of GPUs: root, one capability and all of the devices."""
_CONTROL: Final = ("POD-04", "POD-0[5-79]", "POD-1[0-24]")

_NVIDIA: Final = ("nvcr.io/nvidia",)
_EXPORTER: Final = ("quay.io/prometheus/node-exporter", "quay.io/brancz/kube-rbac-proxy")
_PLUMBERS: Final = ("ghcr.io/k8snetworkplumbingwg", "ghcr.io/mellanox")
_EKS: Final = tuple(
    f"public.ecr.aws/{name}" for name in ("ebs-csi-driver", "efs-csi-driver", "csi-components")
)
_EKS_ACCOUNTS: Final = (
    *("602401143452", "877085696533", "800184023465", "533267051163", "296578399912", "900889452093"),
    *("491585149902", "151610086707", "333609536671", "121268973566", "900612956339", "590381155156"),
    *("455263428931", "066635153087", "558608220178", "759879836304", "151742754352", "013241004608"),
)
_EKS_CHINA: Final = ("918309763551", "961992271922")
_EKS_NETWORK: Final = tuple(
    f"{registry}/{name}"
    for registry in (
        *(f"{account}.dkr.ecr.*.amazonaws.com" for account in _EKS_ACCOUNTS),
        *(f"{account}.dkr.ecr.*.amazonaws.com.cn" for account in _EKS_CHINA),
    )
    for name in ("amazon-k8s-cni", "amazon-k8s-cni-init", "amazon/aws-network-policy-agent")
)
"""Registries of add-ons: each region has one (EKS user guide, add-ons-images)."""
_SIDECARS: Final = ("registry.k8s.io/sig-storage",)


def _row(namespace: str, account: str, images: tuple[str, ...], checks: tuple[str, ...]) -> Exempt:
    return Exempt(namespace, account, images, checks)


def _gpu(account: str) -> Exempt:
    return _row("gpu-operator", account, _NVIDIA, _HOST)


KNOWN: Final[tuple[Exempt, ...]] = (
    # GPUs
    *map(
        _gpu,
        (
            "nvidia-driver",
            "nvidia-vgpu-manager",
            "nvidia-container-toolkit",
            "nvidia-device-plugin",
            "nvidia-dcgm",
            "nvidia-dcgm-exporter",
            "nvidia-gpu-feature-discovery",
            "nvidia-mig-manager",
            "nvidia-operator-validator",
            "nvidia-node-status-exporter",
            "nvidia-vfio-manager",
            "nvidia-cc-manager",
            "nvidia-sandbox-*",
            "nvidia-kata-manager",
        ),
    ),
    _row("gpu-operator", "gpu-operator", _NVIDIA, _PLUGIN),
    _row("gpu-operator", "node-feature-discovery", ("registry.k8s.io/nfd",), _PLUGIN),
    _row("node-feature-discovery", "nfd-worker", ("registry.k8s.io/nfd",), _PLUGIN),
    _row("nvidia-dra-driver-gpu", "*", (*_NVIDIA, "registry.k8s.io/dra-driver-nvidia"), _PLUGIN),
    _row("nvidia-device-plugin", "*", _NVIDIA, _PLUGIN),
    _row("kube-system", "default", ("nvcr.io/nvidia/k8s-device-plugin",), _PLUGIN),
    _row("kube-system", "default", ("docker.io/rocm/k8s-device-plugin",), _PLUGIN),
    _row("kube-system", "node-labeller-sa", ("docker.io/rocm/k8s-device-plugin",), _PLUGIN),
    _row("kube-amd-gpu", "amd-gpu-operator-*", ("docker.io/rocm",), _HOST),
    # RDMA, second networks
    _row("nvidia-network-operator", "*", (*_NVIDIA, *_PLUMBERS), _HOST),
    _row("kube-system", "multus", ("ghcr.io/k8snetworkplumbingwg/multus-cni",), _HOST),
    _row("sriov-network-operator", "*", _PLUMBERS, _HOST),
    _row("kube-system", "default", ("mellanox/k8s-rdma-shared-dev-plugin",), _NETWORK),
    _row("kube-system", "default", ("ghcr.io/mellanox/k8s-rdma-shared-dev-plugin",), _NETWORK),
    _row("kube-system", "aws-efa-*", ("public.ecr.aws/eks/aws-efa-k8s-device-plugin",), _NETWORK),
    _row("kube-system", "default", ("us-docker.pkg.dev/gce-ai-infra/gpudirect-tcpx",), _NETWORK),
    _row("kube-system", "default", ("us-docker.pkg.dev/gce-ai-infra/gpudirect-tcpxo",), _NETWORK),
    _row("kube-system", "default", ("us-docker.pkg.dev/gce-ai-infra/gpudirect-gib",), _NETWORK),
    # networks of pods
    _row("kube-system", "kube-proxy", ("registry.k8s.io/kube-proxy",), _NETWORK),
    _row("calico-system", "calico-node", ("docker.io/calico", "quay.io/calico"), _HOST),
    _row("calico-system", "calico-typha", ("docker.io/calico", "quay.io/calico"), _NETWORK),
    _row("calico-system", "csi-node-driver", ("docker.io/calico", "quay.io/calico"), _STORAGE),
    _row("kube-system", "calico-node", ("docker.io/calico", "quay.io/calico"), _HOST),
    _row("tigera-operator", "tigera-operator", ("quay.io/tigera",), _NETWORK),
    _row("kube-system", "cilium", ("quay.io/cilium",), _HOST),
    _row("kube-system", "cilium-envoy", ("quay.io/cilium",), _NETWORK),
    _row("kube-system", "cilium-operator", ("quay.io/cilium",), _NETWORK),
    _row("cilium", "cilium*", ("quay.io/cilium",), _HOST),
    _row("kube-flannel", "flannel", ("ghcr.io/flannel-io", "docker.io/flannel"), _NETWORK),
    _row("kube-system", "antrea-agent", ("docker.io/antrea",), _HOST),
    _row("kube-system", "aws-node", _EKS_NETWORK, _NETWORK),
    _row("kube-system", "kindnet", ("docker.io/kindest",), _NETWORK),
    *(
        _row("metallb-system", account, ("quay.io/metallb", "quay.io/frrouting"), _NETWORK)
        for account in ("speaker", "metallb-speaker", "frr-k8s-daemon", "metallb-frr-k8s-controller")
    ),
    # storage
    _row("kube-system", "csi-*-node*", _SIDECARS, _STORAGE),
    _row("kube-system", "ebs-csi-node-sa", _EKS, _STORAGE),
    _row("kube-system", "efs-csi-node-sa", _EKS, _STORAGE),
    _row("rook-ceph", "rook-csi-*-plugin-sa", ("quay.io/cephcsi", *_SIDECARS), _STORAGE),
    _row("rook-ceph", "*ceph-csi-*-nodeplugin*", ("quay.io/cephcsi", *_SIDECARS), _STORAGE),
    _row("rook-ceph", "rook-ceph-osd", ("quay.io/ceph", "docker.io/rook", "quay.io/rook"), _STORAGE),
    _row("ceph-csi*", "*-nodeplugin", ("quay.io/cephcsi", *_SIDECARS), _STORAGE),
    _row("longhorn-system", "longhorn-service-account", ("docker.io/longhornio",), _STORAGE),
    _row("openebs", "openebs-*", ("docker.io/openebs",), _STORAGE),
    _row("csi-beegfs", "beegfs-csi-node-sa", ("ghcr.io/thinkparq", *_SIDECARS), _STORAGE),
    _row("csi-wekafs", "csi-wekafs-node*", ("quay.io/weka.io", *_SIDECARS), _STORAGE),
    # meters and watchmen of nodes, backup, and the control plane of kubeadm
    _row("monitoring", "*dcgm-exporter", ("nvcr.io/nvidia/k8s/dcgm-exporter",), _METERS),
    _row("monitoring", "*node-exporter", _EXPORTER, _METRICS),
    _row("falco", "falco", ("docker.io/falcosecurity",), _WATCH),
    _row("velero", "velero", ("docker.io/velero/velero",), _BACKUP),
    _row("velero", "velero-server", ("docker.io/velero/velero",), _BACKUP),
    *(
        _row("kube-system", "default", (f"registry.k8s.io/{name}",), _CONTROL)
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
    ),
)  # fmt: skip
"""By namespace, service account and image."""


@lru_cache(maxsize=4096)
def _rows(namespace: str, account: str, check: str, site: tuple[Exempt, ...]) -> tuple[Exempt, ...]:
    return tuple(
        one
        for one in (*site, *KNOWN)
        if fnmatchcase(namespace, one.namespace)
        and fnmatchcase(account, one.account)
        and any(fnmatchcase(check, each) for each in one.checks)
    )


@lru_cache(maxsize=8192)
def _is_from(text: str, places: tuple[str, ...]) -> bool:
    one = image(text)
    return any(is_from(one, _full(place)) for place in places)


def _full(place: str) -> str:
    """A place as images are written in full: `mellanox/x` is of Docker Hub."""
    registry = place.partition("/")[0]
    return place if "." in registry or ":" in registry or registry == "localhost" else f"docker.io/{place}"


def asked(work: Work, check: str, scene: Scene) -> Sequence[tuple[Shape, tuple[Container, ...]]]:
    """Return what a check asks about: shapes of a workload, each with its containers that nothing exempts.

    A shape of which every container is exempt is not there.
    """
    rows = _rows(work.namespace, work.account, check, scene.policy.pods.exempt)
    if not rows:
        return [(shape, shape.containers) for shape in work.shapes or ()]
    left = [
        (
            shape,
            tuple(
                one for one in shape.containers if not any(_is_from(one.image, row.images) for row in rows)
            ),
        )
        for shape in work.shapes or ()
    ]
    return [(shape, containers) for shape, containers in left if containers]


def containers(work: Work, check: str, scene: Scene) -> Iterator[tuple[Shape, Container]]:
    """Yield the containers that a check asks about, each with its pod."""
    return ((shape, one) for shape, left in asked(work, check, scene) for one in left)


def known_for(check: str) -> Callable[[Work, Scene], str]:
    """Return what tells why a check does not ask about a workload."""

    def applies(work: Work, scene: Scene) -> str:
        rows = _rows(work.namespace, work.account, check, scene.policy.pods.exempt)
        if rows and work.shapes and not asked(work, check, scene):
            return "pods that set up their node, as their makers or the policy have them"
        return ""

    return applies


def once(
    run: Callable[[Work, Scene], Iterable[Fault]],
) -> Callable[[Work, Scene], Iterable[Fault]]:
    """Have a check tell a fault once, however many kinds of pods of one owner have it.

    Where there is none, but a template was not understood, nobody knows: Unsure.
    """

    @wraps(run)
    def told(work: Work, scene: Scene) -> Iterator[Fault]:
        seen: set[str] = set()
        for fault in run(work, scene):
            if fault.where not in seen:
                seen.add(fault.where)
                yield fault
        if not seen and "shapes" in work.silent:
            raise Unsure(work.silent["shapes"].reason)

    return told
