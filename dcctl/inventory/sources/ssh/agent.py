"""Keys to sign with: the ssh-agent and key files, each read once and shared by every host of a run."""

from __future__ import annotations

import base64
import binascii
import os
import socket
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.sources.ssh.error import SshError, printable

if TYPE_CHECKING:
    from paramiko import PKey

AGENT_TIMEOUT_S = 5.0
_MAX_REPLY_BYTES = 256 * 1024
_REQUEST_IDENTITIES, _IDENTITIES = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_RSA_FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}
"""Numbers of the agent protocol (draft-miller-ssh-agent, sections 3 and 4.5)."""


class Identity(NamedTuple):
    """A key that can sign, and where it came from."""

    origin: str
    blob: bytes
    """Public key, as on the wire."""
    key: PKey


class Identities:
    """Every key that was asked for so far; a key that let us in once is offered first from then on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, Identity | str | None] = {}
        self._agents: dict[str, list[Identity] | str] = {}
        self._proven: list[bytes] = []

    def offer(
        self, files: tuple[str, ...], agent: str | None, *, only: bool
    ) -> tuple[list[Identity], list[str]]:
        """Return the keys to try, in ssh's order, and a line for each that cannot be used.

        `only` leaves out the agent's keys that no file names (IdentitiesOnly).
        """
        with self._lock:
            held, problems = self._from_agent(agent)
            wanted = [blob for file in files if (blob := public_blob(file))]
            chosen = [item for blob in wanted for item in held if item.blob == blob]
            if not only:
                chosen += [item for item in held if item not in chosen]
            for file in files:
                item = self._from_file(file)
                if isinstance(item, Identity):
                    chosen += [item] if all(item.blob != other.blob for other in chosen) else []
                elif item and all(other.blob != public_blob(file) for other in chosen):
                    problems.append(item)
            return sorted(chosen, key=self._rank), problems

    def proven(self, identity: Identity) -> None:
        """Note that a server accepted this key."""
        with self._lock:
            if identity.blob not in self._proven:
                self._proven.append(identity.blob)

    def _rank(self, identity: Identity) -> int:
        return self._proven.index(identity.blob) if identity.blob in self._proven else len(self._proven)

    def _from_agent(self, path: str | None) -> tuple[list[Identity], list[str]]:
        if path is None or path.lower() == "ssh_auth_sock":
            path = os.environ.get("SSH_AUTH_SOCK", "")
        if path in {"", "none"}:
            return [], []
        if path not in self._agents:
            try:
                self._agents[path] = list_agent(path)
            except (OSError, ValueError, struct.error) as error:
                self._agents[path] = f"the agent at {path} gave no answer: {printable(str(error))}"
        held = self._agents[path]
        return (held, []) if isinstance(held, list) else ([], [held])

    def _from_file(self, path: str) -> Identity | str | None:
        if path not in self._files:
            self._files[path] = load_file(path)
        return self._files[path]


def load_file(path: str) -> Identity | str | None:
    """Return the key of a file, the reason why it cannot be used, or None where there is no file."""
    import paramiko
    from paramiko.pkey import UnknownKeyType

    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{path}: {error.strerror}"
    if is_encrypted(data):
        return f"{path} has a passphrase and is not in the agent (ssh-add {path})"
    try:
        key = paramiko.PKey.from_path(path)
    except (paramiko.SSHException, UnknownKeyType, ValueError, TypeError, OSError) as error:
        return f"{path} is not a key that can be read: {printable(type(error).__name__)}"
    return Identity(path, key.asbytes(), key)


def is_encrypted(data: bytes) -> bool:
    """True when a private key file needs a passphrase (both file formats of ssh-keygen)."""
    header = _new_format(data)
    return b"ENCRYPTED" in data[:400] if header is None else header[0] != b"none"


def public_blob(path: str) -> bytes | None:
    """Return the public half of a key file, from PATH.pub or from the part of it that is never encrypted."""
    try:
        fields = Path(f"{path}.pub").read_text("utf-8", "replace").split()
        return base64.b64decode(fields[1], validate=True)
    except (OSError, IndexError, ValueError):
        pass
    try:
        header = _new_format(Path(path).read_bytes())
    except OSError:
        return None
    return header[1] if header else None


def _new_format(data: bytes) -> tuple[bytes, bytes] | None:
    """Return cipher and public key of an openssh-key-v1 file (PROTOCOL.key of OpenSSH)."""
    if b"BEGIN OPENSSH PRIVATE KEY" not in data:
        return None
    try:
        raw = base64.b64decode(b"".join(data.split(b"-----")[2].split()))
        rest = raw.removeprefix(b"openssh-key-v1\0")
        cipher, rest = _string(rest)
        _, rest = _string(rest)
        _, rest = _string(rest)
        return cipher, _string(rest[4:])[0]
    except (binascii.Error, struct.error, IndexError, ValueError):
        return None


def _string(data: bytes) -> tuple[bytes, bytes]:
    """Split off a length-prefixed string (RFC 4251 section 5)."""
    (size,) = struct.unpack(">I", data[:4])
    if size > len(data) - 4:
        raise ValueError("truncated")
    return data[4 : 4 + size], data[4 + size :]


def _pack(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def ask_agent(path: str, request: bytes) -> bytes:
    """Return the agent's answer to one request, over a connection of its own: no lock, no waiting."""
    with socket.socket(socket.AF_UNIX) as agent:
        agent.settimeout(AGENT_TIMEOUT_S)
        agent.connect(path)
        agent.sendall(_pack(request))
        (size,) = struct.unpack(">I", _exactly(agent, 4))
        if size > _MAX_REPLY_BYTES:
            raise ValueError("answer too long")
        return _exactly(agent, size)


def _exactly(agent: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = agent.recv(size - len(data))
        if not part:
            raise OSError("connection closed")
        data += part
    return data


def list_agent(path: str) -> list[Identity]:
    """Return the agent's keys; OSError, ValueError or struct.error when it makes no sense."""
    reply = ask_agent(path, bytes([_REQUEST_IDENTITIES]))
    if reply[:1] != bytes([_IDENTITIES]):
        raise ValueError("unexpected answer")
    rest, found = reply[5:], []
    while rest:
        blob, rest = _string(rest)
        _, rest = _string(rest)
        found.append(Identity("agent", blob, agent_key(path, blob)))
    return found


def agent_key(path: str, blob: bytes) -> PKey:
    """Return a key whose signatures are made by the agent."""
    from paramiko import Message, PKey

    class AgentKey(PKey):
        def asbytes(self) -> bytes:
            return blob

        def get_name(self) -> str:
            return _string(blob)[0].decode("ascii", "replace")

        def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> Message:
            flags = struct.pack(">I", _RSA_FLAGS.get(algorithm or "", 0))
            try:
                reply = ask_agent(path, bytes([_SIGN_REQUEST]) + _pack(blob, data) + flags)
            except (OSError, ValueError, struct.error) as error:
                raise SshError(
                    f"the agent at {path} did not sign", "unauthenticated", "ssh-add -l"
                ) from error
            if reply[:1] != bytes([_SIGN_RESPONSE]):
                raise SshError(f"the agent at {path} refused to sign", "unauthenticated", "ssh-add -l")
            return Message(_string(reply[1:])[0])

    return AgentKey()
