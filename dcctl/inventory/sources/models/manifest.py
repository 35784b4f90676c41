"""What the files of a model have to be: SHA256SUMS and the like, and statements of model_signing. Pure.

The signature of a statement is not verified here: whoever can change the model can change both.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Final

import msgspec
from msgspec import Struct, field

NAMES: Final = (
    "model.sig",
    "SHA256SUMS",
    "SHA256SUMS.txt",
    "sha256sums.txt",
    "sha256sum.txt",
    "checksums.sha256",
    "MANIFEST.sha256",
)
"""Of several, the first counts."""
_LINE: Final = re.compile(r"\\?([0-9a-fA-F]{64}) [ *](.+)")
_BSD: Final = re.compile(r"SHA256 \((.+)\) = ([0-9a-fA-F]{64})")


class Resource(Struct):
    """One file of a statement."""

    name: str
    digest: str
    algorithm: str = "sha256"


class Predicate(Struct):
    """What is signed."""

    resources: list[Resource] = field(default_factory=list)


class Statement(Struct):
    """An in-toto statement."""

    predicate: Predicate


class Envelope(Struct):
    """DSSE: the statement in base64."""

    payload: str


class Bundle(Struct):
    """A bundle of Sigstore."""

    dsse_envelope: Envelope = field(name="dsseEnvelope")


def sums(text: bytes, name: str) -> dict[str, str]:
    """Return path in the folder -> SHA-256 in small letters. ValueError: it is no manifest."""
    if name.endswith(".sig"):
        bundle = msgspec.json.decode(text, type=Bundle)
        statement = msgspec.json.decode(b64decode(bundle.dsse_envelope.payload), type=Statement)
        listed = statement.predicate.resources
        if not listed or any(one.algorithm != "sha256" for one in listed):
            raise ValueError("it names no files, or by other sums than SHA-256")
        return {_inside(one.name): one.digest.lower() for one in listed}
    found = {}
    for line in text.decode("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        told = _LINE.fullmatch(line.rstrip())
        bsd = None if told else _BSD.fullmatch(line.strip())
        if not told and not bsd:
            raise ValueError("a line is no sum of a file")
        path, digest = (told[2], told[1]) if told else (bsd[1], bsd[2]) if bsd else ("", "")
        found[_inside(path)] = digest.lower()
    if not found:
        raise ValueError("it is empty")
    return found


def _inside(path: str) -> str:
    """Return a path below the folder. ValueError: it leads out of it."""
    steps = [step for step in path.split("/") if step not in ("", ".")]
    if path.startswith("/") or ".." in steps or not steps:
        raise ValueError(f"{path[:80]!r} leads out of the folder")
    return "/".join(steps)
