"""The rules of sudo that an audit needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from dcctl.audit import sudoers
from dcctl.inventory.probes.audit import Command
from dcctl.inventory.probes.audit_parts import AUDIT_PARTS

if TYPE_CHECKING:
    from pathlib import Path


def test_each_command_that_needs_root_is_there_and_no_other() -> None:
    rooted = [one for part in AUDIT_PARTS for one in part.commands if one.root]
    assert len(sudoers.own_commands()) == len({one.argv for one in rooted})
    assert not any("systemctl" in line for line in sudoers.own_commands())


def test_nothing_in_them_stands_for_anything_else() -> None:
    for line in sudoers.own_commands():
        bare = re.sub(r"\\.", "", line)
        assert not set(bare) & set("*?[]\\"), line
        assert not set(bare) & set(",:="), line
        assert " " in line, "a command without arguments takes any"


def test_arguments_are_escaped_and_none_means_none() -> None:
    written = sudoers._written(Command("x", ("/bin/x", "a=b:c,d", "[e]*?"), True, 5, "", ""))
    assert written == r"/bin/x a\=b\:c\,d \[e\]\*\?"
    assert sudoers._written(Command("x", ("/bin/x",), True, 5, "", "")) == '/bin/x ""'
    with pytest.raises(ValueError, match="backslash"):
        sudoers._written(Command("x", ("/bin/x", "a\\n"), True, 5, "", ""))


@pytest.mark.parametrize("login", ["", "ALL", "%wheel", "a b", "a\n", "a,b", "#0"])
def test_only_the_name_of_a_login_goes_in(login: str) -> None:
    with pytest.raises(ValueError, match="no name of a login"):
        sudoers.rules(login)


def test_its_own_rules_are_known_again() -> None:
    assert sudoers.is_own(", ".join(sudoers.own_commands()))
    assert not sudoers.is_own(sudoers.ALIAS), "whoever writes sudoers may call anything by that name"
    assert not sudoers.is_own("/usr/sbin/sshd -T, ALL")
    assert not sudoers.is_own("")


@pytest.mark.skipif(shutil.which("visudo") is None, reason="needs visudo of sudo")
def test_visudo_takes_them(tmp_path: Path) -> None:
    file = tmp_path / "dcctl"
    file.write_text(sudoers.rules("dcctl"))
    done = subprocess.run(["visudo", "-cf", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
