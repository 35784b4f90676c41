"""Peers that are not there, or are no SSH servers: each failure has its own cause and its own words."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.sources.ssh.transport import Deadlines
from tests.live.ssh import peers
from tests.live.ssh.client import PATIENT
from tests.live.ssh.sshd import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.ssh.client import Client

SHORT = Deadlines(connect_s=0.5, banner_s=1, auth_s=1, command_s=1)


def _aim(client: Client, port: int, **settings: str) -> None:
    client.add_block("node", {"HostName": "127.0.0.1", "Port": str(port), **settings})


def test_a_name_that_cannot_be_one(client: Client) -> None:
    """Longer than a DNS label: refused without asking anybody. Other names: see test_fifty."""
    name = "g" * 64
    gap = client.gap(name)
    assert (gap.reason, gap.cause) == (f"the name {name} is not known", "unreachable")
    assert gap.hint == f"getent hosts {name}"


def test_a_name_that_looks_like_an_option(client: Client) -> None:
    """No program is started that could take it for one."""
    client.add_block("-oProxyCommand=reboot", {"HostName": "127.0.0.1", "Port": str(free_port())})
    assert client.gap("-oProxyCommand=reboot").reason.startswith("connection refused by 127.0.0.1")


def test_nobody_listens(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    _aim(client, port)
    gap = client.gap("node")
    assert (gap.cause, gap.reason) == (
        "unreachable",
        f"connection refused by 127.0.0.1 port {port}: no SSH server there",
    )


@contextmanager
def _unanswered() -> Iterator[int]:
    """Yield a port whose queue is full, so that the kernel drops what comes, as a firewall does."""
    with ExitStack() as streams:
        listener = streams.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            stream = streams.enter_context(socket.socket())
            stream.setblocking(False)
            stream.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_nobody_answers_the_connection(client: Client) -> None:
    with _unanswered() as port:
        _aim(client, port)
        gap = client.gap("node", SHORT)
    assert (gap.cause, gap.reason) == ("timeout", f"no connection to 127.0.0.1 port {port} within 0.5 s")


def test_connect_timeout_of_ssh_config_shortens_the_deadline(client: Client) -> None:
    with _unanswered() as port:
        _aim(client, port, ConnectTimeout="1")
        gap = client.gap("node", PATIENT)
    assert gap.reason == f"no connection to 127.0.0.1 port {port} within 1 s"


@pytest.mark.parametrize(
    ("behaviour", "cause", "words"),
    [
        (peers.silent, "timeout", "no SSH version came within 1 s"),
        (peers.drip, "timeout", "no SSH version came within 1 s (so far: xx"),
        (peers.flood, "invalid", "no SSH server there: it says 'xxx"),
        (peers.web_server, "invalid", "no SSH server there: it says 'HTTP/1.1 400 Bad Request"),
        (peers.version_then_silence, "timeout", "the key exchange did not end within 1 s"),
        (peers.version_then_garbage, "failed", "the key exchange failed: "),
    ],
)
def test_what_answers_is_no_ssh_server(client: Client, behaviour: object, cause: str, words: str) -> None:
    with peers.misbehaving(behaviour) as peer:  # type: ignore[arg-type]  # parametrize forgets the type
        _aim(client, peer.port)
        gap = client.gap("node", SHORT if cause == "timeout" else PATIENT)
    assert (gap.cause, gap.reason.startswith(words)) == (cause, True), gap
    assert gap.reason.isprintable()


def test_a_dropped_connection_is_tried_once_more(client: Client) -> None:
    with peers.misbehaving(peers.hang_up) as peer:
        _aim(client, peer.port)
        gap = client.gap("node")
    assert (peer.connections, gap.cause) == (2, "unreachable")
    assert "closed before the SSH version, twice" in gap.reason


def test_one_bad_host_does_not_hold_up_the_others(client: Client) -> None:
    """Every host has its own deadline; the answers come in the order of the targets."""
    with peers.misbehaving(peers.silent) as first, peers.misbehaving(peers.web_server) as second:
        client.add_block("a", {"HostName": "127.0.0.1", "Port": str(first.port)})
        client.add_block("b", {"HostName": "127.0.0.1", "Port": str(second.port)})
        fleet = client.collect("a", "b", deadlines=Deadlines(banner_s=4))
    assert [(gap.subject, gap.cause) for gap in fleet.gaps] == [("a", "timeout"), ("b", "invalid")]
