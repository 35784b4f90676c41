"""Who is at the other end, and who we are: host keys and user keys against real sshd."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.sources.ssh.source import SshSource, Target
from dcctl.inventory.sources.ssh.transport import Deadlines
from tests.live.ssh.sshd import make_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.live.ssh.client import Client
    from tests.live.ssh.sshd import Sshd


def test_an_unknown_host_key_is_refused_and_not_added(client: Client, start: Callable[..., Sshd]) -> None:
    server = start(known=False, StrictHostKeyChecking="no")
    gap = client.gap("node")
    assert (gap.cause, gap.reason.startswith(f"no host key is known for [127.0.0.1]:{server.port}")) == (
        "missing",
        True,
    )
    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", str(server.host_keys[0])], capture_output=True, text=True, check=True
    )
    assert fingerprint.stdout.split()[1] in gap.reason
    assert client.known_hosts.read_text() == ""


def test_a_changed_host_key_is_refused_and_said_so(client: Client, start: Callable[..., Sshd]) -> None:
    server = start(known=False)
    other = Path(f"{make_key(client.folder / 'other')}.pub").read_text()
    client.known_hosts.write_text(f"[127.0.0.1]:{server.port} {other}")
    gap = client.gap("node")
    assert (gap.cause, "CHANGED" in gap.reason) == ("invalid", True)
    assert gap.hint == f"ssh-keygen -F '[127.0.0.1]:{server.port}'"


def test_a_revoked_host_key_is_refused(client: Client, start: Callable[..., Sshd]) -> None:
    server = start()
    with client.known_hosts.open("a") as file:
        file.write(server.known_hosts("@revoked *"))
    gap = client.gap("node")
    assert (gap.cause, "@revoked" in gap.reason) == ("invalid", True)


@pytest.mark.parametrize("form", ["hashed", "wildcard", "without port", "alias", "name"])
def test_every_form_of_a_known_host_is_understood(
    form: str, client: Client, start: Callable[..., Sshd]
) -> None:
    alias = {"HostKeyAlias": "the-node"} if form == "alias" else {}
    server = start(known=False, **alias)
    names = {"wildcard": "[127.0.0.*]:*", "without port": "127.0.0.1", "alias": "the-node", "name": "node"}
    client.known_hosts.write_text(server.known_hosts(names.get(form)))
    if form == "hashed":
        subprocess.run(
            ["ssh-keygen", "-q", "-H", "-f", str(client.known_hosts)], check=True, capture_output=True
        )
        assert client.known_hosts.read_text().startswith("|1|")
    assert client.collect("node").gaps == ()


@pytest.mark.parametrize("hashed", [False, True])
def test_a_host_known_by_another_kind_of_key_is_asked_for_that_one(
    hashed: bool, client: Client, start: Callable[..., Sshd]
) -> None:
    server = start(known=False, key_kinds=("ed25519", "ecdsa", "rsa"))
    lines = {line.split()[1]: line for line in server.known_hosts().splitlines()}
    noise = "".join(f"other{number} {lines['ssh-ed25519'].split(' ', 1)[1]}\n" for number in range(3))
    client.known_hosts.write_text(lines["ssh-rsa"] + "\n" + noise)
    if hashed:
        subprocess.run(
            ["ssh-keygen", "-q", "-H", "-f", str(client.known_hosts)], check=True, capture_output=True
        )
    assert client.collect("node").gaps == ()


def test_a_refused_key(client: Client, start: Callable[..., Sshd]) -> None:
    server = start()
    server.authorise(make_key(client.folder / "somebody"))
    gap = client.gap("node")
    assert gap.cause == "unauthenticated"
    assert gap.reason == f"{server.user} was refused after 1 key(s): {client.key}"
    assert gap.hint == "ssh -v node"


def test_a_server_that_takes_no_keys(client: Client, start: Callable[..., Sshd]) -> None:
    start(options={"PubkeyAuthentication": "no", "PasswordAuthentication": "yes"})
    gap = client.gap("node")
    assert (gap.cause, "wants password" in gap.reason) == ("unauthenticated", True)


def test_no_key_at_all(client: Client, start: Callable[..., Sshd]) -> None:
    start(IdentityFile="/nonexistent/key")
    client.defaults["IdentityFile"] = "/nonexistent/other"
    gap = client.gap("node")
    assert (gap.cause, gap.reason.endswith("no agent and no key file")) == ("unauthenticated", True)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A real ssh-agent, named by SSH_AUTH_SOCK, without keys."""
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as process:
        while not path.exists():
            assert process.poll() is None
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        try:
            yield path
        finally:
            process.terminate()


def _locked(client: Client) -> str:
    """Put a passphrase on the client's key, and return the passphrase."""
    words = "correct horse"
    command = ["ssh-keygen", "-q", "-p", "-P", "", "-N", words, "-f", str(client.key)]
    subprocess.run(command, check=True, capture_output=True)
    return words


def test_a_key_with_a_passphrase_is_named(client: Client, start: Callable[..., Sshd]) -> None:
    start()
    words = _locked(client)
    gap = client.gap("node")
    assert (gap.cause, f"{client.key} has a passphrase" in gap.reason) == ("unauthenticated", True)
    assert words not in str(gap)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_of_the_agent(kind: str, client: Client, start: Callable[..., Sshd], agent: Path) -> None:
    """Also when its file has a passphrase, and only a file's name says which key to use."""
    server = start()
    client.key.unlink()
    Path(f"{client.key}.pub").unlink()
    server.authorise(make_key(client.key, kind))
    subprocess.run(["ssh-add", "-q", str(client.key)], check=True, capture_output=True)
    _locked(client)
    Path(f"{client.key}.pub").unlink()
    assert client.collect("node").gaps == ()


def test_other_keys_of_the_agent_are_kept_back(
    client: Client, start: Callable[..., Sshd], agent: Path
) -> None:
    """IdentitiesOnly: many keys in the agent would run into MaxAuthTries."""
    start(options={"MaxAuthTries": "2"})
    for number in range(4):
        other = make_key(client.folder / f"other{number}")
        subprocess.run(["ssh-add", "-q", str(other)], check=True, capture_output=True)
    assert client.collect("node").gaps == ()
    client.defaults["IdentitiesOnly"] = "no"
    gap = client.gap("node")
    assert (gap.cause, "closed the connection" in gap.reason) == ("unauthenticated", True)


def test_an_agent_that_hangs_costs_its_deadline_only(
    client: Client, start: Callable[..., Sshd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    monkeypatch.setattr("dcctl.inventory.sources.ssh.agent.AGENT_TIMEOUT_S", 0.3)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "hung"))
        listener.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "hung"))
        assert client.collect("node").gaps == ()
        shutil.move(client.key, client.folder / "away")
        assert "gave no answer" in client.gap("node").reason


def test_a_user_certificate_beside_the_key_is_used(client: Client, start: Callable[..., Sshd]) -> None:
    authority = make_key(client.folder / "authority")
    server = start(options={"TrustedUserCAKeys": f"{authority}.pub"})
    server.authorised.write_text("")
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", "ops", "-n", server.user, f"{client.key}.pub"]
    subprocess.run(command, check=True, capture_output=True)
    assert client.collect("node").gaps == ()


def test_a_host_certificate_is_named_as_unsupported(client: Client, start: Callable[..., Sshd]) -> None:
    server = start(known=False)
    authority = Path(f"{make_key(client.folder / 'authority')}.pub").read_text()
    client.known_hosts.write_text(f"@cert-authority * {authority}")
    gap = client.gap("node")
    assert (gap.cause, "host certificates" in gap.reason) == ("unsupported", True)
    assert str(server.port) not in gap.hint


def test_authentication_has_a_deadline(client: Client, start: Callable[..., Sshd]) -> None:
    """sshd asks a program for keys, and the program never ends."""
    start(
        options={"AuthorizedKeysCommand": "/bin/sleep 30", "AuthorizedKeysCommandUser": "nobody"}
    ).authorise()
    gap = client.gap("node", Deadlines(auth_s=1))
    assert (gap.cause, gap.reason) == ("timeout", "authentication did not end within 1 s")


def test_no_secret_is_ever_in_a_gap(client: Client, start: Callable[..., Sshd]) -> None:
    server = start()
    server.authorise(make_key(client.folder / "somebody"))
    body = "".join(client.key.read_text().splitlines()[1:-1])
    text = str(client.gap("node"))
    assert all(body[at : at + 24] not in text for at in range(0, len(body) - 24, 8))
    assert base64.b64decode(body)[:15] == b"openssh-key-v1\0"


def _type(hint: str) -> None:
    """Type a hint as it is printed; the question for the key is answered with yes."""
    assert hint.startswith("ssh ")
    yes = "ssh -o StrictHostKeyChecking=accept-new -o BatchMode=yes "
    subprocess.run(
        ["/bin/sh", "-c", hint.replace("ssh ", yes, 1)], check=True, capture_output=True, timeout=60
    )


def test_what_the_hint_says_makes_the_host_known(client: Client, start: Callable[..., Sshd]) -> None:
    """By its name, since all that leads to it stands under that in ssh_config."""
    start("gw?", known=False)
    gap = client.gap("gw1")
    assert gap.hint == f"ssh -F {client.config_file} gw1 true"
    _type(gap.hint)
    assert client.collect("gw1").gaps == ()


def test_what_the_hint_says_makes_a_host_behind_a_jump_host_known(
    client: Client, start: Callable[..., Sshd]
) -> None:
    start("bastion", known=False)
    start("node?", known=False, ProxyJump="bastion")
    gap = client.gap("node1")
    assert gap.hint == f"ssh -F {client.config_file} bastion true"
    _type(gap.hint)
    gap = client.gap("node1")
    assert gap.hint == f"ssh -F {client.config_file} node1 true"
    _type(gap.hint)
    assert client.collect("node1").gaps == ()


def test_the_hint_names_the_address_and_port_of_an_inventory(
    client: Client, start: Callable[..., Sshd]
) -> None:
    server = start("other", known=False)
    client.add_block("gpu1", {"HostName": "192.0.2.1", "User": server.user})
    target = Target("gpu1", address=server.address, port=server.port)
    (gap,) = SshSource([target], overrides=client.overrides()).collect().gaps
    assert gap.hint == f"ssh -F {client.config_file} -o HostName=127.0.0.1 -p {server.port} gpu1 true"
    _type(gap.hint)
    assert SshSource([target], overrides=client.overrides()).collect().gaps == ()
