"""Ways in that are not where one looks first: links, includes and tricks, with the real programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.probes.bundle import audit_probe
from dcctl.inventory.sources.ssh.audit.gather import read_answer
from dcctl.inventory.sources.ssh.audit.hosts import host_evidence
from dcctl.inventory.sources.ssh.run import Answer, Reply, Target
from tests.components import need, without_lists

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.inventory.evidence.hosts import Host

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for mount namespaces")

SUDOERS = """
mount -t tmpfs -o mode=755 none /etc/sudoers.d || exit
printf 'mallory ALL=(ALL) NOPASSWD: ALL\\n' >$FAR/m; chmod 440 $FAR/m; ln -s $FAR/m /etc/sudoers.d/90-mallory
printf '# note \\\\\\neve ALL=(ALL) NOPASSWD: ALL\\n' >/etc/sudoers.d/eve
printf 'dcctl ALL = (root) NOPASSWD: DCCTL_AUDIT\\n' >/etc/sudoers.d/dcctl
printf 'Cmnd_Alias X = /bin/ls : DCCTL_AUDIT = ALL\\n' >>/etc/sudoers.d/dcctl
printf 'x ALL = NOPASSWD: /bin/a, PASSWD: /bin/b, NOPASSWD: ALL\\n' >/etc/sudoers.d/tags
printf '@include %s/inc\\n' $FAR >/etc/sudoers.d/incl; printf 'oscar ALL=(ALL) NOPASSWD: ALL\\n' >$FAR/inc
chmod 440 $FAR/inc /etc/sudoers.d/*
"""
HIDDEN = "mount --bind /dev/null /usr/bin/cvtsudoers || exit\n"
SSHD = """
mount -t tmpfs none /etc/ssh/sshd_config.d && mount -t tmpfs none /run || exit
mkdir -p /run/sshd
printf 'Include /etc/ssh/sshd_config.d/*.conf\\nPasswordAuthentication no\\n' >$FAR/main
echo 'KbdInteractiveAuthentication no' >>$FAR/main
mount --bind $FAR/main /etc/ssh/sshd_config
printf 'Match User mallory\\n  PasswordAuthentication yes\\n' >$FAR/b
printf 'Match User root\\n  PermitRootLogin yes\\n' >>$FAR/b
ln -s $FAR/b /etc/ssh/sshd_config.d/b.conf
"""
KEYS = """
mount -t tmpfs none /home && mkdir -p /home/CORP/alice/.ssh /home/bob/.ssh /home/carol $FAR/carol || exit
cp $KEY /home/CORP/alice/.ssh/authorized_keys
cp $KEY $FAR/bob; ln -s $FAR/bob /home/bob/.ssh/authorized_keys
mkdir -p /home/.keys/dave /home/dave && cp $KEY /home/.keys/dave/authorized_keys
ln -s /home/.keys/dave /home/dave/.ssh
ln -s /home /home/carol/loop
"""


def machine(folder: Path, prepare: str, **environment: str) -> Host:
    """Return this machine as its probe tells it once `prepare` was run in a mount namespace of its own.

    It sees no other process: servers of other tests are not those of this machine.
    """
    folder.chmod(0o755)
    alone = ["unshare", "--mount", "--pid", "--fork", "--mount-proc"]
    command = [*without_lists(), *alone, "sh", "-c", f"{prepare}\nexec python3 -IBS -"]
    told = os.environ | {"FAR": str(folder)} | environment
    done = subprocess.run(command, input=audit_probe(), capture_output=True, check=True, env=told, cwd="/")
    evidence = host_evidence(read_answer(Answer(Target("node"), Reply(done.stdout, "", 0))))
    (host,) = evidence.hosts or ()
    return host


def outcomes(host: Host, check: str) -> dict[str, set[str]]:
    """Return by state where a check finds something, or what it says."""
    (tally,) = evaluate(Scene(Evidence(hosts=(host,)), 0), [CATALOGUE[check]])
    found: dict[str, set[str]] = {}
    for one in tally.outcomes:
        found.setdefault(one.state, set()).add(one.where or one.says)
    return found


def test_four_ways_to_root_by_sudo_are_found(tmp_path: Path) -> None:
    need("sudo", "sudo")
    if shutil.which("cvtsudoers") is None:
        pytest.skip("this sudo has no cvtsudoers")
    found = outcomes(machine(tmp_path, SUDOERS), "NOD-07")["fail"]
    assert {f"sudo {who} ALL" for who in ("mallory", "eve", "dcctl", "oscar", "x")} <= found


def test_without_cvtsudoers_what_is_included_elsewhere_is_a_doubt(tmp_path: Path) -> None:
    need("sudo", "sudo")
    found = outcomes(machine(tmp_path, SUDOERS + HIDDEN), "NOD-07")["fail"]
    assert {f"sudo {who} ALL" for who in ("mallory", "eve", "dcctl", "x")} <= found
    alone = 'mount -t tmpfs none /etc/sudoers.d; echo "@include $FAR/inc" >/etc/sudoers.d/incl\n'
    (doubt,) = outcomes(machine(tmp_path, alone + HIDDEN), "NOD-07")["unknown"]
    assert f"includes {tmp_path}/inc, which nobody read" in doubt


@pytest.mark.parametrize(
    ("check", "where"),
    [("NOD-01", "permitrootlogin match User root"), ("NOD-02", "passwordauthentication match User mallory")],
)
def test_a_match_in_a_file_behind_a_link_is_found(check: str, where: str, tmp_path: Path) -> None:
    assert where in outcomes(machine(tmp_path, SSHD), check)["fail"]


def test_an_include_of_another_folder_is_a_doubt(tmp_path: Path) -> None:
    more = "rm /etc/ssh/sshd_config.d/b.conf; echo 'Include /opt/none/*.conf' >>$FAR/main\n"
    (doubt,) = outcomes(machine(tmp_path, SSHD + more), "NOD-02")["unknown"]
    assert "includes /opt/none/*.conf, of which nobody knows what it sets" in doubt


def test_keys_of_deep_homes_and_behind_links_are_found(tmp_path: Path) -> None:
    key = tmp_path / "weak"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", str(key)], check=True)
    host = machine(tmp_path, KEYS, KEY=f"{key}.pub")
    found = {(one.user, one.bits) for one in host.authorized_keys or () if one.file.startswith("/home")}
    assert host.silent.get("authorized_keys") is None
    assert found == {("alice", 1024), ("bob", 1024), ("dave", 1024)}
    assert "weak" in outcomes(host, "NOD-06")["fail"]


def test_a_home_on_another_file_system_is_a_doubt(tmp_path: Path) -> None:
    far = "mount -t tmpfs none /home && mkdir /home/erin && mount -t tmpfs none /home/erin || exit\n"
    host = machine(tmp_path, far)
    assert "/home/erin is on another file system" in host.silent["authorized_keys"].reason


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [("iptables -A INPUT -j ACCEPT", "accept"), ("iptables -A INPUT -i lo -j ACCEPT", "drop")],
)
def test_a_rule_that_accepts_all_undoes_the_policy(rules: str, verdict: str, tmp_path: Path) -> None:
    need("iptables", "iptables")
    filters = f"iptables -P INPUT DROP && {rules} || exit\n"
    inside = f"exec unshare --net sh -c '{filters} exec python3 -IBS -'"
    host = machine(tmp_path, inside)
    assert (host.firewall or {}).get("ipv4") == verdict, host.silent.get("firewall")
