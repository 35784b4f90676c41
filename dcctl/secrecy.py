"""Whether a word is a secret: by its form, by its name, and by chance of its letters. Pure."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from math import log2
from typing import Final

MOST: Final = 65_536
"""Characters of one value that are looked at."""
FORMS: Final = re.compile(
    r"""
      \b(?:AKIA|ASIA)[0-9A-Z]{16}\b                          # AWS
    | \bgh[opsur]_[0-9A-Za-z]{30,} | \bgithub_pat_\w{30,}    # GitHub
    | \bglpat-[\w-]{20,}                                     # GitLab
    | \bhf_[0-9A-Za-z]{30,}                                  # Hugging Face
    | \bnvapi-[\w-]{30,}                                     # NVIDIA
    | \bsk-(?:proj-|ant-|or-)?[\w-]{20,}                     # OpenAI and others
    | \bxox[abprs]-[\w-]{10,}                                # Slack
    | \bhttps://hooks\.slack\.com/(?:services|triggers|workflows)/[\w/-]{20,}
    | \bAIza[\w-]{35}                                        # Google
    | \bLTAI[0-9A-Za-z]{12,}                                 # Alibaba Cloud
    | \bdop_v1_[0-9a-f]{40,} | \bnpm_[0-9A-Za-z]{36} | \bpypi-[\w-]{50,}
    | -----BEGIN[ ](?:[A-Z0-9]+[ ])*PRIVATE[ ]KEY-----
    | \beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}             # a JSON Web Token
    | \b[a-z][a-z0-9+.-]*://[^\s:/@"']*:(?![$<{*]|%\()[^\s:/@"']+@    # a password in a URL
    | \b[Bb]earer[ ]+[\w.~+/-]{20,}
    """,
    re.VERBOSE,
)
_WORDS: Final = (
    "password|passwd|passphrase|pwd|secret|token|credential|credentials|apikey|accesskey|secretkey|privatekey"
    "|api_key|access_key|secret_key|private_key|signing_key|encryption_key|master_key|auth_key|account_key"
    "|shared_key|secret_access_key|license_key"
)
_NAMED: Final = re.compile(rf"(?:^|_)(?:{_WORDS})(?:_\d+)?$")
"""The last word of a name says what it holds: `MAX_TOKENS`, `TOKEN_TTL`, `PASSWORD_FILE` hold no secret."""
_NO_SECRET: Final = re.compile(
    r"""
      [$<{*].* | .*\$[({].*                                  # comes from elsewhere, or stands for something
    | true | false | yes | no | none | null | nil | on | off | auto | disabled | enabled
    | [-+]?\d{1,5}(?:\.\d+)?[a-z]{0,2}                       # a count, a time
    | \.{0,2}/\S* | [A-Za-z]:\\\S*                           # a path
    | [a-z][a-z0-9+.-]*://[^\s@]*                            # an address without a password
    | x+ | \*+ | \.+ | -+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HARMLESS_NAME: Final = re.compile(
    r"(?:^|_)(?:hash|digest|checksum|sha\d*|etag|fingerprint|uuid|guid|id|public|pub|cert|certificate|ca|crt"
    r"|bundle|commit|revision|version|image|path|class|hca|opts|options|args|flags|device|devices|name|url)(?:_|$)"
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_-]{32,128}={0,2}")
_PUBLIC: Final = re.compile(r"(?:ssh-|ecdsa-|AAAA[BCE]|MI[IG]|LS0tLS1CRUdJTi|H4sI|sha\d+[-:])")
"""Public keys, certificates, what is compressed, digests."""
_ALTERNATES: Final = 0.35
"""Of neighbouring letters, the share that are of different classes: three in five where chance has the say,
one in five in words."""
_SELDOM: Final = 8
"""Chance has a hyphen, a slash or a plus in one of so many letters at most; names are made with them."""
_DIGITS: Final = 2
"""Places with digits: chance has many, a name has one at its end."""
_BITS: Final = 4.0
"""Per letter (Shannon)."""
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def names_one(name: str) -> bool:
    """Return whether a name says that its value is a secret: `DB_PASSWORD`, `--api-key`."""
    return _NAMED.search(_plain(name)) is not None


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    """`db.redisPassword` as `db_redis_password`."""
    return re.sub(r"[^a-z0-9]+", "_", _CAMEL.sub("_", name).lower())


def is_secret(name: str, value: str) -> bool:
    """Return whether a value, by its form or by the name that it has, is one that nobody should read."""
    value = value[:MOST].strip()
    if not value:
        return False
    if FORMS.search(value):
        return True
    plain = _plain(name)
    if _NAMED.search(plain):
        return not _NO_SECRET.fullmatch(value) and not _PUBLIC.match(value) and not value.startswith("-----")
    return not _HARMLESS_NAME.search(plain) and is_by_chance(value)


def is_by_chance(value: str) -> bool:
    """Letters as a generator throws them; digests in hexadecimal, names, words and paths are not."""
    if not _TOKEN.fullmatch(value) or _PUBLIC.match(value):
        return False
    kinds = [_kind(letter) for letter in value.rstrip("=")]
    if not {"lower", "upper"} <= set(kinds) or kinds.count("other") * _SELDOM > len(kinds):
        return False
    groups = sum(here == "digit" and before != "digit" for before, here in pairwise(["", *kinds]))
    changes = sum(before != here for before, here in pairwise(kinds))
    return groups >= _DIGITS and changes >= _ALTERNATES * (len(kinds) - 1) and _bits(value) >= _BITS


def _kind(letter: str) -> str:
    if letter.isdigit():
        return "digit"
    return "upper" if letter.isupper() else "lower" if letter.islower() else "other"


def _bits(value: str) -> float:
    return -sum(n / len(value) * log2(n / len(value)) for n in Counter(value).values())
