"""`dcctl assess demand`: what a model takes."""

from typing import TYPE_CHECKING

from dcctl.cli.assess.asked import Asked, refuse_strays, with_options

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


@with_options
def demand(session: "Session", **given: object) -> "Report":
    """What training or serving a model takes: memory, time, network, checkpoints, failures, energy, money.

    Sizes of a layout that are not told are searched. With --deadline the fewest accelerators are found that
    make it. With --serve: cache, latency, replicas for a rate and targets. With -i the hardware is that of
    the fleet, and the work is placed there: whether it fits now, when, and why not. Figures have a 90 %
    interval, as wide as estimates of other people's runs were off (dcctl assess check), and with --explain
    the formula and its source. What nobody tells is unknown, such as money without a price.

    Exit code 1 when it does not fit.
    """
    from dcctl.errors import UsageError

    asked = Asked(**given)  # type: ignore[arg-type]
    refuse_strays(asked)
    if asked.adapters and not asked.lora:
        raise UsageError("--adapters", "counts adapters of the rank that --lora tells")
    if asked.serve:
        from dcctl.cli.assess.serving import served

        return served(session, asked)
    from dcctl.cli.assess.training import trained

    return trained(session, asked)
