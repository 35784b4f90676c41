"""Kubelets and kube-proxy: settings as they are in force, and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.audit.facts.parameters import API, KUBELET, PROXY, judged, of_table, only, settings
from dcctl.audit.facts.settings import Parameter, minor_of
from dcctl.audit.parts import Part, in_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.components import Component

_DAY_S: Final = 86_400
END_OF_LIFE: Final = {
    27: 19_920,  # 2024-07-16
    28: 20_018,  # 2024-10-22
    29: 20_147,  # 2025-02-28
    30: 20_284,  # 2025-07-15
    31: 20_403,  # 2025-11-11
    32: 20_512,  # 2026-02-28
    33: 20_632,  # 2026-06-28
    34: 20_753,  # 2026-10-27
    35: 20_877,  # 2027-02-28
    36: 20_997,  # 2027-06-28
}
"""By minor version of Kubernetes, the day since 1970 on which its support ends (kubernetes.io/releases).

What is older has none any more; of what is newer nothing bad is known.
"""

of_table(
    "KUB-01",
    "Kubelet answers anybody",
    "critical",
    refs=("cis-1.12:4.2.1", "cis-1.12:4.2.2", "nsa:C-0069", "800-53:AC-3", "soc2:CC6.1", "mlps:8.1.4.1"),
    why="Whoever reaches port 10250 runs commands in every container of the node.",
    fix="Set authentication.anonymous.enabled: false and authorization.mode: Webhook in its configuration.",
)
of_table(
    "KUB-02",
    "Kubelet without a client CA, or with its read-only port open",
    "high",
    refs=("cis-1.12:4.2.3", "cis-1.12:4.2.4", "nsa:C-0070", "800-53:SC-8", "soc2:CC6.1", "mlps:8.1.4.1"),
    why="The read-only port tells all pods with their environment to anybody, without a login.",
    fix="Set authentication.x509.clientCAFile and readOnlyPort: 0.",
)
of_table(
    "KUB-03",
    "Kubelet does not renew its certificates",
    "medium",
    refs=("cis-1.12:4.2.10", "cis-1.12:4.2.11", "800-53:SC-12", "soc2:CC6.7"),
    why="On the day the certificate expires the node drops out, with all that runs on it.",
    fix="Set rotateCertificates: true, and leave the gate RotateKubeletServerCertificate as it is.",
)
of_table(
    "KUB-04",
    "Kubelet without default seccomp or a limit of processes",
    "low",
    refs=("cis-1.12:4.2.8", "cis-1.12:4.2.13", "cis-1.12:4.2.14", "800-53:SC-5", "soc2:CC6.1"),
    why="A fork bomb in one pod takes the node; without a profile the kernel may be asked for anything.",
    fix="Set seccompDefault: true and podPidsLimit to a number that jobs need, 4096 for example.",
)


@in_parts(
    "KUB-06",
    "Kubernetes version without support, or too far from the API server",
    "high",
    tier="A",
    over="components",
    needs=("version",),
    refs=("dcctl:versions", "800-53:SI-2", "soc2:CC7.1", "iso:A.8.8", "mlps:8.1.4.4"),
    why="No fixes come any more for what everybody can read in the list of vulnerabilities.",
    fix="Upgrade the control plane one minor version at a time, then the kubelets, within three of it.",
    applies=lambda component, _: "" if component.kind in (API, KUBELET) else f"what is no {API} or {KUBELET}",
)
def version(component: Component, scene: Scene) -> Iterator[Part]:
    """The minor version is supported, and a kubelet is no newer than the API server and not much older."""
    minor = minor_of(component.version)
    if minor is None:
        yield Part("support", "unknown", f"{component.version} is no version 1.x")
        return
    over = minor < min(END_OF_LIFE) or scene.now_s >= END_OF_LIFE.get(minor, scene.now_s) * _DAY_S
    yield Part("support", "fail", f"support of 1.{minor} is over") if over else Part("support", "pass")
    if component.kind == KUBELET:
        servers = scene.once(api_minors).get(component.cluster, [])
        yield _skew(minor, servers, scene.policy.components.kubelet_minors)


def api_minors(scene: Scene) -> dict[str, list[int]]:
    """Return the minor versions of the API servers of each cluster, in order."""
    found: dict[str, list[int]] = {}
    for one in scene.evidence.components or ():
        minor = minor_of(one.version)
        if one.kind == API and minor is not None:
            found[one.cluster] = sorted([*found.get(one.cluster, ()), minor])
    return found


def _skew(minor: int, servers: list[int], allowed: int) -> Part:
    if not servers:
        return Part("skew", "unknown", "the version of the API server is not known")
    if minor > servers[0]:
        return Part("skew", "fail", f"the kubelet's 1.{minor} is newer than the API server's 1.{servers[0]}")
    if servers[-1] - minor > allowed:
        behind = servers[-1] - minor
        return Part(
            "skew", "fail", f"the kubelet's 1.{minor} is {behind} behind the API server's 1.{servers[-1]}"
        )
    return Part("skew", "pass")


@in_parts(
    "KUB-07",
    "Kubelet or kube-proxy with loose connections or self-signed TLS",
    "low",
    tier="F",
    over="components",
    needs=("flags",),
    refs=(
        *("cis-1.12:4.2.5", "cis-1.12:4.2.6", "cis-1.12:4.2.7", "cis-1.12:4.2.9", "cis-1.12:4.3.1"),
        "800-53:CM-6",
        "soc2:CC6.7",
    ),
    why="With a certificate that nobody signed, somebody in between can read logs and commands.",
    fix="Set serverTLSBootstrap: true and approve the requests; leave the others at their defaults.",
    applies=only(KUBELET, PROXY),
)
def connections(component: Component, scene: Scene) -> Iterator[Part]:
    """Idle streams end, the name is the node's, the certificate is signed, metrics stay inside."""
    yield from settings("KUB-07")(component, scene)
    if component.kind == KUBELET:
        yield _serving(component, scene)


def _serving(component: Component, scene: Scene) -> Part:
    where = "serving certificate"
    wanted = (
        Parameter(KUBELET, "tls-cert-file", "set", path="tlsCertFile"),
        Parameter(KUBELET, "tls-private-key-file", "set", path="tlsPrivateKeyFile"),
    )
    own = [judged(component, one, scene).state for one in wanted]
    bootstrap = Parameter(KUBELET, "", "true", path="serverTLSBootstrap", default="false")
    signed = judged(component, bootstrap, scene)
    if signed.state == "unknown":
        return Part(where, "unknown", signed.says)
    if own == ["pass", "pass"] or signed.state == "pass":
        return Part(where, "pass")
    return Part(where, "fail", "the kubelet signs its own certificate: nobody can tell it from another")
