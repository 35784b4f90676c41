"""API server, etcd, controller manager and scheduler: settings as they are in force, and SEC-01."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.audit.facts.parameters import API, ETCD, KUBELET, given, is_set, of_table, only, settings, untold
from dcctl.audit.facts.settings import OPS, Parameter, UnknownSettingError, effective
from dcctl.audit.parts import Part, in_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.components import Component

_OF_NO_INTEREST: Final = frozenset({"/healthz", "/livez", "/readyz"})
"""Paths that anybody may ask: whether a server lives."""
_WEAK: Final = ("RC4", "3DES", "CBC", "NULL")
_STRONG_PROVIDERS: Final = frozenset({"kms", "secretbox", "aescbc", "aesgcm"})
_SECRETS: Final = ("secrets", "*.", "*.*")


@in_parts(
    "API-01",
    "API server answers anonymous requests",
    "high",
    tier="F",
    over="components",
    needs=("flags",),
    refs=("cis-1.12:1.2.1", "800-53:AC-14", "soc2:CC6.1", "mlps:8.1.4.1"),
    why="Whatever is bound to system:unauthenticated by mistake is open to everybody who reaches the port.",
    fix="Set --anonymous-auth=false, or let its AuthenticationConfiguration allow /livez and /readyz.",
    applies=only(API),
)
def anonymous(component: Component, _scene: Scene) -> Iterator[Part]:
    """Anonymous requests are refused, or let in to health paths alone."""
    where, parameter = "anonymous-auth", Parameter(API, "anonymous-auth", "false", default="true")
    told = component.authentication
    try:
        if given(component, "authentication-config"):
            if told is None:
                yield Part(where, "unknown", untold(component, "authentication"))
                return
            if told.anonymous is not None:
                good = not told.anonymous or (
                    told.anonymous_paths and set(told.anonymous_paths) <= _OF_NO_INTEREST
                )
                says = "the AuthenticationConfiguration lets anonymous requests in to more than health paths"
                yield Part(where, "pass") if good else Part(where, "fail", says)
                return
        setting = effective(component, parameter)
        good = OPS["false"](setting, "")
    except UnknownSettingError as doubt:
        yield Part(where, "unknown", f"{where}: {doubt}")
        return
    says = f"--anonymous-auth is {setting.value} ({setting.origin})"
    yield Part(where, "pass") if good else Part(where, "fail", says)


of_table(
    "API-02",
    "API server takes passwords from a token file",
    "high",
    refs=("cis-1.12:1.2.2", "800-53:IA-5(1)", "soc2:CC6.1", "mlps:8.1.4.1"),
    why="Tokens of that file never expire, lie in clear text, and change only when the API server restarts.",
    fix="Remove --token-auth-file; use service accounts or OIDC.",
)


@in_parts(
    "API-03",
    "Authorization without Node and RBAC, or with AlwaysAllow",
    "critical",
    tier="F",
    over="components",
    needs=("flags",),
    refs=("cis-1.12:1.2.6", "cis-1.12:1.2.7", "cis-1.12:1.2.8", "800-53:AC-3", "soc2:CC6.1", "mlps:8.1.4.2"),
    why="With AlwaysAllow everybody inside is an administrator; without Node a kubelet reads all Secrets.",
    fix="Set --authorization-mode=Node,RBAC, or name both in the AuthorizationConfiguration.",
    applies=only(API),
)
def authorization(component: Component, _scene: Scene) -> Iterator[Part]:
    """Node and RBAC decide, and AlwaysAllow does not."""
    if given(component, "authorization-config"):
        modes, origin = component.authorizers, given(component, "authorization-config")
    else:
        parameter = Parameter(API, "authorization-mode", "lacks", default="AlwaysAllow")
        setting = effective(component, parameter)
        modes, origin = setting.words, setting.origin
    for mode, wanted in (("AlwaysAllow", False), ("Node", True), ("RBAC", True)):
        where = f"authorization-mode {mode}"
        if modes is None:
            yield Part(where, "unknown", untold(component, "authorizers"))
        elif (mode in modes) == wanted:
            yield Part(where, "pass")
        else:
            lacks = "without" if wanted else "with"
            yield Part(where, "fail", f"it is {','.join(modes) or 'empty'} ({origin}), {lacks} {mode}")


of_table(
    "API-06",
    "API server lacks a certificate or a CA",
    "high",
    refs=(
        *("cis-1.12:1.2.4", "cis-1.12:1.2.5", "cis-1.12:1.2.23", "cis-1.12:1.2.24"),
        *("cis-1.12:1.2.25", "cis-1.12:1.2.26", "800-53:SC-8", "soc2:CC6.7", "mlps:8.1.4.8"),
    ),
    why="Without the CA of kubelets or of etcd, somebody in between can answer for them.",
    fix="Set the flag to the file of kubeadm certs; sign the kubelets' serving certificates first.",
)


@in_parts(
    "API-07",
    "etcd without TLS, client certificates, or a CA of its own",
    "critical",
    tier="F",
    over="components",
    needs=("flags",),
    refs=(*(f"cis-1.12:2.{number}" for number in range(1, 8)), "800-53:SC-8", "soc2:CC6.7", "mlps:8.1.4.8"),
    why="Whoever speaks to etcd reads every Secret and writes every object, past RBAC and any log.",
    fix="Give etcd its own CA; set cert-file, key-file, client-cert-auth and their peer- twins.",
    applies=only(ETCD),
)
def etcd_tls(component: Component, scene: Scene) -> Iterator[Part]:
    """Clients and peers show certificates, of a CA that signs nothing else."""
    yield from settings("API-07")(component, scene)
    yield _own_ca(component, scene)


def _own_ca(component: Component, scene: Scene) -> Part:
    where = "trusted-ca-file"
    parameter = Parameter(ETCD, where, "set", path="client-transport-security.trusted-ca-file")
    try:
        path = effective(component, parameter).value
    except UnknownSettingError as doubt:
        return Part(where, "unknown", f"{where}: {doubt}")
    if not path:
        return Part(where, "fail", "etcd has no CA for its clients")
    for other in scene.evidence.components or ():
        theirs = given(other, "client-ca-file")
        if other.kind == API and other.node == component.node and theirs:
            ours = (component.digests or {}).get(path, path)
            if theirs == path or (other.digests or {}).get(theirs, "") == ours:
                return Part(where, "fail", f"the CA of etcd's clients is that of the cluster's users: {path}")
    return Part(where, "pass")


@in_parts(
    "API-08",
    "Weak TLS of the API server or a kubelet",
    "medium",
    tier="F",
    over="components",
    needs=("flags",),
    refs=("cis-1.12:1.2.29", "cis-1.12:4.2.12", "800-53:SC-13", "soc2:CC6.7", "iso:A.8.24", "mlps:8.1.4.8"),
    why="Suites with CBC and SHA-1, RC4 or 3DES have known attacks, and scanners of auditors name them.",
    fix="Set tls-cipher-suites to ECDHE with GCM or ChaCha20, or tls-min-version to VersionTLS13.",
    applies=only(API, KUBELET),
)
def tls(component: Component, _scene: Scene) -> Iterator[Part]:
    """TLS 1.2 at least, and no suite that is weak."""
    version = Parameter(
        component.kind, "tls-min-version", "set", path="tlsMinVersion", default="VersionTLS12"
    )
    suites = Parameter(component.kind, "tls-cipher-suites", "lacks", path="tlsCipherSuites")
    try:
        least, offered = effective(component, version), effective(component, suites)
    except UnknownSettingError as doubt:
        yield Part("tls", "unknown", f"tls: {doubt}")
        return
    old = least.value in ("VersionTLS10", "VersionTLS11")
    yield (
        Part("tls-min-version", "fail", f"{least.value} is let in")
        if old
        else Part("tls-min-version", "pass")
    )
    where = "tls-cipher-suites"
    weak = [one for one in offered.words if _is_weak(one, component.kind)]
    if least.value == "VersionTLS13":
        yield Part(where, "pass")
    elif not offered.words:
        yield Part(where, "fail", "tls-cipher-suites is not set: Go's own choice still offers CBC with SHA-1")
    elif weak:
        yield Part(where, "fail", f"weak: {', '.join(weak)}")
    else:
        yield Part(where, "pass")


def _is_weak(suite: str, kind: str) -> bool:
    """Whether a suite is broken; of the API server also one without forward secrecy."""
    return any(mark in suite for mark in _WEAK) or (kind == API and suite.startswith("TLS_RSA_"))


of_table(
    "API-09",
    "Admission plug-in off that should be on, or the other way",
    "high",
    refs=(
        *("cis-1.12:1.2.10", "cis-1.12:1.2.12", "cis-1.12:1.2.13", "cis-1.12:1.2.14"),
        *("800-53:CM-6", "soc2:CC6.1", "mlps:8.1.4.2"),
    ),
    why="Without NodeRestriction one node that was taken over can change all others and their pods.",
    fix="Set --enable-admission-plugins=NodeRestriction; take the others out of --disable-admission-plugins.",
)
of_table(
    "API-10",
    "Profiling is on, or metrics are open to the network",
    "low",
    refs=(
        *("cis-1.12:1.2.15", "cis-1.12:1.3.2", "cis-1.12:1.3.7", "cis-1.12:1.4.1", "cis-1.12:1.4.2"),
        "800-53:CM-7",
        "soc2:CC6.6",
    ),
    why="Profiles tell what a server holds in memory and cost it time; an open port is one more to attack.",
    fix="Set --profiling=false on all three, --bind-address=127.0.0.1 on controller manager and scheduler.",
)
of_table(
    "API-11",
    "Service account tokens live too long or are not looked up",
    "medium",
    refs=("cis-1.12:1.2.21", "cis-1.12:1.2.22", "cis-1.12:1.2.30", "800-53:IA-5", "soc2:CC6.1"),
    why="A token of a deleted account, or one that was made for an hour, opens the door for a year.",
    fix="Set --service-account-extend-token-expiration=false once no client keeps tokens in memory for ever.",
)
of_table(
    "API-13",
    "Controller manager without own accounts, key, CA or limits",
    "medium",
    refs=(*(f"cis-1.12:1.3.{number}" for number in (1, 3, 4, 5, 6)), "800-53:AC-6", "soc2:CC6.1"),
    why="All controllers then act with one account that may do everything; pods that ended fill etcd.",
    fix="Set --use-service-account-credentials, --service-account-private-key-file and --root-ca-file.",
)
of_table(
    "API-14",
    "Optional admission plug-ins are off",
    "info",
    refs=(
        "cis-1.12:1.2.3",
        "cis-1.12:1.2.9",
        "cis-1.12:1.2.11",
        "cis-1.12:1.2.20",
        "800-53:SC-5",
        "soc2:CC6.1",
    ),
    why="Pods may start private images that another tenant pulled; Services may take addresses of others.",
    fix="Add all three where tenants do not trust each other.",
)


@in_parts(
    "API-15",
    "Persons have client certificates",
    "medium",
    tier=("A", "F"),
    over="components",
    needs=("flags",),
    refs=(
        "dcctl:humans",
        "cis-1.12:3.1.1",
        "cis-1.12:3.1.2",
        "cis-1.12:3.1.3",
        "800-53:IA-2",
        "soc2:CC6.1",
        "mlps:8.1.4.1",
    ),
    why="A client certificate cannot be taken back when its owner leaves or loses a laptop.",
    fix="Let persons in by OIDC or a webhook; approve no request of signer kube-apiserver-client for them.",
    applies=only(API),
)
def persons(component: Component, _scene: Scene) -> Iterator[Part]:
    """There is another way in, and no request for a person's certificate was granted."""
    certified = component.certified
    if certified:
        yield Part("certificates", "fail", f"client certificates were granted: {', '.join(certified[:3])}")
        return
    if certified is None:
        yield Part("certificates", "unknown", untold(component, "certified"))
        return
    ways = ("oidc-issuer-url", "authentication-token-webhook-config-file")
    if any(given(component, flag) for flag in ways) or (
        component.authentication and component.authentication.issuers
    ):
        yield Part("certificates", "pass")
        return
    yield Part(
        "certificates", "manual", "neither OIDC nor a webhook: a person has to say how persons come in"
    )


@in_parts(
    "SEC-01",
    "Secrets lie in etcd in clear text",
    "critical",
    tier="F",
    over="components",
    needs=("flags",),
    refs=(
        "cis-1.12:1.2.27",
        "cis-1.12:1.2.28",
        "nsa:C-0066",
        "800-53:SC-28",
        "soc2:CC6.1",
        "iso:A.8.24",
        "mlps:8.1.4.8",
    ),
    why="Every backup of etcd, and every disk of it, holds all passwords and tokens of the cluster.",
    fix="Set --encryption-provider-config, then `kubectl get secret -A -o json | kubectl replace -f -`",
    applies=only(API),
)
def encryption(component: Component, _scene: Scene) -> Iterator[Part]:
    """The first provider for Secrets encrypts."""
    path = given(component, "encryption-provider-config")
    yield is_set(
        "encryption-provider-config", path, "no encryption is configured: Secrets are written as they are"
    )
    if not path:
        return
    if component.encryption is None:
        yield Part("secrets", "unknown", untold(component, "encryption"))
    else:
        entries = [one for one in component.encryption if set(one.resources) & set(_SECRETS)]
        first = entries[0].providers[0] if entries and entries[0].providers else "identity"
        good = first in _STRONG_PROVIDERS
        yield (
            Part("secrets", "pass") if good else Part("secrets", "fail", f"Secrets are written with {first}")
        )
