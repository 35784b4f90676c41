"""Where settings come from: defaults, files, DCCTL_* and flags resolved into one `Settings`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dcctl.errors import UsageError
from dcctl.settings import DECLARED, Context, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.settings import Setting, Value


def resolve(flags: Mapping[str, object], environ: Mapping[str, str], config: str | None) -> Settings:
    """Settle every setting: flags > DCCTL_* > user file > system file > default. UsageError if any is wrong.

    `flags` are by the name of the setting; None or an empty tuple is a flag that was not given.
    """
    found: dict[str, tuple[Value, str]] = {}
    contexts: dict[str, Context] = {}
    keys = {setting.key: setting for setting in DECLARED.values()}
    for path in files(environ, config):
        document = _read(path, keys)
        contexts.update(_contexts(document.pop("context", {}), str(path)))
        for key, value in document.items():
            found[keys[key].name] = (_checked(keys[key], value, str(path)), str(path))
    for name, setting in DECLARED.items():
        text, flag = environ.get(setting.variable), flags.get(name)
        if text:
            found[name] = (_from_text(setting, text), setting.variable)
        if flag is not None and flag != ():
            found[name] = (_checked(setting, flag, setting.option), setting.option)
    values = {name: value for name, (value, _) in found.items()}
    origins = dict.fromkeys(DECLARED, "default") | {name: origin for name, (_, origin) in found.items()}
    return Settings(**values, origins=origins, contexts=contexts)  # type: ignore[arg-type] # each is checked


def files(environ: Mapping[str, str], config: str | None) -> tuple[Path, ...]:
    """The configuration files that exist, weakest first. A file that was named must exist."""
    named = config or environ.get("DCCTL_CONFIG")
    if named:
        if not Path(named).exists():
            raise UsageError(f"configuration file {named}", "there is no such file", "dcctl config show")
        return (Path(named),)
    return tuple(path for path in (Path("/etc/dcctl/config.toml"), user_file(environ)) if path.exists())


def user_file(environ: Mapping[str, str]) -> Path:
    """Where the user's own configuration is looked for."""
    base = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".config")
    return Path(base) / "dcctl" / "config.toml"


def state_dir(environ: Mapping[str, str]) -> Path:
    """Where history and journals live: $XDG_STATE_HOME/dcctl; for root /var/lib/dcctl."""
    return _home(environ, "XDG_STATE_HOME", ".local/state", "/var/lib")


def cache_dir(environ: Mapping[str, str]) -> Path:
    """Where the names for completion live: $XDG_CACHE_HOME/dcctl; for root /var/cache/dcctl."""
    return _home(environ, "XDG_CACHE_HOME", ".cache", "/var/cache")


def _home(environ: Mapping[str, str], variable: str, below_home: str, for_root: str) -> Path:
    if environ.get(variable):
        return Path(environ[variable]) / "dcctl"
    if os.geteuid() == 0:
        return Path(for_root) / "dcctl"
    return Path(environ.get("HOME", "~")).expanduser() / below_home / "dcctl"


def _read(path: Path, keys: Iterable[str]) -> dict[str, object]:
    import tomllib

    try:
        document: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise wrong(str(path), error.strerror or str(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise wrong(str(path), f"not valid TOML: {error}") from error
    unknown(document, {"context", *keys}, str(path))
    return document


def wrong(where: str, why: str) -> UsageError:
    """The error for what cannot stand in a configuration; `where` names the file, the table and the key."""
    return UsageError(where, why, "dcctl man dcctl.toml | man -l -")


def unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raise UsageError for the first key of `given` that is not known, with the nearest one that is."""
    import difflib

    names = sorted(known)
    for key in given:
        if key not in names:
            near = difflib.get_close_matches(key, names, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
            raise wrong(where, f"unknown key {key!r}; {meant}")


def _contexts(tables: object, origin: str) -> dict[str, Context]:
    if not isinstance(tables, dict):
        raise wrong(origin, "'context' holds [context.NAME] tables; to choose one, set default_context")
    return {name: _context(name, table, origin) for name, table in tables.items()}


def _context(name: str, table: object, origin: str) -> Context:
    where = f"{origin}: context.{name}"
    if not isinstance(table, dict):
        raise wrong(where, "must be a table: [context.NAME]")
    unknown(table, ("source", "site", "audit", "drain"), where)
    sources, sites = table.get("source", []), table.get("site", {})
    if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
        raise wrong(where, "sources are [[context.NAME.source]] tables")
    if not isinstance(sites, dict) or not all(isinstance(site, dict) for site in sites.values()):
        raise wrong(where, "sites are [context.NAME.site.SITE] tables")
    audit, drain = table.get("audit", {}), table.get("drain", {})
    if not isinstance(audit, dict):
        raise wrong(where, "what an audit demands is the table [context.NAME.audit]")
    if not isinstance(drain, dict):
        raise wrong(where, "how nodes are drained is the table [context.NAME.drain]")
    return Context(name, origin, tuple(sources), sites, audit, drain)


def _checked(setting: Setting, value: object, origin: str) -> Value:
    """`value` as the type that the setting has; a list of words becomes a tuple."""
    want = setting.default
    if isinstance(want, tuple):
        words = [value] if isinstance(value, str) else value
        if isinstance(words, list | tuple) and all(isinstance(word, str) for word in words):
            return tuple(words)
    elif isinstance(want, bool):
        if isinstance(value, bool):
            return value
    elif isinstance(want, int | float):
        return _positive(setting, value, origin)
    elif isinstance(value, str):
        return _chosen(setting, value, origin)
    raise wrong(origin, f"{setting.key} must be a {_word(want)}, not {value!r}")


def _positive(setting: Setting, value: object, origin: str) -> int | float:
    whole = isinstance(setting.default, int)
    numeric = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if numeric and isinstance(value, int | float) and 0 < value < 1e6:
        return value
    kind = "positive whole number" if whole else "positive number"
    raise wrong(origin, f"{setting.key} must be a {kind}, not {value!r}")


def _chosen(setting: Setting, value: str, origin: str) -> str:
    if setting.choices and value not in setting.choices:
        choices = ", ".join(setting.choices)
        raise UsageError(origin, f"{setting.key} must be one of {choices}, not {value!r}")
    return value


def _word(example: Value) -> str:
    return {tuple: "list of words", bool: "true or false", str: "word"}.get(type(example), "number")


def _from_text(setting: Setting, text: str) -> Value:
    """The value of a variable: lists are separated by commas, truth is 1/0, true/false or yes/no."""
    want, origin = setting.default, setting.variable
    if isinstance(want, tuple):
        return tuple(word for word in text.split(",") if word)
    if isinstance(want, bool):
        if text.lower() in {"1", "true", "yes", "0", "false", "no"}:
            return text.lower() in {"1", "true", "yes"}
        raise UsageError(origin, f"{setting.key} must be true or false, not {text!r}")
    if isinstance(want, int | float):
        try:
            number: Value = int(text) if isinstance(want, int) else float(text)
        except ValueError as error:
            raise UsageError(origin, f"{setting.key} must be a number, not {text!r}") from error
        return _checked(setting, number, origin)
    return _checked(setting, text, origin)
