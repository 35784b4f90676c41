"""`dcctl audit install-timer`: an audit every night, by systemd."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.audit.units import Plan
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


class When(NamedTuple):
    """When an audit runs, and how."""

    calendar: Annotated[
        str,
        typer.Option(
            "--calendar", metavar="WHEN", help="When, as systemd.time(7) has it: daily, *-*-* 02:00."
        ),
    ] = "daily"
    jitter: Annotated[
        int,
        typer.Option(
            "--jitter", metavar="SECONDS", min=0, max=86400, help="Each host its own delay, up to that."
        ),
    ] = 900
    deadline: Annotated[
        int,
        typer.Option(
            "--deadline", metavar="SECONDS", min=60, max=86400, help="An audit ends after that long."
        ),
    ] = 3600
    user: Annotated[
        bool, typer.Option("--user", help="For the user's own systemd, not that of the system.")
    ] = False
    options: Annotated[
        str,
        typer.Option("--options", metavar="TEXT", help="More options of the audit: '-i kubernetes:prod'."),
    ] = ""


def install_timer(session: "Session", when: When = When()) -> "Report":  # noqa: B008  # a constant
    """Write a hardened systemd service and timer that run `dcctl audit --cron`.

    The service may read the system and write its own state folder. It runs as root with root's SSH keys and
    the configuration in /etc/dcctl; with --user, as you. No agent is there: keys have no passphrase.
    --dry-run prints both files. A unit of that name that dcctl did not write is left alone (exit code 6).
    """
    from dcctl.audit.act.installing import changed, check_calendar
    from dcctl.audit.listing import text_report
    from dcctl.audit.shape import DONE
    from dcctl.audit.units import NAME, service, timer

    _check(when.calendar, when.options)
    check_calendar(when.calendar)
    plan = _plan(session, when)
    folder = _folder(session, for_user=when.user)
    files = {folder / f"{NAME}.service": service(plan), folder / f"{NAME}.timer": timer(plan)}
    todo = changed(files)
    if not todo:
        done = f"nothing to change in {folder}"
        return text_report(DONE, done, f"{done}; to see it: {_systemctl(when)} list-timers {NAME}.timer\n")
    text = "".join(f"# {path}\n{content}\n" for path, content in todo.items())
    if session.consent.dry_run:
        return text_report(DONE, f"would be written to {folder}", text)
    session.consent.demand("dcctl audit install-timer", [*text.splitlines(), f"Write these to {folder}?"])
    _write(todo)
    return text_report(DONE, f"written to {folder}", f"written to {folder}; now:\n{_next(when)}")


def _systemctl(when: When) -> str:
    return "systemctl --user" if when.user else "systemctl"


def _next(when: When) -> str:
    """What is left to do. Without lingering a user's timers end when the user logs out."""
    from dcctl.audit.units import NAME

    systemctl = _systemctl(when)
    linger = "loginctl enable-linger && " if when.user else ""
    start = f"{linger}{systemctl} daemon-reload && {systemctl} enable --now {NAME}.timer"
    journal = "journalctl --user" if when.user else "journalctl"
    return f"{start}\n{systemctl} start {NAME}.service; {journal} -u {NAME}.service   # one run at once\n"


def _check(calendar: str, options: str) -> None:
    """UsageError for what would be more than one line, or an option of cron's own."""
    from dcctl.errors import UsageError

    for name, value in (("--calendar", calendar), ("--options", options)):
        if not value.isprintable():
            raise UsageError(name, "must be one line")
    if not calendar.strip():
        raise UsageError("--calendar", "is empty", "man systemd.time")


def _plan(session: "Session", when: When) -> "Plan":
    """The command that the service runs, by its whole path, and what follows from its options."""
    import shutil

    from dcctl.audit.units import Plan

    found = shutil.which("dcctl")
    start = (found,) if found else (sys.executable, "-m", "dcctl")
    config = ("--config", str(Path(session.config_file).resolve())) if session.config_file else ()
    words = ("--cron", "--deadline", str(when.deadline), *config, *_split(when.options))
    read = _read(session, words)
    return Plan(
        (*start, "audit", "run", *words),
        when.calendar,
        when.jitter,
        read["deadline"],
        read["jitter"],
        when.user,
        tuple(_written(read)),
    )


def _split(options: str) -> list[str]:
    import shlex

    from dcctl.errors import UsageError

    try:
        return shlex.split(options)
    except ValueError as error:
        raise UsageError("--options", str(error)) from error


def _read(session: "Session", words: "Sequence[str]") -> "dict[str, Any]":
    """The options as the audit will read them. UsageError: it would not."""
    from dcctl import config
    from dcctl.cli.program import parsed
    from dcctl.errors import UsageError
    from dcctl.render.dispatch import check_format
    from dcctl.settings import Settings

    try:
        read = parsed("audit", "run", words)
        values = {name: read[name] for name in Settings._fields if name in read and name != "context"}
        settings = config.resolve(values, session.environ, read["config"])
        check_format(settings.output.partition("=")[0])
    except UsageError as error:
        raise UsageError(f"--options: {error.what}", error.why, "dcctl audit --help") from error
    return read


def _written(read: "dict[str, Any]") -> "Iterator[str]":
    """The folders of the files that options name: `-o prom=/var/lib/x/dcctl.prom`, `--save FILE`."""
    for path in ((read["output"] or "").partition("=")[2], read["save"]):
        if path.startswith("/"):
            yield str(Path(path).parent)


def _folder(session: "Session", *, for_user: bool) -> Path:
    if not for_user:
        return Path("/etc/systemd/system")
    base = session.environ.get("XDG_CONFIG_HOME") or str(
        Path(session.environ.get("HOME", "~")).expanduser() / ".config"
    )
    return Path(base) / "systemd" / "user"


def _write(files: dict[Path, str]) -> None:
    from dcctl.errors import OutputError
    from dcctl.render.atomic import write_atomic

    for path, content in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(str(path), error.strerror or str(error), f"ls -ld {path.parent}") from error
        write_atomic(path, lambda out, content=content: out.write(content))  # type: ignore[misc]
