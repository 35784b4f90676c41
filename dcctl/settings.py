"""The settings: each is declared once, with its type, its default and its option on the command line.

A setting NAME is the key NAME of a configuration file, the variable DCCTL_NAME and, unless it has no Flag,
the option --NAME. Nothing but the standard library is imported here: `--help` is made from it.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple, TypeAlias, get_args, get_origin

from dcctl.errors import UsageError

Value: TypeAlias = str | int | float | bool | tuple[str, ...]


class Flag(NamedTuple):
    """The option of a setting: what help says of it, what follows it, and its letter."""

    help: str
    metavar: str = ""
    """Empty for a switch."""
    letter: str = ""
    everywhere: bool = False
    """Also on a command that asks no source."""


class Context(NamedTuple):
    """One `[context.NAME]` as it stands in a file; `dcctl.specs` gives its tables meaning."""

    name: str
    origin: str
    sources: tuple[Mapping[str, object], ...] = ()
    sites: Mapping[str, Mapping[str, object]] = {}
    audit: Mapping[str, object] = {}
    drain: Mapping[str, object] = {}


class Settings(NamedTuple):
    """What holds for this run, and where each value came from. Immutable."""

    inventory: Annotated[
        tuple[str, ...],
        Flag(
            "live (default: what the configuration names, else this machine), demo, kubernetes[:CONTEXT], "
            "a file (snapshot, Ansible, Terraform), or - for stdin. Repeat to merge.",
            "WHAT",
            "-i",
        ),
    ] = ()
    nodes: Annotated[str, Flag("Only these: gpu[001-128]&@rack7!gpu009.", "NODESET", "-w")] = ""
    exclude: Annotated[str, Flag("All but these.", "NODESET", "-x")] = ""
    output: Annotated[
        str,
        Flag(
            "table, wide, json, jsonl, yaml, csv, name, prom, nagios or html; of an audit also sarif, junit, "
            "ocsf and oscal; with =FILE written there in one step.",
            "FORMAT[=FILE]",
            "-o",
            everywhere=True,
        ),
    ] = "table"
    columns: Annotated[str, Flag("These columns, in this order.", "A,B", everywhere=True)] = ""
    sort: Annotated[str, Flag("Sort rows; -COLUMN for descending.", "COLUMN", everywhere=True)] = ""
    color: Annotated[
        Literal["auto", "always", "never"], Flag("auto, always or never.", "WHEN", everywhere=True)
    ] = "auto"
    quiet: Annotated[bool, Flag("Print nothing at all on success.", letter="-q", everywhere=True)] = False
    fail_on: Annotated[
        Literal["info", "warn", "crit", "never"],
        Flag("Exit 1 from: info, warn, crit (default) or never.", "LEVEL"),
    ] = "crit"
    fanout: Annotated[int, Flag("How many nodes at once.", "N", "-f")] = 32
    timeout: Annotated[float, Flag("Deadline of one source, or of one node over SSH.", "SECONDS")] = 60.0
    """In seconds."""
    context: Annotated[str, Flag("Which context of the configuration.", "NAME", everywhere=True)] = ""
    """Its name; `context_in_force` is the context itself."""
    namespace: str = ""
    """The one namespace of Kubernetes that is read; empty: all."""
    energy_over: str = "30d"
    """Of how long before now a Prometheus tells the energy of its meters."""
    origins: Mapping[str, str] = {}
    """By setting: `default`, a file, `DCCTL_FANOUT` or `--fanout`."""
    contexts: Mapping[str, Context] = {}
    """By name: every context of the configuration."""

    def having(self, name: str, value: Value, origin: str = "this command") -> "Settings":
        """The same settings with one value changed."""
        changed = {name: value, "origins": {**self.origins, name: origin}}
        return self._replace(**changed)  # type: ignore[arg-type] # by name: the caller says which

    def values(self) -> list[tuple[str, Value]]:
        """Every setting by name."""
        return [(name, getattr(self, name)) for name in DECLARED]

    @property
    def context_asked(self) -> Context | None:
        """The context whose sources are asked, if there is one. UsageError: none is chosen of several."""
        if self.context_in_force or not self.contexts:
            return self.context_in_force
        from shlex import quote  # `--help` has no use for it

        known = sorted(self.contexts)
        raise UsageError(
            "no context is chosen",
            f"{', '.join(known)} are configured; --context NAME or default_context says which",
            f"--context {quote(known[0])}",
        )

    @property
    def context_in_force(self) -> Context | None:
        """The context that is named, else the only one there is, else none. UsageError for a wrong name."""
        if not self.context:
            return next(iter(self.contexts.values())) if len(self.contexts) == 1 else None
        if self.context in self.contexts:
            return self.contexts[self.context]
        known = ", ".join(sorted(self.contexts)) or "none is configured"
        raise UsageError(
            f"context {self.context!r} ({self.origins['context']})",
            f"there is no such context; known: {known}",
            "dcctl config show",
        )


class Setting(NamedTuple):
    """The declaration of one setting."""

    name: str
    default: Value
    """Its type is that of the setting."""
    choices: tuple[str, ...]
    """The words that it may be; empty: any."""
    flag: Flag | None

    @property
    def option(self) -> str:
        """`--fail-on`."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def shortest_option(self) -> str:
        """`-w`, or `--fail-on` where there is no letter."""
        return (self.flag and self.flag.letter) or self.option

    @property
    def variable(self) -> str:
        """`DCCTL_FAIL_ON`."""
        return f"DCCTL_{self.name.upper()}"

    @property
    def key(self) -> str:
        """Its name in a configuration file, where `context` holds the contexts themselves."""
        return "default_context" if self.name == "context" else self.name


def _declared() -> dict[str, Setting]:
    found = {}
    for name, hint in Settings.__annotations__.items():
        if name in {"origins", "contexts"}:
            continue
        kind, flag = get_args(hint) if hasattr(hint, "__metadata__") else (hint, None)
        choices = get_args(kind) if get_origin(kind) is Literal else ()
        found[name] = Setting(name, Settings._field_defaults[name], choices, flag)
    return found


DECLARED: dict[str, Setting] = _declared()
"""Every setting by name, in the order in which help tells of them."""
