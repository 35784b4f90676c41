"""Evidence for an audit: what each source of a run can tell. New collectors are plugged in here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl import specs
from dcctl.asking import Asking
from dcctl.errors import UsageError
from dcctl.inventory.evidence import document
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.components import united
from dcctl.inventory.evidence.fleet import with_fleet
from dcctl.inventory.evidence.unreached import named
from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import SourceError
from dcctl.meter_specs import MeterSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.inventory.evidence.fleet import Records
    from dcctl.inventory.sources.ssh.error import SshError
    from dcctl.inventory.sources.ssh.run import Reply
    from dcctl.inventory.sources.ssh.source import Asked
    from dcctl.settings import Settings
    from dcctl.specs import AnySpec, DeclaredSpec, DiagnosticsSpec, KubernetesSpec, S3Spec, SshSpec

_HEAD_BYTES = 64
_OF_NODES = ("hosts", "boards", "gpu_nodes", "ports", "components")
"""What nodes tell."""
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


def declared(spec: DeclaredSpec) -> Evidence:
    """Return what a file of the site declares. UsageError: it cannot be read, or is wrong."""
    from dcctl.inventory.sources.declared import parse
    from dcctl.inventory.sources.files.documents import read_bytes

    return parse(read_bytes(spec.path), spec.path)


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

    def gather(self, fleet: Fleet, now_s: int) -> Evidence:
        """Return what the sources of this run tell beside the fleet. What a source does not tell is silent.

        What is declared comes last: of one thing that both tell of, what was read counts. Ctrl-C ends the
        asking: what was not reached by then is a gap with the cause `interrupted`.
        """
        asking = Asking(fleet)
        live = any(isinstance(spec, specs.EvidenceSpec) for spec in self._plan)
        own = Evidence(taken_at_s=now_s if live else fleet.taken_at_s or now_s, fleet=fleet)
        read = [
            part
            for spec in self._plan
            for part in asking.of(partial(self._parts, spec, fleet), _kinds_of(spec))
        ]
        records, gaps = _records([spec for spec in self._plan if isinstance(spec, specs.DiagnosticsSpec)])
        found = document.merged((own, *read, *self._declared))
        gaps = (*map(_hinted, fleet.gaps), *(gap for part in read for gap in part.fleet.gaps), *gaps)
        components = None if found.components is None else united(found.components)
        whole = replace(found, components=components, fleet=replace(fleet, gaps=gaps))
        whole = with_fleet(whole, records)
        return named(whole) if asking.stop.is_set() else whole

    def _parts(self, spec: AnySpec, fleet: Fleet) -> Iterable[Evidence]:
        settings, found = self._settings, tuple[Evidence, ...]()
        match spec:
            case specs.DemoSpec():
                return _demo(fleet)
            case specs.KubernetesSpec():
                several = sum(isinstance(one, specs.KubernetesSpec) for one in self._plan) > 1
                found = (_cluster(spec, settings, several=several),)
            case specs.SshSpec():
                found = (_nodes(spec, settings, fleet, self.asked),)
            case specs.LocalSpec():
                return _here(settings, fleet, self.asked)
            case specs.ModelsSpec():
                found = (_models(spec),)
            case specs.S3Spec():
                found = (_buckets(spec, settings),)
            case MeterSpec():
                return _plants(spec, settings, fleet)
        return found


def _hinted(gap: Gap) -> Gap:
    """A gap of the survey with what an audit needs: its role has the inventory's rights and more."""
    from dcctl.inventory.sources.kubernetes.api import ROLE_HINT

    return replace(gap, hint="dcctl audit --rbac") if gap.hint == ROLE_HINT else gap


def _of_clusters() -> tuple[str, ...]:
    """What clusters tell."""
    from dcctl.inventory.sources.kubernetes.evidence.source import TOLD

    return TOLD


def _kinds_of(spec: AnySpec) -> Iterable[str]:
    """What is unknown when this source is not asked any more."""
    match spec:
        case specs.KubernetesSpec():
            return _of_clusters()
        case specs.SshSpec() | specs.LocalSpec():
            return _OF_NODES
        case specs.ModelsSpec():
            return ("model_files",)
        case specs.S3Spec():
            return ("buckets",)
        case MeterSpec():
            return ("plants",)
    return ()


def _cluster(spec: KubernetesSpec, settings: Settings, *, several: bool) -> Evidence:
    """All lists of one cluster, as its credentials see them."""
    from dcctl.inventory.sources.kubernetes.evidence.source import KubernetesEvidence

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
        return Evidence(silent=dict.fromkeys(_of_clusters(), dark))


def _nodes(spec: SshSpec, settings: Settings, fleet: Fleet, asked: Asked | None) -> Evidence:
    """What the nodes of one ssh source answered when the fleet was surveyed, by the names of the fleet."""
    from dcctl.inventory.sources.ssh.audit.gather import evidence_of
    from dcctl.inventory.sources.ssh.run import Overrides

    answers = asked.answers.get(spec.name) if asked else None
    if answers is None:
        why = next((gap for gap in fleet.gaps if gap.source == spec.name), None)
        silence = Silence(why.reason, why.cause) if why else Silence(f"{spec.name}: was not asked")
        return Evidence(silent=dict.fromkeys(_OF_NODES, silence))
    names = {alias: node.name for node in fleet.nodes for alias in (*node.aliases, node.name)}
    names |= {node.name: node.name for node in fleet.nodes}
    files = Overrides(spec.config_file, spec.identity_file, spec.known_hosts)
    known = [answer for answer in answers if answer.target.name in names]
    return evidence_of(known, names, fanout=settings.fanout, overrides=files)


def _here(settings: Settings, fleet: Fleet, asked: Asked | None) -> Iterator[Evidence]:
    """Yield what this machine tells, unless -w or -x leave it out, or it is asked over SSH as well."""
    from dcctl.inventory.sources.ssh.audit.gather import evidence_here

    over_ssh = {one.target.name for answers in (asked.answers if asked else {}).values() for one in answers}
    for node in fleet.nodes:
        if "local" not in node.sources or over_ssh & {node.name, *node.aliases}:
            continue
        yield evidence_here(node.name, _probed(_HERE_S * settings.timeout))


def _probed(limit_s: float) -> Reply | SshError:
    """What this machine answered to the script that nodes are asked with, or why it did not."""
    from dcctl.inventory.sources.local.probe import run_here
    from dcctl.inventory.sources.ssh.audit.gather import script
    from dcctl.inventory.sources.ssh.error import SshError
    from dcctl.inventory.sources.ssh.run import Reply

    try:
        done = run_here(script().stdin, limit_s)
    except OSError as error:
        return SshError(f"no process can be started: {error.strerror or error}", "failed")
    if done.timed_out:
        return SshError(f"the probe did not end within {limit_s:g} s", "timeout")
    return Reply(done.output, done.errors.decode("utf-8", "replace"), done.status or 0)


def _store(path: str) -> specs.ModelsSpec:
    """A store of models that the command line names."""
    place = Path(path).expanduser().absolute()
    if not place.exists():
        raise UsageError(f"--models {path}", "there is no such file or folder", "dcctl audit --models PATH")
    return specs.ModelsSpec(path=str(place))


def _models(spec: specs.ModelsSpec) -> Evidence:
    """The files of one store, by their bytes: nothing of them is run, nothing is read whole."""
    from dcctl.inventory.sources.models.source import Store, gather

    found = gather([Store(spec.name or spec.path, spec.path, spec.serving)])
    why = found.silent.get("model_files")
    if why is None:
        return found
    reason = why.reason.removeprefix(f"{spec.path}: ")
    gap = Gap("models", spec.path, reason, why.cause, f"ls -ld {spec.path}")
    return replace(found, fleet=Fleet(gaps=(gap,)))


def _buckets(spec: S3Spec, settings: Settings) -> Evidence:
    """The buckets of one object store."""
    from dcctl.inventory.sources.s3.client import Access, S3Client
    from dcctl.inventory.sources.s3.source import gather, refusals
    from dcctl.inventory.sources.secret import Secret

    secret = Secret(spec.secret_file, spec.secret_command)
    access = Access(spec.endpoint, spec.region, spec.access_key, secret, spec.profile, spec.ca_file)
    try:
        client = S3Client(access, settings.timeout)
        found = gather(spec.buckets or client.names(), client, https=spec.tls_only)
        return replace(found, fleet=Fleet(gaps=refusals(spec.name, found)))
    except SourceError as error:
        gap = Gap(spec.name, error.subject, error.reason, error.cause, error.hint)
        dark = Silence(f"{spec.name}: {error.reason}", error.cause)
        return Evidence(fleet=Fleet(gaps=(gap,)), silent={"buckets": dark})


def _plants(spec: MeterSpec, settings: Settings, fleet: Fleet) -> Iterator[Evidence]:
    """Yield what a source of meters tells of power and cooling beside them."""
    from dcctl.meters import plants_of

    try:
        found = plants_of(spec, settings, Event())
    except SourceError as error:
        gap = Gap(spec.name, error.subject, error.reason, error.cause, error.hint)
        told = any(one.source == spec.name for one in fleet.gaps)  # the survey met it as well
        dark = Silence(f"{spec.name}: {error.reason}", error.cause)
        yield Evidence(fleet=Fleet(gaps=() if told else (gap,)), silent={"plants": dark})
    else:
        if found is not None:
            yield Evidence(plants=found)


def _records(folders: Iterable[DiagnosticsSpec]) -> tuple[dict[str, Records] | None, tuple[Gap, ...]]:
    """Records of diagnostics and all-reduces by node, None where nobody looked, and what is none."""
    from dcctl.inventory.sources.diagnostics import read_records

    found: dict[str, Records] = {}
    gaps, read = [], False
    for spec in folders:
        try:
            records, refused = read_records(Path(spec.path))
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            gaps.append(Gap("diagnostics", spec.path, why, "missing", f"ls -ld {spec.path}"))
            continue
        read = True
        gaps += [Gap("diagnostics", spec.path, line, "invalid") for line in refused]
        for node, (diagnostics, bandwidths) in records.items():
            before = found.get(node, ((), ()))
            found[node] = ((*before[0], *diagnostics), (*before[1], *bandwidths))
    return found if read else None, tuple(gaps)


def _demo(fleet: Fleet) -> Iterator[Evidence]:
    """Yield what each topic of the demo tells."""
    from importlib import import_module
    from pkgutil import iter_modules

    from dcctl.inventory.demo import evidence

    for module in sorted(iter_modules(evidence.__path__, f"{evidence.__name__}."), key=lambda one: one.name):
        yield import_module(module.name).part(fleet)
