"""What a site decides: limits, allowlists and regions. Every value has a default that the documents tell."""

from msgspec import Struct

from dcctl.audit.policy.admission import Admission
from dcctl.audit.policy.components import ComponentPolicy
from dcctl.audit.policy.energy import EnergyPolicy
from dcctl.audit.policy.gpu import DriftPolicy, FabricPolicy, GpuPolicy
from dcctl.audit.policy.hosts import HostPolicy
from dcctl.audit.policy.models import ModelPolicy
from dcctl.audit.policy.network import Network
from dcctl.audit.policy.own import OwnPolicy
from dcctl.audit.policy.pods import Pods
from dcctl.audit.policy.rbac import Rights
from dcctl.audit.policy.secrets import Secrets
from dcctl.audit.policy.storage import StoragePolicy


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit] of a context, one section per topic; what is not there has the default."""

    gpu: GpuPolicy = GpuPolicy()
    fabric: FabricPolicy = FabricPolicy()
    drift: DriftPolicy = DriftPolicy()
    components: ComponentPolicy = ComponentPolicy()
    hosts: HostPolicy = HostPolicy()
    rights: Rights = Rights()
    admission: Admission = Admission()
    secrets: Secrets = Secrets()
    pods: Pods = Pods()
    network: Network = Network()
    storage: StoragePolicy = StoragePolicy()
    energy: EnergyPolicy = EnergyPolicy()
    models: ModelPolicy = ModelPolicy()
    own: OwnPolicy = OwnPolicy()
