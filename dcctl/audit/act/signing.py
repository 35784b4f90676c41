"""The key that signs runs (Ed25519), made when it is first needed."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from dcctl.audit.chain import Head
from dcctl.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_SIZE = 32


class Signer:
    """A private key in a file of its own, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        """Read the key; where there is none, make it. UsageError: it is no key, or others may read it."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(_read(path) if path.exists() else _made(path))

    @property
    def public(self) -> str:
        """The public key, in hexadecimal: keep it on another host to verify with."""
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, text: str) -> bytes:
        """Return the signature of a text."""
        return self._key.sign(text.encode())


def verifier(public: Iterable[str]) -> Callable[[str, bytes], bool]:
    """Return what tells whether a signature of a text is by one of the keys. UsageError: one is no key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        keys = [Ed25519PublicKey.from_public_bytes(bytes.fromhex(each)) for each in public]
    except ValueError as error:
        raise UsageError("a public key", "must be 64 hexadecimal digits", "dcctl audit verify") from error

    def signed(text: str, signature: bytes) -> bool:
        for key in keys:
            with suppress(InvalidSignature):
                key.verify(signature, text.encode())
                return True
        return False

    return signed


def _read(path: Path) -> bytes:
    try:
        mode, data = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise UsageError(f"the key {path}", error.strerror or str(error), f"ls -l {path}") from error
    if mode & 0o077:
        raise UsageError(f"the key {path}", "may be read by others", f"chmod 600 {path}")
    if len(data) != _SIZE:
        raise UsageError(f"the key {path}", f"is not {_SIZE} bytes long: no key of this program")
    return data


def _made(path: Path) -> bytes:
    data = os.urandom(_SIZE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(number)
    except OSError as error:
        raise OutputError(f"the key {path}", error.strerror or str(error), f"ls -ld {path.parent}") from error
    return data


def read_head(folder: Path) -> Head | None:
    """Return the signed head; None where there is none. One that makes no sense is signed by nobody."""
    try:
        found = msgspec.json.decode((folder / "head.json").read_bytes(), type=Head)
        bytes.fromhex(found.signature)
    except FileNotFoundError:
        return None
    except (ValueError, OSError):
        return Head(0, "", "")
    return found


def write_head(folder: Path, head: Head) -> None:
    """Put the signed head beside the history. OutputError: it could not be written."""
    beside = folder / ".head.json.tmp"
    try:
        with beside.open("wb") as file:
            file.write(msgspec.json.encode(head) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(folder / "head.json")
    except OSError as error:
        raise OutputError(
            f"{folder / 'head.json'} was not written", error.strerror or str(error), "df -h"
        ) from error
