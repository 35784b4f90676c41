"""An audit of nodes over real SSH: hardened and not, with rules of sudo and without, and hosts that lie."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate
from dcctl.audit.scene import Scene
from dcctl.audit.sudoers import rules
from dcctl.inventory.probes.bundle import audit_probe
from dcctl.inventory.sources.ssh.audit.gather import evidence_of, script
from dcctl.inventory.sources.ssh.run import Session, Target
from dcctl.inventory.sources.ssh.source import Asked, SshSource
from dcctl.inventory.sources.ssh.source import ask as send
from dcctl.inventory.sources.ssh.transport import Deadlines
from tests.components import need, without_lists
from tests.live.ssh.hosts import Hosts
from tests.live.ssh.sshd import SSHD, Sshd
from tests.live.ssh.test_cli import dcctl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dcctl.audit.evaluate import Tally
    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.inventory.evidence.hosts import Host
    from tests.live.ssh.client import Client

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for mount namespaces")
SLOW = Deadlines(connect_s=30, banner_s=60, auth_s=60, command_s=110)
HARDENED = {
    "PermitRootLogin": "prohibit-password",
    "X11Forwarding": "no",
    "MaxAuthTries": "3",
    "ClientAliveInterval": "300",
    "ClientAliveCountMax": "3",
    "KexAlgorithms": "sntrup761x25519-sha512@openssh.com,curve25519-sha256@libssh.org",
    "Ciphers": "aes256-gcm@openssh.com,aes128-gcm@openssh.com",
    "MACs": "hmac-sha2-512-etm@openssh.com",
    "HostKeyAlgorithms": "ssh-ed25519",
}
CARELESS = {
    "PermitRootLogin": "yes",
    "PasswordAuthentication": "yes",
    "PermitEmptyPasswords": "yes",
    "X11Forwarding": "yes",
    "MaxAuthTries": "20",
    "Ciphers": "+aes128-cbc",
    "KexAlgorithms": "+diffie-hellman-group14-sha1",
}
SSH_CHECKS = ("NOD-01", "NOD-02", "NOD-03", "NOD-04")


@pytest.fixture
def nodes(tmp_path: Path, client: Client) -> Iterator[Callable[..., Sshd]]:
    """Start servers of which the own configuration is what `sshd -T` on the node reads."""
    servers: list[Sshd] = []

    def begin(name: str, options: dict[str, str], more: str = "") -> Sshd:
        folder = tmp_path / name
        config = folder / "sshd_config"
        swap = f'mount --bind {config} /etc/ssh/sshd_config && exec "$0" "$@"'
        inside = (*without_lists(), "unshare", "--mount", "sh", "-c", swap)
        server = Sshd(folder, options=options, inside=inside)
        config.write_text(config.read_text() + more)
        servers.append(server)
        server.read_as = "/etc/ssh/sshd_config"
        server.authorise(client.key)
        server.start()
        client.add(name, server)
        return server

    yield begin
    for server in servers:
        server.stop()


def ask(client: Client, *names: str, deadlines: Deadlines = SLOW) -> Evidence:
    session = Session(client.overrides(), deadlines)
    answers = send(session, [Target(name) for name in names], script(), Event())
    return evidence_of(answers, {}, overrides=client.overrides(), timeout_s=deadlines.banner_s)


def host(evidence: Evidence, name: str = "node") -> Host:
    return next(one for one in evidence.hosts or () if one.node == name)


def failed(evidence: Evidence, *names: str) -> set[tuple[str, str, str]]:
    tallies = evaluate(Scene(evidence, 0), [CATALOGUE[name] for name in names])
    return {
        (tally.check.id, one.subject, one.where)
        for tally in tallies
        for one in tally.outcomes
        if one.state == "fail"
    }


def states(tallies: list[Tally]) -> set[str]:
    return {state for tally in tallies for state in tally.counts}


@needs_root
def test_a_server_with_a_file_of_its_own_is_not_judged_by_the_usual_one(
    tmp_path: Path, home: dict[str, str]
) -> None:
    """In a network of its own, since servers of other tests run in this one."""
    with Hosts(tmp_path, 1, options=CARELESS) as hosts:
        done = dcctl(hosts, home, "audit", "-w", "node001", "--select", "NOD-01", "-o", "json")
        config = hosts.servers["node001"].config
    (told,) = json.loads(done.stdout)["details"]["unknown"]
    assert told["says"].startswith(f"sshd runs with -f {config}; sshd -T tells")


@needs_root
def test_a_hardened_node_passes_and_a_careless_one_does_not(
    client: Client, nodes: Callable[..., Sshd]
) -> None:
    user = nodes("good", HARDENED | {"AllowUsers": "root"}).user
    bad = nodes("bad", CARELESS, f"Match User {user}x\n  PermitRootLogin yes\n")
    evidence = ask(client, "good", "bad")
    assert failed(evidence, *SSH_CHECKS) == {
        ("NOD-01", "bad", "permitrootlogin"),
        ("NOD-01", "bad", f"permitrootlogin match User {user}x"),
        ("NOD-02", "bad", "permitemptypasswords"),
        ("NOD-02", "bad", "passwordauthentication"),
        ("NOD-03", "bad", "ciphers aes128-cbc"),
        ("NOD-03", "bad", "kex diffie-hellman-group14-sha1"),
        ("NOD-03", "bad", "macs umac-64@openssh.com"),
        ("NOD-03", "bad", "macs umac-64-etm@openssh.com"),
        ("NOD-04", "bad", "maxauthtries"),
        ("NOD-04", "bad", "clientaliveinterval"),
        ("NOD-04", "bad", "x11forwarding"),
        ("NOD-04", "bad", "allowgroups"),
    } | _terrapin(evidence)
    told = subprocess.run(
        [SSHD, "-T", "-f", str(bad.config)], capture_output=True, text=True, check=True
    ).stdout
    settings = host(evidence, "bad").sshd
    assert settings is not None
    assert {f"{key} {value}" for key, values in settings.items() for value in values} == set(
        told.splitlines()
    )


def _terrapin(evidence: Evidence) -> set[tuple[str, str, str]]:
    """Whether this machine's OpenSSH has the strict key exchange depends on its release."""
    offered = host(evidence, "bad").algorithms
    assert offered is not None
    strict = "kex-strict-s-v00@openssh.com" in offered.kex
    return set() if strict else {("NOD-03", "bad", "terrapin")}


@needs_root
def test_what_a_server_offers_is_what_it_is_set_to(client: Client, nodes: Callable[..., Sshd]) -> None:
    nodes("node", HARDENED)
    found = host(ask(client, "node"))
    assert found.ssh_server is not None
    assert found.ssh_server.startswith("OpenSSH_")
    assert found.algorithms is not None
    assert found.algorithms.ciphers == tuple(HARDENED["Ciphers"].split(","))
    assert found.algorithms.macs == (HARDENED["MACs"],)
    assert found.algorithms.host_keys == ("ssh-ed25519",)
    assert set(HARDENED["KexAlgorithms"].split(",")) <= set(found.algorithms.kex)


def test_one_login_tells_the_inventory_and_the_audit(client: Client, start: Callable[..., Sshd]) -> None:
    server = start(options={"LogLevel": "VERBOSE"}, inside=without_lists())
    asked = Asked(script())
    fleet = SshSource([Target("node")], overrides=client.overrides(), deadlines=SLOW, asked=asked).collect()
    evidence = evidence_of(asked.answers["ssh"], {"node": "gpu1"}, overrides=client.overrides())
    assert server.log.read_text().count("Accepted publickey") == 1
    assert [node.name for node in fleet.nodes] == ["node"]
    assert fleet.nodes[0].system is not None
    assert fleet.gaps == ()
    assert (host(evidence, "gpu1").sysctls or {})["kernel.randomize_va_space"] in {"0", "1", "2"}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("cat /dev/zero", "more than 8 MiB"),
        ("sleep 60", "did not end within 3 s"),
        (
            "echo '@@dcctl python'; echo '{\"audit\": {\"commands\": 7}}'; echo '@@dcctl end'",
            "makes no sense",
        ),
        (
            "echo '@@dcctl python'; echo '{\"audit\": \"\\u001b[2J\"}'; echo '@@dcctl end'",
            "control characters",
        ),
        ("echo '@@dcctl python'; echo '{}'; echo '@@dcctl end'", "no part for an audit"),
    ],
)
def test_a_node_that_lies_is_unknown_and_never_healthy(
    command: str, words: str, client: Client, start: Callable[..., Sshd]
) -> None:
    start(options={"ForceCommand": f"cat >/dev/null; {command}"})
    evidence = ask(client, "node", deadlines=Deadlines(30, 60, 60, 3) if "sleep" in command else SLOW)
    assert words in host(evidence).silent["sshd"].reason
    checks = [one for name, one in CATALOGUE.items() if name.startswith("NOD-") and one.over == "hosts"]
    assert states(evaluate(Scene(evidence, 0), [one for one in checks if one.id != "NOD-03"])) == {"unknown"}


def test_nodes_that_cannot_be_reached_stay_in_the_count(client: Client) -> None:
    client.add_block("gone", {"HostName": "127.0.0.1", "Port": "1", "User": "nobody"})
    found = host(ask(client, "gone"), "gone")
    assert found.silent["sshd"].cause == "unreachable"
    assert found.algorithms is None


@pytest.mark.parametrize(
    "says",
    [b"SSH-2.0-x\r\n" + b"\xff" * 64, b"SSH-2.0-x\r\n\0\0\0\x10", b"HTTP/1.1 400\r\n" + b"A" * 50_000, b""],
)
def test_a_server_that_is_none_does_no_harm(says: bytes, client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=_answer, args=(listener, says), daemon=True).start()
        client.add_block(
            "odd", {"HostName": "127.0.0.1", "Port": str(listener.getsockname()[1]), "User": "x"}
        )
        found = host(ask(client, "odd", deadlines=Deadlines(3, 3, 3, 3)), "odd")
    assert (found.ssh_server, found.algorithms) == (None, None)


def _answer(listener: socket.socket, says: bytes) -> None:
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            peer.sendall(says)


SUDO = """
mount -t tmpfs -o mode=755 none /etc/sudoers.d || exit
[ -z "$RULES" ] || printf '%s' "$RULES" >/etc/sudoers.d/dcctl
mount -t tmpfs -o mode=700 none /root && mkdir /root/.ssh && cp "$KEYS" /root/.ssh/authorized_keys || exit
exec setpriv --reuid nobody --regid nogroup --clear-groups /usr/bin/python3 -IBS -
"""


@needs_root
@pytest.mark.parametrize("allowed", [True, False])
def test_sudo_runs_what_its_rules_name_and_nothing_else(
    allowed: bool, client: Client, tmp_path: Path
) -> None:
    need("sudo", "sudo")
    text = rules("nobody") if allowed else ""
    environment = os.environ | {"RULES": text, "KEYS": f"{client.key}.pub"}
    command = [*without_lists(), "unshare", "--mount", "sh", "-c", SUDO]
    done = subprocess.run(
        command, input=audit_probe(), capture_output=True, check=True, env=environment, cwd="/"
    )
    told = json.loads(done.stdout.split(b"\n")[1])["audit"]
    answers = {
        name: told["commands"][name] for name in ("sshd", "empty_passwords", "authorized_keys", "sudoers")
    }
    if not allowed:
        assert {answer["cause"] for answer in answers.values()} == {"denied"}
        assert all("sudo refused: " in answer["why"] for answer in answers.values())
        return
    assert "permitrootlogin " in answers["sshd"].get("out", answers["sshd"])
    assert answers["empty_passwords"]["status"] == 1
    assert "nobody ALL = (root) NOPASSWD: DCCTL_AUDIT" in answers["sudoers"]["out"]
    assert "/root/.ssh/authorized_keys\n256 SHA256:" in answers["authorized_keys"]["out"]
    assert not [answer for answer in told["commands"].values() if answer.get("cause") == "denied"]
