"""Jump hosts: chains, sharing, and whose fault it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.sources.ssh.transport import Deadlines
from tests.live.ssh import peers
from tests.live.ssh.sshd import free_port, make_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.ssh.client import Client
    from tests.live.ssh.sshd import Sshd

VERBOSE = {"LogLevel": "VERBOSE"}


def test_hosts_behind_a_jump_host_share_its_connection(client: Client, start: Callable[..., Sshd]) -> None:
    bastion = start("bastion", options=VERBOSE)
    names = [f"node{number}" for number in range(4)]
    for name in names:
        start(name, ProxyJump="bastion")
    fleet = client.collect(*names)
    assert fleet.gaps == ()
    assert [node.name for node in fleet.nodes] == names
    assert bastion.log.read_text().count("Accepted publickey") == 1


def test_a_chain_of_jump_hosts(client: Client, start: Callable[..., Sshd]) -> None:
    """Both ways to write it: a list, and a jump host that has one itself."""
    first, second = start("first", options=VERBOSE), start("second", options=VERBOSE, ProxyJump="first")
    start("listed", ProxyJump="first,second")
    start("nested", ProxyJump="second")
    fleet = client.collect("listed", "nested")
    assert (fleet.gaps, len(fleet.nodes)) == ((), 2)
    assert first.log.read_text().count("Accepted publickey") == 1
    assert second.log.read_text().count("Accepted publickey") == 1


def test_a_jump_host_that_is_down_is_named_for_each_host_behind_it(client: Client) -> None:
    port = free_port()
    client.add_block("bastion", {"HostName": "127.0.0.1", "Port": str(port)})
    client.add_block("node*", {"ProxyJump": "bastion"})
    fleet = client.collect("node1", "node2")
    assert [gap.reason for gap in fleet.gaps] == [
        f"jump host bastion: connection refused by 127.0.0.1 port {port}: no SSH server there"
    ] * 2


def test_a_slow_jump_host_is_asked_once(client: Client) -> None:
    """Ten hosts behind a jump host that hangs wait for one deadline, not for ten."""
    with peers.misbehaving(peers.silent) as peer:
        client.add_block("bastion", {"HostName": "127.0.0.1", "Port": str(peer.port)})
        client.add_block("node*", {"ProxyJump": "bastion"})
        fleet = client.collect(*(f"node{number}" for number in range(10)), deadlines=Deadlines(banner_s=1))
    assert peer.connections == 1
    assert {gap.cause for gap in fleet.gaps} == {"timeout"}
    assert len(fleet.gaps) == 10


def test_a_jump_host_whose_key_is_not_known(client: Client, start: Callable[..., Sshd]) -> None:
    start("bastion", known=False)
    start("node", ProxyJump="bastion")
    gap = client.gap("node")
    assert (gap.cause, gap.reason.startswith("jump host bastion: no host key is known")) == ("missing", True)


def test_a_jump_host_that_refuses_us(client: Client, start: Callable[..., Sshd]) -> None:
    start("bastion").authorise(make_key(client.folder / "somebody"))
    start("node", ProxyJump="bastion")
    gap = client.gap("node")
    assert (gap.cause, gap.reason.startswith("jump host bastion: ")) == ("unauthenticated", True)


def test_a_jump_host_that_forwards_nothing(client: Client, start: Callable[..., Sshd]) -> None:
    start("bastion", options={"AllowTcpForwarding": "no"})
    start("node", ProxyJump="bastion")
    gap = client.gap("node")
    assert gap.reason.startswith("jump host bastion: does not allow forwarding")


def test_a_host_that_is_down_behind_a_jump_host(client: Client, start: Callable[..., Sshd]) -> None:
    start("bastion")
    client.add_block("node", {"HostName": "127.0.0.1", "Port": str(free_port()), "ProxyJump": "bastion"})
    gap = client.gap("node")
    assert gap.reason.startswith("jump host bastion: has no connection to 127.0.0.1 port")


def test_a_silent_host_behind_a_jump_host_meets_its_deadline(
    client: Client, start: Callable[..., Sshd]
) -> None:
    start("bastion")
    with peers.misbehaving(peers.silent) as peer:
        client.add_block("node", {"HostName": "127.0.0.1", "Port": str(peer.port), "ProxyJump": "bastion"})
        gap = client.gap("node", Deadlines(banner_s=5))
    assert (gap.cause, gap.reason) == ("timeout", "no SSH version came within 5 s")


def test_jump_hosts_in_a_circle(client: Client) -> None:
    client.add_block("a", {"ProxyJump": "b"})
    client.add_block("b", {"ProxyJump": "a"})
    gap = client.gap("a")
    assert (gap.cause, "a -> b -> a" in gap.reason) == ("invalid", True)


def test_a_proxy_command_is_not_run(client: Client) -> None:
    mark = client.folder / "ran"
    client.add_block("node", {"ProxyCommand": f"touch {mark}"})
    assert client.gap("node").cause == "unsupported"
    assert not mark.exists()
