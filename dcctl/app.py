"""Wiring: settings become sources, sources become one Fleet. The only module a test replaces."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from dcctl import specs
from dcctl.errors import DcctlError, DeniedError, UnreachableError, UsageError
from dcctl.inventory.merge import merge
from dcctl.inventory.model import Fleet, Gap, Node, Site
from dcctl.inventory.sources.base import SourceError, interrupted, run, run_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.config import Settings
    from dcctl.inventory.model import SourceRun
    from dcctl.inventory.sources.base import Source
    from dcctl.inventory.sources.ssh import Target
    from dcctl.specs import AnySpec, SshSpec

_REFUSED = frozenset({"unauthenticated", "denied"})


class Progress(Protocol):
    """What a survey tells while it works."""

    def start(self, total: int, label: str) -> None:
        """`total` steps of work begin."""

    def advance(self, text: str = "") -> None:
        """One step is done; `text` names it."""


def survey(settings: Settings, progress: Progress, now_s: int) -> Fleet:
    """Everything that the sources of this run know, merged and restricted to --nodes and --exclude.

    UsageError for a wrong file, node set or configuration; DeniedError or UnreachableError when no source
    answered at all. What one source or node did not answer is a gap of the fleet.
    """
    return _Survey(settings, progress, now_s, Event()).run()


def plan_of(settings: Settings) -> tuple[AnySpec, ...]:
    """Which sources are asked: what -i names, else the context, else -w over SSH, else this machine."""
    plan: list[AnySpec] = []
    for what in settings.words("inventory") or ("live",):
        if what == "live":
            plan.extend(_live_plan(settings))
        elif what == "demo":
            plan.append(specs.DemoSpec())
        elif what.partition(":")[0] == "kubernetes":
            plan.append(specs.KubernetesSpec(kubeconfig_context=what.partition(":")[2] or None))
        else:
            plan.append(specs.DetectSpec(path=what))
    return tuple(plan)


def _live_plan(settings: Settings) -> tuple[AnySpec, ...]:
    context = settings.context
    if context is not None:
        return specs.of_context(context)
    if settings.text("nodes"):
        return (specs.SshSpec(nodes=settings.text("nodes")),)
    return (specs.LocalSpec(),)


class _Survey(Struct, frozen=True):
    """One question to all sources, in two steps: what files declare, then what answers live."""

    settings: Settings
    progress: Progress
    now_s: int
    stop: Event

    def run(self) -> Fleet:
        plan = plan_of(self.settings)
        parts = list(self._declared(plan))
        if self.stop.is_set():
            plan = ()
        live = [source for spec in plan for source in self._live(spec)]
        shells = [spec for spec in plan if isinstance(spec, specs.SshSpec)]
        if live and shells and self._names_groups():
            parts, live = [*parts, *self._collect(live)], []
        targets = [(spec, self._targets(spec, self._merged(parts))) for spec in shells]
        parts += self._collect([*live, *(self._ssh(spec, found) for spec, found in targets)])
        _demand_an_answer(parts)
        parts += [_named_only(spec, found) for spec, found in targets]
        return self._restricted(self._with_sites(self._merged(parts)))

    def _merged(self, parts: Sequence[Fleet]) -> Fleet:
        """One fleet of all parts; one that was merged when it was saved stays as it is."""
        if len(parts) == 1 and parts[0].taken_at_s is not None and _told_apart(parts[0]):
            return parts[0]
        context = self.settings.context
        return merge(parts, context.name if context else "", self.now_s)

    def _names_groups(self) -> bool:
        """Whether a node set needs what the clusters know before SSH targets can be chosen."""
        return "@" in self.settings.text("nodes") + self.settings.text("exclude")

    def _collect(self, sources: Sequence[Source]) -> list[Fleet]:
        if not sources:
            return []
        self.progress.start(len(sources), "asking")
        return run_all(sources, self._heard, self.stop)

    def _heard(self, one: SourceRun) -> None:
        self.progress.advance(one.name)

    def _declared(self, plan: Sequence[AnySpec]) -> Iterator[Fleet]:
        """What files say; one that cannot be read is the user's error, not a gap. Ctrl-C ends all asking."""
        for source in filter(None, map(self._file_source, plan)):
            try:
                yield run(source, strict=True)
            except SourceError as error:
                raise UsageError(error.subject, error.reason, error.hint) from error
            except KeyboardInterrupt:
                self.stop.set()
                yield interrupted(source)
                return

    def _file_source(self, spec: AnySpec) -> Source | None:
        match spec:
            case specs.DetectSpec():
                from dcctl.inventory.sources.file import detect

                return detect(spec.path, self.settings.number("timeout"))
            case specs.FileSpec():
                from dcctl.inventory.sources.file import FileSource

                return FileSource(spec.path)
            case specs.AnsibleSpec():
                from dcctl.inventory.sources.ansible import AnsibleSource

                return AnsibleSource(spec.path, self.settings.number("timeout"))
            case specs.TerraformSpec():
                from dcctl.inventory.sources.terraform import TerraformSource

                return TerraformSource(spec.path)
            case specs.DemoSpec():
                from dcctl.inventory.sources.demo import DemoSource

                return DemoSource(self.now_s)
        return None

    def _live(self, spec: AnySpec) -> tuple[Source, ...]:
        timeout_s = self.settings.number("timeout")
        if isinstance(spec, specs.LocalSpec):
            from dcctl.inventory.sources.local import LocalSource
            from dcctl.inventory.sources.nvml import NvmlSource

            return (LocalSource(), NvmlSource(timeout_s))
        if isinstance(spec, specs.KubernetesSpec):
            return (self._kubernetes(spec, timeout_s),)
        return ()

    def _kubernetes(self, spec: specs.KubernetesSpec, timeout_s: float) -> Source:
        from dcctl.inventory.sources.kube.nodes import RACK_LABELS
        from dcctl.inventory.sources.kubernetes import KubernetesSource

        return KubernetesSource(
            spec.name or f"kubernetes:{spec.kubeconfig_context or 'current'}",
            spec.kubeconfig,
            spec.kubeconfig_context,
            spec.site,
            namespace=spec.namespace or self.settings.text("namespace") or None,
            timeout_s=timeout_s,
            rack_labels=spec.rack_labels or RACK_LABELS,
        )

    def _targets(self, spec: SshSpec, known: Fleet) -> tuple[Target, ...]:
        """The nodes that one ssh source is to ask: its own or those of files, less -x."""
        from dcctl.inventory.nodeset import expand, groups_of
        from dcctl.inventory.sources.ssh import Target

        declared = {node.name: node for node in known.nodes}
        names = expand(spec.nodes, groups_of(known)) if spec.nodes else tuple(declared)
        stated = [declared.get(name) or Node(name=name, site=spec.site) for name in names]
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
        from dcctl.inventory.sources.ssh import SshSource
        from dcctl.inventory.sources.ssh_run import Overrides

        return SshSource(
            targets,
            fanout=int(self.settings.number("fanout")),
            name=spec.name or "ssh",
            overrides=Overrides(
                config_file=spec.config_file, known_hosts=spec.known_hosts, identity_file=spec.identity_file
            ),
        )

    def _with_sites(self, fleet: Fleet) -> Fleet:
        """The fleet with what the configuration says of its sites."""
        context = self.settings.context
        if context is None:
            return fleet
        stated = specs.sites_of(context)
        sites = {site.name: site for site in fleet.sites} | {
            name: _site(name, spec) for name, spec in stated.items()
        }
        return replace(fleet, sites=tuple(sites[name] for name in sorted(sites)))

    def _restricted(self, fleet: Fleet) -> Fleet:
        from dcctl.inventory.nodeset import select

        return select(fleet, self.settings.text("nodes") or None, self.settings.text("exclude") or None)


def _told_apart(fleet: Fleet) -> bool:
    """Whether every node has a name of its own."""
    return len({node.name for node in fleet.nodes}) == len(fleet.nodes)


def _site(name: str, spec: specs.SiteSpec) -> Site:
    return Site(
        name=name,
        pue_limit_milli=None if spec.pue_limit is None else round(spec.pue_limit * 1000),
        power_limit_mw=None if spec.power_limit_kw is None else round(spec.power_limit_kw * 1_000_000),
        timezone=spec.timezone,
    )


def _named_only(spec: SshSpec, targets: Iterable[Target]) -> Fleet:
    """The targets as nodes of which nothing is known but the name: a node that is silent still exists."""
    return Fleet(nodes=tuple(Node(name=target.name, site=spec.site) for target in targets))


def _demand_an_answer(parts: Sequence[Fleet]) -> None:
    """DeniedError or UnreachableError when gaps are all that came back."""
    gaps = [gap for part in parts for gap in part.gaps]
    if not gaps or any(part.nodes or part.workloads for part in parts):
        return
    if any(gap.cause == "interrupted" for gap in gaps):
        raise KeyboardInterrupt
    raise _no_answer(gaps)


def _no_answer(gaps: Sequence[Gap]) -> DcctlError:
    first = gaps[0]
    others = f" ({len(gaps) - 1} more like this)" if len(gaps) > 1 else ""
    kind = DeniedError if all(gap.cause in _REFUSED for gap in gaps) else UnreachableError
    return kind(f"{first.subject}", f"{first.reason}{others}", first.hint)
