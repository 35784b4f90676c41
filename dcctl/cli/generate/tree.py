"""The command tree as plain data: the one thing that man pages and completions are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcctl.render.dispatch import FORMATS
from dcctl.settings import DECLARED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.core import TyperGroup

_VALUES = {
    **{setting.flag.metavar: setting.choices for setting in DECLARED.values() if setting.flag},
    "FORMAT[=FILE]": tuple(FORMATS),
    "SHELL": ("bash", "zsh", "fish"),
}
"""What may follow an option, by its metavar."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An option or a positional argument. `names` is empty for an argument."""

    names: tuple[str, ...]
    metavar: str
    help: str
    values: tuple[str, ...] = ()
    required: bool = False
    repeats: bool = False

    @property
    def takes_value(self) -> bool:
        """False for a switch."""
        return bool(self.metavar)


@dataclass(frozen=True, slots=True)
class Command:
    """A command with its options, arguments and, for a group, its verbs."""

    path: tuple[str, ...]
    help: str
    options: tuple[Parameter, ...] = ()
    arguments: tuple[Parameter, ...] = ()
    verbs: tuple[Command, ...] = ()
    default: str = ""

    @property
    def name(self) -> str:
        """The last word of the path."""
        return self.path[-1]

    @property
    def summary(self) -> str:
        """The first sentence of the help."""
        return self.help.split("\n\n")[0].replace("\n", " ").strip()

    def walk(self) -> Iterator[Command]:
        """Yield the command and all below it, parents first."""
        yield self
        for verb in self.verbs:
            yield from verb.walk()


def read(root: TyperGroup) -> Command:
    """The tree below the root command of dcctl."""
    return _command(root, ("dcctl",))


def _command(command: object, path: tuple[str, ...]) -> Command:
    """One command of Click's as data; duck-typed, because the classes moved between releases."""
    children = getattr(command, "commands", {})
    default = getattr(command, "default", "") or ""
    verbs = tuple(_command(child, (*path, name)) for name, child in children.items())
    own = getattr(command, "params", [])
    parameters = [_parameter(param) for param in own if not getattr(param, "hidden", False)]
    options = tuple(p for p in parameters if p.names)
    if default:
        options = next(verb.options for verb in verbs if verb.name == default)
    return Command(
        path,
        (getattr(command, "help", None) or "").strip(),
        options,
        tuple(p for p in parameters if not p.names),
        verbs,
        default,
    )


def _parameter(param: object) -> Parameter:
    is_argument = getattr(param, "param_type_name", "") == "argument"
    kind = getattr(param, "type", None)
    choices = tuple(str(choice) for choice in getattr(kind, "choices", ()))
    switch = bool(getattr(param, "is_flag", False))
    metavar = getattr(param, "metavar", None) or str(getattr(param, "name", "")).upper()
    return Parameter(
        () if is_argument else tuple(getattr(param, "opts", ())),
        "" if switch else metavar,
        getattr(param, "help", None) or "",
        choices or _VALUES.get(metavar, ()),
        bool(getattr(param, "required", False)),
        bool(getattr(param, "multiple", False)) or getattr(param, "nargs", 1) == -1,
    )
