"""API-04 and API-05: the API server's audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.audit.facts.parameters import API, given, is_set, only, settings, untold
from dcctl.audit.parts import Part, in_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.components import AuditRule, Component

_ANYONE: Final = "system:authenticated"
_KEY_EVENTS: Final = (
    ("secrets", "get", "core/secrets", True),
    ("configmaps", "get", "core/configmaps", True),
    ("tokenreviews", "create", "authentication.k8s.io/tokenreviews", True),
    ("roles", "update", "rbac.authorization.k8s.io/roles", False),
    ("clusterrolebindings", "create", "rbac.authorization.k8s.io/clusterrolebindings", False),
    ("pods", "create", "core/pods", False),
    ("deployments", "update", "apps/deployments", False),
    ("pods/exec", "create", "core/pods/exec", False),
    ("pods/portforward", "create", "core/pods/portforward", False),
    ("pods/proxy", "get", "core/pods/proxy", False),
    ("services/proxy", "get", "core/services/proxy", False),
)
"""What an audit policy has to log: (name, verb, resource, whether its bodies hold secrets)."""


@in_parts(
    "API-04",
    "API server keeps no audit log, or not for long",
    "high",
    tier="F",
    over="components",
    needs=("flags",),
    refs=(
        *(f"cis-1.12:1.2.{number}" for number in (16, 17, 18, 19)),
        *("cis-1.12:3.2.1", "nsa:C-0067", "800-53:AU-11", "iso:A.8.15", "soc2:CC7.2", "mlps:8.1.4.3"),
    ),
    why="After an incident nobody can tell who read which Secret, or since when.",
    fix="Set --audit-policy-file, and --audit-log-path with its limits or --audit-webhook-config-file.",
    applies=only(API),
)
def audit_log(component: Component, scene: Scene) -> Iterator[Part]:
    """There is a policy, and a log that is kept long enough or sent elsewhere."""
    policy, log = given(component, "audit-policy-file"), given(component, "audit-log-path")
    webhook = given(component, "audit-webhook-config-file")
    no_file = log in ("", "-")
    yield is_set("audit-policy-file", policy, "there is no audit policy: nothing is logged")
    yield is_set("audit-log-path", log or webhook, "no audit log is written or sent")
    for part in settings("API-04")(component, scene):
        yield Part(part.where, "na", "there is no log file") if no_file else part


def logged_as(policy: tuple[AuditRule, ...], verb: str, resource: str) -> str:
    """Return the level at which an audit policy logs what somebody without a name of their own does."""
    for rule in policy:
        if not rule.urls and _concerns(rule, verb, resource):
            return rule.level
    return "None"


def _concerns(rule: AuditRule, verb: str, resource: str) -> bool:
    if rule.users or (rule.groups and _ANYONE not in rule.groups) or any(rule.namespaces):
        return False
    group, _, name = resource.partition("/")
    wanted = {resource, f"{group}/*"} | ({f"{group}/*/{name.partition('/')[2]}"} if "/" in name else set())
    if "/" in name:
        wanted.add(f"{group}/{name.partition('/')[0]}/*")
    return (not rule.verbs or bool({verb, "*"} & set(rule.verbs))) and (
        not rule.resources or bool(wanted & set(rule.resources))
    )


@in_parts(
    "API-05",
    "Audit policy misses key events, or logs secrets",
    "medium",
    tier="F",
    over="components",
    needs=("flags",),
    refs=("cis-1.12:3.2.2", "800-53:AU-12", "soc2:CC7.2", "iso:A.8.15", "mlps:8.1.4.3"),
    why="An intruder execs into a pod and reads Secrets: a policy that leaves these out shows a quiet night.",
    fix="Log Secrets, ConfigMaps and TokenReviews at Metadata, the rest at Metadata or more.",
    applies=only(API),
)
def key_events(component: Component, _scene: Scene) -> Iterator[Part]:
    """Secrets, RBAC, workloads, exec and proxies are logged; bodies that hold secrets are not."""
    if not given(component, "audit-policy-file"):
        yield Part("policy", "fail", "there is no audit policy")
        return
    policy = component.audit_policy
    if policy is None:
        yield Part("policy", "unknown", untold(component, "audit_policy"))
        return
    for name, verb, resource, secret in _KEY_EVENTS:
        level = logged_as(policy, verb, resource)
        if level == "None":
            yield Part(name, "fail", f"{verb} of {name} is not logged")
        elif secret and level != "Metadata":
            yield Part(name, "fail", f"{verb} of {name} is logged at {level}: with its secrets")
        else:
            yield Part(name, "pass")
