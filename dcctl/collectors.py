"""Evidence for an audit: what each source of a run can tell. New collectors are plugged in here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import fields, replace

from dcctl import meter_specs, specs
from dcctl.errors import UsageError
from dcctl.inventory.evidence import document
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.components import united
from dcctl.inventory.evidence.fleet import with_fleet
from dcctl.inventory.evidence.unreached import CUT, named
from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import SourceError, Task, at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dcctl.inventory.evidence.fleet import Records
    from dcctl.inventory.sources.base import EvidenceSource
    from dcctl.inventory.sources.ssh.source import Asked
    from dcctl.meters import PlantSpec
    from dcctl.settings import Settings
    from dcctl.specs import AnySpec

_HEAD_BYTES = 64
_HERE_S = 2
"""An audit gives a node so many times the time of a survey: this machine as well."""


def saved(settings: Settings, models: Sequence[str] = ()) -> Evidence | None:
    """Return the evidence that `-i FILE` names, less the nodes that -w and -x leave out; None: it names none.

    UsageError: the file is damaged, of a newer version, or not the only thing that is looked at.
    """
    found = [what for what in settings.inventory if _is_evidence(what)]
    if not found:
        return None
    if len(settings.inventory) > 1 or models:
        raise UsageError(f"-i {found[0]}", "evidence is looked at alone", f"dcctl audit -i {found[0]}")
    from dcctl.inventory.nodeset import select
    from dcctl.inventory.sources.files.pages import pages_of

    with pages_of(found[0]) as pages:
        evidence = document.decode(pages.data, found[0], pages.done)
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


def declared(spec: specs.DeclaredSpec) -> Evidence:
    """Return what a file of the site declares. UsageError: it cannot be read, or is wrong."""
    from dcctl.inventory.sources.declared import parse
    from dcctl.inventory.sources.files.documents import read_bytes

    return parse(read_bytes(spec.path), spec.path)


class Round(NamedTuple):
    """What sources of evidence are made of, beside the table of each."""

    settings: Settings
    fleet: Fleet
    """As it was met."""
    asked: Asked | None = None
    """What nodes were asked over SSH when it was; None: no node was."""
    clusters: int = 1
    """How many of them this round asks."""


class _Part(NamedTuple):
    """What one source told."""

    evidence: Evidence = Evidence()
    records: Mapping[str, Records] | None = None
    """Of diagnostics, by node; None: they are not what it tells, or it told none."""


class Collection:
    """One run of all collectors: what files say first, what is asked beside the survey, then all the rest."""

    def __init__(self, settings: Settings, models: Sequence[str] = ()) -> None:
        """`models`: stores that the command line names. UsageError, before anything is asked, for a file."""
        from dcctl import app

        self._settings = settings
        plan = app.plan_of(settings)
        known = {spec.path for spec in plan if isinstance(spec, specs.ModelsSpec)}
        named = (spec for spec in map(_store, dict.fromkeys(models)) if spec.path not in known)
        self._plan: tuple[AnySpec, ...] = (*plan, *named)
        self._declared = [declared(spec) for spec in self._plan if isinstance(spec, specs.DeclaredSpec)]
        self.asked = self._asked()
        """What nodes are asked over SSH while the fleet is surveyed; None: no node is."""

    def _asked(self) -> Asked | None:
        if not any(isinstance(spec, specs.SshSpec) for spec in self._plan):
            return None
        from dcctl.inventory.sources.ssh.audit.gather import script
        from dcctl.inventory.sources.ssh.source import Asked

        return Asked(script())

    def gather(self, fleet: Fleet, now_s: int, stop: Event | None = None) -> Evidence:
        """Return what the sources of this run tell beside the fleet. What a source does not tell is silent.

        What is declared comes last: of one thing that both tell of, what was read counts. Ctrl-C sets `stop`.
        Once it is set the asking ends: what was not reached by then is a gap with the cause `interrupted`.
        """
        from dcctl.inventory.sources.diagnostics import together

        stop = stop or Event()
        parts = at_once(self._tasks(fleet, stop), stop)
        cut = stop.is_set()
        read = [part.evidence for part in parts]
        live = any(isinstance(spec, specs.EvidenceSpec) for spec in self._plan)
        own = Evidence(taken_at_s=now_s if live else fleet.taken_at_s or now_s, fleet=fleet)
        found = document.merged((own, *read, *self._declared))
        gaps = (*fleet.gaps, *(gap for part in read for gap in part.fleet.gaps))
        components = None if found.components is None else united(found.components)
        whole = replace(found, components=components, fleet=replace(fleet, gaps=gaps))
        whole = with_fleet(whole, together(part.records for part in parts))
        return named(whole) if cut else whole

    def _tasks(self, fleet: Fleet, stop: Event) -> list[Task[_Part]]:
        clusters = sum(isinstance(spec, specs.KubernetesSpec) for spec in self._plan)
        around = Round(self._settings, fleet, self.asked, clusters)
        return [
            *(
                Task(partial(_told, source, fleet, stop), partial(_cut, source))
                for spec in self._plan
                if type(spec) in COLLECTORS
                for source in [COLLECTORS[type(spec)](spec, around)]
            ),
            *(
                Task(partial(_recorded, spec), partial(_unread, spec))
                for spec in self._plan
                if isinstance(spec, specs.DiagnosticsSpec)
            ),
        ]


def _told(source: EvidenceSource, fleet: Fleet, stop: Event) -> _Part:
    """What a source tells. One that does not answer is silent of all its kinds, and a gap.

    A gap that the survey met as well is told once.
    """
    try:
        return _Part(source.gather(stop))
    except SourceError as error:
        met = any(gap.source == source.name for gap in fleet.gaps)
        gap = Gap(source.name, error.subject, error.reason, error.cause, error.hint)
        dark = Silence(f"{source.name}: {error.reason}", error.cause)
        silent = dict.fromkeys(source.kinds, dark)
        return _Part(Evidence(fleet=Fleet(gaps=() if met else (gap,)), silent=silent))


def _cut(source: EvidenceSource) -> _Part:
    return _Part(Evidence(silent=dict.fromkeys(source.kinds, CUT)))


def _recorded(spec: specs.DiagnosticsSpec) -> _Part:
    from dcctl.inventory.sources.diagnostics import gather

    records, gaps = gather(Path(spec.path))
    return _Part(Evidence(fleet=Fleet(gaps=gaps)), records)


def _unread(spec: specs.DiagnosticsSpec) -> _Part:
    gap = Gap("diagnostics", spec.path, CUT.reason, CUT.cause)
    return _Part(Evidence(fleet=Fleet(gaps=(gap,))))


def _cluster(spec: specs.KubernetesSpec, around: Round) -> EvidenceSource:
    """All lists of one cluster, as its credentials see them."""
    from dcctl.inventory.sources.kubernetes.evidence.source import KubernetesEvidence

    return KubernetesEvidence(
        spec.name,
        spec.kubeconfig,
        spec.kubeconfig_context,
        namespace=spec.namespace or around.settings.namespace or None,
        told_as=spec.name if around.clusters > 1 else "",
        configz=spec.configz,
        timeout_s=around.settings.timeout,
    )


def _nodes(spec: specs.SshSpec, around: Round) -> EvidenceSource:
    """What the nodes of one ssh source answered when the fleet was surveyed."""
    from dcctl.inventory.sources.ssh.audit.source import NodeEvidence
    from dcctl.inventory.sources.ssh.run import Overrides

    answers = around.asked.answers.get(spec.name) if around.asked else None
    files = Overrides(spec.config_file, spec.identity_file, spec.known_hosts)
    return NodeEvidence(spec.name, answers, around.fleet, fanout=around.settings.fanout, overrides=files)


def _here(_spec: specs.LocalSpec, around: Round) -> EvidenceSource:
    """The machine we run on, unless -w or -x leave it out, or it is asked over SSH as well."""
    from dcctl.inventory.sources.local.probe import run_here
    from dcctl.inventory.sources.ssh.audit.source import LocalEvidence

    answers = (around.asked.answers if around.asked else {}).values()
    over_ssh = {answer.target.name for each in answers for answer in each}
    here = (node for node in around.fleet.nodes if "local" in node.sources)
    names = [node.name for node in here if not over_ssh & {node.name, *node.aliases}]
    return LocalEvidence(names, _HERE_S * around.settings.timeout, run_here)


def _store(path: str) -> specs.ModelsSpec:
    """A store of models that the command line names."""
    place = Path(path).expanduser().absolute()
    if not place.exists():
        raise UsageError(f"--models {path}", "there is no such file or folder", "dcctl audit --models PATH")
    return specs.ModelsSpec(path=str(place))


def _models(spec: specs.ModelsSpec, _around: Round) -> EvidenceSource:
    """The files of one store."""
    from dcctl.inventory.sources.models.evidence import ModelEvidence
    from dcctl.inventory.sources.models.source import Store

    return ModelEvidence(Store(spec.name or spec.path, spec.path, spec.serving))


def _buckets(spec: specs.S3Spec, around: Round) -> EvidenceSource:
    """The buckets of one object store."""
    from dcctl.inventory.sources.s3.client import Access
    from dcctl.inventory.sources.s3.evidence import BucketEvidence
    from dcctl.inventory.sources.secret import Secret

    secret = Secret(spec.secret_file, spec.secret_command)
    access = Access(spec.endpoint, spec.region, spec.access_key, secret, spec.profile, spec.ca_file)
    timeout_s = around.settings.timeout
    return BucketEvidence(spec.name, access, spec.buckets, https=spec.tls_only, timeout_s=timeout_s)


def _plants(spec: PlantSpec, around: Round) -> EvidenceSource:
    """Power and cooling, of a source of meters that tells of them."""
    from dcctl.inventory.sources.power.plants import PlantEvidence
    from dcctl.meters import plants_of

    return PlantEvidence(spec.name, partial(plants_of, spec, around.settings))


class _Demo:
    """What each topic of the demo tells."""

    name = "demo"
    kinds = tuple(one.name for one in fields(Evidence) if one.default is None and one.name != "taken_at_s")

    def __init__(self, _spec: specs.DemoSpec, around: Round) -> None:
        self._fleet = around.fleet

    def gather(self, _stop: Event) -> Evidence:
        """Return what all modules of the demo's evidence tell."""
        from importlib import import_module
        from pkgutil import iter_modules

        from dcctl.inventory.demo import evidence

        names = sorted(one.name for one in iter_modules(evidence.__path__, f"{evidence.__name__}."))
        return document.merged(tuple(import_module(name).part(self._fleet) for name in names))


COLLECTORS: Final[Mapping[type[meter_specs.Spec], Callable[[Any, Round], EvidenceSource]]] = {
    specs.DemoSpec: _Demo,
    specs.KubernetesSpec: _cluster,
    specs.SshSpec: _nodes,
    specs.LocalSpec: _here,
    specs.ModelsSpec: _models,
    specs.S3Spec: _buckets,
    meter_specs.NutSpec: _plants,
    meter_specs.RedfishSpec: _plants,
    meter_specs.IpmiSpec: _plants,
}
"""By the kind of table of the configuration, what an audit asks of it. A new source is a row here."""
