"""`dcctl assess demand`: what a model takes."""

from typing import TYPE_CHECKING

from dcctl.cli.assess.asked import Asked, with_options

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


@with_options
def demand(session: "Session", **given: object) -> "Report":
    """What training or serving a model takes: memory, time, network, checkpoints, failures, energy, money.

    Sizes of a layout that are not told are searched. With --deadline the fewest accelerators are found that
    make it. With -i the hardware is that of the fleet, and the run is placed there: whether it fits now, and
    why not. Figures have a 90 % interval, as wide as estimates of other people's runs were off (dcctl assess
    check), and with --explain the formula and its source. What is not told is unknown, such as money without
    --price.

    Exit code 1 when it does not fit.
    """
    from dcctl.errors import UsageError

    asked = Asked(**given)  # type: ignore[arg-type]
    if asked.adapters and not (asked.serve and asked.lora):
        raise UsageError("--adapters", "counts what is served: it goes with --serve and --lora")
    if asked.serve:
        from dcctl.cli.assess.serving import served

        return served(session, asked)
    from dcctl.cli.assess.training import trained

    return trained(session, asked)
