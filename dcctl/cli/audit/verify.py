"""`dcctl audit verify`: whether the history is whole."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.cli.session import Session
    from dcctl.render.report import Report
    from dcctl.state import Row


def verify(
    session: "Session",
    public_key: Annotated[
        list[str] | None,
        typer.Option(
            "--public-key",
            metavar="HEX",
            help="The key to verify with, as kept elsewhere. Repeat after it was changed.",
        ),
    ] = None,
    head: Annotated[
        str,
        typer.Option(
            "--head", metavar="[RUN:]HASH", help="A head as kept elsewhere: it has to be in the chain."
        ),
    ] = "",
) -> "Report":
    """Whether any record of the history was changed, deleted, put elsewhere or cut off. Exit code 1 if so.

    Whoever has root on this host has the key too and can write the history anew: keep the head and the public
    key, which this prints, on another host, and give them back with --head and --public-key.
    """
    from dcctl.audit.act.verified import anchored, lost, verify_report
    from dcctl.cli.audit.setup import folder_of
    from dcctl.state import there

    folder = folder_of(session)
    flaws, runs = () if there(folder) else lost(folder), list["Row"]()
    public = tuple(public_key or _public(session, folder))
    if not flaws:
        flaws, runs = _checked(folder, public)
    return verify_report((*flaws, *anchored(runs, head)), runs, public[0])


def _checked(folder: "Path", public: tuple[str, ...]) -> "tuple[tuple[tuple[int, str], ...], list[Row]]":
    """(flaws, runs) of the history. That it cannot be read is one."""
    from dcctl.audit.act.keep import check
    from dcctl.state import DamagedError, reading

    try:
        with reading(folder) as history:
            return check(history, public), history.runs()
    except DamagedError as error:
        return ((0, f"{error}"),), []


def _public(session: "Session", folder: "Path") -> tuple[str, ...]:
    """The public key of the key that is configured, and those before it. UsageError: there is no key."""
    from dcctl.audit.act.signing import Signer
    from dcctl.audit_specs import audit_of
    from dcctl.errors import UsageError

    spec, _ = audit_of(session.settings.context_in_force)
    path = spec.file("key") or folder / "key"
    if not path.exists():
        raise UsageError(f"the key {path}", "is not there", "dcctl audit verify --public-key HEX")
    return Signer(path).public, *spec.former_keys
