"""Settings: defaults, files, DCCTL_* and flags resolved into one frozen object that knows each origin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Value: TypeAlias = "str | int | float | bool | tuple[str, ...]"

DEFAULTS: dict[str, Value] = {
    "context": "",
    "inventory": (),
    "nodes": "",
    "exclude": "",
    "output": "table",
    "columns": "",
    "sort": "",
    "fanout": 32,
    "timeout": 60.0,
    "color": "auto",
    "fail_on": "crit",
    "quiet": False,
    "namespace": "",
}
"""Every key of a configuration file that is also DCCTL_<KEY> and a flag, with its default.
`timeout` is in seconds."""

CHOICES: dict[str, tuple[str, ...]] = {
    "color": ("auto", "always", "never"),
    "fail_on": ("info", "warn", "crit", "never"),
}


class Setting(Struct, frozen=True):
    """A value and where it came from: `default`, a file, `DCCTL_FANOUT` or `--fanout`."""

    value: Value
    origin: str


class Context(Struct, frozen=True):
    """One `[context.NAME]` as it stands in a file; `dcctl.specs` gives its tables meaning."""

    name: str
    origin: str
    sources: tuple[Mapping[str, object], ...] = ()
    sites: Mapping[str, Mapping[str, object]] = {}


class Settings(Struct, frozen=True):
    """What holds for this run. Immutable; `values[key]` says both what and why."""

    values: Mapping[str, Setting]
    contexts: Mapping[str, Context]

    def text(self, key: str) -> str:
        """The value of a key that holds text."""
        return str(self.values[key].value)

    def number(self, key: str) -> float:
        """The value of a key that holds a number."""
        value = self.values[key].value
        assert isinstance(value, int | float)  # noqa: S101 - guaranteed by _checked, here for the type checker
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """The value of a key that holds a list."""
        value = self.values[key].value
        return value if isinstance(value, tuple) else (str(value),)

    def having(self, key: str, value: Value, origin: str = "this command") -> Settings:
        """The same settings with one value changed."""
        return Settings({**self.values, key: Setting(value, origin)}, self.contexts)

    @property
    def context(self) -> Context | None:
        """The context in force: the one named, else the only one there is, else none."""
        name = self.text("context")
        if name:
            return self._named(name)
        return next(iter(self.contexts.values())) if len(self.contexts) == 1 else None

    def _named(self, name: str) -> Context:
        if name in self.contexts:
            return self.contexts[name]
        known = ", ".join(sorted(self.contexts)) or "none is configured"
        raise UsageError(
            f"context {name!r} ({self.values['context'].origin})",
            f"there is no such context; known: {known}",
            "dcctl config show",
        )


def resolve(flags: Mapping[str, Value | None], environ: Mapping[str, str], config: str | None) -> Settings:
    """Settle every key: flags > DCCTL_* > user file > system file > default. UsageError if any is wrong."""
    values = {key: Setting(value, "default") for key, value in DEFAULTS.items()}
    contexts: dict[str, Context] = {}
    for path in files(environ, config):
        document = _read(path)
        contexts.update(_contexts(document.pop("context", {}), str(path)))
        for key, value in document.items():
            name = "context" if key == "default_context" else key
            values[name] = Setting(_checked(key, value, str(path)), str(path))
    for key in DEFAULTS:
        name = f"DCCTL_{key.upper()}"
        if environ.get(name):
            values[key] = Setting(_from_text(key, environ[name], name), name)
    for key, flag in flags.items():
        if flag is not None and flag != ():
            origin = f"--{key.replace('_', '-')}"
            values[key] = Setting(_checked(key, flag, origin), origin)
    return Settings(values, contexts)


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


def _read(path: Path) -> dict[str, object]:
    import tomllib

    try:
        document: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(str(path), error.strerror or str(error), "dcctl config check") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(str(path), f"not valid TOML: {error}", "dcctl config check") from error
    known = {*DEFAULTS, "default_context"}
    unknown(document, known, f"{path}")
    return document


def unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raise UsageError for the first key of `given` that is not known, with the nearest one that is."""
    import difflib

    names = sorted(known)
    for key in given:
        if key not in names:
            near = difflib.get_close_matches(key, names, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
            raise UsageError(where, f"unknown key {key!r}; {meant}", "dcctl config check")


def _contexts(tables: object, origin: str) -> dict[str, Context]:
    if not isinstance(tables, dict):
        raise UsageError(
            origin,
            "'context' holds [context.NAME] tables; to choose one, set default_context",
            "dcctl config check",
        )
    return {name: _context(name, table, origin) for name, table in tables.items()}


def _context(name: str, table: object, origin: str) -> Context:
    where = f"{origin}: context.{name}"
    if not isinstance(table, dict):
        raise UsageError(where, "must be a table: [context.NAME]", "dcctl config check")
    unknown(table, ("source", "site"), where)
    sources, sites = table.get("source", []), table.get("site", {})
    if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
        raise UsageError(where, "sources are [[context.NAME.source]] tables", "dcctl config check")
    if not isinstance(sites, dict) or not all(isinstance(site, dict) for site in sites.values()):
        raise UsageError(where, "sites are [context.NAME.site.SITE] tables", "dcctl config check")
    return Context(name, origin, tuple(sources), sites)


def _checked(key: str, value: object, origin: str) -> Value:
    """`value` as the type that `key` has; a list of words becomes a tuple."""
    want = DEFAULTS["context" if key == "default_context" else key]
    if isinstance(want, tuple):
        words = [value] if isinstance(value, str) else value
        if isinstance(words, list | tuple) and all(isinstance(word, str) for word in words):
            return tuple(words)
    elif isinstance(want, bool):
        if isinstance(value, bool):
            return value
    elif isinstance(want, int | float):
        return _positive(key, value, origin, whole=isinstance(want, int))
    elif isinstance(value, str):
        return _chosen(key, value, origin)
    raise UsageError(origin, f"{key} must be a {_word(want)}, not {value!r}", "dcctl config check")


def _positive(key: str, value: object, origin: str, *, whole: bool) -> int | float:
    numeric = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if numeric and isinstance(value, int | float) and 0 < value < 1e6:
        return value
    raise UsageError(
        origin,
        f"{key} must be a positive {'whole ' if whole else ''}number, not {value!r}",
        "dcctl config check",
    )


def _chosen(key: str, value: str, origin: str) -> str:
    if key in CHOICES and value not in CHOICES[key]:
        raise UsageError(origin, f"{key} must be one of {', '.join(CHOICES[key])}, not {value!r}")
    return value


def _word(example: Value) -> str:
    return {tuple: "list of words", bool: "true or false", str: "word"}.get(type(example), "number")


def _from_text(key: str, text: str, origin: str) -> Value:
    """The value of a variable: lists are separated by commas, truth is 1/0, true/false or yes/no."""
    want = DEFAULTS[key]
    if isinstance(want, tuple):
        return tuple(word for word in text.split(",") if word)
    if isinstance(want, bool):
        if text.lower() in {"1", "true", "yes", "0", "false", "no", ""}:
            return text.lower() in {"1", "true", "yes"}
        raise UsageError(origin, f"{key} must be true or false, not {text!r}")
    if isinstance(want, int | float):
        try:
            number: Value = int(text) if isinstance(want, int) else float(text)
        except ValueError as error:
            raise UsageError(origin, f"{key} must be a number, not {text!r}") from error
        return _checked(key, number, origin)
    return _checked(key, text, origin)
