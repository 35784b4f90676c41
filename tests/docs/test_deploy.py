"""Units and manifests that users copy: systemd and YAML find nothing wrong, and they name what exists."""

from __future__ import annotations

import subprocess

import yaml

from tests.components import need
from tests.conftest import ROOT, Cli

UNITS = ROOT / "deploy" / "systemd"


def test_systemd_accepts_the_units() -> None:
    verify = [need("systemd-analyze", "systemd"), "verify", "--man=no", "--recursive-errors=no"]
    files = sorted(str(path) for path in UNITS.iterdir() if path.suffix in {".service", ".timer"})
    done = subprocess.run([*verify, *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_role_of_apply_allows_nothing_but_what_it_is_for() -> None:
    (role,) = yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "scheduler.yaml").read_text())
    verbs = {verb for rule in role["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch", "patch", "create", "delete"}
    assert [rule["resources"] for rule in role["rules"] if "patch" in rule["verbs"]] == [
        ["pods"],
        ["deployments", "replicasets"],
    ]


def test_the_binding_names_the_role_that_is_printed(cli: Cli) -> None:
    (role,) = yaml.safe_load_all(cli("inventory", "sources", "--rbac").stdout)
    account, binding = yaml.safe_load_all((ROOT / "examples" / "kubernetes-rbac.yaml").read_text())
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"][0]["name"] == account["metadata"]["name"]
