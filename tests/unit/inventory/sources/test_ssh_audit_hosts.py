"""Whole answers of nodes, sound and hostile, as evidence."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING, NoReturn

import pytest

from dcctl.inventory.evidence.unreached import CUT
from dcctl.inventory.sources.ssh.audit import access, hardware, openings, upkeep
from dcctl.inventory.sources.ssh.audit.gather import evidence_of, read_answer
from dcctl.inventory.sources.ssh.audit.greet import Greeter
from dcctl.inventory.sources.ssh.audit.hosts import host_evidence
from dcctl.inventory.sources.ssh.audit.told import Reading, Told, Untold
from dcctl.inventory.sources.ssh.error import SshError
from dcctl.inventory.sources.ssh.run import Answer, Reply, Target
from tests.unit.inventory.sources.readings import PASSWD, reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.evidence.hosts import Host


def test_file_systems_that_are_meant_to_be_read_only() -> None:
    rows = [
        {"path": "/", "options": "rw,relatime"},
        {"path": "/usr", "options": "ro"},
        {"path": "/d", "options": "ro"},
    ]
    document = {
        "filesystems": rows,
        "files": {"/etc/fstab": {"out": "#x\n/dev/a /usr ext4 ro,nodev 0 0\n/dev/b /d ext4 rw 0 0\n"}},
    }
    host = _host({"commands": {}, "host": document})
    found = [(one.path, one.read_only, one.meant_read_only) for one in host.filesystems or ()]
    assert found == [("/", False, False), ("/usr", True, True), ("/d", True, False)]


def _host(audit: object, os_release: str = 'ID="rhel"\nVERSION_ID="9.4"\n') -> Host:
    document = {"os_release": os_release, "memory_total_bytes": 5, "audit": audit}
    stdout = b"@@dcctl python\n" + json.dumps(document).encode() + b"\n@@dcctl end\n"
    evidence = host_evidence(read_answer(Answer(Target("n1"), Reply(stdout, "", 0))))
    assert evidence.hosts is not None
    return evidence.hosts[0]


def test_a_host_tells_what_it_told_and_is_silent_about_the_rest() -> None:
    host = _host(
        {"commands": {"virt": {"out": "docker\n"}}, "host": {"files": {"/etc/passwd": {"out": PASSWD}}}}
    )
    assert (host.os, host.virtual, host.container) == ("rhel 9.4", "docker", True)
    assert [one.name for one in host.accounts or ()] == ["root", "wu"]
    assert host.sshd is None
    assert host.silent["sshd"].reason == "sshd was not run there"


@pytest.mark.parametrize(
    ("audit", "words"),
    [
        (
            {"commands": {}, "host": {"why": "no answer within 20 s", "cause": "timeout"}},
            "no answer within 20 s",
        ),
        ({"commands": {}, "host": {"files": 3}}, "makes no sense"),
        ({"commands": {}}, "no part host"),
        ({"commands": 3, "host": {}}, "makes no sense"),
        ({"host": {}}, "no part for an audit"),
        (None, "no part for an audit"),
    ],
)
def test_an_answer_without_its_parts_is_silence_not_health(audit: object, words: str) -> None:
    host = _host(audit)
    assert host.sshd is None
    assert words in host.silent["sshd"].reason
    assert words in host.silent["filesystems"].reason


def test_a_node_that_was_not_reached_is_a_host_all_the_same() -> None:
    answer = Answer(Target("n1"), SshError("no route", "unreachable"))
    (host,) = host_evidence(read_answer(answer)).hosts or ()
    assert host.node == "n1"
    assert {one.reason for one in host.silent.values()} == {"no route"}
    assert {"sshd", "stuck", "os", "algorithms"} <= set(host.silent)


def test_output_of_another_kind_makes_no_field_of_health() -> None:
    hostile = {
        name: {"out": "\u202e[]{}|:::\n" * 50}
        for name in ("sshd", "nft", "ss", "units", "sel", "sdr", "apt", "aa_status")
    }
    files = {
        path: {"out": "garbage"}
        for path in ("/proc/swaps", "/etc/passwd", "/etc/fstab", "/sys/fs/selinux/enforce")
    }
    host = _host(
        {
            "commands": hostile,
            "host": {"files": files, "drives": ["nvme0n1"], "edac": {"/mc0/ue_count": {"out": "x"}}},
        }
    )
    for name in ("sshd", "firewall", "services", "drives", "memory"):
        assert getattr(host, name) is None, name
        assert host.silent[name].reason.isprintable()


def test_a_backslash_in_what_a_node_says_is_no_escape() -> None:
    """`AD\\backup` in sudoers is a user of a domain, though JSON writes it with what looks like \\b."""
    sudoers = {"out": "/etc/sudoers:AD\\\\backup ALL=(ALL) NOPASSWD: ALL\n"}
    host = _host({"commands": {"sudoers": sudoers}, "host": {}})
    assert [one.who for one in host.nopasswd or ()] == ["AD\\\\backup"]


@pytest.mark.parametrize("reader", [access.sshd, openings.listeners, upkeep.services, hardware.virtual])
def test_what_a_part_could_not_read_is_not_there(reader: Callable[[Reading], object]) -> None:
    told = Told(why="sudo refused: a password is required", cause="denied")
    names = ("sshd", "ss", "units", "virt")
    with pytest.raises(Untold) as caught:
        reader(reading(dict.fromkeys(names, told)))
    assert caught.value.silence.cause == "denied"


def test_servers_that_were_not_greeted_in_time_are_silent_and_their_nodes_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop, deaf = Event(), Event()

    def hangs(_greeter: Greeter, _target: Target) -> NoReturn:
        stop.set()
        deaf.wait(30)
        raise Untold("late")

    monkeypatch.setattr(Greeter, "greet", hangs)
    reply = Reply(b'@@dcctl python\n{"audit": {"commands": {}}}\n@@dcctl end\n', "", 0)
    answers = [Answer(Target(name), reply) for name in ("n1", "n2")]
    found = evidence_of(answers, {"n1": "gpu1"}, fanout=1, stop=stop)
    deaf.set()
    assert [one.node for one in found.hosts or ()] == ["gpu1", "n2"]
    assert [one.silent["algorithms"] for one in found.hosts or ()] == [CUT, CUT]
