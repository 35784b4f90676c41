"""`dcctl assess energy`: where power goes, what energy costs and emits, and what would take less."""

from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.curves import Carbon, Price

if TYPE_CHECKING:
    from dcctl.assess.energy.answer import Options
    from dcctl.cli.session import Session
    from dcctl.inventory.conditions import Curves
    from dcctl.inventory.energy import Figures
    from dcctl.inventory.model import Fleet
    from dcctl.render.report import Report

File = Annotated[
    str | None,
    typer.Argument(metavar="FILE", help="Figures by hand (YAML: dcctl schema energy); - is standard input."),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="SNAPSHOT", help="Energy between its registers and those of now."),
]
Over = Annotated[
    str | None,
    typer.Option(
        "--over", metavar="TIME", help="Of how long before now a Prometheus tells energy: 30d, 365d."
    ),
]
Market = Annotated[
    str | None,
    typer.Option(
        "--carbon-market", metavar="FILE", help="As --carbon, by contracts and certificates (market-based)."
    ),
]
Horizon = Annotated[
    str, typer.Option("--for", metavar="TIME", help="Bill work for so long, from now on: 24h, 7d.")
]
Eta = Annotated[
    float,
    typer.Option(
        "--eta", metavar="SHARE", min=0, max=1, help="Power caps: how much energy counts against time."
    ),
]
Slowdown = Annotated[
    float | None,
    typer.Option(
        "--slowdown", metavar="PERCENT", min=0, max=1000, help="Power caps: the lowest that is not slower."
    ),
]


def energy(
    session: "Session",
    file: File = None,
    since: Since = None,
    over: Over = None,
    price: Price = None,
    carbon: Carbon = None,
    carbon_market: Market = None,
    horizon: Horizon = "24h",
    eta: Eta = 0.5,
    slowdown: Slowdown = None,
) -> "Report":
    """Where power goes from the entry to the boards, what energy costs and emits, and what would take less.

    PUE, REF, ERF, CUE and WUE of each site with category and coverage, from figures by hand or the registers
    of meters, never from one sample of power. The balance of what UPSes, PDUs, nodes and boards were measured
    to draw. What each workload draws, costs and emits. Power caps and hours are recommended; nothing changes.
    """
    from dcctl.assess.energy.answer import answer
    from dcctl.assess.energy.columns import ENERGY
    from dcctl.assess.energy.report import report
    from dcctl.inventory.energy import Figures

    options = _options(horizon, eta, slowdown, price, carbon, carbon_market)
    figures = _figures(file) if file else Figures()
    earlier = session.survey(ENERGY, since).whole if since else None
    found = _of_period(session, earlier, over).survey(ENERGY)
    told = answer(found.whole, found.fleet.nodes, earlier, figures, options, session.now_s)
    return report(told, found.fleet.gaps)


def _of_period(session: "Session", earlier: "Fleet | None", over: str | None) -> "Session":
    """The session in which a Prometheus is asked about the time that is meant: --over, or since `earlier`."""
    from msgspec.structs import replace

    from dcctl.errors import UsageError

    if over is not None and earlier is not None:
        raise UsageError("--over", "--since says of what time: leave out one of them")
    if earlier is not None and earlier.taken_at_s is not None and earlier.taken_at_s < session.now_s:
        days, seconds = divmod(session.now_s - earlier.taken_at_s, 86_400)
        over = f"{days}d{seconds}s"
    if over is None:
        return session
    _duration(over, "--over", "--over 30d")
    if earlier is None and not _asks_series(session):
        why = 'no source of kind "prometheus" with `meters` is asked, so it would change nothing'
        raise UsageError("--over", why, "dcctl assess energy --since before.json")
    origin = "--over" if earlier is None else "--since"
    return replace(session, settings=session.settings.having("energy_over", over, origin))


def _asks_series(session: "Session") -> bool:
    """Whether a Prometheus is asked about meters in this run."""
    from dcctl import specs

    settings = session.settings
    if settings.inventory and "live" not in settings.inventory:
        return False
    context = settings.context_asked
    found = specs.of_context(context) if context else ()
    return any(isinstance(spec, specs.PrometheusSpec) and spec.meters for spec in found)


def _figures(file: str) -> "Figures":
    from dcctl.inventory.sources.energy.source import read

    return read(file)


def _options(
    horizon: str,
    eta: float,
    slowdown: float | None,
    price: str | None,
    carbon: str | None,
    market: str | None,
) -> "Options":
    """UsageError for a length of time that is none, and with the place of what is wrong in a file."""
    from math import isnan

    from dcctl.assess.energy.answer import Options
    from dcctl.errors import UsageError

    if isnan(eta) or isnan(slowdown or 0):
        raise UsageError("--eta and --slowdown", "must be numbers", "--eta 0.5")
    return Options(
        _duration(horizon, "--for", "--for 24h"),
        round(eta * 1000),
        None if slowdown is None else round(slowdown * 10),
        _curves(price, negative=True),
        _curves(carbon),
        _curves(market),
    )


def _duration(text: str, option: str, hint: str) -> int:
    from dcctl.errors import UsageError
    from dcctl.inventory.lengths import duration

    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(option, str(error), hint) from error


def _curves(path: str | None, *, negative: bool = False) -> "Curves":
    from dcctl.inventory.sources.files.documents import read_bytes, text_of
    from dcctl.inventory.sources.jobs.curves import curves

    return curves(text_of(read_bytes(path), path), path, negative=negative) if path else {}
