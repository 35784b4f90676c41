"""`dcctl drain --compat kubectl` on an emulated cluster: what is sent, said, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.cli.drain.compat import taken_out
from dcctl.cli.exits import Exit
from dcctl.cli.plugin import translated
from dcctl.cli.program import execute
from dcctl.drain.act import compat
from dcctl.drain.compat.flags import parse
from dcctl.errors import UsageError
from tests.kubeapi import ApiServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kubeapi.status import Obj

COMPAT = ["drain", "--compat", "kubectl"]
OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "w", "controller": True}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr(compat, "_RETRY_S", 0.05)
    monkeypatch.setattr(compat, "_LOOK_S", 0.02)
    with ApiServer(clock_speed=20) as running:
        running.load([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {}}])
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig(tmp_path / "config")))
        yield running


def pod(name: str, **meta: object) -> Obj:
    spec = {"nodeName": "n1", "containers": [{"name": "m", "image": "a"}], "terminationGracePeriodSeconds": 0}
    head = {"name": name, "namespace": "a", "labels": {"app": name}, "ownerReferences": [OWNER], **meta}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": head, "spec": spec, "status": {"phase": "Running"}}


def test_a_node_is_drained(server: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.load([pod("one")])
    uid = server.get("pods", "one", "a")["metadata"]["uid"]
    assert execute([*COMPAT, "n1", "--grace-period=7"]) is Exit.OK
    out = capsys.readouterr().out.splitlines()
    assert out == ["node/n1 cordoned", "evicting pod a/one", "pod/one evicted", "node/n1 drained"]
    sent = server.seen("POST", "/api/v1/namespaces/a/pods/one/eviction")[0].body
    assert f'"uid":"{uid}"'.encode() in sent
    assert b'"gracePeriodSeconds":7' in sent


def test_one_pod_that_may_not_go_keeps_the_node_as_it_is_but_cordoned(
    server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.load([pod("one"), pod("bare", ownerReferences=[])])
    assert execute([*COMPAT, "n1"]) is Exit.FINDINGS
    said = capsys.readouterr()
    why = "cannot delete Pods that declare no controller (use --force to override): a/bare"
    assert said.out == "node/n1 cordoned\n"
    assert said.err.splitlines() == [
        f'error: unable to drain node "n1" due to error: {why}, continuing command...',
        "There are pending nodes to be drained:",
        " n1",
        why,
    ]
    assert server.seen("POST") == []


def test_a_pod_that_a_budget_holds_is_asked_again_until_the_time_is_over(
    server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    selector = {"minAvailable": 1, "selector": {"matchLabels": {"app": "held"}}}
    meta = {"name": "b", "namespace": "a"}
    server.load(
        [{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": selector}]
    )
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    server.load([pod("held") | {"status": ready}, pod("free")])
    assert execute([*COMPAT, "n1", "--timeout=300ms"]) is Exit.FINDINGS
    said = capsys.readouterr()
    assert "pod/free evicted" in said.out
    assert 'error when evicting pods/"held" -n "a": global timeout reached: 300ms' in said.err
    assert len(server.seen("POST", "/api/v1/namespaces/a/pods/held/eviction")) > 1


def test_pods_are_deleted_past_budgets_when_asked(
    server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.load([pod("one")])
    assert execute([*COMPAT, "node/n1", "--disable-eviction"]) is Exit.OK
    assert "pod/one deleted" in capsys.readouterr().out
    assert server.seen("POST") == []


def test_nothing_is_changed_by_a_dry_run_of_the_server(
    server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.load([pod("one")])
    assert execute([*COMPAT, "n1", "--dry-run=server"]) is Exit.OK
    assert capsys.readouterr().out.splitlines() == [
        "node/n1 cordoned (server dry run)",
        "evicting pod a/one (server dry run)",
        "node/n1 drained (server dry run)",
    ]
    assert [one["metadata"]["name"] for one in server.objects("pods")] == ["one"]
    assert not server.get("nodes", "n1")["spec"].get("unschedulable")


def test_a_node_that_is_not_there(server: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([*COMPAT, "n1", "nobody"]) is Exit.FINDINGS
    assert capsys.readouterr().err == 'Error from server (NotFound): nodes "nobody" not found\n'
    assert server.seen("PATCH") == []


def test_the_words_are_found_wherever_they_stand() -> None:
    assert taken_out(["a", "--compat=kubectl", "--force"]) == ["a", "--force"]
    assert taken_out(["a", "--force", "--compat", "kubectl"]) == ["a", "--force"]
    assert taken_out(["a", "--", "--compat"]) is None
    with pytest.raises(UsageError, match="known: kubectl"):
        taken_out(["a", "--compat", "kured"])


def test_the_context_that_kubectl_hands_to_a_plugin_is_heeded() -> None:
    environ: dict[str, str] = {}
    words = translated([*COMPAT, "n1", "--context", "far", "--kubeconfig=/k"], environ)
    assert environ == {"KUBECONFIG": "/k"}
    flags = parse(taken_out(words[1:]) or ())
    assert (flags.nodes, flags.inventory) == (("n1",), "kubernetes:far")
