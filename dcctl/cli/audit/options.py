"""What `dcctl audit run` takes: what is looked at, how it is told, how it behaves when nobody looks."""

from typing import Annotated, Final, Literal, NamedTuple

import typer

from dcctl.audit.days import Day
from dcctl.errors import UsageError

Level = Literal["critical", "crit", "high", "medium", "low", "info"]


class Choice(NamedTuple):
    """What is looked at, and how it is told."""

    by: Annotated[
        Literal["severity", "object"],
        typer.Option("--by", metavar="WHAT", help="One row per finding (severity) or per object."),
    ] = "severity"
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select", metavar="PATTERN", help="Only these checks: GPU-*, RBAC-02. Repeat for more."
        ),
    ] = None
    severity: Annotated[
        Level,
        typer.Option("--severity", metavar="LEVEL", help="Show findings at least that grave; count all."),
    ] = "info"
    standard: Annotated[
        str, typer.Option("--standard", metavar="NAME", help="The controls of a standard: cis-1.12.")
    ] = ""
    min_coverage: Annotated[
        float | None,
        typer.Option(
            "--min-coverage",
            metavar="PERCENT",
            min=0,
            max=100,
            help="With less told, the run is incomplete: exit 3.",
        ),
    ] = None
    waivers: Annotated[
        str, typer.Option("--waivers", metavar="FILE", help="What is borne, by whom, until when.")
    ] = ""
    checks: Annotated[
        str, typer.Option("--checks", metavar="FILE", help="The site's own checks, as YAML.")
    ] = ""
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models", metavar="PATH", help="Look into this folder of models too. Repeat for more."
        ),
    ] = None
    save: Annotated[
        str, typer.Option("--save", metavar="FILE", help="Write what was seen to a file that -i reads back.")
    ] = ""


class Habit(NamedTuple):
    """How it behaves when nobody looks, and what it needs."""

    record: Annotated[
        bool, typer.Option("--record/--no-record", help="Keep this run, and compare it with the last one.")
    ] = True
    since: Annotated[
        str,
        typer.Option("--since", metavar="TIME", help="Ask nothing: what changed in the last 24h, 7d, 90m."),
    ] = ""
    cron: Annotated[
        bool, typer.Option("--cron", help="Print nothing when nothing is new, a few lines otherwise.")
    ] = False
    digest: Annotated[
        Day | None,
        typer.Option("--digest", metavar="DAY", help="With --cron: on mon … sun tell how things stand, too."),
    ] = None
    jitter: Annotated[
        float,
        typer.Option(
            "--jitter",
            metavar="SECONDS",
            min=0,
            max=86400,
            help="Wait up to that long, each host its own time.",
        ),
    ] = 0.0
    deadline: Annotated[
        float,
        typer.Option(
            "--deadline",
            metavar="SECONDS",
            min=0,
            max=86400,
            help="Ask for that long; the rest is a gap: exit 3.",
        ),
    ] = 0.0
    sudoers: Annotated[
        bool, typer.Option("--sudoers", help="Print the sudo rules that nodes need, and ask nothing.")
    ] = False
    rbac: Annotated[
        bool, typer.Option("--rbac", help="Print the smallest ClusterRole that it needs, and ask nothing.")
    ] = False


_ALONE: Final = ("sudoers", "rbac", "since")
"""Each of these asks nothing: no other option of a run means anything beside it."""
_APART: Final = (("standard", "by"), ("standard", "severity"))
"""Controls are told by control, and all of them."""
_WITH: Final = {"digest": "cron"}
"""What means something beside that one alone."""


def check(choice: Choice, habit: Habit) -> None:
    """UsageError for options that do not go together: none is dropped in silence."""
    given = [*_given(choice), *_given(habit)]
    pairs = [(verb, other) for verb in _ALONE for other in given if other != verb]
    for one, other in (*pairs, *_APART):
        if one in given and other in given:
            raise _wrong(f"{_flag(one)} {_flag(other)}", "do not go together")
    for one, other in _WITH.items():
        if one in given and other not in given:
            raise _wrong(_flag(one), f"means something with {_flag(other)} alone")


def _given(options: Choice | Habit) -> list[str]:
    defaults = options._field_defaults
    return [name for name, value in options._asdict().items() if value not in (defaults[name], [])]


def _flag(name: str) -> str:
    return "--no-record" if name == "record" else f"--{name.replace('_', '-')}"


def _wrong(what: str, why: str) -> UsageError:
    return UsageError(what, why, "dcctl audit --help")
