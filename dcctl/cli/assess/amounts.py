"""Amounts of `dcctl assess demand` as they are typed: 15T, 2k, 30d, 50ms, 10/s, 40GB/s."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.amounts import Measure


def count(option: str, text: str) -> int:
    """Return tokens, or words of a vocabulary. UsageError names the option."""
    from dcctl.inventory.sources.jobs.amounts import TOKENS

    return _read(option, text, TOKENS)


def parameters(text: str) -> int:
    """Return the parameters of a model told by hand. UsageError: they are no number of them."""
    from dcctl.inventory.sources.jobs.amounts import PARAMETERS

    return _read("--params", text, PARAMETERS)


def seconds(option: str, text: str) -> int:
    """Return a length of time, such as 30d or 3d12h, in seconds."""
    from dcctl.errors import UsageError
    from dcctl.inventory.lengths import duration

    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(option, str(error), _HINT) from error


def latency(option: str, text: str) -> float:
    """Return a short length of time in seconds."""
    from dcctl.inventory.sources.jobs.amounts import LATENCY

    return _read(option, text, LATENCY) / 1000


def rate(option: str, text: str) -> float:
    """Return requests per second."""
    from dcctl.inventory.sources.jobs.amounts import RATE

    return _read(option, text, RATE) / 1000


def disk_rate(option: str, text: str) -> float:
    """Return bytes per second."""
    from dcctl.inventory.sources.jobs.amounts import DISK_RATE

    return float(_read(option, text, DISK_RATE))


_HINT = "dcctl assess demand --help"


def _read(option: str, text: str, measure: "Measure") -> int:
    from dcctl.errors import UsageError
    from dcctl.inventory.sources.jobs.amounts import read

    try:
        return read(text, measure)
    except ValueError as error:
        raise UsageError(option, str(error), _HINT) from error
