"""Settings of Kubernetes' components as they are in force: flags, files, defaults of their version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.inventory.evidence.components import CONFIGZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.evidence.components import Component

_GATE, _PLUGIN = "gate:", "plugin:"
_PLUGINS_ON: Final = frozenset({"NamespaceLifecycle", "ServiceAccount"})
"""Admission plug-ins that are on where nobody says anything, as far as parameters name them."""
_FILE_ALONE: Final = frozenset({"kube-scheduler", "kube-proxy", "etcd"})
"""With a configuration file these ignore the flags that it could hold; a kubelet puts its flags first."""
_TRUE: Final = frozenset({"true", "t", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "f", "0", "no", "off"})
_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


class Parameter(NamedTuple):
    """What one setting has to be."""

    component: str
    flag: str
    """`profiling`; `gate:Name` a feature gate, `plugin:Name` an admission plug-in."""
    op: str
    value: str = ""
    """`@name`: what the site's policy says under that name."""
    path: str = ""
    """Where a configuration file holds it."""
    default: str | tuple[tuple[int, str], ...] = ""
    """Where nobody sets it; by the minor version from which on it is so. Empty: not set."""
    bare: str | None = None
    """The default of a kubelet that is given no file, where that is another."""
    zero_is_default: bool = False
    """A zero in the file means the default."""
    unless: str = ""
    """Another flag that takes its place."""

    @property
    def where(self) -> str:
        """Its name among the parts of a check: `authorization-mode Node`."""
        name = self.flag.partition(":")[2] or self.flag
        return f"{name} {self.value}" if self.op == "lacks" else name


class Setting(NamedTuple):
    """A value in force; empty: not set."""

    value: str
    origin: str
    """`flag`, the path of a file, `default of 1.31`."""

    @property
    def words(self) -> tuple[str, ...]:
        """Its parts, where it is a list."""
        return tuple(word.strip() for word in self.value.split(",") if word.strip())


class UnknownSettingError(ValueError):
    """A setting cannot be told; the message is one line for a person."""


def effective(component: Component, parameter: Parameter) -> Setting:
    """Return a setting as it is in force. Its flags have to be known. UnknownSettingError.

    Flags come first, then the file, then the default. kube-scheduler, kube-proxy and etcd take all from their
    file where they have one (`--help` of each: "ignored if a config file is specified").
    """
    if parameter.flag.startswith(_PLUGIN):
        return _plugin(component, parameter.flag.removeprefix(_PLUGIN))
    file_alone = bool(component.config_file) and component.kind in _FILE_ALONE and bool(parameter.path)
    flags = component.flags or {}
    if parameter.flag.startswith(_GATE):
        return _gate(component, parameter)
    if not file_alone and parameter.flag in flags:
        given = flags[parameter.flag]
        return Setting(",".join(given) if parameter.op == "lacks" else given[-1], "flag")
    if component.config_file == CONFIGZ and not parameter.path:
        raise UnknownSettingError(f"{CONFIGZ} does not tell --{parameter.flag}")
    return _in_file(component, parameter) or _default(component, parameter)


def _in_file(component: Component, parameter: Parameter) -> Setting | None:
    if not parameter.path or not component.config_file:
        return None
    if component.config is None:
        silence = component.silent.get("config")
        raise UnknownSettingError(silence.reason if silence else f"nobody told {component.config_file}")
    value = component.config.get(parameter.path, "")
    if not value or (parameter.zero_is_default and not _seconds(value)):
        return None
    return Setting(value, component.config_file)


def _default(component: Component, parameter: Parameter) -> Setting:
    bare = parameter.bare is not None and not component.config_file
    if bare or isinstance(parameter.default, str):
        return Setting(str(parameter.bare if bare else parameter.default), "default")
    minor = minor_of(component.version)
    if minor is None:
        raise UnknownSettingError(
            f"{parameter.flag} is not set, and its default depends on an unknown version"
        )
    value = [value for since, value in parameter.default if since <= minor][-1]
    return Setting(value, f"default of 1.{minor}")


def _gate(component: Component, parameter: Parameter) -> Setting:
    name = parameter.flag.removeprefix(_GATE)
    for given in (component.flags or {}).get("feature-gates", ()):
        for word in given.split(","):
            gate, _, value = word.partition("=")
            if gate.strip() == name:
                return Setting(value.strip(), "flag")
    return _in_file(component, parameter) or Setting(str(parameter.default), "default")


def _plugin(component: Component, name: str) -> Setting:
    """Whether an admission plug-in is on. The old flag, where it is there, names all that are."""
    flags = component.flags or {}

    def named(flag: str) -> bool:
        return name in {word.strip() for given in flags.get(flag, ()) for word in given.split(",")}

    if "admission-control" in flags:
        return Setting(str(named("admission-control")).lower(), "flag")
    if named("disable-admission-plugins"):
        return Setting("false", "flag")
    if named("enable-admission-plugins"):
        return Setting("true", "flag")
    return Setting(str(name in _PLUGINS_ON).lower(), "default")


def minor_of(version: str | None) -> int | None:
    """Return 31 of `1.31.4`; None: unknown, or no 1.x."""
    parts = (version or "").split(".")
    return int(parts[1]) if len(parts) > 1 and parts[0] == "1" and parts[1].isdigit() else None


def is_true(value: str) -> bool:
    """Return what a boolean says. UnknownSettingError: it is none."""
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        raise UnknownSettingError(f"{value[:40]!r} is neither true nor false")
    return word in _TRUE


def _number(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise UnknownSettingError(f"{value[:40]!r} is no number") from None


def _seconds(value: str) -> float:
    """A duration as Go writes it, `1m30s`; a bare number is seconds."""
    parts = _DURATION.findall(value)
    if "".join(number + unit for number, unit in parts) == value:
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return float(_number(value))


def is_loopback(address: str) -> bool:
    """Return whether nobody outside the machine reaches an address, with or without a port."""
    host = address.rpartition(":")[0] if address.count(":") == 1 or "]:" in address else address
    return host.strip("[]") in {"::1", "localhost"} or host.startswith("127.")


OPS: Final[dict[str, Callable[[Setting, str], bool]]] = {
    "set": lambda setting, _: bool(setting.value),
    "is": lambda setting, value: setting.value == value,
    "unset": lambda setting, _: not setting.value,
    "true": lambda setting, _: is_true(setting.value),
    "false": lambda setting, _: not is_true(setting.value),
    "lacks": lambda setting, value: value not in setting.words,
    "at least": lambda setting, value: _number(setting.value) >= int(value),
    "1 to": lambda setting, value: 1 <= _number(setting.value) <= int(value),
    "seconds to": lambda setting, value: 0 < _seconds(setting.value) <= float(value),
    "some time": lambda setting, _: _seconds(setting.value) > 0,
    "loopback": lambda setting, _: is_loopback(setting.value),
}
"""What a parameter may ask of a setting, by name."""
