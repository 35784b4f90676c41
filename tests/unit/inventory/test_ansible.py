"""Ansible inventories as files and as programs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcctl.errors import UsageError
from dcctl.inventory import snapshot
from dcctl.inventory.nodeexpr import expand
from dcctl.inventory.sources.base import SourceError, run
from dcctl.inventory.sources.files.ansible import AnsibleSource, parse

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet, Node

DATA = Path(__file__).parents[2] / "data" / "ansible"
SECRETS = ("hunter2", "hunter3", "s3cret", "t0psecret", "VAULT", "6162")


def by_name(fleet: Fleet) -> dict[str, Node]:
    return {node.name: node for node in fleet.nodes}


def test_an_ini_inventory_with_what_lies_beside_it() -> None:
    fleet = AnsibleSource(str(DATA / "ini" / "hosts")).collect()
    nodes = by_name(fleet)
    pools = {pool.name: set(expand(pool.nodes, {})) for pool in fleet.pools}
    assert pools.keys() == {"gpu", "storage", "train"}
    assert pools["gpu"] == pools["train"] == {f"gpu{number:03d}" for number in range(1, 18)}
    assert pools["storage"] == {f"nas{mark}.example.com" for mark in ("a", "b", "c", "01", "03", "05")}
    assert (nodes["login"].address, nodes["login"].login_user, nodes["login"].pools) == (
        "10.0.0.9",
        "root",
        (),
    )
    assert (nodes["gpu001"].login_user, nodes["gpu001"].login_port, nodes["gpu001"].rack) == ("ops", 22, "r1")
    assert (nodes["gpu017"].login_port, nodes["gpu017"].rack, nodes["gpu017"].site) == (2222, "r9", "dc1")
    assert not any(secret in snapshot.encode(fleet).decode() for secret in SECRETS)


def test_a_yaml_inventory_with_ranges_anchors_and_a_vault() -> None:
    fleet = AnsibleSource(str(DATA / "yaml" / "hosts.yml")).collect()
    nodes = by_name(fleet)
    assert sorted(nodes) == ["007", "gpu1", "gpu2", "gpu3", "login"]
    assert (nodes["007"].address, nodes["007"].login_port) == ("10.0.0.7", 2200)
    assert nodes["gpu1"].login_user == "gpuops"  # the nearest group wins over those farther out
    assert nodes["login"].login_user == "ops"
    assert nodes["login"].pools == ("no",)  # a word, not false
    assert nodes["gpu1"].site is None  # a template is not a value
    assert not any(secret in snapshot.encode(fleet).decode() for secret in SECRETS)


@pytest.mark.parametrize("port", ["0", "-1", "65536", "9" * 5000, "ssh"])
def test_a_port_that_is_none_is_not_known(tmp_path: Path, port: str) -> None:
    path = tmp_path / "hosts"
    path.write_text(f"[gpu]\nn1 ansible_port={port}\n")
    assert [node.login_port for node in run(AnsibleSource(str(path))).nodes] == [None]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "inventory"
    path.write_text(f'#!/bin/sh\n[ "$1" = --list ] && cat {DATA / "script" / "list.json"}\n')
    path.chmod(0o755)
    return path


def test_a_dynamic_script(script: Path) -> None:
    fleet = run(AnsibleSource(str(script)))
    assert fleet.sources[0].ok
    assert [(node.name, node.pools, node.login_port) for node in fleet.nodes] == [
        ("a", ("gpu",), 2200),
        ("b", ("gpu",), None),
        ("c", (), None),
    ]
    assert "s3cret" not in snapshot.encode(fleet).decode()


@pytest.mark.parametrize(
    ("body", "cause", "reason"),
    [
        ("exit 3", "failed", "ended with exit code 3"),
        ("sleep 60 & sleep 60", "timeout", "no answer within 0.3 s"),
        ("exec yes", "truncated", "prints more than 64 MiB"),
        ("kill -9 $$", "failed", "ended with exit code -9"),
    ],
)
def test_a_script_that_fails_is_a_gap_with_its_cause(
    script: Path, body: str, cause: str, reason: str
) -> None:
    script.write_text(f"#!/bin/sh\n{body}\n")
    source = AnsibleSource(str(script), timeout_s=60 if cause == "truncated" else 0.3)
    (gap,) = run(source).gaps
    assert (gap.cause, gap.reason) == (cause, reason)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("# only a remark\n", "holds no hosts"),
        ("[gpu]\n", "holds no hosts"),
        ("[gpu\na\n", "i:1: '[gpu' is not a section"),
        ("[gpu:vars]\nansible_user ops\n", "i:2: a line of [gpu:vars] has no `=`"),
        ('a x="1\n', "i:1: a quote is not closed"),
        ("a b c\n", "i:1: a word after the host is not `key=value`"),
        ("a[1:999999999]\n", "i:1: the range"),
        ("a[1:999][1:999]\n", "i:1: 'a[1:999][1:999]' stands for more than"),
        ("a[9:1]\n", "i:1: the range '[9:1]' is empty"),
        ("all:\n  colour: red\n", "may have hosts, children and vars"),
        ("all:\n  hosts: gpu1\n", "all.hosts"),
        ("---\n- a\n", "groups are expected at its top"),
        ("all:\n  hosts:\n  a: {\n", "i:4:1"),
        ("all:\n  hosts: {a: , a: }\n", "i:2:16: the key 'a' is there twice"),
        ("all: &a\n  children: {b: *a}\n", "contains itself"),
        ('{"all": {"hosts": ["a\\u0007"]}}', "control characters"),
        ("a\x1b[31m\n", "control characters"),
        ("-oProxyCommand=x\n", "begins with a dash"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text.encode(), "i")
    assert message in str(caught.value)


def test_groups_that_contain_each_other_end() -> None:
    fleet = parse(b"[a:children]\nb\n[b:children]\na\n[b]\nn1\n", "i")
    assert fleet.nodes[0].pools == ("a", "b")


def test_a_document_that_stands_for_billions_of_values_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(UsageError, match="stands for more than"):
        parse("\n".join(lines).encode(), "i")


@pytest.mark.parametrize(
    "text",
    ["a ansible_password=hunter2 hunter2\n", "[a:vars]\nansible_password: hunter2\n", 'a pass="hunter2\n'],
)
def test_an_error_never_repeats_half_a_password(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text.encode(), "i")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "echo start >&2; echo 'no route to cmdb' >&2; echo >&2; exit 4",
            "ended with exit code 4: no route to cmdb",
        ),
        (
            "echo 'login failed: password=hunter2' >&2; exit 1",
            "ended with exit code 1: login failed: password=…",
        ),
        ("yes x | head -c 100000 >&2; echo the end >&2; exit 1", "ended with exit code 1: the end"),
    ],
    ids=["last", "secret", "long"],
)
def test_the_last_words_of_a_script_are_in_the_error(script: Path, body: str, reason: str) -> None:
    script.write_text(f"#!/bin/sh\n{body}\n")
    with pytest.raises(SourceError) as caught:
        AnsibleSource(str(script)).collect()
    assert caught.value.reason == reason


def test_the_hint_runs_the_script_from_where_we_are(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = script.rename(script.with_name("my script.sh"))
    odd.write_text("#!/bin/sh\nexit 7\n")
    monkeypatch.chdir(odd.parent)
    with pytest.raises(SourceError) as caught:
        AnsibleSource(odd.name).collect()
    assert caught.value.hint == "'./my script.sh' --list"
    assert subprocess.run(["/bin/sh", "-c", caught.value.hint], check=False).returncode == 7
