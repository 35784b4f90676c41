"""The settings of Kubernetes' components that checks look at: one table, from which the checks are made.

Defaults are those of Kubernetes 1.36: of `--help`, against which a test holds them, and for kubelet and
kube-proxy of the packages `options`, `v1beta1` and `v1alpha1`. Where an older one differs, a row says when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dcctl.audit.facts.settings import OPS, Parameter, UnknownSettingError, effective
from dcctl.audit.parts import Part, in_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.audit.check import Severity
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.components import Component

API, MANAGER, SCHEDULER = "kube-apiserver", "kube-controller-manager", "kube-scheduler"
ETCD, KUBELET, PROXY = "etcd", "kubelet", "kube-proxy"
_TLS, _PEER = "client-transport-security.", "peer-transport-security."

PARAMETERS: Final[dict[str, tuple[Parameter, ...]]] = {
    "API-02": (Parameter(API, "token-auth-file", "unset"),),
    "API-04": (
        Parameter(API, "audit-log-maxage", "at least", "@audit_log_days", default=((0, "0"), (36, "366"))),
        Parameter(
            API, "audit-log-maxbackup", "at least", "@audit_log_files", default=((0, "0"), (36, "100"))
        ),
        Parameter(API, "audit-log-maxsize", "at least", "@audit_log_megabytes", default="100"),
    ),
    "API-06": (
        Parameter(API, "kubelet-client-certificate", "set"),
        Parameter(API, "kubelet-client-key", "set"),
        Parameter(API, "kubelet-certificate-authority", "set"),
        Parameter(API, "etcd-certfile", "set"),
        Parameter(API, "etcd-keyfile", "set"),
        Parameter(API, "etcd-cafile", "set"),
        Parameter(API, "tls-cert-file", "set"),
        Parameter(API, "tls-private-key-file", "set"),
        Parameter(API, "client-ca-file", "set"),
    ),
    "API-07": (
        Parameter(ETCD, "cert-file", "set", path=_TLS + "cert-file"),
        Parameter(ETCD, "key-file", "set", path=_TLS + "key-file"),
        Parameter(ETCD, "client-cert-auth", "true", path=_TLS + "client-cert-auth", default="false"),
        Parameter(ETCD, "auto-tls", "false", path=_TLS + "auto-tls", default="false"),
        Parameter(ETCD, "peer-cert-file", "set", path=_PEER + "cert-file"),
        Parameter(ETCD, "peer-key-file", "set", path=_PEER + "key-file"),
        Parameter(ETCD, "peer-client-cert-auth", "true", path=_PEER + "client-cert-auth", default="false"),
        Parameter(ETCD, "peer-auto-tls", "false", path=_PEER + "auto-tls", default="false"),
    ),
    "API-09": (
        Parameter(API, "plugin:NodeRestriction", "true"),
        Parameter(API, "plugin:ServiceAccount", "true"),
        Parameter(API, "plugin:NamespaceLifecycle", "true"),
        Parameter(API, "plugin:AlwaysAdmit", "false"),
    ),
    "API-10": (
        Parameter(API, "profiling", "false", default="true"),
        Parameter(MANAGER, "profiling", "false", default="true"),
        Parameter(MANAGER, "bind-address", "loopback", default="0.0.0.0"),  # noqa: S104  # what it would be
        Parameter(SCHEDULER, "profiling", "false", path="enableProfiling", default="true"),
        Parameter(SCHEDULER, "bind-address", "loopback", default="0.0.0.0"),  # noqa: S104  # the same
    ),
    "API-11": (
        Parameter(API, "service-account-lookup", "true", default="true"),
        Parameter(API, "service-account-key-file", "set", unless="service-account-signing-endpoint"),
        Parameter(API, "service-account-extend-token-expiration", "false", default="true"),
    ),
    "API-13": (
        Parameter(MANAGER, "terminated-pod-gc-threshold", "1 to", "@terminated_pods", default="12500"),
        Parameter(MANAGER, "use-service-account-credentials", "true", default="false"),
        Parameter(MANAGER, "service-account-private-key-file", "set"),
        Parameter(MANAGER, "root-ca-file", "set"),
        Parameter(MANAGER, "gate:RotateKubeletServerCertificate", "true", default="true"),
    ),
    "API-14": (
        Parameter(API, "plugin:DenyServiceExternalIPs", "true"),
        Parameter(API, "plugin:EventRateLimit", "true"),
        Parameter(API, "plugin:AlwaysPullImages", "true"),
        Parameter(API, "request-timeout", "seconds to", "@request_timeout_s", default="1m0s"),
    ),
    "KUB-01": (
        Parameter(
            *(KUBELET, "anonymous-auth", "false"),
            path="authentication.anonymous.enabled",
            default="false",
            bare="true",
        ),
        Parameter(
            *(KUBELET, "authorization-mode", "lacks", "AlwaysAllow"),
            path="authorization.mode",
            default="Webhook",
            bare="AlwaysAllow",
        ),
    ),
    "KUB-02": (
        Parameter(KUBELET, "client-ca-file", "set", path="authentication.x509.clientCAFile"),
        Parameter(KUBELET, "read-only-port", "is", "0", path="readOnlyPort", default="0", bare="10255"),
    ),
    "KUB-03": (
        Parameter(KUBELET, "rotate-certificates", "true", path="rotateCertificates", default="false"),
        Parameter(
            *(KUBELET, "gate:RotateKubeletServerCertificate", "true"),
            path="featureGates.RotateKubeletServerCertificate",
            default="true",
        ),
    ),
    "KUB-04": (
        Parameter(KUBELET, "seccomp-default", "true", path="seccompDefault", default="false"),
        Parameter(KUBELET, "pod-max-pids", "at least", "1", path="podPidsLimit", default="-1"),
        Parameter(KUBELET, "event-qps", "at least", "0", path="eventRecordQPS", default="50"),
    ),
    "KUB-07": (
        Parameter(
            *(KUBELET, "streaming-connection-idle-timeout", "some time"),
            path="streamingConnectionIdleTimeout",
            default="4h",
            zero_is_default=True,
        ),
        Parameter(
            KUBELET, "make-iptables-util-chains", "true", path="makeIPTablesUtilChains", default="true"
        ),
        Parameter(KUBELET, "hostname-override", "unset"),
        Parameter(
            PROXY, "metrics-bind-address", "loopback", path="metricsBindAddress", default="127.0.0.1:10249"
        ),
    ),
}
"""By check. Several rows of one check are its parts."""

_WANTED: Final = {
    "set": "set",
    "is": "{}",
    "unset": "not set",
    "true": "true",
    "false": "false",
    "lacks": "without {}",
    "at least": "{} or more",
    "1 to": "from 1 to {}",
    "seconds to": "at most {} s, and not 0",
    "some time": "more than 0",
    "loopback": "a loopback address",
}


def judged(component: Component, parameter: Parameter, scene: Scene) -> Part:
    """Return whether a setting is what it has to be."""
    value = parameter.value
    if parameter.unless and parameter.unless in (component.flags or {}):
        return Part(parameter.where, "na", f"--{parameter.unless} is in its place")
    if value.startswith("@"):
        value = str(getattr(scene.policy.components, value[1:]))
    try:
        setting = effective(component, parameter)
        good = OPS[parameter.op](setting, value)
    except UnknownSettingError as doubt:
        return Part(parameter.where, "unknown", f"{parameter.where}: {doubt}")
    if good:
        return Part(parameter.where, "pass")
    name = parameter.flag.partition(":")[2] or f"--{parameter.flag}"
    shown = setting.value or "not set"
    return Part(
        parameter.where,
        "fail",
        f"{name} is {shown} ({setting.origin}), wanted {_WANTED[parameter.op].format(value)}",
    )


def settings(name: str) -> Callable[[Component, Scene], Iterator[Part]]:
    """Return what a check of the table looks at in a component."""
    rows = PARAMETERS[name]

    def parts(component: Component, scene: Scene) -> Iterator[Part]:
        return (judged(component, row, scene) for row in rows if row.component == component.kind)

    return parts


def only(*kinds: str) -> Callable[[Component, Scene], str]:
    """Return what says why a check is not about a component: another one, or one that a provider runs."""

    def reason(component: Component, _scene: Scene) -> str:
        if component.kind not in kinds:
            return f"what is no {' or '.join(kinds)}"
        return f"{component.managed} runs it" if component.managed else ""

    return reason


def of_table(name: str, title: str, severity: Severity, **told: Any) -> None:  # noqa: ANN401  # those of in_parts
    """Enter a check that is the rows of the table under its id and nothing else."""
    parts = settings(name)
    parts.__doc__ = f"Each setting is as the table of parameters wants it: {title}."
    kinds = dict.fromkeys(row.component for row in PARAMETERS[name])
    in_parts(
        name, title, severity, tier="F", over="components", needs=("flags",), applies=only(*kinds), **told
    )(parts)


def given(component: Component, flag: str) -> str:
    """Return what a flag was given last; empty: nothing."""
    return "".join((component.flags or {}).get(flag, ())[-1:])


def is_set(where: str, value: str, says: str) -> Part:
    """Return a part that passes where there is a value."""
    return Part(where, "pass") if value else Part(where, "fail", says)


def untold(component: Component, name: str) -> str:
    """Return why a field of a component is not known."""
    silence = component.silent.get(name)
    return silence.reason if silence else f"nobody told {name.replace('_', ' ')}"
