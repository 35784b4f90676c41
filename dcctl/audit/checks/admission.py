"""Admission: what a cluster lets in, and who has a say in it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, cast

from dcctl.audit.check import Fault, check
from dcctl.audit.facts.images import image, is_from
from dcctl.audit.facts.telling import some
from dcctl.audit.facts.trusted import is_system, is_tenant
from dcctl.audit.facts.works import by_namespace, images

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.admission import AdmissionPolicy, Control, Namespace, Webhook
    from dcctl.inventory.evidence.cluster import Cluster
    from dcctl.inventory.evidence.pods import Work

ENFORCE: Final = "pod-security.kubernetes.io/enforce"
LEVELS: Final = ("baseline", "restricted")
_NAME: Final = "kubernetes.io/metadata.name"
_SYSTEM: Final = "kube-system"
_ANY: Final = "*"


def _no_tenant(one: Namespace, scene: Scene) -> str:
    return "" if is_tenant(one.name, scene) else "namespaces of the system, and of what sets up its nodes"


def _policies(scene: Scene) -> Sequence[AdmissionPolicy]:
    """The policies that turn something away."""
    told = cast("tuple[AdmissionPolicy, ...]", scene.told("admission_policies"))
    return [one for one in told if one.enforces]


def _looks_after(one: AdmissionPolicy, control: Control, scene: Scene) -> bool:
    """What binds a policy of the API server looks after what that one does."""
    if not one.binds:
        return control in one.controls
    told = cast("tuple[AdmissionPolicy, ...]", scene.told("admission_policies"))
    return any(
        control in each.controls and (each.cluster, each.name, each.binds) == (one.cluster, one.binds, "")
        for each in told
    )


def covers(one: AdmissionPolicy, namespace: Namespace) -> bool:
    """Return whether a policy is for what is made in a namespace."""
    if one.cluster != namespace.cluster or one.namespace not in ("", namespace.name):
        return False
    if one.included and not any(fnmatchcase(namespace.name, each) for each in one.included):
        return False
    if any(fnmatchcase(namespace.name, each) for each in one.excluded):
        return False
    if one.selector is None:
        return True
    from dcctl.packing.fit.relations import selects

    return selects(one.selector, _labels(namespace))


def _labels(namespace: Namespace) -> dict[str, str]:
    """With the one that the API server itself puts on every namespace."""
    return {**namespace.labels, _NAME: namespace.name}


def _guarded(namespace: Namespace, control: Control, scene: Scene) -> bool:
    return any(_looks_after(one, control, scene) and covers(one, namespace) for one in scene.once(_policies))


@check(
    "ADM-01",
    "Nothing keeps pods of a tenant from its nodes",
    "high",
    tier="A",
    over="namespaces",
    refs=("cis-1.12:5.2.1", "800-53:CM-7(2)", "soc2:CC6.1", "iso:A.8.9", "mlps:8.1.4.2"),
    why="Whoever may make a pod there may make one that is root on its node, and reads what all others have.",
    fix=f"`kubectl label ns NAME {ENFORCE}=baseline`; --dry-run=server tells first what breaks it.",
    applies=_no_tenant,
)
def no_policy(one: Namespace, scene: Scene) -> Iterator[Fault]:
    """Every namespace of tenants enforces baseline or restricted, or a policy about pods covers it."""
    level = one.labels.get(ENFORCE, scene.policy.admission.default_level)
    if level not in LEVELS and not _guarded(one, "pods", scene):
        yield Fault(f"enforces {level}, and no policy looks after its pods", "enforce")


def _says_nothing(one: Namespace, scene: Scene) -> str:
    return _no_tenant(one, scene) or (
        "" if ENFORCE in one.labels else "namespaces that set no level (ADM-01)"
    )


@check(
    "ADM-02",
    "A tenant's namespace asks for privileged pods",
    "high",
    tier="A",
    over="namespaces",
    refs=("dcctl:privileged-namespace", "soc2:CC6.1", "iso:A.8.9"),
    why="Somebody has decided that anything goes there, and whoever may make pods in it has the node.",
    fix="Move what needs it into a namespace of its own, and enforce baseline here.",
    applies=_says_nothing,
)
def privileged(one: Namespace, _scene: Scene) -> Iterator[Fault]:
    """No namespace of tenants enforces `privileged`."""
    if one.labels[ENFORCE] == "privileged":
        yield Fault("enforces privileged, which lets in any pod", "enforce")


def _of_the_system(work: Work, scene: Scene) -> str:
    if is_system(work.namespace, scene):
        return "workloads of the system, which its installer renews"
    return "" if images(work) else "workloads of which no image is known"


@check(
    "ADM-03",
    "An image is not pinned",
    "low",
    tier="A",
    over="workloads",
    refs=("dcctl:unpinned-image", "800-53:CM-2", "soc2:CC6.8", "iso:A.8.19"),
    why="What runs tomorrow may be something else than what was tested, on one node and not on the next.",
    fix="Name images by digest (name@sha256:…); a registry that lets nobody move tags does as well.",
    applies=_of_the_system,
)
def unpinned(work: Work, scene: Scene) -> Iterator[Fault]:
    """Every image is named by its digest; by its tag where the site's tags never move."""
    for container, text in images(work).items():
        one = image(text)
        if one.moves:
            yield Fault(f"{container} runs whatever is newest of {one.name}", container)
        elif not one.digest and not scene.policy.admission.immutable_tags:
            yield Fault(f"{container} runs {one.name}:{one.tag}, which may move", container)


def _undecided(work: Work, scene: Scene) -> str:
    if not scene.policy.admission.registries:
        return "the policy names no registries"
    return _of_the_system(work, scene)


@check(
    "ADM-04",
    "An image comes from a registry that nobody approved",
    "medium",
    tier="A",
    over="workloads",
    refs=("dcctl:unapproved-registry", "800-53:CM-11", "soc2:CC6.8", "iso:A.8.19"),
    why="Nobody has looked at what is in it, and a registry may be taken over.",
    fix="Mirror the image into an approved registry, or add its place to audit.admission.registries.",
    applies=_undecided,
)
def unapproved(work: Work, scene: Scene) -> Iterator[Fault]:
    """Every image comes from one of the places that the policy names."""
    for container, text in images(work).items():
        one = image(text)
        if not any(is_from(one, place) for place in scene.policy.admission.registries):
            yield Fault(f"{container} comes from {one.name}", container)


def _tenants(cluster: Cluster, scene: Scene) -> list[Namespace]:
    told = cast("tuple[Namespace, ...]", scene.told("namespaces"))
    return [one for one in told if one.cluster == cluster.cluster and is_tenant(one.name, scene)]


def _nobody_there(cluster: Cluster, scene: Scene) -> str:
    return "" if _tenants(cluster, scene) else "clusters without a namespace of tenants"


@check(
    "ADM-05",
    "Nobody asks who signed an image",
    "medium",
    tier="A",
    over="clusters",
    refs=("cis-1.12:5.5.1", "800-53:SI-7(15)", "soc2:CC6.8", "iso:A.8.19", "mlps:8.1.4.6"),
    why="Whoever can write to the registry decides what runs on the GPUs.",
    fix="Enforce a policy of Kyverno (verifyImages) or Sigstore in every namespace of tenants.",
    applies=_nobody_there,
)
def unsigned(cluster: Cluster, scene: Scene) -> Iterator[Fault]:
    """A policy that verifies signatures, and turns away what has none, covers every namespace of tenants."""
    left = sorted(one.name for one in _tenants(cluster, scene) if not _guarded(one, "signatures", scene))
    if left:
        yield Fault(f"the images of {some(left)} are verified by no policy", "signatures")


def guards(one: Webhook) -> bool:
    """Return whether a webhook can turn away pods: that is what policies are made of."""
    return not one.mutating and any(
        _has(rule.operations, "CREATE") and _has(rule.groups, "") and _has(rule.resources, "pods", "*/*")
        for rule in one.rules
    )


def _has(values: Iterable[str], *wanted: str) -> bool:
    return any(value in (_ANY, *wanted) for value in values)


def _no_guard(one: Webhook, _scene: Scene) -> str:
    return "" if guards(one) else "webhooks that turn no pods away"


@check(
    "ADM-06",
    "A policy is off, or the cluster is, when its webhook fails",
    "medium",
    tier="A",
    over="webhooks",
    refs=("dcctl:webhook-failure", "800-53:SC-24", "soc2:CC8.1", "iso:A.8.9"),
    why="Ignore lets anything in while it is down; Fail without leaving out kube-system, nothing.",
    fix="Set failurePolicy: Fail, and leave kube-system out by a namespaceSelector.",
    applies=_no_guard,
)
def fails_open(one: Webhook, scene: Scene) -> Iterator[Fault]:
    """A webhook that can turn pods away fails closed, and not for the pods of the system."""
    if one.ignores_failure:
        yield Fault("lets everything in while it does not answer", "failurePolicy")
    elif _asks_about_the_system(one, scene):
        yield Fault("keeps out the pods of kube-system while it does not answer", _SYSTEM, "low")


def _asks_about_the_system(one: Webhook, scene: Scene) -> bool:
    from dcctl.packing.fit.relations import selects

    named = (each for each in cast("tuple[Namespace, ...]", scene.of("namespaces")) if each.name == _SYSTEM)
    labels = next((_labels(each) for each in named if each.cluster == one.cluster), {_NAME: _SYSTEM})
    return _SYSTEM not in one.excluded and selects(one.namespaces, labels)


@check(
    "ADM-07",
    "Nobody answers for a namespace, or its pods say nothing of their rights",
    "info",
    tier="A",
    over="namespaces",
    refs=("cis-1.12:5.6.1", "cis-1.12:5.6.3", "800-53:CM-8(4)", "iso:A.5.9"),
    why="A boundary between tenants is one between people: without an owner nobody is asked.",
    fix="Label the namespace with its owner; give each pod a securityContext.",
    applies=_no_tenant,
)
def owners(one: Namespace, scene: Scene) -> Iterator[Fault]:
    """Every namespace of tenants has an owner, and the containers in it a securityContext."""
    wanted = scene.policy.admission.owner_labels
    if not any(one.labels.get(label) for label in wanted):
        yield Fault(f"has none of the labels {', '.join(wanted)}", "owner")
    scene.told("workloads")
    for work in scene.once(by_namespace).get((one.cluster, one.name), ()):
        if work.bare:
            yield Fault(f"{work.name} has no securityContext for {', '.join(work.bare)}", work.name)
