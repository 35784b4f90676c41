"""Fleets from files, and telling one kind of file from another."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path

import pytest

from dcctl.errors import UsageError
from dcctl.inventory import snapshot
from dcctl.inventory.model import Resources
from dcctl.inventory.sources.base import run
from dcctl.inventory.sources.files.file import FileSource, detect, parse
from tests.unit.inventory.fleets import small

DATA = Path(__file__).parents[2] / "data"


def test_a_list_written_by_hand() -> None:
    fleet = FileSource(str(DATA / "file" / "list" / "nodes.yaml")).collect()
    assert [node.name for node in fleet.nodes] == ["gpu001", "gpu002", "gpu003", "gpu004", "login1", "007"]
    node = fleet.nodes[0]
    assert (node.site, node.rack, node.pools, node.login_user) == ("dc1", "r1", ("train",), "ops")
    assert node.capacity == Resources(cpu_milli=96_000, devices={"nvidia.com/gpu": 8})
    assert node.accelerators is not None
    assert len(node.accelerators) == 8
    assert fleet.nodes[4].accelerators is None
    assert fleet.pools[0].nodes == "gpu[001-004]"
    assert fleet.racks[0].power_limit_mw == 40_000_000


def test_a_list_may_be_json_or_only_names() -> None:
    assert [node.name for node in parse(b'{"nodes": [{"name": "a[1-2]"}, "b"]}', "x").nodes] == [
        "a1",
        "a2",
        "b",
    ]
    assert [node.name for node in parse(b"- a\n- b[01-02]\n", "x").nodes] == ["a", "b01", "b02"]
    assert [node.name for node in parse(b'["a"]', "x").nodes] == ["a"]


def test_a_snapshot_from_a_file_and_from_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f.json").write_bytes(snapshot.encode(small()))
    assert FileSource(str(tmp_path / "f.json")).collect() == small()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(snapshot.encode(small()))))
    source = FileSource("-")
    assert source.name == "file:stdin"
    assert run(source).nodes == small().nodes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nodes: []", "x: holds no nodes"),
        ("[]", "x: holds no nodes"),
        ("nodes: [a, a]", "x: names the node a twice"),
        ("nodes: [a1, 'a[1-2]']", "x: names the node a1 twice"),
        ("nodes: [{name: a, colour: red}]", "x: $.nodes[0]: Object contains unknown field `colour`"),
        ("nodes: [{rack: r1}]", "$.nodes[0]"),
        ("nodes: ['n[1-999999999]']", "more than 262,144 names"),
        ("nodes: ['n[1-']", "a bracket has no partner"),
        ("nodes: ['']", "$.nodes[0].name"),
        ("nodes: [n1, 'a&b']", "$.nodes[1].name: node set 'a&b': stands for no node"),
        ("nodes: [n1, 'gpu[1-4]!gpu[1-4]']", "stands for no node"),
        ("nodes: [{name: 'a^a'}, n1]", "$.nodes[0].name"),
        ("nodes: [{name: a, accelerators: {count: 99999}}]", "0 to 1024"),
        ("nodes: [{name: a, accelerators: {count: -1}}]", ">= 0"),
        ("nodes: [{name: a, cpus: -1}]", ">= 0"),
        ("nodes: [{name: a, port: 0}]", ">= 1"),
        ("nodes: [{name: a, port: 65536}]", "<= 65535"),
        ("nodes: [{name: a, cpus: many}]", "$.nodes[0].cpus"),
        ("nodes: {", "x:2:1"),
        ("hello", "is plain text, not an inventory"),
        ("nodes:\n\t- a", "x:2:1"),
        ("nodes: [a]\x00", "x"),
        ("{}", "no field `schema`"),
        ('{"nodes": ["a"', "ends before it is complete"),
        ("", "is empty"),
    ],
)
def test_what_cannot_be_a_fleet_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text.encode(), "x")
    assert message in str(caught.value)


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    with pytest.raises(UsageError, match="x:2: is not text"):
        parse(b"nodes:\n- \xff\n", "x")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("ansible/ini/hosts", "ansible"),
        ("ansible/yaml/hosts.yml", "ansible"),
        ("ansible/script/list.json", "ansible"),
        ("terraform/state/show.json", "terraform"),
        ("terraform/plan/show.json", "terraform"),
        ("file/list/nodes.yaml", "file"),
    ],
)
def test_the_kind_of_a_file_is_seen_from_what_is_in_it(path: str, kind: str) -> None:
    source = detect(str(DATA / path))
    assert source.kind == kind
    assert run(source).sources[0].ok


def test_scripts_snapshots_and_broken_ones_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_bytes(snapshot.encode(small()))
    (tmp_path / "cut.json").write_bytes(snapshot.encode(small())[:-9])
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "plain").write_text("gpu1\ngpu2\n")
    kinds = {path.name: detect(str(path)).kind for path in tmp_path.iterdir()}
    assert kinds == {"s.json": "file", "cut.json": "file", "run": "ansible", "plain": "ansible"}
    assert detect("-").kind == "file"


@pytest.mark.parametrize(
    ("path", "why"), [("nope", "no such file"), (".", "is a directory"), ("a\x00b", "null byte")]
)
def test_a_file_that_cannot_be_read_is_a_usage_error(path: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        detect(path)


def test_a_pipe_can_be_read_once_and_is(tmp_path: Path) -> None:
    """`-i <(ssh host dcctl inventory snapshot)`."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(snapshot.encode(small()),))
    writer.start()
    assert detect(str(pipe)).collect() == small()
    writer.join()


@pytest.mark.parametrize(
    "line",
    [
        "memory_bytes: -5",
        "memory_bytes: 99999999999999999999999",
        "cpus: -1",
        "cpus: 1000001",
        "cpus: 99999999999999999999999",
        "accelerators: {count: 99999999999999999999999}",
        "accelerators: {memory_bytes: 99999999999999999999999}",
    ],
)
def test_an_amount_that_no_machine_has_is_refused_with_its_place(line: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(f"nodes:\n  - name: a\n    {line}\n".encode(), "nodes.yaml")
    assert "$.nodes[0]" in str(caught.value)


@pytest.mark.parametrize("text", ["hello\n", "\n hello", '"hello"', "5", "hello world", "# nothing\n"])
@pytest.mark.parametrize("name", ["f", "f.yaml", "f.json"])
def test_a_bare_word_is_no_inventory(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        detect(str(path)).collect()
    if len(text.split()) == 1:
        assert "`nodes: [gpu001, gpu002]`" in caught.value.why
