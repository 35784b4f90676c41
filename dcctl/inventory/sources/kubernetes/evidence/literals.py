"""Secrets that are written where everybody reads them: found by form, by name and by chance of their letters.

What is found is reduced here to where it is; no value leaves this module, and no digest of one.
"""

from __future__ import annotations

import re
from base64 import b64decode
from itertools import chain
from typing import TYPE_CHECKING, Final

from dcctl.inventory.evidence.pods import Literally
from dcctl.secrecy import FORMS, MOST, is_secret, names_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LEAST: Final = 4
"""What is shorter guards nothing."""

_SHORTEST_FORM: Final = 15
_PAIR: Final = re.compile(
    r"""(?:^|[\s,{;&?])["']?-{0,2}([A-Za-z][\w.-]{1,60})["']?[^\S\n]*(?:=|:(?=["'\s]))[^\S\n]*["']?([^\s"',;&{}\[\]][^\s"',;&}]{0,4095})""",
    re.MULTILINE,
)
_TAG: Final = re.compile(r"<([A-Za-z][\w.-]{1,60})>\s*([^\s<>]{1,4096})\s*</")
_NETRC: Final = re.compile(r"\b(?:machine\s+\S+|default)\s+login\s+\S+\s+(password)\s+(\S{1,4096})")
_LOGIN: Final = re.compile(r"""["'](auth)["']\s*:\s*["']([A-Za-z0-9+/]{8,4096}={0,2})["']""")
_FLAG: Final = re.compile(r"--?[A-Za-z][\w.-]*")


def in_values(prefix: str, pairs: Iterable[tuple[str, str]]) -> Iterator[Literally]:
    """Yield the secrets among named values: variables of the environment, keys of a ConfigMap."""
    for name, value in pairs:
        if len(value) >= _LEAST:
            yield from in_value(f"{prefix}{name}", name, value)


def in_value(path: str, name: str, value: str) -> Iterator[Literally]:
    """Yield the secrets in one value."""
    if "\n" in value.strip():
        yield from in_text(path, value)
    elif is_secret(name, value):
        yield Literally(path)
    elif any(sign in value for sign in "=:<") or "password" in value:
        yield from in_pairs(f"{path}/", value)


def in_text(path: str, text: str) -> Iterator[Literally]:
    """Yield the secrets in a file: by the names that it gives them, or that there is one in it."""
    found = list(in_pairs(f"{path}/", text[:MOST]))
    match = None if found else FORMS.search(text[:MOST])
    yield from found
    if match:
        yield Literally(path)


def in_pairs(prefix: str, text: str) -> Iterator[Literally]:
    """Yield the secrets that a text gives a name: by `=`, `:`, a tag, or as netrc and Docker write them."""
    for name, value in chain(_PAIR.findall(text), _TAG.findall(text), _NETRC.findall(text)):
        if _named_or_formed(name, value):
            yield Literally(f"{prefix}{name}")
    for name, value in _LOGIN.findall(text):
        if _is_login(value):
            yield Literally(f"{prefix}{name}")


def _is_login(value: str) -> bool:
    """A user and a password, as Docker keeps them for a registry."""
    try:
        user, colon, password = b64decode(value, validate=True).partition(b":")
    except ValueError:
        return False
    return bool(user and colon and password)


def _named_or_formed(name: str, value: str) -> bool:
    return (names_one(name) or FORMS.search(value) is not None) and is_secret(name, value)


def in_arguments(prefix: str, words: Sequence[str]) -> Iterator[Literally]:
    """Yield the secrets among the arguments of a command, and in scripts that are arguments."""
    for before, word in zip(("", *words), words, strict=False):
        flag = before if _FLAG.fullmatch(before) else ""
        if flag and not word.startswith("-") and _named_or_formed(flag, word):
            yield Literally(f"{prefix}{flag}")
        else:
            yield from _in_argument(prefix, word)


def _in_argument(prefix: str, word: str) -> Iterator[Literally]:
    if "=" not in word and ":" not in word and len(word) < _SHORTEST_FORM:
        return
    found = list(in_pairs(prefix, word[:MOST]))
    match = None if found else FORMS.search(word[:MOST])
    yield from found
    if match:
        yield Literally(prefix.rstrip("/"))
