"""Servers with other settings than `sshd -T` tells; titles as OpenSSH 7.4 to 9.9 write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.probes import audit, audit_sshd
from dcctl.inventory.sources.ssh.audit import access
from dcctl.inventory.sources.ssh.audit.sshd_files import sshd_matches
from dcctl.inventory.sources.ssh.audit.told import HostDocument, Reading, Told, Untold
from tests.unit.inventory.sources.readings import recorded

if TYPE_CHECKING:
    from pathlib import Path

_TAIL = " [listener] 0 of 10-100 startups"
_USUAL = f"sshd: /usr/sbin/sshd -D{_TAIL}"
_OTHER = f"sshd: /usr/sbin/sshd -D -f /etc/ssh/other -p 2222{_TAIL}"


def _reading(*servers: str) -> Reading:
    commands = {"sshd": Told(recorded("sshd-debian12.txt")), "sshd_files": Told("")}
    return Reading(commands, HostDocument(servers=servers))


@pytest.mark.parametrize(
    "server",
    [
        _USUAL,
        "/usr/sbin/sshd -D",
        "/sbin/sshd -p 2222 -e",
        "/usr/sbin/sshd -f /etc/ssh/sshd_config",
        "/usr/sbin/sshd -T -f /etc/other",
        "/usr/sbin/sshd -D -f /etc/other -R",
        "sshd: wu [priv]",
        "sshd: wu@pts/0",
        "sshd: [accepted]",
    ],
)
def test_a_server_that_was_started_as_usual_has_the_usual_settings(server: str) -> None:
    reading = _reading(server)
    assert access.sshd(reading)["permitrootlogin"] == ("without-password",)
    assert sshd_matches(reading) == ()
    assert not reading.silent


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (_OTHER, "sshd runs with -f /etc/ssh/other;"),
        ("/usr/sbin/sshd -Df/etc/other", "sshd runs with -f /etc/other;"),
        ("/usr/sbin/sshd -o PermitRootLogin=yes", "sshd runs with -o PermitRootLogin=yes;"),
        (f"sshd: /opt/openssh/sbin/sshd -D{_TAIL}", "the server that runs is /opt/openssh/sbin/sshd;"),
        ("/usr/sbin/sshd -D --new", "options that are not known"),
    ],
)
def test_a_server_with_settings_of_its_own_is_not_judged_by_the_usual_file(server: str, words: str) -> None:
    for reader in (access.sshd, sshd_matches):
        with pytest.raises(Untold, match=words):
            reader(_reading(server, "sshd: wu [priv]"))


def test_of_two_servers_the_usual_one_is_judged_and_the_other_is_not_known() -> None:
    reading = _reading(_USUAL, _OTHER)
    assert access.sshd(reading)["permitrootlogin"] == ("without-password",)
    assert reading.silent["sshd"].reason == "of 2 servers one is another: sshd runs with -f /etc/ssh/other"


def test_the_probe_tells_servers_of_the_host_and_none_of_its_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AUDIT_ROOT", str(tmp_path))
    monkeypatch.setattr(audit_sshd, "AUDIT_ROOT", str(tmp_path))
    assert audit_sshd.read_sshd() == {"started": []}
    rows = [
        ("7", "sshd", b"/usr/sbin/sshd\0-D\0", "NSpid:\t7\n"),
        ("8", "sshd", b"/usr/sbin/sshd\0-f\0/x\0", "NSpid:\t8\t1\n"),
        ("9", "bash", b"sshd\0", "NSpid:\t9\n"),
        ("10", "sshd", b"", "NSpid:\t10\n"),
        ("11", "sshd", b"sshd: a [listener]\0\0\0", "Name:\tsshd\n"),
        ("12", "sshd", b"/usr/sbin/sshd\0-p\0002222\0", "NSpid:\t12\n"),
    ]
    for pid, name, words, status in rows:
        folder = tmp_path / "proc" / pid
        folder.mkdir(parents=True)
        (folder / "comm").write_text(f"{name}\n")
        (folder / "cmdline").write_bytes(words)
        (folder / "status").write_text(status)
    for pid, network in (("self", 1), ("7", 1), ("12", 2)):
        folder = tmp_path / "proc" / pid / "ns"
        folder.mkdir(parents=True)
        (folder / "net").symlink_to(f"net:[{network}]")
    assert audit_sshd.read_sshd() == {"started": ["sshd: a [listener]", "/usr/sbin/sshd -D"]}
