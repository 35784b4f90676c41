"""What parsers make of who may come in; `tests/data/ssh-audit` is recorded from Debian 12."""

from __future__ import annotations

import base64

import pytest

from dcctl.inventory.evidence.hosts import AuthorizedKey, Grant, Match
from dcctl.inventory.sources.ssh.audit import access, openings
from dcctl.inventory.sources.ssh.audit.told import Told, Untold
from tests.unit.inventory.sources.readings import PASSWD, reading, recorded


def test_sshd_tells_its_settings() -> None:
    found = access.sshd(reading({"sshd": recorded("sshd-debian12.txt")}))
    assert found["permitrootlogin"] == ("without-password",)
    assert found["authorizedkeysfile"] == (".ssh/authorized_keys .ssh/authorized_keys2",)
    assert len(found["hostkey"]) == 3
    with pytest.raises(Untold, match="told no settings"):
        access.sshd(reading({"sshd": "sshd: no hostkeys available -- exiting.\n"}))


def test_a_match_block_ends_with_its_file() -> None:
    text = (
        "/etc/ssh/sshd_config:PermitRootLogin no\n"
        "/etc/ssh/sshd_config:#Match User x\n"
        "/etc/ssh/sshd_config:Match Address  10.0.0.0/8 User ci\n"
        "/etc/ssh/sshd_config:  PermitRootLogin = yes \n"
        "/etc/ssh/sshd_config:# PasswordAuthentication yes\n"
        "/etc/ssh/sshd_config.d/a.conf:PasswordAuthentication yes\n"
        "grep: /x: Permission denied\n"
    )
    found = access.sshd_matches(reading({"sshd_files": Told(text, 2)}))
    assert found == (Match("Address 10.0.0.0/8 User ci", "permitrootlogin", "yes"),)


def test_keys_are_told_by_fingerprint_never_whole() -> None:
    text = (
        "@@1700000000.5@@/home/wu/.ssh/authorized_keys\n"
        "256 SHA256:abc wu's laptop (old) (ED25519)\n"
        "/home/wu/.ssh/authorized_keys is not a public key file.\n"
        "@@1700000001.5@@/root/.ssh/authorized_keys\n"
        "2048 SHA256:def no comment (RSA)\n"
    )
    look = reading({"authorized_keys": text}, files={"/etc/passwd": PASSWD})
    assert access.authorized_keys(look) == (
        AuthorizedKey(
            "wu",
            "ED25519",
            256,
            "SHA256:abc",
            "wu's laptop (old)",
            "/home/wu/.ssh/authorized_keys",
            1700000000,
        ),
        AuthorizedKey(
            "root", "RSA", 2048, "SHA256:def", "no comment", "/root/.ssh/authorized_keys", 1700000001
        ),
    )
    assert look.silent == {}


@pytest.mark.parametrize(
    ("passwd", "sshd", "words"),
    [
        (
            PASSWD + "al:x:1001:1::/data/al:/bin/sh\n",
            "",
            "homes outside /root and /home were not searched: al",
        ),
        (
            PASSWD,
            "permitrootlogin no\nauthorizedkeysfile /etc/keys/%u\n",
            "sshd also takes keys from elsewhere",
        ),
        (
            PASSWD,
            "permitrootlogin no\nauthorizedkeyscommand /usr/bin/sss\n",
            "sshd also takes keys from elsewhere",
        ),
    ],
)
def test_keys_that_nobody_looked_for_are_named(passwd: str, sshd: str, words: str) -> None:
    commands: dict[str, str | Told] = {"authorized_keys": ""}
    look = reading(commands | ({"sshd": sshd} if sshd else {}), files={"/etc/passwd": passwd})
    assert access.authorized_keys(look) == ()
    assert words in look.silent["authorized_keys"].reason


def test_fingerprints_are_those_of_ssh_keygen() -> None:
    """RFC 4253 key blob of one recorded host key, and what `ssh-keygen -lf` says of it."""
    blob = "AAAAC3NzaC1lZDI1NTE5AAAAIJXisfMgyaXBp8WjkuLLglxGjnd8AmfZkJeBqB0AZT5D"
    assert access.fingerprint(blob) == "SHA256:nrMo/MTbaUvD4q2S34e0evMrEq2xStpDbRPt2qHO7Gw"
    with pytest.raises(ValueError, match=r"padding|base64|alphabet"):
        access.fingerprint("not a key")


def test_sudoers_tells_who_needs_no_password() -> None:
    lines = [
        ("/etc/sudoers", "Defaults env_reset"),
        ("/etc/sudoers", "Cmnd_Alias TOOLS = /bin/ls, /bin/df"),
        ("/etc/sudoers", "root ALL=(ALL:ALL) ALL"),
        ("/etc/sudoers", "%wheel ALL=(ALL) NOPASSWD: ALL"),
        ("/etc/sudoers", "# ci ALL=(ALL) NOPASSWD: ALL"),
        ("/etc/sudoers", "@includedir /etc/sudoers.d"),
        ("/etc/sudoers.d/90-x", "AD\\\\backup ALL = \\"),
        ("/etc/sudoers.d/90-x", "  (root) NOPASSWD: TOOLS, /bin/cat a\\,b, PASSWD: ALL"),
        ("/etc/sudoers.d/90-x", "Defaults:op !authenticate"),
        ("/etc/sudoers.d/old.bak", "evil ALL=(ALL) NOPASSWD: ALL"),
        ("/etc/sudoers.d/old~", "evil ALL=(ALL) NOPASSWD: ALL"),
    ]
    look = reading({"sudoers": "".join(f"{path}:{line}\n" for path, line in lines)})
    assert access.nopasswd(look) == (
        Grant("%wheel", "ALL", "/etc/sudoers"),
        Grant("AD\\\\backup", "/bin/ls, /bin/df, /bin/cat a\\,b", "/etc/sudoers.d/90-x"),
        Grant("op", "ALL", "/etc/sudoers.d/90-x"),
    )
    assert access.nopasswd(reading()) == ()


def test_accounts_and_those_without_a_password() -> None:
    look = reading({"empty_passwords": Told("guest::19000:0:99999:7:::\n")}, files={"/etc/passwd": PASSWD})
    assert [one.name for one in access.accounts(look)] == ["root", "wu"]
    assert access.empty_passwords(look) == ("guest",)
    assert access.empty_passwords(reading({"empty_passwords": Told("", 1)})) == ()
    with pytest.raises(Untold, match="Permission denied"):
        access.empty_passwords(
            reading({"empty_passwords": Told("grep: /etc/shadow: Permission denied\n", 2)})
        )


def test_auditctl() -> None:
    text = "enabled 2\nfailure 1\npid 645\nrate_limit 0\nbacklog_limit 8192\nlost 0\n"
    conf = "#\nlog_file = /var/log/audit/audit.log\ndisk_full_action = suspend\nx = y\n"
    found = access.auditing(reading({"auditctl": text, "auditd_conf": conf}))
    assert (found.enabled, found.disk_full) == (2, "SUSPEND")
    assert access.auditing(reading({"auditctl": text, "auditd_conf": Told("cat: no", 1)})).disk_full is None
    with pytest.raises(Untold, match="built without audit"):
        access.auditing(reading({"auditctl": Told("Error - audit support not in kernel\n", 1)}))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nft-drop.json", {"ipv4": "drop", "ipv6": "drop"}),
        ("nft-iptables.json", {"ipv4": "drop", "ipv6": "accept"}),
        ("nft-none.json", {"ipv4": "none", "ipv6": "none"}),
    ],
)
def test_a_firewall_is_judged_by_what_no_rule_names(name: str, expected: dict[str, str]) -> None:
    assert openings.firewall(reading({"nft": recorded(name)})) == expected


def test_old_tables_count_where_they_are_loaded() -> None:
    commands = {
        "iptables": "-P INPUT DROP\n",
        "ip6tables": "-P INPUT ACCEPT\n-A INPUT -j DROP\n-A INPUT -j LOG\n",
    }
    assert openings.firewall(reading(dict(commands))) == {"ipv4": "drop", "ipv6": "accept"}
    closed: dict[str, str | Told] = {
        "iptables": "-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable\n"
    }
    assert openings.firewall(reading(closed | {"nft": recorded("nft-none.json")}))["ipv4"] == "drop"
    with pytest.raises(Untold, match="no nft"):
        openings.firewall(reading({"nft": Told(why="there is no /usr/sbin/nft", cause="missing")}))


def test_sockets_with_and_without_their_process() -> None:
    text = (
        'udp UNCONN 0      0      127.0.0.53%lo:53 0.0.0.0:*    users:(("systemd-resolve",pid=1,fd=13))\n'
        'tcp LISTEN 0      4096      [::]:2379  [::]:*    users:(("etcd",pid=9,fd=7),("etcd",pid=9,fd=8))\n'
        "tcp LISTEN 0      128          *:22         *:*\n"
    )
    found = openings.listeners(reading({"ss_sbin": text}))
    assert [(one.proto, one.address, one.port, one.process) for one in found] == [
        ("udp", "127.0.0.53", 53, "systemd-resolve"),
        ("tcp", "::", 2379, "etcd"),
        ("tcp", "*", 22, ""),
    ]


def test_mode_and_owner_of_a_host_key_are_those_of_its_private_file() -> None:
    """Everybody may read the public one; of a private one that is not there nothing is known."""
    line = f"ssh-ed25519 {base64.b64encode(b'key').decode()} root@g1"
    (found, other) = access.host_keys(
        reading(
            host_keys={
                "/etc/ssh/ssh_host_ed25519_key.pub": Told(line, mode=0o644, uid=7),
                "/etc/ssh/ssh_host_ed25519_key": Told(mode=0o640, uid=0),
                "/etc/ssh/ssh_host_rsa_key.pub": Told(line, mode=0o644, uid=7),
            }
        )
    )
    assert (found.file, found.kind, found.mode, found.uid) == (
        "/etc/ssh/ssh_host_ed25519_key",
        "ssh-ed25519",
        0o640,
        0,
    )
    assert (other.file, other.mode, other.uid) == ("/etc/ssh/ssh_host_rsa_key", None, None)
