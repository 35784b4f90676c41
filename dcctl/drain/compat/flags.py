"""The options of `kubectl drain`, read as kubectl reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from dcctl.drain.compat.durations import duration_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

DryRun: TypeAlias = Literal["none", "client", "server"]
Value: TypeAlias = str | int | bool

_SEE = "See 'kubectl drain --help' for usage."
_SEE_H = "See 'kubectl drain -h' for help and examples"


class FlagError(Exception):
    """The command line is wrong; the text is kubectl's."""


class Flags(NamedTuple):
    """What is asked of a drain."""

    nodes: tuple[str, ...] = ()
    selector: str = ""
    selector_given: bool = False
    pod_selector: str = ""
    force: bool = False
    ignore_daemonsets: bool = False
    delete_emptydir_data: bool = False
    grace_period: int = -1
    """Seconds; negative: as each pod says."""
    timeout_ns: int = 0
    """0: as long as it takes."""
    disable_eviction: bool = False
    skip_wait_for_delete_timeout: int = 0
    """Seconds; 0: every pod is waited for."""
    chunk_size: int = 500
    dry_run: DryRun = "none"
    kubeconfig: str = ""
    context: str = ""
    inventory: str = ""
    """dcctl's own way to name a cluster: `kubernetes:CONTEXT`."""
    request_timeout_ns: int = 0
    help: bool = False
    notes: tuple[str, ...] = ()
    """What is deprecated of it."""


def parse(words: Sequence[str]) -> Flags:
    """The options and nodes among `words`. FlagError says what is wrong with them."""
    nodes: list[str] = []
    given: dict[str, str] = {}
    for name, value in _split(words):
        if name:
            given[name] = value
        else:
            nodes.append(value)
    read = {_OPTIONS[name].field: _read(name, value) for name, value in given.items()}
    read.pop("", None)
    dry_run, notes = _dry_run(given.get("dry-run", "none"))
    if "delete-local-data" in given:
        notes += ("Flag --delete-local-data has been deprecated, use --delete-emptydir-data",)
    flags = Flags(nodes=tuple(nodes), selector_given="selector" in given)
    return flags._replace(**read, dry_run=dry_run, notes=notes)  # type: ignore[arg-type]  # by the table


def check(flags: Flags) -> None:
    """FlagError when the words make no sense together."""
    if not flags.nodes and not flags.selector_given:
        raise FlagError(f"error: USAGE: drain NODE [flags]\n{_SEE_H}")
    if flags.nodes and flags.selector:
        raise FlagError(f"error: cannot specify both a node name and a --selector option\n{_SEE_H}")


class _Option(NamedTuple):
    """How the value of an option is read, and the field that has it (none: it means nothing here)."""

    field: str
    read: Callable[[str], Value]
    alone: str = ""
    """Its value where none is written; empty: one must be."""


def _truth(text: str) -> bool:
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if text in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _whole(text: str) -> int:
    """With Go's prefixes: 0x1f, 0b1, 0o7 and 07."""
    octal = re.sub(r"^([+-]?)0(?=[0-7_]+$)", r"\g<1>0o", text)
    try:
        found = int(octal, 0) if octal == octal.strip() else None
    except ValueError:
        found = None
    if found is None:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if not -(2**63) <= found < 2**63:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": value out of range')
    return found


def _request_timeout(text: str) -> int:
    return _whole(text) * 10**9 if re.fullmatch(r"\d+", text) else duration_ns(text)


_OPTIONS: Final[Mapping[str, _Option]] = {
    "selector": _Option("selector", str),
    "pod-selector": _Option("pod_selector", str),
    "force": _Option("force", _truth, "true"),
    "ignore-daemonsets": _Option("ignore_daemonsets", _truth, "true"),
    "delete-emptydir-data": _Option("delete_emptydir_data", _truth, "true"),
    "delete-local-data": _Option("delete_emptydir_data", _truth, "true"),
    "grace-period": _Option("grace_period", _whole),
    "timeout": _Option("timeout_ns", duration_ns),
    "disable-eviction": _Option("disable_eviction", _truth, "true"),
    "skip-wait-for-delete-timeout": _Option("skip_wait_for_delete_timeout", _whole),
    "chunk-size": _Option("chunk_size", _whole),
    "dry-run": _Option("", str, "unchanged"),
    "kubeconfig": _Option("kubeconfig", str),
    "context": _Option("context", str),
    "namespace": _Option("", str),
    "inventory": _Option("inventory", str),
    "request-timeout": _Option("request_timeout_ns", _request_timeout),
    "v": _Option("", _whole),
    "help": _Option("help", _truth, "true"),
}
"""Of kubectl's options for all commands those that say where the cluster is; `-i` is dcctl's own."""
_SHORT: Final = {"l": "selector", "n": "namespace", "i": "inventory", "v": "v", "h": "help"}


def _split(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each option with its value, and each node without a name. Options may follow nodes."""
    left = iter(words)
    for word in left:
        if word == "--":
            yield from (("", each) for each in left)
        elif word.startswith("--"):
            yield _long(word, left)
        elif word.startswith("-") and word != "-":
            yield from _shorts(word[1:], left)
        else:
            yield "", word


def _long(word: str, left: Iterator[str]) -> tuple[str, str]:
    name, equals, value = word[2:].partition("=")
    if name not in _OPTIONS:
        raise FlagError(f"error: unknown flag: --{name}\n{_SEE}")
    return name, value if equals else _following(name, left, f"--{name}")


def _shorts(letters: str, left: Iterator[str]) -> Iterator[tuple[str, str]]:
    """`-l a=b`, `-l=a=b` and `-la=b` are the same."""
    name = _SHORT.get(letters[0])
    if name is None:
        raise FlagError(f"error: unknown shorthand flag: {letters[0]!r} in -{letters}\n{_SEE}")
    rest = letters[1:]
    if rest.startswith("=") and len(rest) > 1:
        yield name, rest[1:]
    elif _OPTIONS[name].alone:
        yield name, _OPTIONS[name].alone
        if rest:
            yield from _shorts(rest, left)
    else:
        yield name, rest or _following(name, left, f"{letters[0]!r} in -{letters}")


def _following(name: str, left: Iterator[str], told: str) -> str:
    value = _OPTIONS[name].alone or next(left, None)
    if value is None:
        raise FlagError(f"error: flag needs an argument: {told}\n{_SEE}")
    return value


def _read(name: str, text: str) -> Value:
    try:
        return _OPTIONS[name].read(text)
    except ValueError as error:
        short = next((f"-{letter}, " for letter, each in _SHORT.items() if each == name), "")
        said = f'invalid argument "{text}" for "{short}--{name}" flag: {error}'
        raise FlagError(f"error: {said}\n{_SEE}") from None


def _dry_run(text: str) -> tuple[DryRun, tuple[str, ...]]:
    """What to try only, and what of the word is deprecated."""
    if text == "unchanged":
        return "client", ("--dry-run is deprecated and can be replaced with --dry-run=client.",)
    for known in ("none", "client", "server"):
        if text == known:
            return known, ()
    try:
        found: DryRun = "client" if _truth(text) else "none"
    except ValueError:
        said = f'Invalid dry-run value ({text}). Must be "none", "server", or "client".'
        raise FlagError(f"error: {said}") from None
    deprecated = f"--dry-run={text} is deprecated (boolean value) and can be replaced with --dry-run={found}."
    return found, (deprecated,)
