"""Wiring: settings become sources, sources become one Fleet. The only module a test replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from dcctl import specs
from dcctl.config import wrong
from dcctl.errors import DcctlError, DeniedError, UnreachableError, UsageError
from dcctl.interrupts import Stop
from dcctl.inventory.merge import merge
from dcctl.inventory.model import Fleet, Gap, Node, Site
from dcctl.inventory.sources.base import SourceError, interrupted, run, run_all
from dcctl.meter_specs import MeterSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.inventory.model import SourceRun
    from dcctl.inventory.sources.base import Source
    from dcctl.inventory.sources.ssh.source import Asked, Target
    from dcctl.progress import Progress
    from dcctl.settings import Settings
    from dcctl.specs import AnySpec, SshSpec

_FIRST_ANSWER_S = 10.0
"""A cluster that has not begun to answer by then is given up; telling all may take much longer."""
_NVML_MOST_S = 30.0
"""A board without persistence mode takes a second or two to wake; one that hangs is known by then."""
_REFUSED = frozenset({"unauthenticated", "denied"})


class Surveyed(Struct, frozen=True):
    """What a survey found."""

    whole: Fleet
    """All that the sources know: what one node is judged by does not change with the choice of nodes."""
    fleet: Fleet
    """What --nodes and --exclude leave of it."""


def survey(
    settings: Settings,
    progress: Progress,
    now_s: int,
    asked: Asked | None = None,
    *,
    lenient: bool = False,
    stop: Stop | None = None,
) -> Surveyed:
    """Everything that the sources of this run know, merged, and what --nodes and --exclude leave of it.

    `asked`: what nodes are asked over SSH beside their inventory; it takes twice the time of a node.
    Once `stop` is set, by whoever gave it or by Ctrl-C, nothing new is asked.
    UsageError for a wrong file, node set or configuration; DeniedError or UnreachableError when no source
    answered at all. What is not answered is a gap of the fleet; `lenient`: so it is where all is denied.
    """
    return _Survey(settings, progress, now_s, stop or Stop(), asked, lenient).run()


def plan_of(settings: Settings) -> tuple[AnySpec, ...]:
    """Which sources are asked, each live one with a name of its own."""
    return specs.told_apart(_wanted(settings), _usual_name)


def _usual_name(spec: specs.NamedSpec) -> str:
    """The kind; for a cluster with the context that is in force, as kubectl would choose it."""
    if not isinstance(spec, specs.KubernetesSpec):
        return specs.kind_of(spec)
    from dcctl.inventory.sources.kubernetes.auth import current_context

    return f"kubernetes:{spec.kubeconfig_context or current_context(spec.kubeconfig)}"


def _wanted(settings: Settings) -> tuple[AnySpec, ...]:
    """What -i names, else the context, else -w over SSH, else this machine."""
    plan: list[AnySpec] = []
    for what in settings.inventory or ("live",):
        if what == "live":
            plan.extend(_live_plan(settings))
        elif what == "demo":
            plan.append(specs.DemoSpec())
        elif what.partition(":")[0] == "kubernetes":
            plan.append(specs.KubernetesSpec(kubeconfig_context=what.partition(":")[2] or None))
        else:
            plan.append(specs.DetectSpec(path=what))
    return tuple(plan)


def asks_the_fleet(settings: Settings) -> bool:
    """Whether a survey tells of the fleet that is run here: no demo in it, and no file that -i names."""
    return not any(isinstance(spec, specs.DemoSpec | specs.DetectSpec) for spec in _wanted(settings))


def _live_plan(settings: Settings) -> tuple[AnySpec, ...]:
    context = settings.context_asked
    if context is not None:
        specs.sites_of(context)  # what is wrong there is told before anything is asked
        if not context.sources:
            raise wrong(f"{context.origin}: context.{context.name}", "has no source that could be asked")
        found = specs.of_context(context)
        if all(isinstance(spec, specs.PrometheusSpec | specs.EvidenceSpec) for spec in found):
            raise wrong(f"{context.origin}: context.{context.name}", "has no source that knows nodes")
        return tuple(spec for spec in found if not isinstance(spec, specs.PrometheusSpec) or spec.meters)
    if settings.nodes:
        return (specs.SshSpec(nodes=settings.nodes),)
    return (specs.LocalSpec(),)


class _Survey(Struct, frozen=True):
    """One question to all sources, in two steps: what files declare, then what answers live."""

    settings: Settings
    progress: Progress
    now_s: int
    stop: Stop
    asked: Asked | None = None
    lenient: bool = False

    def run(self) -> Surveyed:
        plan = plan_of(self.settings)
        parts = list(self._declared(plan))
        if self.stop.is_set():
            plan = ()
        live = [source for spec in plan for source in self._live(spec)]
        shells = [spec for spec in plan if isinstance(spec, specs.SshSpec)]
        asks = bool(live or shells)
        if live:
            self._check_node_sets()
        if live and shells and self._names_groups():
            parts, live = [*parts, *self._collect(live)], []
        known = self._merged(parts, asks)
        stated = [(spec, self._stated(spec, known)) for spec in shells]
        asked = [(spec, self._targets(spec, nodes, known)) for spec, nodes in stated]
        hosts = sum(len(targets) for _, targets in asked)
        parts += self._collect([*live, *(self._ssh(spec, targets) for spec, targets in asked)], hosts)
        _demand_an_answer(parts, self.lenient)
        here = next((spec.site for spec in plan if isinstance(spec, specs.LocalSpec)), None)
        parts = [_standing_at(here, part) if _is_here(part) else part for part in parts]
        if parts and not asks:
            _demand_a_fleet(parts)
        parts += [Fleet(nodes=nodes) for _, nodes in stated]  # a node that is silent still exists
        whole = self._with_sites(self._merged(parts, asks))
        return Surveyed(whole, self._restricted(whole))

    def _check_node_sets(self) -> None:
        """UsageError for a node set that nobody could read, before anything is contacted."""
        from dcctl.inventory.nodeexpr import check_syntax

        for text in filter(None, (self.settings.nodes, self.settings.exclude)):
            check_syntax(text)

    def _merged(self, parts: Sequence[Fleet], asks: bool) -> Fleet:
        """One fleet of all parts; one that was merged when it was saved stays as it is.

        It is of now where anything live is asked (`asks`), else as old as the newest that was saved.
        """
        if len(parts) == 1 and parts[0].taken_at_s is not None and _told_apart(parts[0]):
            return parts[0]
        context = self.settings.context_in_force
        saved = [part.taken_at_s for part in parts if part.taken_at_s is not None]
        taken_at_s = self.now_s if asks else max(saved, default=self.now_s)
        return merge(parts, context.name if context else "", taken_at_s)

    def _names_groups(self) -> bool:
        """Whether a node set needs what the clusters know before SSH targets can be chosen."""
        return "@" in self.settings.nodes + self.settings.exclude

    def _collect(self, sources: Sequence[Source], hosts: int = 0) -> list[Fleet]:
        """What each source says; progress counts sources, and hosts in place of the one that asks them."""
        if not sources:
            return []
        self.progress.start(sum(source.kind != "ssh" for source in sources) + hosts, "asking")
        return run_all(sources, self._heard, self.stop)

    def _heard(self, one: SourceRun) -> None:
        if one.kind != "ssh":
            self.progress.advance(one.name)

    def _declared(self, plan: Sequence[AnySpec]) -> Iterator[Fleet]:
        """What files say; one that cannot be read is the user's error, not a gap. Ctrl-C ends all asking."""
        for spec in plan:
            with self.stop.interrupting():
                source = self._file_source(spec)
            if source is None:
                continue
            try:
                with self.stop.interrupting():
                    fleet = run(source, strict=True)
                yield _standing_at(spec.site, fleet)
            except SourceError as error:
                raise UsageError(error.subject, error.reason, error.hint) from error
            except KeyboardInterrupt:
                self.stop.set()
                yield interrupted(source)
                return

    def _file_source(self, spec: AnySpec) -> Source | None:
        match spec:
            case specs.DetectSpec():
                from dcctl.inventory.sources.files.file import detect

                return detect(spec.path, self.settings.timeout)
            case specs.FileSpec():
                from dcctl.inventory.sources.files.file import FileSource

                return FileSource(spec.path)
            case specs.AnsibleSpec():
                from dcctl.inventory.sources.files.ansible import AnsibleSource

                return AnsibleSource(spec.path, self.settings.timeout)
            case specs.TerraformSpec():
                from dcctl.inventory.sources.files.terraform import TerraformSource

                return TerraformSource(spec.path)
            case specs.DemoSpec():
                from dcctl.inventory.sources.demo import DemoSource

                return DemoSource(self.now_s)
        return None

    def _live(self, spec: AnySpec) -> tuple[Source, ...]:
        timeout_s = self.settings.timeout
        if isinstance(spec, specs.LocalSpec):
            from dcctl.inventory.sources.local.source import LocalSource
            from dcctl.inventory.sources.nvml.source import NvmlSource

            return (LocalSource(), NvmlSource(min(timeout_s, _NVML_MOST_S)))
        if isinstance(spec, specs.KubernetesSpec):
            return (self._kubernetes(spec),)
        if isinstance(spec, MeterSpec):
            from dcctl.meters import source_of

            return (source_of(spec, self.settings, self.stop),)
        return ()

    def _kubernetes(self, spec: specs.KubernetesSpec) -> Source:
        from dcctl.inventory.sources.kubernetes.source import KubernetesSource
        from dcctl.inventory.topology import RACK_LABELS

        timeout_s = self.settings.timeout
        return KubernetesSource(
            spec.name,
            spec.kubeconfig,
            spec.kubeconfig_context,
            spec.site,
            namespace=spec.namespace or self.settings.namespace or None,
            timeout_s=timeout_s,
            first_answer_s=min(timeout_s, _FIRST_ANSWER_S),
            rack_labels=spec.rack_labels or RACK_LABELS,
        )

    def _stated(self, spec: SshSpec, known: Fleet) -> tuple[Node, ...]:
        """The nodes of one ssh source: those that it names, else those that files declare."""
        from dcctl.inventory.nodeset import expand, groups_of

        if not spec.nodes:
            return known.nodes
        declared = {node.name: node for node in known.nodes}
        names = expand(spec.nodes, groups_of(known))
        told_by = (spec.name or "ssh",)
        return tuple(declared.get(name) or Node(name=name, site=spec.site, sources=told_by) for name in names)

    def _targets(self, spec: SshSpec, stated: Sequence[Node], known: Fleet) -> tuple[Target, ...]:
        """Those of the stated nodes that -w and -x want, and how to reach each."""
        from dcctl.inventory.sources.ssh.source import Target

        everything = merge([known, Fleet(nodes=tuple(stated))], known.name, self.now_s)
        kept = {node.name for node in self._restricted(everything).nodes}
        return tuple(
            Target(
                node.name,
                address=node.address,
                user=node.login_user or spec.user,
                port=node.login_port or spec.port,
                site=node.site or spec.site,
            )
            for node in stated
            if node.name in kept
        )

    def _ssh(self, spec: SshSpec, targets: Sequence[Target]) -> Source:
        from dcctl.inventory.sources.ssh.run import Overrides
        from dcctl.inventory.sources.ssh.source import SshSource
        from dcctl.inventory.sources.ssh.transport import Deadlines

        limits = Deadlines().within(self.settings.timeout)
        return SshSource(
            targets,
            fanout=self.settings.fanout,
            name=spec.name,
            deadlines=replace(limits, command_s=limits.command_s * (2 if self.asked else 1)),
            stop=self.stop,
            heard=self.progress.advance,
            overrides=Overrides(
                config_file=spec.config_file, known_hosts=spec.known_hosts, identity_file=spec.identity_file
            ),
            asked=self.asked,
        )

    def _with_sites(self, fleet: Fleet) -> Fleet:
        """The fleet with what the configuration says of its sites."""
        context = self.settings.context_in_force
        if context is None:
            return fleet
        stated = specs.sites_of(context)
        sites = {site.name: site for site in fleet.sites} | {
            name: _site(name, spec) for name, spec in stated.items()
        }
        return replace(fleet, sites=tuple(sites[name] for name in sorted(sites)))

    def _restricted(self, fleet: Fleet) -> Fleet:
        from dcctl.inventory.nodeset import select

        return select(fleet, self.settings.nodes or None, self.settings.exclude or None)


def _is_here(part: Fleet) -> bool:
    """Whether it is what this machine tells of itself."""
    return bool(part.sources) and all(run.kind in {"local", "nvml"} for run in part.sources)


def _standing_at(site: str | None, fleet: Fleet) -> Fleet:
    """The fleet, its nodes being at the site unless they are known to be elsewhere."""
    if site is None:
        return fleet
    return replace(
        fleet, nodes=tuple(node if node.site else replace(node, site=site) for node in fleet.nodes)
    )


def _told_apart(fleet: Fleet) -> bool:
    """Whether every node has a name of its own."""
    return len({node.name for node in fleet.nodes}) == len(fleet.nodes)


def _site(name: str, spec: specs.SiteSpec) -> Site:
    return Site(
        name=name,
        pue_limit_milli=None if spec.pue_limit is None else round(spec.pue_limit * 1000),
        power_limit_mw=None if spec.power_limit_kw is None else round(spec.power_limit_kw * 1_000_000),
        timezone=spec.timezone,
        energy_price_milli_per_mwh=None
        if spec.energy_price is None
        else round(spec.energy_price * 1_000_000),
        carbon_mg_per_kwh=None if spec.carbon is None else round(spec.carbon * 1000),
        currency=spec.currency,
    )


def _demand_an_answer(parts: Sequence[Fleet], lenient: bool) -> None:
    """DeniedError or UnreachableError when gaps are all that came back; `lenient`: being denied is told."""
    gaps = [gap for part in parts for gap in part.gaps]
    if not gaps or any(part.nodes or part.workloads or part.meters for part in parts):
        return
    if any(gap.cause == "interrupted" for gap in gaps):
        raise KeyboardInterrupt
    if not (lenient and any(gap.cause == "denied" for gap in gaps)):
        raise _no_answer(gaps)


def _demand_a_fleet(parts: Sequence[Fleet]) -> None:
    """UsageError when the files that were named hold nothing at all."""
    if not any(part.nodes or part.workloads or part.meters or part.gaps for part in parts):
        raise UsageError("the inventory", "is empty: there is no node in it", "dcctl inventory --help")


def _no_answer(gaps: Sequence[Gap]) -> DcctlError:
    first = gaps[0]
    others = f" ({len(gaps) - 1} more like this)" if len(gaps) > 1 else ""
    kind = DeniedError if all(gap.cause in _REFUSED for gap in gaps) else UnreachableError
    return kind(f"{first.subject}", f"{first.reason}{others}", first.hint)
