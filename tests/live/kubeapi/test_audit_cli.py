"""`dcctl audit` of an emulated cluster: as administrator, then as somebody who may not list roles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

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
