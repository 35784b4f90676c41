"""Who becomes root without a password: by the program of sudo itself, and by the text of its files."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from dcctl.audit.sudoers import is_own, rules
from dcctl.inventory.evidence.hosts import Grant
from dcctl.inventory.sources.ssh.audit.sudo import nopasswd
from dcctl.inventory.sources.ssh.audit.told import Told
from tests.unit.inventory.sources.readings import reading

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.inventory.sources.ssh.audit.told import Reading

FOLDER = "/etc/sudoers.d/90-x"
HOSTILE = r"""# note \
eve ALL=(ALL) NOPASSWD: ALL
mallory ALL = NOPASSWD: X, TOOLS, !NET
Cmnd_Alias X = /bin/ls : DCCTL_AUDIT = ALL
Cmnd_Alias TOOLS = /bin/df, NET
Cmnd_Alias NET = /bin/ip "", /bin/cat a\,b
dcctl ALL = (root) NOPASSWD: DCCTL_AUDIT
deploy, %ops ALL = (root) NOPASSWD:NOEXEC: /bin/a, (bin,root) PASSWD: /bin/b, NOPASSWD: ALL
AD\\backup ALL = \
  (root) NOPASSWD: /bin/c, sha256:0123456789012345678901234567890123456789012345678901234567890123 /bin/d
quiet ALL = (ALL) ALL, PASSWD: /bin/e
Defaults:op !authenticate
Defaults exempt_group = free
"""
SHA = r"sha256:0123456789012345678901234567890123456789012345678901234567890123 /bin/d"
EXPECTED = {
    ("eve", "ALL"),
    ("mallory", r'/bin/ls, /bin/df, /bin/ip "", /bin/cat a\,b, !/bin/ip "", !/bin/cat a\,b'),
    ("dcctl", "ALL"),
    ("deploy", "/bin/a, ALL"),
    ("%ops", "/bin/a, ALL"),
    (r"AD\backup", f"/bin/c, {SHA}"),
    ("op", "ALL"),
    ("%free", "ALL"),
}
needs_sudo = pytest.mark.skipif(shutil.which("cvtsudoers") is None, reason="needs cvtsudoers of sudo")


def by_text(text: str, path: str = FOLDER) -> Reading:
    return reading({"sudoers": "".join(f"{path}:{line}\n" for line in text.split("\n"))})


def by_sudo(text: str, tmp_path: Path) -> Reading:
    file = tmp_path / "sudoers"
    file.write_text(text)
    done = subprocess.run(["cvtsudoers", "-f", "json", str(file)], capture_output=True, text=True, check=True)
    return reading({"sudoers": "", "sudoers_json": Told(f"{done.stderr}{done.stdout}")})


def told(look: Reading) -> set[tuple[str, str]]:
    return {(one.who, one.commands) for one in nopasswd(look)}


def test_the_text_tells_who_needs_no_password() -> None:
    look = by_text(HOSTILE)
    assert told(look) == EXPECTED
    assert look.silent == {}


@needs_sudo
def test_sudo_itself_tells_the_same(tmp_path: Path) -> None:
    assert told(by_sudo(HOSTILE, tmp_path)) == EXPECTED


@needs_sudo
def test_the_rules_of_the_audit_are_known_by_what_they_allow(tmp_path: Path) -> None:
    for look in (by_text(rules("dcctl")), by_sudo(rules("dcctl"), tmp_path)):
        (grant,) = nopasswd(look)
        assert grant.who == "dcctl"
        assert is_own(grant.commands)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@include /other/file", "includes /other/file, which nobody read"),
        ("#include /etc/sudoers.d/a.conf", "includes /etc/sudoers.d/a.conf, which nobody read"),
        ("@includedir /opt/sudoers.d", "includes /opt/sudoers.d, which nobody read"),
        ("what is this", "a line that is not understood: what is this"),
        ("a ALL = /bin/ls : OTHER = NOPASSWD: ALL", "a line that is not understood"),
        ('Defaults badpass_message="#1" # x', "has a # beside quotes"),
    ],
)
def test_what_is_not_understood_is_a_doubt(text: str, words: str) -> None:
    look = by_text(text)
    nopasswd(look)
    assert words in look.silent["nopasswd"].reason


def test_files_that_sudo_passes_over_count_for_nothing() -> None:
    rows = [("old.bak", "evil"), ("old~", "evil"), ("sub/x", "evil"), ("90-x", "wu")]
    lines = [f"/etc/sudoers.d/{path}:{who} ALL=(ALL) NOPASSWD: ALL" for path, who in rows]
    lines += ["/etc/sudoers:@includedir /etc/sudoers.d", "/etc/sudoers:root ALL=(ALL:ALL) ALL \\"]
    look = reading({"sudoers": Told("\n".join(lines), 2), "sudoers_json": Told("no such file", 1)})
    assert nopasswd(look) == (Grant("wu", "ALL", FOLDER),)
    assert look.silent == {}
    assert nopasswd(reading()) == ()


@needs_sudo
def test_settings_that_spare_the_password_of_some_commands(tmp_path: Path) -> None:
    text = "Cmnd_Alias X = /bin/ls\nDefaults!X !authenticate\nDefaults authenticate, !env_reset\n"
    assert told(by_sudo(text, tmp_path)) == told(by_text(text)) == {("ALL", "/bin/ls")}
    everybody = "Defaults env_reset, !authenticate\n"
    assert told(by_sudo(everybody, tmp_path)) == told(by_text(everybody)) == {("ALL", "ALL")}
