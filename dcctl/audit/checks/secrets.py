"""Secrets by their metadata, certificates, and volumes that keep what they hold to themselves."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, cast

from dcctl.audit.check import Fault, Unattested, Unsure, check
from dcctl.audit.checks.rights import READ
from dcctl.audit.facts.graph import may_ever
from dcctl.audit.facts.telling import some
from dcctl.audit.scene import DERIVED, MADE_OF
from dcctl.inventory.evidence.base import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.cluster import Cluster
    from dcctl.inventory.evidence.secrets import Certificate, SecretNote
    from dcctl.inventory.evidence.storage import StorageClass

DAY_S: Final = 86_400
_STORES: Final = ("external-secrets.io", "secrets-store.csi.x-k8s.io", "secrets.hashicorp.com")
"""Groups of APIs of External Secrets, the Secrets Store CSI driver, and Vault's operator."""
_RETIRED: Final = "kubernetes-client.io"
"""That of kubernetes-external-secrets, which its makers gave up in 2022."""
_ENCRYPTED: Final = ("encrypted", "secure", "encryption")
_KEYS: Final = ("kmskeyid", "diskencryptionsetid", "disk-encryption-kms-key")
"""Parameters of CSI drivers, in small letters: a switch, or the name of a key."""
_ALWAYS: Final = (
    "pd.csi.storage.gke.io",
    "filestore.csi.storage.gke.io",
    "disk.csi.azure.com",
    "file.csi.azure.com",
)
"""Provisioners whose provider encrypts whatever it stores."""


def _no_token(one: SecretNote, _scene: Scene) -> str:
    return "" if one.kind == "token" else "Secrets that are no tokens"


@check(
    "SEC-02",
    "A token of a service account never ends",
    "medium",
    tier="A",
    over="secrets",
    needs=("made_at_s",),
    refs=("dcctl:lasting-token", "800-53:IA-5(1)", "soc2:CC6.1", "iso:A.5.17"),
    why="Tokens that pods get end within an hour or so; one in a Secret works for whoever ever copied it.",
    fix="Ask for tokens that end (kubectl create token), then delete the Secret.",
    applies=_no_token,
)
def lasting_tokens(one: SecretNote, scene: Scene) -> Iterator[Fault]:
    """No token in a Secret is older than the policy allows."""
    age_days = (scene.now_s - (one.made_at_s or 0)) // DAY_S
    if age_days > scene.policy.secrets.token_days:
        used = f", last used on {one.used_on}" if one.used_on else ""
        yield Fault(f"is {age_days:,} days old{used}: a token of {one.account or 'some account'}", "token")


@check(
    "SEC-03",
    "A certificate ends soon",
    "high",
    tier=("A", "S"),
    over="certificates",
    needs=("ends_at_s",),
    refs=("dcctl:certificate-end", "800-53:SC-17", "soc2:CC6.7", "iso:A.8.24"),
    why="On that day webhooks refuse, kubelets lose the API server, or nobody logs in.",
    fix="Renew it: kubeadm certs renew, or see why cert-manager does not (kubectl describe certificate).",
)
def ends_soon(one: Certificate, scene: Scene) -> Iterator[Fault]:
    """A certificate is good for longer than the policy asks for; where days are left, it is critical."""
    left_s, policy = (one.ends_at_s or 0) - scene.now_s, scene.policy.secrets
    if left_s > policy.certificate_days * DAY_S:
        return
    days = abs(left_s) // DAY_S
    says = f"ended {days:,} days ago" if left_s <= 0 else f"ends in {days:,} days"
    grave = left_s < policy.certificate_days_critical * DAY_S
    yield Fault(says, "end", "critical" if grave else None)


def _known_encrypted(one: StorageClass) -> bool:
    told = {name.lower().rpartition("/")[2]: value for name, value in one.parameters.items()}
    switched = any(told.get(name, "").lower() in ("true", "yes", "on") for name in _ENCRYPTED)
    return switched or any(told.get(name) for name in _KEYS) or one.provisioner in _ALWAYS


@check(
    "SEC-04",
    "Volumes of a class are not known to be encrypted",
    "medium",
    tier="A",
    over="storage_classes",
    refs=("soc2:CC6.7", "800-53:SC-28", "iso:A.8.24", "mlps:8.1.4.8"),
    why="A disk that was swapped leaves the hall with checkpoints and data sets that anybody can read.",
    fix="Have the driver encrypt it; where disks do, name it in audit.secrets.encrypted_classes.",
)
def unencrypted(one: StorageClass, scene: Scene) -> Iterator[Fault]:
    """The parameters of a class ask for encryption, its provider does it always, or the site declares it."""
    declared = any(fnmatchcase(one.name, each) for each in scene.policy.secrets.encrypted_classes)
    if not declared and not _known_encrypted(one):
        yield Fault(f"nothing says that {one.provisioner or 'its provisioner'} encrypts", "encrypted")


class PullSecret(Subject, frozen=True, kw_only=True):
    """Pull secrets of one name."""

    cluster: str = ""
    name: str
    namespaces: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`PullSecret/regcred`."""
        return f"PullSecret/{self.name}"


def _pull_secrets(scene: Scene) -> tuple[PullSecret, ...]:
    found: dict[tuple[str, str], set[str]] = {}
    for one in cast("tuple[SecretNote, ...]", scene.of("secrets")):
        if one.kind == "pull":
            found.setdefault((one.cluster, one.name), set()).add(one.namespace)
    return tuple(
        PullSecret(cluster=cluster, name=name, namespaces=tuple(sorted(spaces)))
        for (cluster, name), spaces in sorted(found.items())
    )


MADE_OF["pull_secrets"] = ("secrets",)
DERIVED["pull_secrets"] = _pull_secrets


@check(
    "SEC-05",
    "One pull secret is shared by the whole cluster",
    "low",
    tier="A",
    over="pull_secrets",
    refs=("dcctl:shared-pull-secret", "800-53:IA-5", "soc2:CC6.1", "iso:A.5.17"),
    why="Each tenant can read it, and pull what is another's; it can only be exchanged everywhere at once.",
    fix="Give each tenant credentials of its own, or let nodes pull by a credential provider of the kubelet.",
)
def shared(one: PullSecret, scene: Scene) -> Iterator[Fault]:
    """A pull secret of one name is in no more namespaces than the policy allows."""
    most = scene.policy.secrets.pull_namespaces
    if len(one.namespaces) > most:
        yield Fault(f"is in {len(one.namespaces):,} namespaces, more than {most:,}", "namespaces")


@check(
    "SEC-06",
    "Secrets are kept in the cluster alone",
    "info",
    tier="A",
    over="clusters",
    needs=("apis",),
    refs=("cis-1.12:5.4.2", "800-53:SC-12", "soc2:CC6.1", "iso:A.5.17"),
    why="Whoever has etcd or one of its backups has all Secrets; a store outside gives them out one by one.",
    fix="Use an external store; or look whether one is needed, and write an attestation.",
)
def no_store(cluster: Cluster, _scene: Scene) -> Iterator[Fault]:
    """An external store that somebody maintains serves Secrets, or somebody looked whether one is needed."""
    apis = cluster.apis or ()
    if any(api.endswith(store) for api in apis for store in _STORES):
        return
    if not any(api.endswith(_RETIRED) for api in apis):
        raise Unattested("no external store is installed: somebody has to say whether one is needed")
    yield Fault(f"kubernetes-external-secrets ({_RETIRED}) is maintained by nobody any more", "retired")


_HARMLESS: Final = (*READ, "use")
_OWN_REVIEWS: Final = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")
"""Everybody may ask what they may do: nothing is stored by it."""


@check(
    "SLF-01",
    "dcctl itself may do more than it needs",
    "high",
    tier="A",
    over="clusters",
    needs=("rules",),
    refs=("dcctl:own-rights", "800-53:AC-6", "soc2:CC6.3", "iso:A.8.2"),
    why="What audits every night is an account that nobody watches: it must not be worth stealing.",
    fix="Bind dcctl to the role that `dcctl audit --rbac` prints, and to no other.",
)
def own_rights(cluster: Cluster, _scene: Scene) -> Iterator[Fault]:
    """Dcctl may write nothing, read no Secrets, and reach no kubelet."""
    rules = cluster.rules or ()
    writes = {
        f"{verb} {resource}"
        for one in rules
        for resource in one.resources
        for verb in one.verbs
        if verb not in _HARMLESS and resource not in _OWN_REVIEWS
    }
    secrets = any(may_ever(one, verb, "secrets") for one in rules for verb in READ)
    kubelets = any(may_ever(one, verb, "nodes/proxy") for one in rules for verb in ("get", "create"))
    if writes:
        yield Fault(f"may change the cluster: {some(sorted(writes))}", "writes")
    if secrets:
        yield Fault("may read Secrets", "secrets")
    if kubelets:
        yield Fault("may talk to kubelets (nodes/proxy)", "nodes/proxy")
    if not (writes or secrets or kubelets or cluster.rules_complete):
        raise Unsure("the server did not tell all of the rules")
