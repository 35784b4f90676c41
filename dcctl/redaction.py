"""What may be a secret is taken out of text that a person or a file will see. Pure."""

from __future__ import annotations

import re

from dcctl.secrecy import FORMS, is_by_chance

MARK = "…"
"""Stands where a secret stood."""

_LONG = re.compile(r"[A-Za-z0-9_\-.+/=]{33,}")
_USERINFO = re.compile(r"(?i)(https?:/{1,2}|://)[^\s'\"]*@")  # one slash: a URL that was taken for a path
_QUERY = re.compile(r"(?i)(https?:/{1,2}[^\s'\"?#]*[?#])[^\s'\"]*")
_HEADER = re.compile(r"(?i)\b(bearer|basic|authorization['\"]?\s*[:=])(\s+b?['\"]?|b?['\"])[^\s'\"][^\n'\"]*")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL)
_JWT = re.compile(r"\beyJ[\w\-]+\.[\w\-.]+")
_STATED = re.compile(
    r"(?i)((?:passw(?:or)?d|passphrase|token|secret|key|credentials?)\S{0,20}?(?:\s+(?:is|was))?\s*[=:]\s*).*"
)
_SPOKEN = re.compile(r"(?i:\b(passw(?:or)?d|passphrase|secret)\s+)\S+")
_SPOKEN_TOKEN = re.compile(r"(?i:\b(token|key)\s+)(?![a-z]+\b)\S+")

_LONGEST = 4096
_OF_A_URL = re.compile(r"(://)[^\s'\"]*@")
_SAYS_SO = (
    r"[\w.-]*(?:pass(?:wd|word|phrase)?|pwd|secret|token|credentials?|auth|key|signature)"
    r"(?:[-_.]?\d+)?['\"]?"
)
"""A name that ends so has a secret for a value, or nothing that is missed."""
_VALUE = r"(?:\"[^\"]*\"|'[^']*'|\\.|[^\s'\"\\])+"
_ASKED = re.compile(rf"(?i)([?&]{_SAYS_SO}=)[^\s&'\"]+")
_GIVEN = re.compile(rf"(?i)((?<![?&\w.-]){_SAYS_SO}\s*[=:]\s*|(?<!\S)['\"]?--?{_SAYS_SO}\s+){_VALUE}")
_LOGIN = re.compile(r"((?<!\S)(?:-u|--user|--proxy-user)(?:\s+|=)?['\"]?[^\s:'\"]*:)" + _VALUE)
_WORD = re.compile(r"[A-Za-z0-9+_=-]{20,}(?:/[A-Za-z0-9+_=-]{8,})*")
_HEX = re.compile(r"[0-9a-fA-F]{32,}")


def without_userinfo(text: str) -> str:
    """The text with `user:password@` gone from every URL in it. Takes too much rather than too little."""
    return _USERINFO.sub(r"\1", text)


def without_long_words(text: str) -> str:
    """The text without anything long enough to be a token."""
    return _LONG.sub(MARK, text)


def without_credentials(text: str) -> str:
    """The text, of many lines, without header values, private keys, JSON web tokens and secrets of URLs.

    Of a URL its userinfo and its query are taken.
    """
    text = _PEM.sub(f"{MARK} (a private key)", _QUERY.sub(rf"\1{MARK}", without_userinfo(text)))
    return _JWT.sub(MARK, _HEADER.sub(rf"\1 {MARK}", text))


def first_line_of_a_program(text: str) -> str:
    """The first line that another program said, without what it may have told about its secrets."""
    line = without_long_words(without_credentials((text.strip().splitlines() or [""])[0]))
    line = _STATED.sub(rf"\1{MARK}", line)
    return _SPOKEN_TOKEN.sub(rf"\1 {MARK}", _SPOKEN.sub(rf"\1 {MARK}", line))


def without_secrets(text: str) -> str:
    """A command line or a request without values that look like secrets; all else as it stands.

    By form (keys of known makers), by name (`--token=…`, `?token=`, `--password …`, headers, URLs with a
    password) and by chance of their letters. Takes too much rather than too little, and what is very long.
    """
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + MARK
    text = FORMS.sub(MARK, _OF_A_URL.sub(rf"\1{MARK}@", text))
    text = _JWT.sub(MARK, _HEADER.sub(rf"\1 {MARK}", _PEM.sub(MARK, text)))
    for named in (_ASKED, _GIVEN, _LOGIN):
        text = named.sub(rf"\1{MARK}", text)
    return _WORD.sub(lambda word: MARK if _is_thrown(word[0]) else word[0], text)


def _is_thrown(word: str) -> bool:
    return any(_HEX.fullmatch(part) or is_by_chance(part) for part in (word, *re.split("[/=]", word)))
