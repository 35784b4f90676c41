"""Match blocks of sshd, in its own file and in those that it includes."""

from __future__ import annotations

import pytest

from dcctl.inventory.evidence.hosts import Match
from dcctl.inventory.sources.ssh.audit.access import authorized_keys
from dcctl.inventory.sources.ssh.audit.sshd_files import sshd_matches
from dcctl.inventory.sources.ssh.audit.told import Reading, Told
from tests.unit.inventory.sources.readings import PASSWD, reading

MAIN = "/etc/ssh/sshd_config"


def files(*rows: tuple[str, str]) -> Reading:
    text = "".join(f"{path}:{line}\n" for path, line in rows)
    return reading({"sshd_files": Told(text + "grep: /x: No such file\n", 2)}, files={"/etc/passwd": PASSWD})


def test_a_match_block_ends_with_its_file() -> None:
    look = files(
        (MAIN, "Include sshd_config.d/*.conf  # the packages' own"),
        (MAIN, "PermitRootLogin no"),
        (MAIN, "#Match User x"),
        (MAIN, "Match Address  10.0.0.0/8 User ci"),
        (MAIN, "  PermitRootLogin = yes "),
        (MAIN, "# PasswordAuthentication yes"),
        (MAIN, '"ChallengeResponseAuthentication" "yes" # of old'),
        (f"{MAIN}.d/a.conf", "PasswordAuthentication yes"),
        (f"{MAIN}.d/a.conf", "Match User mallory"),
        (f"{MAIN}.d/a.conf", "PasswordAuthentication yes"),
        (f"{MAIN}.d/a.conf.bak", "Match all"),
        (f"{MAIN}.d/a.conf.bak", "PasswordAuthentication yes"),
    )
    assert sshd_matches(look) == (
        Match("Address 10.0.0.0/8 User ci", "permitrootlogin", "yes"),
        Match("Address 10.0.0.0/8 User ci", "kbdinteractiveauthentication", "yes"),
        Match("User mallory", "passwordauthentication", "yes"),
    )
    assert look.silent == {}


def test_the_vendor_s_file_counts_where_there_is_no_other() -> None:
    vendor = (
        ("/usr/etc/ssh/sshd_config", "Match User a"),
        ("/usr/etc/ssh/sshd_config", "PermitRootLogin yes"),
    )
    assert sshd_matches(files(*vendor)) == (Match("User a", "permitrootlogin", "yes"),)
    assert sshd_matches(files(*vendor, (MAIN, "Port 22"))) == ()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["Include /opt/ssh/*.conf"], "includes /opt/ssh/*.conf, of which nobody knows"),
        (["Include other.conf"], "includes /etc/ssh/other.conf, of which nobody knows"),
        (["Match User x", "Include /etc/ssh/sshd_config.d/*.conf"], "of which nobody knows"),
        (["\\Match User x"], "a line that is not understood"),
    ],
)
def test_what_was_not_read_is_a_doubt(lines: list[str], words: str) -> None:
    look = files(*((MAIN, line) for line in lines))
    assert sshd_matches(look) == ()
    assert words in look.silent["sshd_matches"].reason


def test_the_policy_of_red_hat_is_read() -> None:
    look = files((MAIN, "Include /etc/crypto-policies/back-ends/opensshserver.config"))
    assert sshd_matches(look) == ()
    assert look.silent == {}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("@66@/home/al", "/home/al is on another file system, and was not searched"),
        ("@66@/home/corp/al/.ssh", "/home/corp/al/.ssh is on another file system"),
        ("/usr/bin/find: '/home/al/.ssh': Permission denied", "'/home/al/.ssh': Permission denied"),
    ],
)
def test_folders_that_find_did_not_enter_are_told(line: str, words: str) -> None:
    text = f"@7@/root\n@65@/home\n@65@/home/wu\n{line}\n"
    look = reading({"authorized_keys": Told(text, 1)}, files={"/etc/passwd": PASSWD})
    assert authorized_keys(look) == ()
    assert words in look.silent["authorized_keys"].reason


def test_folders_that_find_entered_are_no_doubt() -> None:
    text = "@7@/root\n@65@/home\n@65@/home/wu\n/usr/bin/find: File system loop detected; '/home/x' is\n"
    look = reading({"authorized_keys": Told(text, 1)}, files={"/etc/passwd": PASSWD})
    assert authorized_keys(look) == ()
    assert look.silent == {}


def test_a_match_that_takes_keys_from_elsewhere_is_a_doubt() -> None:
    look = files((MAIN, "Match User x"), (MAIN, "AuthorizedKeysFile /etc/keys/%u"))
    look = Reading({**look.commands, "authorized_keys": Told("")}, look.host)
    authorized_keys(look)
    assert "sshd also takes keys from elsewhere" in look.silent["authorized_keys"].reason
