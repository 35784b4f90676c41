"""Node set expressions: `gpu[001-128]&@rack7!gpu009` to names. Ranges and groups.conf are ClusterShell's.

Operators work from left to right, as in ClusterShell: `,` union, `!` difference, `&` intersection, `^` either
but not both. `@group` and `@source:group` are looked up in the inventory first, then in groups.conf.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from typing import TYPE_CHECKING, NamedTuple

from dcctl.errors import UsageError
from dcctl.inventory.folding import sort_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ClusterShell.NodeUtils import GroupResolver

MAX_TEXT = 1 << 20
"""Characters in one expression; 64,000 long names fit."""
MAX_NAMES = 1 << 18
"""Names that one range may stand for: more than any fleet, less than what hurts."""
MAX_NAME = 253
"""Characters in one name: the limit of DNS (RFC 1035)."""
_MAX_DEPTH = 16

_MARK = re.compile(r"[\[\],!&^]")
_BRACKETS = re.compile(r"\[([^\]]*)\]")
_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18})(?:/([0-9]{1,9}))?)?", re.ASCII)
# C0, DEL, C1, and what reorders or hides text on a screen; lone surrogates cannot be written out at all.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_GROUP_NAME = re.compile(r"[\w.+/=:-]{1,253}")


class Operand(NamedTuple):
    """One term of an expression, the operator before it, and where it starts (from 1)."""

    operator: str
    text: str
    at: int


def shown(text: str, limit: int = 60) -> str:
    """Return the text fit for an error message: quoted, escaped and cut."""
    return ascii(text if len(text) <= limit else text[: limit - 1] + "…")


def bad(text: str, why: str, hint: str = "dcctl inventory -w 'gpu[001-128]&@rack7!gpu009'") -> UsageError:
    """Return the error for an expression that cannot be read."""
    return UsageError(f"node set {shown(text)}", why, hint)


def nearest(name: str, known: Collection[str], count: int = 3) -> str:
    """Return `; did you mean a, b?`, or an empty text when nothing is near."""
    if len(name) > MAX_NAME:
        return ""
    close = difflib.get_close_matches(name, list(known)[:20_000], 20, 0.6)
    # Of equally near names the one that begins alike is more likely meant.
    close = sorted(close, key=lambda other: -_alike(name, other))[:count]
    return f"; did you mean {', '.join(close)}?" if close else ""


def _alike(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def check_name(name: str, where: str) -> str:
    """Return the name if a node may have it; UsageError for empty, endless, or invisible ones."""
    if not name or len(name) > MAX_NAME or name[0] == "-" or _CONTROL.search(name) or not name.strip():
        why = (
            "is empty"
            if not name.strip()
            else f"is longer than {MAX_NAME} characters"
            if len(name) > MAX_NAME
            else "begins with a dash or has control characters in it"
        )
        raise UsageError(where, f"the node name {shown(name)} {why}")
    return name


def operands(text: str) -> Iterator[Operand]:
    """Cut an expression at its operators; those in brackets belong to ranges."""
    operator, start, opened = ",", 0, -1
    for mark in _MARK.finditer(text):
        char, at = mark.group(), mark.start()
        if char == "[":
            if opened >= 0:
                raise bad(text, f"a second [ at position {at + 1} inside the one at {opened + 1}")
            opened = at
        elif char == "]":
            if opened < 0:
                raise bad(text, f"the ] at position {at + 1} has no [ before it")
            opened = -1
        elif opened < 0:
            yield _operand(text, operator, start, at)
            operator, start = char, at + 1
    if opened >= 0:
        raise bad(text, f"the [ at position {opened + 1} is never closed")
    yield _operand(text, operator, start, len(text))


def _operand(text: str, operator: str, start: int, end: int) -> Operand:
    term = text[start:end].strip()
    if not term:
        side = f"after {operator!r}" if start else "before an operator"
        raise bad(text, f"a name or group is missing {side} at position {start + 1}")
    return Operand(operator, term, start + 1)


def _range_size(text: str, ranges: str) -> int:
    """Return how many numbers the inside of one pair of brackets stands for."""
    size = 0
    for part in ranges.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise bad(text, f"{shown(part)} in brackets is not a range", "gpu[1-8] or gpu[001-128/2,130]")
        low, high, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if high < low or step < 1:
            raise bad(text, f"the range {shown(part)} is empty")
        size += (high - low) // step + 1
    return size


def ranged(text: str) -> list[str]:
    """Expand the brackets of one term; the number of names is bounded before any is made."""
    if "[" not in text:
        return [text]
    size = 1
    for brackets in _BRACKETS.finditer(text):
        size *= _range_size(text, brackets[1])
        if size > MAX_NAMES:
            raise bad(text, f"stands for more than {MAX_NAMES:,} names")
    if any(char.isdecimal() and not char.isascii() for char in text):
        raise bad(text, "digits in a name with ranges must be 0 to 9")
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException

    try:
        return list(NodeSet(text, resolver=RESOLVER_NOGROUP))
    except (NodeSetException, ValueError) as error:
        raise bad(text, str(error)) from error


class Groups:
    """Looks groups up: the inventory's, then those of groups.conf, which is read only when needed."""

    def __init__(self, inventory: Mapping[str, Collection[str]], *, external: bool = True) -> None:
        """`external=False` leaves groups.conf and the commands it may name alone: for text nobody typed."""
        self.inventory, self.external = inventory, external
        self._resolver: GroupResolver | None = None

    def all(self) -> Collection[str]:
        """Every node of the inventory."""
        return self.inventory.get("*", ())

    def of_inventory(self, group: str) -> set[str] | None:
        """Return the members of one group, or None where the inventory has none of that name."""
        if group in self.inventory:
            return set(self.inventory[group])
        if group.endswith(":*"):
            found = [set(nodes) for name, nodes in self.inventory.items() if name.startswith(group[:-1])]
            return set().union(*found) if found else None
        return None

    def of_file(self, group: str, source: str | None) -> list[str] | None:
        """Return what groups.conf says of a group (node sets, maybe with groups in them), or None."""
        if not self.external or not _GROUP_NAME.fullmatch(group):
            return None
        from ClusterShell import NodeUtils

        try:
            resolver = self._groups_conf()
            found: list[str] = resolver.group_nodes(group, source)
            if not found and group not in resolver.grouplist(source):
                return None
        except (NodeUtils.GroupSourceError, NodeUtils.GroupResolverSourceError):
            return None
        except (NodeUtils.GroupResolverError, ValueError) as error:
            raise UsageError("groups.conf of ClusterShell", str(error), "nodeset -LL") from error
        return found

    def _groups_conf(self) -> GroupResolver:
        """Read groups.conf where ClusterShell looks: /etc, the home directory, $CLUSTERSHELL_CFGDIR."""
        if self._resolver is None:
            import configparser

            from ClusterShell.Defaults import config_paths
            from ClusterShell.NodeUtils import GroupResolverConfig

            self._resolver = GroupResolverConfig(config_paths("groups.conf"))
            try:
                self._resolver.sources()
            except (configparser.Error, UnicodeDecodeError) as error:
                raise UsageError("groups.conf of ClusterShell", str(error), "nodeset -LL") from error
        return self._resolver


class Expression:
    """Evaluates expressions against groups."""

    def __init__(self, groups: Groups, accept: Callable[[Operand, set[str]], set[str]] | None = None) -> None:
        """`accept` sees each term with its names before the algebra, and returns the names to use."""
        self.groups, self.accept = groups, accept

    def names(self, text: str) -> set[str]:
        """Return the names; UsageError says what cannot be read and where."""
        if not text.strip():
            raise bad(text, "is empty")
        if len(text) > MAX_TEXT:
            raise bad(text, f"is longer than {MAX_TEXT:,} characters")
        control = _CONTROL.search(text)
        if control:
            raise bad(text, f"a control character at position {control.start() + 1}")
        return self._evaluate(text, None, 0)

    def _evaluate(self, text: str, source: str | None, depth: int) -> set[str]:
        result: set[str] = set()
        for operand in operands(text):
            names = self._term(operand.text, source, depth)
            if self.accept is not None and depth == 0:
                names = self.accept(operand, names)
            match operand.operator:
                case ",":
                    result |= names
                case "!":
                    result -= names
                case "&":
                    result &= names
                case _:
                    result ^= names
            if len(result) > MAX_NAMES:
                raise bad(text, f"stands for more than {MAX_NAMES:,} names")
        return result

    def _term(self, text: str, source: str | None, depth: int) -> set[str]:
        if text[0] == "@":
            return set().union(*(self._group(name, source, depth) for name in ranged(text[1:])))
        if "*" in text or "?" in text:
            return set().union(*(fnmatch.filter(self.groups.all(), mask) for mask in ranged(text)))
        names = ranged(text)
        if any(len(name) > MAX_NAME for name in names):
            raise bad(text, f"a name is longer than {MAX_NAME} characters")
        return set(names)

    def _group(self, name: str, source: str | None, depth: int) -> set[str]:
        """Look up in the source of the group that mentions it, in the inventory, then in groups.conf."""
        if depth >= _MAX_DEPTH:
            raise bad("@" + name, "groups of groups.conf refer to each other without end")
        at, _, group = name.partition(":") if ":" in name else ("", "", name)
        if source and not at:
            found = self.groups.of_file(name, source)
            if found:
                return self._evaluate(",".join(found), source, depth + 1)
        known = self.groups.of_inventory(name)
        if known is not None:
            return known
        found = self.groups.of_file(group, at or None)
        if found is None:
            raise self._unknown(name)
        return self._evaluate(",".join(found), at or None, depth + 1) if found else set()

    def _unknown(self, name: str) -> UsageError:
        near = nearest(name, self.groups.inventory)
        why = f"neither the inventory nor groups.conf knows it{near}"
        return UsageError(f"group {shown('@' + name)}", why, "dcctl inventory --columns node,rack,pools,site")


def expand(text: str, groups: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Return the names of a typed node set in natural order; UsageError where it cannot be read.

    `groups` maps group names to members; `*` holds all nodes, which wildcards are matched against.
    """
    return tuple(sorted(Expression(Groups(groups)).names(text), key=sort_key))


def plain(text: str) -> set[str]:
    """Return the names of a stored node set (a pool's, a meter's): no groups; empty for empty."""
    return Expression(Groups({}, external=False)).names(text) if text.strip() else set()


def join(lines: Iterable[str]) -> str:
    """Return names that came one on a line (`-w -`) as one expression."""
    return ",".join(line.strip() for line in lines if line.strip())
