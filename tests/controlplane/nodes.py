"""GPU nodes as a kubelet and the NVIDIA feature discovery would describe them, for kwok to keep alive."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.controlplane.client import Json

# MiB per board as nvidia-smi reports memory.total, which is what the label nvidia.com/gpu.memory carries.
GPU_MEMORY_MIB = {
    "NVIDIA-A100-SXM4-80GB": 81920,
    "NVIDIA-H100-80GB-HBM3": 81559,
    "NVIDIA-H200": 143771,
    "NVIDIA-L40S": 46068,
}
KIB_PER_GIB = 1 << 20
RACK_LABEL = "topology.kubernetes.io/rack"


@dataclass(frozen=True)
class NodeShape:
    """What all nodes of one add_nodes() have in common."""

    gpus: int = 8
    model: str = "NVIDIA-H100-80GB-HBM3"
    cpus: int = 192
    memory_gib: int = 2048
    nodes_per_rack: int = 4
    racks_per_zone: int = 64
    prefix: str = "gpu"
    kubelet_version: str = "v1.36.3"

    def name(self, index: int) -> str:
        return f"{self.prefix}{index:04d}"


def node(shape: NodeShape, index: int) -> Json:
    """Returns node number `index` (from 1): the same shape and index always give the same object."""
    name = shape.name(index)
    rack = (index - 1) // shape.nodes_per_rack
    zone = f"dc{rack // shape.racks_per_zone + 1}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": _labels(shape, name, zone, f"{zone}-r{rack % shape.racks_per_zone + 1:02d}"),
        },
        "spec": {"providerID": f"metal3://{zone}/{name}"},
        "status": _status(shape, name, index),
    }


def _labels(shape: NodeShape, name: str, zone: str, rack: str) -> dict[str, str]:
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": f"{shape.gpus}x{shape.model}"[:63] if shape.gpus else "cpu",
        "topology.kubernetes.io/region": "eu",
        "topology.kubernetes.io/zone": zone,
        RACK_LABEL: rack,
    }
    if shape.gpus:
        labels |= {
            "nvidia.com/gpu.present": "true",
            "nvidia.com/gpu.product": shape.model,
            "nvidia.com/gpu.count": str(shape.gpus),
            "nvidia.com/gpu.memory": str(GPU_MEMORY_MIB[shape.model]),
        }
    return labels


def _status(shape: NodeShape, name: str, index: int) -> Json:
    capacity = {
        "cpu": str(shape.cpus),
        "memory": f"{shape.memory_gib * KIB_PER_GIB}Ki",
        "ephemeral-storage": f"{7000 * KIB_PER_GIB}Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "pods": "110",
    }
    if shape.gpus:
        capacity["nvidia.com/gpu"] = str(shape.gpus)
    reserved = {"cpu": f"{shape.cpus * 1000 - 500}m", "memory": f"{(shape.memory_gib - 2) * KIB_PER_GIB}Ki"}
    return {
        "capacity": capacity,
        "allocatable": capacity | reserved,
        "addresses": [
            {"type": "InternalIP", "address": f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"},
            {"type": "Hostname", "address": name},
        ],
        "nodeInfo": _node_info(shape, name),
    }


def _node_info(shape: NodeShape, name: str) -> dict[str, str]:
    system = uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.dcctl.test")
    return {
        "systemUUID": str(system),
        "machineID": uuid.uuid5(system, "machine").hex,
        "bootID": str(uuid.uuid5(system, "boot")),
        "architecture": "amd64",
        "operatingSystem": "linux",
        "osImage": "Debian GNU/Linux 12 (bookworm)",
        "kernelVersion": "6.1.0-28-amd64",
        "containerRuntimeVersion": "containerd://2.0.0",
        "kubeletVersion": shape.kubelet_version,
        "kubeProxyVersion": shape.kubelet_version,
    }
