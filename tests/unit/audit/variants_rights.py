"""Labelled roles and bindings, from the RBAC reference of Kubernetes and CIS 5.1; no check is asked.

A right is one request that the catalogue forbids, with the check that has to tell of it. Each is written in
every way in which a rule can bring it, and in ways that look like it and bring nothing; put into roles that
are bound, aggregated or listed in every way; and given to every kind of subject.
"""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.unit.audit.mutations import Json, pod
from tests.unit.audit.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Iterator

RBAC: Final = "rbac.authorization.k8s.io"
NUMBERS: Final = ("01", "02", "03", "04", "05", "07", "08", "09", "10", "11", "12", "13", "14", "15")
NAMES: Final = frozenset(f"RBAC-{number}" for number in NUMBERS)
_CSR, _HOOKS, _WHO = "certificates.k8s.io", "admissionregistration.k8s.io", "authentication.k8s.io"


class Right(NamedTuple):
    """A request that brings more than it seems, by what forbids it."""

    number: str
    verb: str
    group: str
    resource: str
    inside: bool = False
    """In one namespace it is as bad."""


RIGHTS: Final = (
    *(Right("02", verb, "", "secrets") for verb in ("get", "list", "watch")),
    *(
        Right("04", "create", group, name)
        for group, names in (
            ("", "pods replicationcontrollers"),
            ("apps", "deployments daemonsets statefulsets replicasets"),
            ("batch", "jobs cronjobs"),
            ("kubeflow.org", "pytorchjobs mpijobs tfjobs"),
            ("ray.io", "rayclusters rayjobs"),
            ("jobset.x-k8s.io", "jobsets"),
            ("leaderworkerset.x-k8s.io", "leaderworkersets"),
            ("batch.volcano.sh", "jobs"),
        )
        for name in names.split()
    ),
    *(Right("08", "bind", RBAC, name, inside=True) for name in ("clusterroles", "roles")),
    Right("08", "escalate", RBAC, "clusterroles"),
    Right("08", "escalate", RBAC, "roles", inside=True),
    *(Right("08", "impersonate", "", name) for name in ("users", "groups")),
    Right("08", "impersonate", "", "serviceaccounts", inside=True),
    Right("08", "impersonate", _WHO, "uids"),
    Right("09", "create", "", "persistentvolumes"),
    *(Right("10", verb, "", "nodes/proxy") for verb in ("get", "create", "update", "patch", "delete")),
    *(Right("11", verb, _CSR, "certificatesigningrequests/approval") for verb in ("update", "patch")),
    Right("11", "approve", _CSR, "signers"),
    Right("11", "create", "", "serviceaccounts/token"),
    *(
        Right("12", verb, _HOOKS, f"{kind}webhookconfigurations")
        for verb in ("create", "update", "patch", "delete")
        for kind in ("validating", "mutating")
    ),
    *(
        Right("13", verb, "", f"pods/{name}")
        for verb in ("create", "get")  # a WebSocket begins with GET
        for name in ("exec", "attach", "portforward")
    ),
    *(Right("13", verb, "", "pods/ephemeralcontainers") for verb in ("update", "patch")),
)


class Written(NamedTuple):
    """Rules, with the rights that they bring and whether there is a star in them."""

    name: str
    rules: list[Json]
    brings: tuple[Right, ...] = ()
    star: bool = False


def _rule(verbs: list[str], groups: list[str], resources: list[str], **more: list[str]) -> Json:
    return {"verbs": verbs, "apiGroups": groups, "resources": resources, **more}


def _of(**wanted: str) -> tuple[Right, ...]:
    """The rights that are alike in these."""
    return tuple(one for one in RIGHTS if all(getattr(one, name) == value for name, value in wanted.items()))


def _ways(one: Right) -> Iterator[Written]:
    """Every way in which a rule brings a right."""
    verb, group, resource = one.verb, one.group, one.resource
    harmless = _rule(["get", "list"], [""], ["configmaps", "services"])
    yield Written("alone", [_rule([verb], [group], [resource])], (one,))
    yield Written("last of rules", [harmless, _rule([verb], [group], [resource])], (one,))
    yield Written("first of rules", [_rule([verb], [group], [resource]), harmless], (one,))
    yield Written("last of each", [_rule(["use", verb], ["x.io", group], ["things", resource])], (one,))
    yield Written("first of each", [_rule([verb, "use"], [group, "x.io"], [resource, "things"])], (one,))
    yield Written("any verb", [_rule(["*"], [group], [resource])], _of(group=group, resource=resource), True)
    yield Written("any group", [_rule([verb], ["*"], [resource])], _of(verb=verb, resource=resource), True)
    yield Written("any resource", [_rule([verb], [group], ["*"])], _of(verb=verb, group=group), True)
    yield Written(
        "a star among others",
        [_rule(["use", "*"], [group], [resource])],
        _of(group=group, resource=resource),
        True,
    )
    if "/" in resource:
        sub = f"*/{resource.partition('/')[2]}"
        also = tuple(
            each
            for each in _of(verb=verb, group=group)
            if each.resource.partition("/")[2] == resource.partition("/")[2]
        )
        yield Written("that of any resource", [_rule([verb], [group], [sub])], also)
    elif verb not in ("create", "list", "watch"):
        yield Written("of some names", [_rule([verb], [group], [resource], resourceNames=["a", "b"])], (one,))


def _looks(one: Right) -> Iterator[Written]:
    """Ways that look like it and bring nothing."""
    verb, group, resource = one.verb, one.group, one.resource
    main, slash, _ = resource.partition("/")
    yield Written("another group", [_rule([verb], ["example.com"], [resource])])
    yield Written("capital letters", [_rule([verb], [group], [resource.capitalize()])])
    yield Written("a verb in capitals", [_rule([verb.upper()], [group], [resource])])
    yield Written("one letter less", [_rule([verb], [group], [resource[:-1]])])
    yield Written("its status", [_rule([verb], [group], [f"{main}/status"])])
    yield Written("any of its subresources, which is none", [_rule([verb], [group], [f"{main}/*"])])
    yield Written("another verb", [_rule(["use"], [group], [resource])])
    yield Written("a path", [{"verbs": [verb], "nonResourceURLs": [f"/{resource}"]}])
    yield Written("no verbs", [_rule([], [group], [resource])])
    yield Written(
        "parts in two rules", [_rule([verb], [group], ["things"]), _rule(["use"], [group], [resource])]
    )
    if verb == "create" and not slash:
        yield Written(
            "made by name, which nothing is", [_rule([verb], [group], [resource], resourceNames=["a"])]
        )


def _object(kind: str, name: str, namespace: str = "", **fields: object) -> Json:
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    version = "v1" if kind in ("ServiceAccount", "Namespace") else f"{RBAC}/v1"
    return {"apiVersion": version, "kind": kind, "metadata": meta, **fields}


def _binding(role: str, subject: Json, namespace: str = "", kind: str = "ClusterRole") -> Json:
    ref = {"apiGroup": RBAC, "kind": kind, "name": role}
    one = "RoleBinding" if namespace else "ClusterRoleBinding"
    return _object(one, "odd", namespace, roleRef=ref, subjects=[subject])


def _who(kind: str, name: str) -> Json:
    if kind == "ServiceAccount":
        return {"kind": kind, "name": name, "namespace": "nlp"}
    return {"kind": kind, "name": name, "apiGroup": RBAC}


SUBJECTS: Final = (
    ("user", _who("User", "wu@example.com")),
    ("group", _who("Group", "oidc:researchers")),
    ("account", _who("ServiceAccount", "jupyter")),
    ("account by its user name", _who("User", "system:serviceaccount:nlp:jupyter")),
    ("all accounts of a namespace", _who("Group", "system:serviceaccounts:nlp")),
)
_BASE: Final = (
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "w", "namespace": "nlp"},
        "spec": {**pod(), "serviceAccountName": "jupyter", "automountServiceAccountToken": False},
    },
    _object("ServiceAccount", "jupyter", "nlp"),
    _object("ClusterRole", "reader", rules=[_rule(["get"], [""], ["configmaps"])]),
    _object(
        "ClusterRoleBinding",
        "readers",
        roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": "reader"},
        subjects=[_who("Group", "oidc:all")],
    ),
)


def _listed(*objects: Json) -> Json:
    return {"apiVersion": "v1", "kind": "List", "items": [deepcopy(one) for one in (*_BASE, *objects)]}


def _role(rules: list[Json], name: str = "odd", **meta: object) -> Json:
    one = _object("ClusterRole", name, rules=rules)
    one["metadata"].update(meta)
    return one


def _collects(name: str, picks: dict[str, str], **meta: object) -> Json:
    one = _object(
        "ClusterRole",
        name,
        rules=[],
        aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"x": "none"}}, {"matchLabels": picks}]},
    )
    one["metadata"].update(meta)
    return one


def _fails(written: Written, *, inside: bool = False) -> frozenset[str]:
    found = {one.number for one in written.brings if one.inside or not inside}
    return frozenset(f"RBAC-{number}" for number in found | ({"03"} if written.star else set()))


def _bound(written: Written, who: str, subject: Json) -> Iterator[Variant]:
    """A role in every way in which somebody has it, or has not."""
    role, told = _role(written.rules), f"{written.name}, {who}"
    everywhere = _fails(written)
    yield Variant(f"{told}: cluster", _listed(role, _binding("odd", subject)), everywhere)
    many = who.startswith("all accounts") and any(one.number == "13" for one in written.brings)
    near = _fails(written, inside=True) | ({"RBAC-13"} if many else frozenset())
    yield Variant(f"{told}: one namespace", _listed(role, _binding("odd", subject, "nlp")), near)
    own = {**role, "kind": "Role", "metadata": {"name": "odd", "namespace": "nlp"}}
    yield Variant(f"{told}: a Role", _listed(own, _binding("odd", subject, "nlp", "Role")), near)
    yield Variant(f"{told}: bound to nobody", _listed(role), frozenset())
    part = _role(written.rules, "part", labels={"to": "odd", "b": "1"})
    whole = _collects("odd", {"to": "odd"})
    yield Variant(f"{told}: aggregated", _listed(part, whole, _binding("odd", subject)), everywhere)
    twice = (part, _collects("middle", {"to": "odd"}, labels={"up": "1"}), _collects("odd", {"up": "1"}))
    yield Variant(f"{told}: aggregated twice", _listed(*twice, _binding("odd", subject)), everywhere)
    missed = _listed(part, _collects("odd", {"to": "another"}), _binding("odd", subject))
    yield Variant(f"{told}: aggregated from others", missed, frozenset())


def _bindings() -> Iterator[Variant]:
    """What a binding is by itself, whatever its role allows."""
    reader = _rule(["get"], [""], ["configmaps"])
    admin = _role([_rule(["*"], ["*"], ["*"])], "cluster-admin")
    every = frozenset(f"RBAC-{number}" for number in ("01", "02", "04", "08", "09", "10", "11", "12", "13"))
    for who, subject in SUBJECTS:
        yield Variant(f"cluster-admin, {who}", _listed(admin, _binding("cluster-admin", subject)), every)
        one = _listed(admin, _binding("cluster-admin", subject, "nlp"))
        many = frozenset({"RBAC-13"}) if who.startswith("all") else frozenset()
        yield Variant(f"cluster-admin in nlp, {who}", one, frozenset({"RBAC-01", "RBAC-08"}) | many)
        gone = _listed(_binding("nowhere", subject))
        yield Variant(f"a role that is not there, {who}", gone, frozenset({"RBAC-15"}))
        capital = _listed(_role([reader], "Odd"), _binding("odd", subject))
        yield Variant(f"a role in other letters, {who}", capital, frozenset({"RBAC-15"}))
    ghost = _who("ServiceAccount", "ghost")
    yield Variant(
        "an account that is not there",
        _listed(_role([reader]), _binding("odd", ghost)),
        frozenset({"RBAC-15"}),
    )
    there = (_object("ServiceAccount", "default", "nlp"), _role([reader]))
    default = _who("ServiceAccount", "default")
    for space in ("", "nlp"):
        yield Variant(
            f"default {space}", _listed(*there, _binding("odd", default, space)), frozenset({"RBAC-05"})
        )
        for name in ("system:authenticated", "system:unauthenticated"):
            one = _listed(_role([reader]), _binding("odd", _who("Group", name), space))
            yield Variant(f"{name} {space}", one, frozenset({"RBAC-14"}))
        one = _listed(_role([reader]), _binding("odd", _who("User", "system:anonymous"), space))
        yield Variant(f"anonymous {space}", one, frozenset({"RBAC-14"}))
        one = _listed(_role([reader]), _binding("odd", _who("Group", "system:masters"), space))
        yield Variant(f"masters {space}", one, frozenset({"RBAC-07"}))
        for name in ("System:masters", "masters", "system:master"):
            one = _listed(_role([reader]), _binding("odd", _who("Group", name), space))
            yield Variant(f"no masters: {name} {space}", one, frozenset())
        one = _listed(_role([reader]), _binding("odd", _who("User", "system:masters"), space))
        yield Variant(f"a user of the name of a group {space}", one, frozenset())
    shipped = _binding("cluster-admin", _who("Group", "system:masters"))
    yield Variant("as Kubernetes binds it", _listed(admin, shipped), frozenset())


def variants(seed: int = 7, each: int = 1) -> Iterator[Variant]:
    """Yield every way to write every right, bound in some ways to some subjects; the same for a seed."""
    chance = Random(seed)
    yield from _bindings()
    for right in RIGHTS:
        name = f"{right.verb} {right.resource}.{right.group}"
        for written in (*_ways(right), *_looks(right)):
            for who, subject in chance.sample(SUBJECTS, each):
                for one in chance.sample(list(_bound(written, who, subject)), 3):
                    yield one._replace(name=f"{name} {one.name}")
