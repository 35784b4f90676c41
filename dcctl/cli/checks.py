"""What can be told of a configuration without contacting anything: `dcctl config check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dcctl import specs
from dcctl.audit_specs import audit_of
from dcctl.cli.drain.policy import rules
from dcctl.collectors import declared
from dcctl.config import wrong
from dcctl.drain_specs import drain_of
from dcctl.errors import UsageError
from dcctl.settings import DECLARED

if TYPE_CHECKING:
    from dcctl.settings import Context, Settings

_FILES = ("path", "kubeconfig", "identity_file", "config_file", "known_hosts")
"""Keys of a source whose value is the name of a file."""
_NO_FILES = ("live", "demo", "-", "kubernetes")
"""What `inventory` may name beside files."""


def check_values(settings: Settings) -> None:
    """UsageError for a node set that nobody could read, and for an inventory file that is not there."""
    for name in ("nodes", "exclude"):
        if text := getattr(settings, name):
            specs.check_node_set(text, f"{settings.origins[name]}: {DECLARED[name].key}")
    for what in settings.inventory:
        if what.partition(":")[0] not in _NO_FILES and not _is_file(what):
            raise wrong(f"{settings.origins['inventory']}: inventory", f"there is no file {what}")


def check_context(context: Context) -> None:
    """UsageError for a source whose file is not there, and for a site in no time zone that is known here."""
    for (where, _), spec in zip(specs.tables(context), specs.of_context(context), strict=True):
        for key in _FILES:
            path = getattr(spec, key, None)
            if path and path != "-" and not _is_there(spec, path):
                raise wrong(f"{where}.{key}", f"there is no file {path}")
        if isinstance(spec, specs.DeclaredSpec):
            declared(spec)
    audit, _ = audit_of(context)
    for key in ("waivers", "checks"):
        path = getattr(audit, key)
        if path and not _is_file(path, home=True):
            raise wrong(f"{context.origin}: context.{context.name}.audit.{key}", f"there is no file {path}")
    _check_drain(context)
    for name, site in specs.sites_of(context).items():
        if site.timezone is not None:
            _check_timezone(site.timezone, f"{context.origin}: context.{context.name}.site.{name}.timezone")


def _check_drain(context: Context) -> None:
    """UsageError for what [context.NAME.drain] names and nobody could read."""
    from dcctl.drain.waves.calendar import window

    drain, where = drain_of(context), f"{context.origin}: context.{context.name}.drain"
    if drain.policy:
        if not _is_file(drain.policy, home=True):
            raise wrong(f"{where}.policy", f"there is no file {drain.policy}")
        rules(Path(drain.policy).expanduser())
    for text in drain.windows:
        try:
            window(text)
        except UsageError as error:
            raise wrong(f"{where}.windows", f"{text!r}: {error.why}") from error
    for text in drain.protected:
        specs.check_node_set(text, f"{where}.protected")


def _check_timezone(name: str, where: str) -> None:
    """UsageError for an unknown time zone; a machine without the data base of them cannot tell."""
    from zoneinfo import available_timezones

    known = available_timezones()
    if known and name not in known:
        raise wrong(where, f"there is no time zone {name!r}; one is Europe/Berlin")


def _is_there(spec: specs.AnySpec, path: str) -> bool:
    """Whether what a source names is there: a file, and for some kinds it may be a folder."""
    folders = isinstance(spec, specs.ModelsSpec | specs.DiagnosticsSpec)
    return (folders and Path(path).is_dir()) or _is_file(path, home=True)


def _is_file(path: str, *, home: bool = False) -> bool:
    """Whether a file is there that is no folder; `home`: `~` stands for the home."""
    place = Path(path).expanduser() if home else Path(path)
    try:
        return place.exists() and not place.is_dir()
    except (OSError, ValueError):  # a name that is too long, or has a NUL in it
        return False
