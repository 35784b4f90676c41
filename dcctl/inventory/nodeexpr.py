"""Node set expressions: `gpu[001-128]&@rack7!gpu009` to names.

ClusterShell's NodeSet reads each term: ranges, padding, steps, several ranges in a name, groups.conf. Here
the text is cut at its operators, which are those of sets, from left to right: `,` union, `!` difference,
`&` intersection, `^` either but not both (docs/adr/002-folding.md says why they are not NodeSet's own).
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING

from dcctl.errors import UsageError
from dcctl.inventory.folding import sort_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from dcctl.inventory.groupsconf import Resolver

MAX_TEXT = 1 << 20
"""Characters in one expression; 64,000 long names fit."""
MAX_NAMES = 1 << 18
"""Names that one expression may stand for: more than any fleet, less than what hurts."""
MAX_NAME = 253
"""Characters in one name: the limit of DNS (RFC 1035)."""

_TERM = re.compile(r"((?:[^\[,!&^]++|\[[^\]]*\]?)*+)([,!&^]?)")
_BLANK = re.compile(r"(?<=[^\s,!&^])\s+(?=[^\s,!&^])")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18})(?:/([0-9]{1,9}))?)?", re.ASCII)
# C0, DEL, C1, and what reorders or hides text on a screen; lone surrogates cannot be written out at all.
HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_OPERATIONS = {
    ",": set[str].update,
    "!": set[str].difference_update,
    "&": set[str].intersection_update,
    "^": set[str].symmetric_difference_update,
}

Accept = Callable[[str, str, set[str]], set[str]]
"""Sees operator, term and its names before the algebra; returns the names to use."""


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


def _alike(name: str, other: str) -> int:
    """Return how many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(name, other, strict=False)))


def check_name(name: str, where: str) -> str:
    """Return the name if a node may have it; UsageError for empty, endless, or invisible ones."""
    if not name or len(name) > MAX_NAME or name[0] == "-" or HIDDEN.search(name) or not name.strip():
        why = (
            "is empty"
            if not name.strip()
            else f"is longer than {MAX_NAME} characters"
            if len(name) > MAX_NAME
            else "begins with a dash or has control characters in it"
        )
        raise UsageError(where, f"the node name {shown(name)} {why}")
    return name


def terms(text: str) -> Iterator[tuple[str, str]]:
    """Yield each term and the operator before it; what is in brackets belongs to ranges."""
    operator = ","
    for match in _TERM.finditer(text):
        term = match[1].strip()
        if not term:
            raise bad(text, f"a name or group is missing at position {match.start() + 1}")
        yield operator, term
        operator = match[2]
        if not operator:
            return


def check_size(text: str) -> None:
    """Refuse a term of more than MAX_NAMES names or of an impossible length, before any is expanded."""
    outside = _BRACKETS.sub("0", text)
    if len(outside) > MAX_NAME:
        raise bad(text, f"a name is longer than {MAX_NAME} characters")
    if "[" in outside or "]" in outside:
        raise bad(text, "a bracket has no partner, or is inside others")
    size = 1
    for brackets in _BRACKETS.finditer(text):
        size *= sum(_range_size(text, part.strip()) for part in brackets[1].split(","))
        if size > MAX_NAMES:
            raise bad(text, f"stands for more than {MAX_NAMES:,} names")


def _range_size(text: str, part: str) -> int:
    match = _RANGE.fullmatch(part)
    low, high, step = (int(match[1]), int(match[2] or match[1]), int(match[3] or 1)) if match else (1, 0, 1)
    if high < low or step < 1:
        raise bad(text, f"{shown(part)} in brackets is not a range", "gpu[1-8] or gpu[001-128/2,130]")
    return (high - low) // step + 1


def ranged(text: str) -> list[str]:
    """Expand the ranges of one term; a name or a group without any is itself, and loads no library."""
    check_size(text)
    if "[" not in text:
        return [text]
    if any(char.isdecimal() and not char.isascii() for char in text):
        raise bad(text, "digits in a name with ranges must be 0 to 9")  # NodeSet would rewrite them
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

    @cached_property
    def _resolver(self) -> Resolver:
        from dcctl.inventory.groupsconf import Resolver

        return Resolver(self.inventory)

    def names(self, text: str) -> set[str]:
        """Return what one term stands for: names, names that match a wildcard, or members of groups."""
        if text[0] == "@" and not self.external:
            return {text}
        try:
            parts = ranged(text)
        except UsageError:
            if self.external:
                raise
            parts = [text]  # `fold` writes a name that has brackets in it as it is
        if text[0] == "@":
            return set().union(*(self._group(part[1:]) for part in parts))
        if "*" in text or "?" in text:
            return set().union(*(fnmatch.filter(self.inventory.get("*", ()), mask) for mask in parts))
        return set(parts)

    def _group(self, name: str) -> set[str]:
        if name in self.inventory:
            return set(self.inventory[name])
        if name.endswith(":*"):
            found = [nodes for group, nodes in self.inventory.items() if group.startswith(name[:-1])]
            if found:
                return set().union(*found)
        try:
            return self._resolver.members(name)
        except UnknownGroupError:
            twins = _twins(name, self.inventory)
            if len(twins) != 1:
                raise
            return set(self.inventory[twins[0]])


class UnknownGroupError(UsageError):
    """A group that nobody knows."""


def unknown_group(name: str, known: Collection[str]) -> UnknownGroupError:
    """Return the error for a group that nobody knows: those that it could mean, or the nearest."""
    what, meant = f"group {shown('@' + name)}", _twins(name, known) or _meant(name, known)
    if len(meant) > 1:
        choice = ", ".join(f"@{group}" for group in meant[:5])
        return UnknownGroupError(what, f"could be any of {choice}", "give the name in full")
    why = f"neither the inventory nor groups.conf knows it{nearest(name, known)}"
    return UnknownGroupError(what, why, "dcctl inventory --columns node,rack,pools,site")


def _twins(name: str, known: Iterable[str]) -> list[str]:
    """Return the groups that have this name but for leading zeros of numbers: rack02 of rack2."""
    wanted = _ZEROS.sub("", name)
    return sorted((group for group in known if _ZEROS.sub("", group) == wanted), key=sort_key)


def _meant(name: str, known: Collection[str]) -> list[str]:
    """Return the groups that have this name behind their kind, or behind their site."""
    kind, _, bare = name.rpartition(":")
    ends = (f":{bare}", f"/{bare}")
    return sorted(
        (group for group in known if ":" in group and group.startswith(kind) and group.endswith(ends)),
        key=sort_key,
    )


def _check_text(text: str) -> None:
    if not text.strip():
        raise bad(text, "is empty")
    if len(text) > MAX_TEXT:
        raise bad(text, f"is longer than {MAX_TEXT:,} characters")
    control = HIDDEN.search(text)
    if control:
        raise bad(text, f"a control character at position {control.start() + 1}")


def check_syntax(text: str) -> None:
    """Return when the expression can be read, whatever nodes there are; UsageError otherwise."""
    _check_text(text)
    check_commas(text)
    for _, term in terms(text):
        check_size(term)


def check_commas(text: str) -> None:
    """UsageError when blanks stand where commas must: in a name that has a blank, `?` stands for it."""
    if _BLANK.search(_BRACKETS.sub("0", text)):
        meant = _BLANK.sub(",", text)
        raise bad(text, f"names are separated by commas: {shown(meant)}")


def evaluate(text: str, groups: Groups, accept: Accept | None = None) -> set[str]:
    """Return the names an expression stands for; UsageError says what cannot be read."""
    _check_text(text)
    result: set[str] = set()
    for operator, term in terms(text):
        names = groups.names(term)
        _OPERATIONS[operator](result, accept(operator, term, names) if accept else names)
        if len(result) > MAX_NAMES:
            raise bad(text, f"stands for more than {MAX_NAMES:,} names")
    return result


def expand(text: str, groups: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Return the names of a typed node set in natural order; UsageError where it cannot be read.

    `groups` maps group names to members; `*` holds all nodes, which wildcards are matched against.
    """
    return tuple(sorted(evaluate(text, Groups(groups)), key=sort_key))


def plain(text: str) -> set[str]:
    """Return the names of a stored node set (a pool's, a meter's); empty for empty.

    A group, or brackets that hold no range, is a name itself: one node called so must not hide a fleet.
    """
    return evaluate(text, Groups({}, external=False)) if text.strip() else set()


def join(lines: Iterable[str]) -> str:
    """Return names that came one on a line (`-w -`) as one expression."""
    return ",".join(line.strip() for line in lines if line.strip())
