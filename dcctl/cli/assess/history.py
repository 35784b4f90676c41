"""`dcctl assess history`: what accelerators did over time, from Prometheus."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from dcctl.assess.history.model import History
    from dcctl.assess.history.queries import Rules
    from dcctl.cli.session import Session
    from dcctl.inventory.model import Gap
    from dcctl.inventory.timeseries import Window
    from dcctl.render.report import Report

By = Literal["pool", "team", "workload"]
Server = Annotated[
    str, typer.Option("--prometheus", metavar="URL", help="Or the name of a source of the configuration.")
]
Range = Annotated[str, typer.Option("--range", metavar="TIME", help="How far back: 30d, 12h.")]
Step = Annotated[str, typer.Option("--step", metavar="TIME", help="Length of a step: 1h, 10m.")]
Until = Annotated[
    str, typer.Option("--until", metavar="TIME", help="The end, as 2026-11-01T00:00Z; else now.")
]
IdleBelow = Annotated[
    float,
    typer.Option(
        "--idle-below", metavar="PERCENT", min=0, max=100, help="Never busier in a step, it is idle in it."
    ),
]
IdleShare = Annotated[
    float,
    typer.Option(
        "--idle-share",
        metavar="PERCENT",
        min=1,
        max=100,
        help="Idle for so much of the time held, it is named.",
    ),
]
Cpus = Annotated[
    float,
    typer.Option("--cpus-per-gpu", metavar="N", min=0.01, help="A free accelerator is of use with so many."),
]
Memory = Annotated[
    str, typer.Option("--memory-per-gpu", metavar="SIZE", help="And with so much memory: 16Gi, 64GB.")
]
Ahead = Annotated[str, typer.Option("--ahead", metavar="TIME", help="How far the forecast looks.")]
Most = Annotated[
    int, typer.Option("--queries", metavar="N", min=10, max=1000, help="Ask the server so much at most.")
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Ask for everything, also what a run that broke off had learned.")
]


def history(
    session: "Session",
    by: Annotated[
        By, typer.Option("--by", metavar="WHAT", help="One row per pool, team or workload.")
    ] = "pool",
    prometheus: Server = "",
    range_: Range = "30d",
    step: Step = "1h",
    until: Until = "",
    idle_below: IdleBelow = 5.0,
    idle_share: IdleShare = 50.0,
    cpus_per_gpu: Cpus = 4.0,
    memory_per_gpu: Memory = "16Gi",
    ahead: Ahead = "30d",
    queries: Most = 60,
    fresh: Fresh = False,
) -> "Report":
    """What accelerators did over time: use, idle, stranded, queue, energy, and when it is full.

    Asks Prometheus, or what speaks its API (Thanos, Mimir, VictoriaMetrics), for what dcgm-exporter,
    node_exporter and kube-state-metrics left there: about twenty queries, one at a time, worked out on the
    server. Metrics that are missing are named, and others stand in for them. `-i demo` asks nobody.
    """
    from dcctl.assess.history.report import Options, history_report
    from dcctl.assess.history.shape import shape_of
    from dcctl.render.dispatch import check_shape

    check_shape(shape_of(by), session.style())
    _check(session, prometheus)
    window = _window(session, range_, step, until)
    rules = _rules(idle_below, idle_share, cpus_per_gpu, memory_per_gpu)
    options = Options(by, idle_share / 100, _seconds("--ahead", ahead))
    if session.settings.inventory == ("demo",):
        from dcctl.assess.history.demo import demo

        return history_report(demo(window, by), options)
    found, gaps = _asked(session, prometheus, by, window, rules, queries, fresh)
    return history_report(found, options, gaps)


def _asked(
    session: "Session", prometheus: str, by: By, window: "Window", rules: "Rules", most: int, fresh: bool
) -> "tuple[History, tuple[Gap, ...]]":
    """What the server of this run tells, and what it does not."""
    from dcctl.assess.history.signals import Found
    from dcctl.cli.assess.prometheus import ask, client_source, source_of

    spec = source_of(session, prometheus)
    bare = Found(frozenset(), {}, matchers=tuple(spec.labels.items()), pool_label=spec.pool_label)
    source = client_source(session, spec, most, fresh)
    with session.progress() as progress:
        return ask(
            source, bare, by, window, rules, progress, (session.settings.nodes, session.settings.exclude)
        )


def _check(session: "Session", prometheus: str) -> None:
    """UsageError for options of the inventory that say nothing of a store of time series."""
    from dcctl.errors import UsageError
    from dcctl.inventory.nodeexpr import check_syntax

    settings = session.settings
    for text in filter(None, (settings.nodes, settings.exclude)):
        check_syntax(text)
    if settings.inventory not in ((), ("live",), ("demo",)):
        raise UsageError(
            f"-i {' '.join(settings.inventory)}", "holds no history", "--prometheus http://HOST:9090"
        )
    if settings.inventory == ("demo",) and prometheus:
        raise UsageError("--prometheus", "the demo asks nobody", "dcctl assess history -i demo")
    if settings.inventory == ("demo",) and (settings.nodes or settings.exclude):
        why = "the past of the demo is that of all its nodes"
        raise UsageError("--nodes and --exclude", why, "dcctl assess history -i demo --by team")


_MOST_STEPS = 20_000
_SHORTEST_STEP_S = 60


def _window(session: "Session", range_: str, step: str, until: str) -> "Window":
    """The stretch of time, its end at a whole step so that a second run asks the same."""
    from dcctl.errors import UsageError
    from dcctl.inventory.timeseries import Window

    step_s, range_s = _seconds("--step", step), _seconds("--range", range_)
    if step_s < _SHORTEST_STEP_S:
        raise UsageError(
            "--step", f"is at least {_SHORTEST_STEP_S} s, as exporters tell that often", "--step 1h"
        )
    if not 2 <= range_s // step_s <= _MOST_STEPS:
        why = f"{range_} has {range_s // step_s:,} steps of {step}, not between 2 and {_MOST_STEPS:,}"
        raise UsageError("--range and --step", why, "--range 30d --step 1h")
    end_s = (_moment(until) if until else session.now_s) // step_s * step_s
    if end_s > session.now_s:
        raise UsageError("--until", f"{until} is not over yet")
    return Window(end_s - range_s // step_s * step_s, end_s, step_s)


def _rules(idle_below: float, idle_share: float, cpus: float, memory: str) -> "Rules":
    from math import isfinite

    from dcctl.assess.history.queries import Rules
    from dcctl.errors import UsageError
    from dcctl.inventory.sources.jobs.amounts import MEMORY, read

    if not all(map(isfinite, (idle_below, idle_share, cpus))):
        raise UsageError("--idle-below, --idle-share and --cpus-per-gpu", "must be numbers")
    try:
        return Rules(idle=idle_below / 100, cpus_per_gpu=cpus, bytes_per_gpu=read(memory, MEMORY))
    except ValueError as error:
        raise UsageError("--memory-per-gpu", str(error), "--memory-per-gpu 16Gi") from error


def _seconds(option: str, text: str) -> int:
    from dcctl.errors import UsageError
    from dcctl.inventory.lengths import duration

    try:
        seconds = duration(text)
    except ValueError as error:
        raise UsageError(option, str(error), f"{option} 30d") from error
    if seconds > 3650 * 86400:
        raise UsageError(option, f"{text} is more than ten years", f"{option} 30d")
    return seconds


def _moment(text: str) -> int:
    from dcctl.errors import UsageError
    from dcctl.inventory.moments import moment

    try:
        return moment(text)
    except ValueError as error:
        raise UsageError("--until", str(error), "--until 2026-11-01T00:00Z") from error
