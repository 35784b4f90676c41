"""An index of known_hosts, parsed once for a whole run. Pure: text in, verdicts out.

Format: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. A name that is written out is found at once. A hashed name or a
pattern cannot be looked up by name, so those lines are found by the key that the server presented: the price
of one host does not grow with the length of the file.
"""

from __future__ import annotations

import binascii
import hmac
import re
from collections import Counter
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Verdict(Enum):
    """What known_hosts says about the key of a server."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


class _Line(NamedTuple):
    names: str
    kind: str
    key: str


class KnownHosts:
    """The keys by which hosts are known. Keys are compared as the base64 text of the file."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Read files' texts; lines that make no sense are skipped, as ssh does."""
        self._exact: dict[str, list[_Line]] = {}
        self._loose: dict[str, list[_Line]] = {}
        self._revoked: dict[str, list[_Line]] = {}
        self._authorities: list[_Line] = []
        for text in texts:
            for line in text.splitlines():
                self._add(line)
        self._loose_kinds = Counter(line.kind for lines in self._loose.values() for line in lines)

    def _add(self, text: str) -> None:
        fields = text.split(None, 4)
        if len(fields) < 3 or fields[0].startswith("#"):
            return
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        if len(fields) < 3 or marker not in {"", "@revoked", "@cert-authority"}:
            return
        line = _Line(*fields[:3])
        if marker == "@revoked":
            self._revoked.setdefault(line.key, []).append(line)
        elif marker:
            self._authorities.append(line)
        elif _is_loose(line.names):
            self._loose.setdefault(line.key, []).append(line)
        else:
            for name in line.names.lower().split(","):
                self._exact.setdefault(name, []).append(line)

    def check(self, names: Sequence[str], kind: str, key: str) -> Verdict:
        """Return the verdict on a key for a host that goes by `names`; the first decides about a change."""
        if any(_matches(line.names, name) for line in self._revoked.get(key, ()) for name in names):
            return Verdict.REVOKED
        if any(self._knows(name, key) for name in names):
            return Verdict.KNOWN
        return Verdict.CHANGED if kind in self.kinds(names[:1]) else Verdict.UNKNOWN

    def _knows(self, name: str, key: str) -> bool:
        if any(line.key == key for line in self._exact.get(name.lower(), ())):
            return True
        return any(_matches(line.names, name) for line in self._loose.get(key, ()))

    def kinds(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the kinds of key known for a host. Reads every hashed line: only after a mismatch."""
        found = list(self._exact_kinds(names))
        for lines in self._loose.values():
            found += [line.kind for line in lines if any(_matches(line.names, name) for name in names)]
        return tuple(dict.fromkeys(found))

    def _exact_kinds(self, names: Sequence[str]) -> Iterable[str]:
        for name in names:
            for line in self._exact.get(name.lower(), ()):
                yield line.kind

    def preference(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the kinds of key to ask for first: those of the host, then those the file mostly holds."""
        likely = [kind for kind, _ in sorted(self._loose_kinds.items(), key=lambda item: (-item[1], item[0]))]
        if len(set(self._loose_kinds.values())) == 1:
            likely = []  # every kind equally often (ssh-keyscan): the client's own order is as good
        return tuple(dict.fromkeys([*self._exact_kinds(names), *likely]))

    def has_authority(self, names: Sequence[str]) -> bool:
        """True when a certificate authority, not a key, is known for the host."""
        return any(_matches(line.names, name) for line in self._authorities for name in names)


def lookup_names(host: str, port: int, alias: str | None = None) -> tuple[str, ...]:
    """Return the names under which ssh would look a host up, in its order."""
    if alias:
        return (alias.lower(),)
    host = host.lower()
    return (host,) if port == 22 else (f"[{host}]:{port}", host)


def _is_loose(names: str) -> bool:
    return names.startswith("|") or any(sign in names for sign in "*?!")


def _matches(names: str, name: str) -> bool:
    """True when a host field names this host: a hash, or a list of patterns with `!` for exceptions."""
    if names.startswith("|"):
        return _hash_matches(names, name)
    found = False
    for pattern in names.lower().split(","):
        if pattern.startswith("!"):
            if _glob(pattern[1:]).fullmatch(name.lower()):
                return False
        elif _glob(pattern).fullmatch(name.lower()):
            found = True
    return found


def _hash_matches(names: str, name: str) -> bool:
    """True when |1|salt|hash is the HMAC-SHA1 of the name (format of ssh-keygen -H)."""
    try:
        _, magic, salt, digest = names.split("|")
        expected = binascii.a2b_base64(digest)
        actual = hmac.digest(binascii.a2b_base64(salt), name.lower().encode(), "sha1")
    except (ValueError, binascii.Error):
        return False
    return magic == "1" and hmac.compare_digest(expected, actual)


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    """Compile ssh's patterns, in which only * and ? are special."""
    return re.compile(
        "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern), re.DOTALL
    )
