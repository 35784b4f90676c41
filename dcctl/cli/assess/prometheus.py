"""Which store of time series a run asks, and what it answers about a stretch of time."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.assess.history.model import History
    from dcctl.assess.history.probe import Lookup
    from dcctl.assess.history.queries import By, Rules
    from dcctl.assess.history.signals import Found
    from dcctl.cli.session import Session
    from dcctl.inventory.model import Gap
    from dcctl.inventory.sources.prometheus.source import PrometheusSource
    from dcctl.inventory.timeseries import Series, Window
    from dcctl.render.progress import Progress
    from dcctl.specs import PrometheusSpec


def source_of(session: "Session", what: str) -> "PrometheusSpec":
    """The server that `what` names (a URL, or a source of the context), or else the only one of the context.

    UsageError when there is none, or several.
    """
    from dcctl import specs
    from dcctl.errors import UsageError

    if "://" in what:
        return specs.PrometheusSpec(url=what, name="prometheus")
    context = session.settings.context_asked
    configured = specs.of_context(context) if context else ()
    found = [spec for spec in configured if isinstance(spec, specs.PrometheusSpec)]
    named = [spec for spec in found if what in ("", spec.name)]
    if len(named) == 1:
        return named[0]
    known = ", ".join(spec.name or spec.url for spec in found)
    why = f"which of {known}?" if known else 'no source of kind "prometheus" is configured'
    raise UsageError(
        f"--prometheus {what}".strip(), why, "dcctl assess history --prometheus http://HOST:9090"
    )


def client_source(session: "Session", spec: "PrometheusSpec", most: int, fresh: bool) -> "PrometheusSource":
    """The source, with the answers of a run that broke off unless it is to start `fresh`."""
    from dcctl import config
    from dcctl.inventory.sources.prometheus.cache import Cache
    from dcctl.inventory.sources.prometheus.client import Budget, Client
    from dcctl.inventory.sources.prometheus.connection import Access, connect
    from dcctl.inventory.sources.prometheus.source import PrometheusSource

    access = Access(**{name: getattr(spec, name) for name in Access._fields})
    client = Client(connect(access), session.settings.timeout, Budget(most, []))
    who = f"{spec.url} {spec.tenant} {spec.username} {spec.token_file} {spec.token_command}"
    cache = Cache(config.cache_dir(session.environ) / "history", who)
    cache.prune()
    return PrometheusSource(client, spec.name or "prometheus", None if fresh else cache)


def ask(
    source: "PrometheusSource",
    bare: "Found",
    by: "By",
    window: "Window",
    rules: "Rules",
    progress: "Progress",
    choice: "tuple[str, str]" = ("", ""),
) -> "tuple[History, tuple[Gap, ...]]":
    """Probe, ask, and tell what came back about the nodes of a choice (of `-w`, of `-x`).

    DeniedError or UnreachableError: the server gives no answer; UsageError: it knows no such node.
    """
    from dcctl.assess.history.coverage import gaps
    from dcctl.assess.history.model import Kept, history
    from dcctl.assess.history.queries import parts, queries

    found = _probed(source, bare, window, progress, choice)
    asked = queries(found, by, window.step_s, rules)
    pieces = parts(found, window.steps, len(asked), source.budget.left)
    progress.start(len(asked) * pieces, f"asking {source.name}")
    answers: dict[str, tuple[Series, ...] | None] = {}
    for number, query in enumerate(asked):
        borne = min(source.parts, source.budget.left // (len(asked) - number))  # what was too large before
        answers[query.key] = source.ask(query, window, max(pieces, borne), progress.advance)
    source.finished()
    kept = Kept(source.kept, source.kept_at_s or 0)
    whole = history(window, found, answers, len(source.budget.sent), kept)
    return whole, (*source.gaps, *gaps(whole, source.name))


def _probed(
    source: "PrometheusSource",
    bare: "Found",
    window: "Window",
    progress: "Progress",
    choice: "tuple[str, str]",
) -> "Found":
    """What the server has."""
    from dcctl.assess.history.probe import count, host_lookups, learned, lookups, with_hosts
    from dcctl.errors import DeniedError, UnreachableError
    from dcctl.inventory.sources.http.failure import Failure

    progress.start(
        len(host_lookups(bare, choosing=any(choice))) + len(lookups(bare)), f"asking {source.name}"
    )

    def values(asked: "Iterable[Lookup]") -> dict[str, tuple[str, ...]]:
        told = {}
        for one in asked:
            told[one.key] = source.values(one.label, one.match, window)
            progress.advance(one.key)
        return told

    try:
        bare = with_hosts(bare, values(host_lookups(bare, choosing=any(choice))), *choice)
        told = values(lookups(bare))
        counting = count(bare, told["metrics"])
        first, last = (
            source.at(counting, time_s, "accelerators") for time_s in (window.start_s, window.end_s)
        )
    except Failure as failure:
        kind = DeniedError if failure.cause in ("unauthenticated", "denied") else UnreachableError
        raise kind(f"prometheus {source.host}", failure.reason, failure.hint) from failure
    return learned(bare, told, first, last)
