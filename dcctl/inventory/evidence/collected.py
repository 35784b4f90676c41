"""All the evidence of one audit: what was told of each kind of subject, and what was not."""

from typing import Final

from msgspec import field

from dcctl.inventory.devices import Fact
from dcctl.inventory.evidence.admission import AdmissionPolicy, Namespace, Webhook
from dcctl.inventory.evidence.base import Silence, Subject
from dcctl.inventory.evidence.boards import Board, GpuNode
from dcctl.inventory.evidence.cluster import Cluster
from dcctl.inventory.evidence.components import Component
from dcctl.inventory.evidence.fabric import FabricPort
from dcctl.inventory.evidence.hosts import Host
from dcctl.inventory.evidence.models import DataSet, ModelFile, ModelFolder, Scratch
from dcctl.inventory.evidence.network import Attachment, Ingress, NetworkPolicy, Service
from dcctl.inventory.evidence.own import Chain, Told, Waiver
from dcctl.inventory.evidence.plant import Plant
from dcctl.inventory.evidence.pods import Config, Work
from dcctl.inventory.evidence.rbac import Account, Binding, Role
from dcctl.inventory.evidence.secrets import Certificate, SecretNote
from dcctl.inventory.evidence.storage import Backup, Bucket, Claim, Export, Filesystem, StorageClass, Volume
from dcctl.inventory.model import Fleet, Moment


class Evidence(Fact, frozen=True, kw_only=True):
    """A field that is None was not asked for, or `silent` has why it was not told; empty: there is none."""

    taken_at_s: Moment | None = None
    fleet: Fleet = Fleet()
    silent: dict[str, Silence] = field(default_factory=dict)
    """By the name of the field."""
    roles: tuple[Role, ...] | None = None
    bindings: tuple[Binding, ...] | None = None
    accounts: tuple[Account, ...] | None = None
    workloads: tuple[Work, ...] | None = None
    configs: tuple[Config, ...] | None = None
    network_policies: tuple[NetworkPolicy, ...] | None = None
    services: tuple[Service, ...] | None = None
    ingresses: tuple[Ingress, ...] | None = None
    attachments: tuple[Attachment, ...] | None = None
    namespaces: tuple[Namespace, ...] | None = None
    webhooks: tuple[Webhook, ...] | None = None
    admission_policies: tuple[AdmissionPolicy, ...] | None = None
    secrets: tuple[SecretNote, ...] | None = None
    certificates: tuple[Certificate, ...] | None = None
    clusters: tuple[Cluster, ...] | None = None
    storage_classes: tuple[StorageClass, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    claims: tuple[Claim, ...] | None = None
    backups: tuple[Backup, ...] | None = None
    buckets: tuple[Bucket, ...] | None = None
    filesystems: tuple[Filesystem, ...] | None = None
    exports: tuple[Export, ...] | None = None
    components: tuple[Component, ...] | None = None
    hosts: tuple[Host, ...] | None = None
    boards: tuple[Board, ...] | None = None
    gpu_nodes: tuple[GpuNode, ...] | None = None
    ports: tuple[FabricPort, ...] | None = None
    model_files: tuple[ModelFile, ...] | None = None
    model_folders: tuple[ModelFolder, ...] | None = None
    datasets: tuple[DataSet, ...] | None = None
    scratches: tuple[Scratch, ...] | None = None
    plants: tuple[Plant, ...] | None = None
    waivers: tuple[Waiver, ...] | None = None
    told: tuple[Told, ...] | None = None
    chains: tuple[Chain, ...] | None = None

    def of(self, kind: str) -> tuple[Subject, ...]:
        """The subjects of a kind; none where nobody told any."""
        found: tuple[Subject, ...] | None = getattr(self, kind)
        return found or ()


KINDS: Final = tuple(
    name for name in Evidence.__struct_fields__ if name not in ("taken_at_s", "fleet", "silent")
)
"""Names of the fields that hold subjects."""
