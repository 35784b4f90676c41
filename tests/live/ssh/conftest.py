"""Fixtures: a client and a real server that lets it in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.components import need
from tests.live.ssh.client import Client
from tests.live.ssh.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch) -> None:
    need("sshd", "openssh-server")
    need("ssh-keygen", "openssh-client")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """Somebody with a key that servers of `start` let in."""
    return Client(tmp_path / "client")


@pytest.fixture
def start(tmp_path: Path, client: Client) -> Iterator[Callable[..., Sshd]]:
    """Start servers: start("node", known=True, options={…}) adds each to the client's files."""
    servers: list[Sshd] = []

    def begin(
        name: str = "node",
        *,
        known: bool = True,
        options: Mapping[str, str] | None = None,
        key_kinds: Sequence[str] = ("ed25519",),
        inside: Sequence[str] = (),
        **settings: str,
    ) -> Sshd:
        folder = tmp_path / f"server{len(servers)}"
        server = Sshd(folder, options=options, key_kinds=key_kinds, inside=inside)
        servers.append(server)
        server.authorise(client.key)
        server.start()
        client.add(name, server, known=known, **settings)
        return server

    try:
        yield begin
    finally:
        for server in servers:
            server.stop()
