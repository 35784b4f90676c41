"""Inventory files and node sets that are wrong: one line that says where, code 2, and nothing on stdout."""

import json
from pathlib import Path

import pytest

from tests.cli.fleets import ONE, write
from tests.conftest import Cli

FILES = {
    "empty.json": ("", "is empty"),
    "blank.yaml": ("  \n\n", "is empty"),
    "cut.json": ('{"schema": "dcctl/snapshot/v1", "nodes": [{"na', "cut off"),
    "newer.json": ('{"schema": "dcctl/snapshot/v9", "dcctl": "7.0", "nodes": []}', "newer dcctl"),
    "report.json": ('{"schema": "dcctl/assess/v1", "items": []}', "is a dcctl assess report, not a snapshot"),
    "other.json": ('{"a": 1}', "not a dcctl snapshot"),
    "type.json": ('{"schema": "dcctl/snapshot/v1", "nodes": [{"name": 7}]}', "$.nodes[0].name"),
    "twice.yaml": ("nodes: [gpu1, gpu1]", "names the node gpu1 twice"),
    "none.yaml": ("nodes: []", "holds no nodes"),
    "key.yaml": ("nodes: [{name: gpu1, rak: r1}]", "rak"),
    "range.yaml": ("nodes: ['gpu[9-1]']", "is not a range"),
    "huge.yaml": ("nodes: ['gpu[1-99999999]']", "more than"),
    "broken.yaml": ("nodes: [gpu1", "broken.yaml:"),
    "empty.ini": ("# nothing\n", "holds no hosts"),
    "deep.yaml": ("nodes:\n" + "- " * 50_000 + "x", "levels deep"),
    "deep.json": ("[" * 100_000, "levels deep"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file(cli: Cli, tmp_path: Path, name: str) -> None:
    text, said = FILES[name]
    path = write(tmp_path, name, text)
    done = cli("assess", "-i", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert path in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 600


@pytest.mark.parametrize("name", ["empty.json", "cut.json", "newer.json", "type.json", "twice.yaml"])
def test_the_same_on_standard_input_and_as_json(cli: Cli, name: str) -> None:
    text, said = FILES[name]
    done = cli("inventory", "-i", "-", "-o", "json", stdin=text)
    assert (done.returncode, done.stdout) == (2, "")
    error = json.loads(done.stderr)["error"]
    assert said in f"{error['what']} {error['why']}"
    assert error["exit_code"] == 2


def test_files_that_are_no_files(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\x1f\x8b\x08\x00junk")
    (tmp_path / "latin1.yaml").write_bytes("nodes: [gp\xfc1]".encode("latin-1"))
    for path in (tmp_path, tmp_path / "nosuch", tmp_path / "bytes.json", tmp_path / "latin1.yaml"):
        done = cli("inventory", "-i", str(path))
        assert (done.returncode, done.stdout) == (2, "")
        assert str(path) in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "nodes",
    [
        "gpu[1-",
        "gpu]1",
        "gpu[a-b]",
        "&gpu1",
        "gpu1,",
        "@nosuch",
        "gpu[1-999999999]",
        "\x1b[31m",
        "a" * 999,
        " ",
    ],
)
@pytest.mark.parametrize("option", ["-w", "-x"])
def test_a_wrong_node_set(cli: Cli, tmp_path: Path, nodes: str, option: str) -> None:
    done = cli("inventory", "-i", write(tmp_path, "x.yaml", ONE), option, nodes)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_a_node_that_nobody_knows(cli: Cli, tmp_path: Path) -> None:
    done = cli("inventory", "-i", write(tmp_path, "x.yaml", ONE), "-w", "gpu11")
    assert (done.returncode, done.stdout) == (2, "")
    assert "gpu11" in done.stderr


def test_an_empty_inventory_is_an_error_of_its_own(cli: Cli, tmp_path: Path) -> None:
    path = write(tmp_path, "none.json", '{"schema": "dcctl/snapshot/v1", "nodes": []}')
    for question in ("assess", "inventory", "assess --by node", "inventory export ansible"):
        done = cli(*question.split(), "-i", path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "is empty" in done.stderr
