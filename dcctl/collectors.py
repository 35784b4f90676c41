"""Evidence for an audit: what each source of a run can tell. New collectors are plugged in here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.inventory.evidence import document
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.components import united
from dcctl.inventory.evidence.fleet import with_fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.model import Fleet
    from dcctl.settings import Settings
    from dcctl.specs import KubernetesSpec, SshSpec

_HEAD_BYTES = 64
_OF_NODES = ("hosts", "boards", "gpu_nodes", "ports", "components")
"""What nodes tell."""


def saved(settings: Settings) -> Evidence | None:
    """Return the evidence that `-i FILE` names, less the nodes that -w and -x leave out; None: it names none.

    UsageError: the file is damaged, of a newer version, or not the only inventory.
    """
    found = [what for what in settings.inventory if _is_evidence(what)]
    if not found:
        return None
    if len(settings.inventory) > 1:
        raise UsageError(f"-i {found[0]}", "evidence is looked at alone", f"dcctl audit -i {found[0]}")
    from dcctl.inventory.nodeset import select
    from dcctl.inventory.sources.files.documents import read_bytes

    evidence = document.decode(read_bytes(found[0]), found[0])
    if not (settings.nodes or settings.exclude):
        return evidence
    fleet = select(evidence.fleet, settings.nodes or None, settings.exclude or None)
    return replace(document.restricted(evidence, {node.name for node in fleet.nodes}), fleet=fleet)


def _is_evidence(what: str) -> bool:
    if what in {"-", "live", "demo"}:
        return False
    try:
        with open(what, "rb") as file:  # noqa: PTH123  # it may be no path at all
            return document.begins(file.read(_HEAD_BYTES))
    except (OSError, ValueError):
        return False


def gather(settings: Settings, fleet: Fleet, now_s: int) -> Evidence:
    """Return what the sources of this run tell beside the fleet. What a source does not tell is silent."""
    from dcctl import app, specs

    plan = app.plan_of(settings)
    clusters = [spec for spec in plan if isinstance(spec, specs.KubernetesSpec)]
    parts = [Evidence(taken_at_s=fleet.taken_at_s or now_s, fleet=fleet)]
    for spec in plan:
        if isinstance(spec, specs.DemoSpec):
            parts += _demo(fleet)
        elif isinstance(spec, specs.KubernetesSpec):
            parts.append(_cluster(spec, settings, several=len(clusters) > 1))
        elif isinstance(spec, specs.SshSpec):
            parts.append(_nodes(spec, settings, fleet))
    found = document.merged(tuple(parts))
    components = None if found.components is None else united(found.components)
    return with_fleet(replace(found, components=components))


def _cluster(spec: KubernetesSpec, settings: Settings, *, several: bool) -> Evidence:
    """All lists of one cluster, as its credentials see them."""
    from dcctl.inventory.sources.base import SourceError
    from dcctl.inventory.sources.kubernetes.evidence.source import TOLD, KubernetesEvidence

    source = KubernetesEvidence(
        spec.name,
        spec.kubeconfig,
        spec.kubeconfig_context,
        namespace=spec.namespace or settings.namespace or None,
        told_as=spec.name if several else "",
        timeout_s=settings.timeout,
    )
    try:
        return source.gather(configz=spec.configz)
    except SourceError as error:
        dark = Silence(f"{spec.name}: {error.reason}", error.cause)
        return Evidence(silent=dict.fromkeys(TOLD, dark))


def _nodes(spec: SshSpec, settings: Settings, fleet: Fleet) -> Evidence:
    """What the nodes of one ssh source tell, of those that -w and -x leave."""
    from dcctl.inventory.nodeset import expand, groups_of
    from dcctl.inventory.sources.base import SourceError
    from dcctl.inventory.sources.ssh.audit import gather as probes
    from dcctl.inventory.sources.ssh.run import Overrides, Target

    meant = set(expand(spec.nodes, groups_of(fleet))) if spec.nodes else {one.name for one in fleet.nodes}
    targets = [
        Target(
            one.name,
            address=one.address,
            user=one.login_user or spec.user,
            port=one.login_port or spec.port,
            site=one.site or spec.site,
        )
        for one in fleet.nodes
        if one.name in meant
    ]
    files = Overrides(
        config_file=spec.config_file, known_hosts=spec.known_hosts, identity_file=spec.identity_file
    )
    try:
        return probes.gather(targets, fanout=settings.fanout, name=spec.name, overrides=files)
    except SourceError as error:
        return Evidence(silent={name: Silence(error.reason, error.cause) for name in _OF_NODES})


def _demo(fleet: Fleet) -> Iterator[Evidence]:
    """Yield what each topic of the demo tells."""
    from importlib import import_module
    from pkgutil import iter_modules

    from dcctl.inventory.demo import evidence

    for module in sorted(iter_modules(evidence.__path__, f"{evidence.__name__}."), key=lambda one: one.name):
        yield import_module(module.name).part(fleet)
