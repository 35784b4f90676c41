"""Every JSON document that dcctl prints is what `dcctl schema KIND` says, with no key beside."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.fleets import ONE, write
from tests.cli.schemas import schema, validate
from tests.conftest import Cli

Validate = Callable[[str], dict[str, object]]

QUESTIONS = (
    "assess",
    "assess --by node",
    "assess --by site",
    "assess --by rack",
    "assess --by model",
    "assess --by workload",
    "assess --map",
    "inventory",
    "inventory snapshot",
    "inventory export ansible",
    "inventory export json",
    "inventory export csv",
    "inventory sources",
)
DEMO = ("-i", "demo")


@pytest.fixture
def valid() -> Validate:
    """Check a document against the schema of its kind."""

    def check(text: str) -> dict[str, object]:
        document: dict[str, object] = json.loads(text)
        validate(document)
        return document

    return check


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_demo_fleet(cli: Cli, valid: Validate, question: str) -> None:
    done = cli(*question.split(), *DEMO, "-o", "json")
    assert done.returncode in {0, 1, 3}, done.stderr
    document = valid(done.stdout)
    assert document.get("items") or document.get("documents") or document.get("nodes")
    assert document["gaps"], "gpu077 of the demo fleet is silent"


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_snapshot_of_one_node(cli: Cli, valid: Validate, tmp_path: Path, question: str) -> None:
    path = write(tmp_path, "one.json", cli("inventory", "snapshot", "-i", write(tmp_path, "1", ONE)).stdout)
    done = cli(*question.split(), "-i", path, "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    valid(done.stdout)


@pytest.mark.parametrize("question", ["assess", "assess --by node", "inventory", "inventory sources"])
def test_this_machine(cli: Cli, valid: Validate, question: str) -> None:
    done = cli(*question.split(), "-o", "json")
    assert done.returncode in {0, 1, 3}, done.stderr
    assert valid(done.stdout)["items"]


def test_settings_and_their_check(cli: Cli, valid: Validate, tmp_path: Path) -> None:
    config = write(tmp_path, "c.toml", '[[context.a.source]]\nkind = "ssh"\nnodes = "gpu[1-9]"\n')
    for words in (("config",), ("config", "show", "--origin"), ("config", "check")):
        for given in ((), ("--config", config)):
            valid(cli(*words, *given, "-o", "json").stdout)


def test_audits(cli: Cli, valid: Validate) -> None:
    for words in ((), ("--by", "object"), ("--standard", "mlps"), ("--since", "24h"), ("--sudoers",)):
        document = valid(cli("audit", *DEMO, *words, "-o", "json").stdout)
        assert document["items"] or document["documents"]
    for words in (("list",), ("explain", "SLF-02"), ("diff",), ("verify",), ("install-timer", "--dry-run")):
        valid(cli("audit", *words, "-o", "json").stdout)


def test_evidence_is_what_its_schema_says(cli: Cli, tmp_path: Path) -> None:
    cli("audit", *DEMO, "--save", str(tmp_path / "e.json"))
    validate(json.loads((tmp_path / "e.json").read_text()), "evidence")


def test_the_smallest_role(cli: Cli, valid: Validate) -> None:
    valid(cli("inventory", "sources", "--rbac", "-o", "json").stdout)


def test_differences(cli: Cli, valid: Validate, tmp_path: Path) -> None:
    one = write(tmp_path, "one.yaml", ONE)
    two = write(tmp_path, "two.yaml", ONE.replace("gpu1", "gpu2"))
    done = cli("inventory", "diff", one, two, "-o", "json")
    assert done.returncode == 1
    assert valid(done.stdout)["items"]
    same = cli("inventory", "diff", one, one, "-o", "json")
    assert same.returncode == 0
    assert valid(same.stdout)["items"] == []


def test_a_snapshot_is_what_its_schema_says_and_reads_back_as_the_same(cli: Cli, tmp_path: Path) -> None:
    first = cli("inventory", "snapshot", *DEMO).stdout
    validate(json.loads(first), "snapshot")
    path = write(tmp_path, "demo.json", first)
    assert cli("inventory", "snapshot", "-i", path).stdout == first
    assert cli("inventory", "snapshot", "-i", "-", stdin=first).stdout == first


def test_an_error_is_what_its_schema_says(cli: Cli, valid: Validate) -> None:
    done = cli("assess", "-o", "json", "--context", "nosuch")
    assert done.stdout == ""
    valid(done.stderr)


def test_every_kind_is_named_once_and_has_a_schema(cli: Cli) -> None:
    kinds = cli("schema").stdout.split()
    assert kinds == sorted(set(kinds))
    assert {"assess", "inventory", "inventory-snapshot", "snapshot", "error", "config"} <= set(kinds)
    assert all(schema(kind)["$schema"] for kind in kinds)
    for kind in ("assess", "snapshot"):
        assert json.loads(cli("schema", kind).stdout) == schema(kind)
