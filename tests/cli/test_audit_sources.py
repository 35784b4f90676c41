"""`dcctl audit` on this machine, on stores of models, on what a site declares and on records."""

from __future__ import annotations

import json
import os
import struct
from typing import TYPE_CHECKING, Any

import pytest

from dcctl.inventory.model import Fleet, Node
from dcctl.inventory.snapshot import encode

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

    from tests.conftest import Cli

NODE = """
[[context.x.source]]
kind = "file"
path = "{folder}/nodes.json"

"""
PROTOCOL_0 = b"cos\nsystem\n(S'touch {mark}'\ntR."


def audit(cli: Cli, *words: str) -> tuple[CompletedProcess[str], dict[str, Any]]:
    done = cli("audit", *words, "--no-record", "-o", "json", timeout_s=120)
    return done, json.loads(done.stdout)


def configured(folder: Path, sources: str) -> str:
    """A configuration with one node that a file tells of, and these sources."""
    (folder / "nodes.json").write_bytes(encode(Fleet("x", 10_000_000, nodes=(Node("gpu1"),))))
    config = folder / "config.toml"
    config.write_text(NODE.format(folder=folder) + sources)
    return str(config)


def states(told: dict[str, Any]) -> dict[str, str]:
    return {row["check"]: row["state"] for row in told["details"]["checks"]}


def test_without_any_configuration_this_machine_is_audited(cli: Cli) -> None:
    done, told = audit(cli, "--select", "NOD-*")
    name = os.uname().nodename
    assert done.returncode in {0, 1, 3}, done.stderr
    assert {"pass", "fail"} & set(states(told).values())
    assert {name} >= {item["object"].partition("/")[0] for item in told["items"]}
    assert not [gap for gap in told["gaps"] if gap["subject"] != "coverage"]


def test_a_probe_that_is_cut_leaves_this_machine_unknown_and_a_gap(cli: Cli) -> None:
    done, told = audit(cli, "--select", "NOD-02", "--timeout", "0.001")
    assert (done.returncode, states(told)["NOD-02"], told["items"]) == (3, "unknown", [])
    assert ("local", "timeout") in {(gap["source"], gap["cause"]) for gap in told["gaps"]}


def test_the_machine_that_is_left_out_is_not_audited(cli: Cli) -> None:
    done = cli("audit", "-i", "live", "-x", os.uname().nodename, "--select", "NOD-14", "--no-record")
    assert os.uname().nodename not in done.stdout


def test_a_hostile_model_is_found_and_never_run(cli: Cli, tmp_path: Path) -> None:
    store, mark = tmp_path / "store", tmp_path / "mark"
    store.mkdir()
    (store / "evil.pt").write_bytes(PROTOCOL_0.replace(b"{mark}", str(mark).encode()))
    (store / "huge.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    words = ("--config", configured(tmp_path, ""), "--models", str(store))
    done, told = audit(cli, *words, "--select", "MOD-0[13]")
    found = {(item["check"], item["object"]) for item in told["items"]}
    assert ("MOD-01", f"ModelFile/{store}/evil.pt") in found, done.stderr
    assert ("MOD-03", f"ModelFile/{store}/huge.safetensors") in found
    assert done.returncode == 1
    assert not mark.exists()


def test_a_store_that_is_away_is_unknown_and_a_gap(cli: Cli, tmp_path: Path) -> None:
    config = configured(tmp_path, f'[[context.x.source]]\nkind = "models"\npath = "{tmp_path}/away"\n')
    done, told = audit(cli, "--config", config, "--select", "MOD-01")
    assert done.returncode == 3
    assert (told["gaps"][0]["source"], told["gaps"][0]["cause"]) == ("models", "missing")
    assert states(told)["MOD-01"] == "unknown"


def test_a_store_of_models_that_production_loads_from(cli: Cli, tmp_path: Path) -> None:
    store = tmp_path / "serving"
    store.mkdir()
    (store / "m.bin").write_bytes(b"\x80\x02}q\x00.")
    source = f'[[context.x.source]]\nkind = "models"\npath = "{store}"\nname = "prod"\nserving = true\n'
    _, told = audit(cli, "--config", configured(tmp_path, source), "--select", "MOD-02")
    assert [item["object"] for item in told["items"]] == ["ModelFile/prod/m.bin"]


DECLARED = """
schema: dcctl/declared/v1
datasets:
- {name: patients, personal: true}
backups:
- {name: checkpoints, rpo_hours: 24, last_at_s: 1000, encrypted: true}
"""


def test_what_a_site_declares_is_judged(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(DECLARED)
    source = f'[[context.x.source]]\nkind = "declared"\npath = "{tmp_path}/site.yaml"\n'
    done, told = audit(
        cli, "--config", configured(tmp_path, source), "--select", "MOD-08", "--select", "STO-01"
    )
    assert {item["object"] for item in told["items"]} == {"DataSet/patients", "Backup/checkpoints"}, (
        done.stderr
    )


def test_records_of_diagnostics_reach_their_nodes(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "gpu1.diag.json").write_text("{}")
    source = f'[[context.x.source]]\nkind = "diagnostics"\npath = "{folder}"\n'
    done, told = audit(cli, "--config", configured(tmp_path, source), "--select", "GPU-20")
    assert done.returncode == 3
    assert "gpu1.diag.json" in told["gaps"][0]["reason"]
    away = f'[[context.x.source]]\nkind = "diagnostics"\npath = "{tmp_path}/away"\n'
    done, told = audit(cli, "--config", configured(tmp_path, away), "--select", "GPU-20")
    assert (done.returncode, told["gaps"][0]["cause"]) == (3, "missing")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('kind = "models"', "path"),
        ('kind = "models"\npath = "/x"\nserve = true', "serving"),
        ('kind = "declared"\npath = "/away.yaml"', "/away.yaml"),
        ('kind = "s3"\nendpoint = "minio"', "endpoint"),
        ('kind = "s3"\nendpoint = "https://u:s3cret@minio"', "endpoint"),
        ('kind = "s3"\nendpoint = "https://minio"\naccess_key = "a"', "secret_file"),
        ('kind = "s3"\nendpoint = "https://minio"\nbuckets = ["a/b"]', "a/b"),
        ('kind = "s3"\nendpoint = "https://minio"\nregion = "EU 1"', "region"),
        ('kind = "diagnostics"', "path"),
    ],
)
def test_a_source_that_is_wrong_is_named_before_anything_is_asked(
    cli: Cli, tmp_path: Path, source: str, why: str
) -> None:
    config = configured(tmp_path, f"[[context.x.source]]\n{source}\n")
    done = cli("audit", "--config", config, "--no-record")
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert "s3cret" not in done.stderr


def test_a_file_that_declares_nonsense_ends_the_audit_and_the_check(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("schema: dcctl/declared/v1\nbackups: [{nam: x}]\n")
    config = configured(tmp_path, f'[[context.x.source]]\nkind = "declared"\npath = "{tmp_path}/site.yaml"\n')
    for words in (("audit", "--no-record"), ("config", "check")):
        done = cli(*words, "--config", config)
        assert done.returncode == 2
        assert "site.yaml" in done.stderr


def test_a_store_that_the_command_line_names_has_to_be_there(cli: Cli, tmp_path: Path) -> None:
    done = cli("audit", "--models", str(tmp_path / "away"), "--no-record")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--models" in done.stderr
