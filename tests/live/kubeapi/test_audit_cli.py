"""`dcctl audit` of an emulated cluster: as administrator, then as somebody who may not list roles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from tests.kubeapi import ApiServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

GROUP = "rbac.authorization.k8s.io"
ROLE = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "dev"},
    "rules": [{"apiGroups": ["*"], "resources": ["deployments"], "verbs": ["get"]}],
}
BINDING = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "dev"},
    "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "dev"},
    "subjects": [{"kind": "User", "apiGroup": GROUP, "name": "wu"}],
}


def test_what_a_viewer_may_not_list_is_unknown_and_not_gone(cli: Cli, tmp_path: Path) -> None:
    with ApiServer(users={"a": "admin", "v": "viewer"}) as server:
        server.load([ROLE, BINDING])
        server.deny("viewer", "list", f"clusterroles.{GROUP}")
        words = ("audit", "-i", "kubernetes", "--select", "RBAC-03", "-o", "json")
        admin = cli(*words, env={"KUBECONFIG": str(server.kubeconfig(tmp_path / "admin", "admin"))})
        assert admin.returncode == 1, admin.stderr
        (found,) = json.loads(admin.stdout)["items"]
        assert (found["object"], found["status"]) == ("ClusterRole/dev", "new")
        viewer = cli(*words, env={"KUBECONFIG": str(server.kubeconfig(tmp_path / "viewer", "viewer"))})
        assert viewer.returncode == 3, viewer.stderr
        told = json.loads(viewer.stdout)
        assert (told["summary"]["gone"], told["summary"]["unsure"]) == (0, 1)
        assert any(
            "403" in each["says"] or "forbidden" in each["says"] for each in told["details"]["unknown"]
        )


def kubeconfig(path: Path, servers: dict[str, ApiServer]) -> str:
    """A kubeconfig with these contexts, the first in force."""
    kept: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": next(iter(servers))}
    for name, server in servers.items():
        told = yaml.safe_load(server.kubeconfig(path.with_name(f"{name}.one"), "admin").read_text())
        for key in ("clusters", "users", "contexts"):
            (one,) = told[key]
            kept.setdefault(key, []).append({**one, "name": name})
        kept["contexts"][-1]["context"] = {"cluster": name, "user": name}
    path.write_text(yaml.safe_dump(kept))
    return str(path)


def found(cli: Cli, config: str, *words: str) -> list[Any]:
    done = cli("audit", *words, "--select", "RBAC-03", "-o", "json", env={"KUBECONFIG": config})
    assert done.returncode in (0, 1), done.stderr
    return list(json.loads(done.stdout)["items"])


def test_the_finding_of_one_cluster_is_the_same_whatever_its_context_is_called(
    cli: Cli, tmp_path: Path
) -> None:
    with ApiServer() as server:
        server.load([ROLE, BINDING])
        (first,) = found(cli, kubeconfig(tmp_path / "a", {"old": server}), "-i", "kubernetes")
        (again,) = found(cli, kubeconfig(tmp_path / "b", {"new": server}), "-i", "kubernetes")
    assert (first["object"], first["status"], again["status"]) == ("ClusterRole/dev", "new", "known")
    assert again["id"] == first["id"]


def test_findings_of_two_clusters_are_told_apart(cli: Cli, tmp_path: Path) -> None:
    with ApiServer() as one, ApiServer() as two:
        one.load([ROLE, BINDING])
        two.load([ROLE, BINDING])
        config = kubeconfig(tmp_path / "both", {"east": one, "west": two})
        rows = found(cli, config, "-i", "kubernetes:east", "-i", "kubernetes:west")
        named = tmp_path / "config.toml"
        form = '[[context.x.source]]\nkind = "kubernetes"\nname = "{}"\nkubeconfig_context = "{}"\n'
        sources = [form.format(*each) for each in (("prod", "east"), ("test", "west"))]
        named.write_text("".join(sources))
        told = found(cli, config, "--config", str(named), "--context", "x")
    assert {row["object"] for row in rows} == {
        "kubernetes:east:ClusterRole/dev",
        "kubernetes:west:ClusterRole/dev",
    }
    assert {row["object"] for row in told} == {"prod:ClusterRole/dev", "test:ClusterRole/dev"}
    assert len({row["id"] for row in (*rows, *told)}) == 4
