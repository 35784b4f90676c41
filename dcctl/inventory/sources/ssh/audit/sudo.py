"""Who becomes root without a password: sudoers as cvtsudoers reads it, else by its text. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dcctl.inventory.evidence.hosts import Grant
from dcctl.inventory.sources.ssh.audit.sudo_text import SudoersText
from dcctl.inventory.sources.ssh.audit.told import Untold, grepped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dcctl.inventory.sources.ssh.audit.told import Reading

_PREFIX: Final = {
    "username": "",
    "useralias": "",
    "usergroup": "%",
    "userid": "#",
    "usergid": "%#",
    "nonunixgroup": "%:",
    "nonunixgid": "%:#",
    "netgroup": "+",
}
_DOCUMENT: Final = re.compile(r"^\{.*", re.MULTILINE | re.DOTALL)
_DIGESTS: Final = ("sha224", "sha256", "sha384", "sha512")
_MEANS_MORE: Final = re.compile(r"[,:=]")


def nopasswd(reading: Reading) -> tuple[Grant, ...]:
    """Return what sudoers allows without a password; nothing where there is no sudo."""
    if not reading.ran("sudoers"):
        return ()
    try:
        document = _DOCUMENT.search(reading.command("sudoers_json"))
    except Untold:
        document = None
    if document is not None:
        return tuple(dict.fromkeys(_of_document(msgspec.json.decode(document[0]))))
    text = SudoersText(list(grepped(reading.command("sudoers", (0, 2)))))
    found = tuple(dict.fromkeys(text.grants()))
    if text.doubts:
        reading.only("nopasswd", f"of sudoers, {text.doubts[0]}")
    return found


def _of_document(document: dict[str, Any]) -> Iterator[Grant]:
    aliases = document.get("Command_Aliases", {})
    for row in document.get("Defaults", ()):
        yield from _of_defaults(row, aliases)
    for spec in document.get("User_Specs", ()):
        free = [one for one in spec["Cmnd_Specs"] if {"authenticate": False} in one.get("Options", ())]
        words = [word for one in free for each in one["Commands"] for word in _commands(each, aliases)]
        if free:
            for who in spec["User_List"]:
                yield Grant(_who(who), ", ".join(words))


def _of_defaults(row: Mapping[str, Any], aliases: Mapping[str, Any]) -> Iterator[Grant]:
    """Settings that spare the password: of all, of some users, or of some commands."""
    options, bound = row.get("Options", ()), row.get("Binding", ())
    for group in (str(one["exempt_group"]) for one in options if one.get("exempt_group")):
        yield Grant(f"%{group}", "ALL")
    if {"authenticate": False} not in options:
        return
    users = [_who(one) for one in bound if _PREFIX.keys() & one.keys()]
    words = [word for one in bound for word in _commands(one, aliases)]
    for who in users or ("ALL",):
        yield Grant(who, ", ".join(words) or "ALL")


def _who(row: Mapping[str, Any]) -> str:
    kind = next((name for name in _PREFIX if name in row), "")
    name = f"{_PREFIX[kind]}{row[kind]}" if kind else "somebody"
    return f"!{name}" if row.get("negated") else name


def _commands(
    row: Mapping[str, Any], aliases: Mapping[str, Any], seen: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield commands as sudoers writes them, those of an alias each by itself."""
    sign, name = "!" if row.get("negated") else "", str(row.get("cmndalias", ""))
    if name in aliases and name not in seen:
        for one in aliases[name]:
            yield from (sign + word for word in _commands(one, aliases, seen | {name}))
    elif "command" in row:
        digests = [f"{kind}:{row[kind]} " for kind in _DIGESTS if kind in row]
        yield sign + "".join(digests) + _MEANS_MORE.sub(r"\\\g<0>", str(row["command"]))
    elif name:
        yield sign + name
