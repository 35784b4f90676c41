"""What a probe told of a node, as components."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dcctl.errors import UsageError
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.components import Component, Encrypted, FileMode, united
from dcctl.inventory.sources.components.document import parse
from dcctl.inventory.sources.ssh.audit.components import component_evidence
from dcctl.inventory.sources.ssh.audit.gather import NodeAnswer
from tests.unit.audit import kubeadm


def one(process: dict[str, Any], commands: dict[str, Any] | None = None) -> Component:
    (found,) = parse({"components": {"processes": [process]}, "commands": commands or {}}, "cp1")
    return found


def by_name() -> dict[str, Component]:
    return {each.name: each for each in parse(kubeadm.document(), "cp1", "prod")}


def test_a_node_of_kubeadm_has_all_six() -> None:
    found = by_name()
    assert list(found) == [
        *("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubelet", "kube-proxy")
    ]
    assert all(each.node == "cp1" and each.cluster == "prod" and each.silent == {} for each in found.values())


def test_flags_are_those_of_the_manifest() -> None:
    flags = by_name()["kube-apiserver"].flags or {}
    assert flags["authorization-mode"] == ("Node,RBAC",)
    assert flags["enable-admission-plugins"] == ("NodeRestriction",)


def test_files_belong_to_who_uses_them() -> None:
    found = by_name()
    manifest = FileMode("/etc/kubernetes/manifests/etcd.yaml", 0o600, "root:root")
    assert found["etcd"].files == (manifest, FileMode("/var/lib/etcd", 0o700, "root:root", folder=True))
    kubelet = {each.path: each.mode for each in found["kubelet"].files or ()}
    assert kubelet["/var/lib/kubelet/config.yaml"] == 0o644
    assert kubelet["/etc/kubernetes/pki/ca.crt"] == 0o644
    assert found["kube-proxy"].files == ()


def test_a_kubelet_has_its_version_and_its_file() -> None:
    kubelet = by_name()["kubelet"]
    assert (kubelet.version, kubelet.config_file) == ("1.36.3", "/var/lib/kubelet/config.yaml")
    assert (kubelet.config or {})["authentication.anonymous.enabled"] == "false"
    assert (kubelet.config or {})["streamingConnectionIdleTimeout"] == "0s"


def test_digests_are_cut_short() -> None:
    assert by_name()["etcd"].digests == {"/etc/kubernetes/pki/etcd/ca.crt": "b" * 16}


def test_what_is_no_component_is_passed_over() -> None:
    assert parse({"components": {"processes": [{"argv": ["sh", "-c", "kubelet"]}, {"argv": []}]}}, "n") == ()
    assert parse({}, "n") == ()


def test_two_of_a_kind_have_their_ports() -> None:
    processes = [
        {"argv": ["kube-apiserver", "--secure-port=6443"]},
        {"argv": ["kube-apiserver", "--secure-port=7443"]},
    ]
    found = parse({"components": {"processes": processes}}, "n")
    assert [each.name for each in found] == ["kube-apiserver", "kube-apiserver@7443"]
    assert {each.kind for each in found} == {"kube-apiserver"}


def test_a_file_that_was_not_read_is_silent() -> None:
    denied = {"why": "Permission denied", "cause": "denied"}
    found = one({"argv": ["kube-apiserver", "--encryption-provider-config=/e"], "texts": {"/e": denied}})
    assert found.encryption is None
    assert found.silent["encryption"] == Silence("/e: Permission denied", "denied")


def test_what_root_was_allowed_to_print_stands_for_it() -> None:
    text = "kind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{kms: {}}]}]"
    denied = {"why": "Permission denied", "cause": "denied"}
    found = one(
        {"argv": ["kube-apiserver", "--encryption-provider-config=/e"], "texts": {"/e": denied}},
        {"text:/e": {"out": text}},
    )
    assert found.encryption == (Encrypted(("secrets",), ("kms",)),)


def test_what_a_command_says_of_its_failure_is_no_file() -> None:
    denied = {"why": "Permission denied", "cause": "denied"}
    failed = {"text:/c": {"out": "cat: /c: Is a directory", "status": 1}}
    found = one({"argv": ["kubelet", "--config=/c"], "texts": {"/c": denied}}, failed)
    assert found.silent["config"] == Silence("/c: Permission denied", "denied")


def test_a_file_that_nobody_looked_for_is_silent() -> None:
    assert (
        one({"argv": ["kube-apiserver", "--audit-policy-file=/p"]}).silent["audit_policy"].cause == "missing"
    )


def test_a_file_that_is_something_else_is_silent() -> None:
    found = one({"argv": ["kubelet", "--config=/c"], "texts": {"/c": {"out": "- a"}}})
    assert found.config is None
    assert found.silent["config"] == Silence("/c: holds no mapping", "invalid")


def test_drop_ins_lie_over_the_file_in_their_order() -> None:
    process = {
        "argv": ["kubelet", "--config=/c", "--config-dir=/d"],
        "drop_ins": ["/d/10.conf", "/d/20.conf"],
        "texts": {
            "/c": {"out": "readOnlyPort: 1\nserverTLSBootstrap: true"},
            "/d/10.conf": {"out": "readOnlyPort: 2"},
            "/d/20.conf": {"out": "readOnlyPort: 0"},
        },
    }
    assert one(process).config == {"readOnlyPort": "0", "serverTLSBootstrap": "true"}


def test_without_a_file_there_are_no_settings() -> None:
    found = one({"argv": ["kubelet"]})
    assert (found.config, found.config_file) == ({}, "")


def test_modes_are_silent_where_root_was_refused() -> None:
    refused = {"component-files": {"why": "sudo refused: a password is required", "cause": "denied"}}
    found = one({"argv": ["kubelet"]}, refused)
    assert found.files is None
    assert found.silent["files"] == Silence("modes of files: sudo refused: a password is required", "denied")


def test_lines_that_are_no_modes_are_passed_over() -> None:
    listed = "find: '/etc/cni': No such file or directory\n<f 644 root:root /var/lib/kubelet/config.yaml><x>"
    found = one({"argv": ["kubelet"]}, {"component-files": {"out": listed}})
    assert found.files == (FileMode("/var/lib/kubelet/config.yaml", 0o644, "root:root"),)


def test_flags_of_etcd_come_before_its_environment() -> None:
    found = one({"argv": ["etcd", "--cert-file=/a"], "environ": ["ETCD_CERT_FILE=/b", "ETCD_KEY_FILE=/k"]})
    assert (found.flags or {})["cert-file"] == ("/a",)
    assert (found.flags or {})["key-file"] == ("/k",)


@pytest.mark.parametrize("document", [{"components": 1}, {"components": {"processes": [{"argv": "x"}]}}])
def test_what_is_no_document_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="n1: its probe told"):
        parse(document, "n1")


def test_two_readings_fill_each_other_in() -> None:
    told = Component(node="n", name="etcd", flags={}, silent={"files": Silence("no root")})
    filled = united(
        [told, Component(node="n", name="etcd", version="3.6.8", files=(), cluster="c", flags={"a": ("1",)})]
    )
    assert filled == (Component(node="n", name="etcd", version="3.6.8", files=(), cluster="c", flags={}),)


def test_what_nobody_found_gives_way_to_what_was_found() -> None:
    unseen = Component(name="etcd", silent={"flags": Silence("no pod")})
    other = Component(name="kube-scheduler", silent={"flags": Silence("no pod")})
    found = Component(node="n", name="etcd", flags={})
    assert united([unseen, other, found]) == (other, found)


def test_what_a_node_tells_is_of_the_cluster_that_has_the_node() -> None:
    shown = [
        Component(cluster="a", node="n1", name="kubelet"),
        Component(cluster="b", node="n2", name="kubelet"),
    ]
    unseen = [Component(cluster=each, name="etcd", silent={"flags": Silence("no pod")}) for each in "ab"]
    told = Component(node="n1", name="etcd", flags={})
    found = united([*shown, *unseen, told])
    assert [(one.cluster, one.node, one.name) for one in found] == [
        ("a", "n1", "kubelet"),
        ("b", "n2", "kubelet"),
        ("b", "", "etcd"),
        ("a", "n1", "etcd"),
    ]


def test_nodes_of_one_name_in_two_clusters_stay_two() -> None:
    shown = [Component(cluster=each, node="cp1", name="kubelet", version="1") for each in "ab"]
    told = Component(node="cp1", name="kubelet", flags={})
    assert united([*shown, told]) == (*shown, told)
    assert len({one.object for one in shown}) == 2


def answer(**parts: bytes) -> NodeAnswer:
    return NodeAnswer("n1", parts={name: msgspec.Raw(part) for name, part in parts.items()})


def test_the_answer_of_a_node_has_its_components() -> None:
    told = msgspec.json.encode(kubeadm.document()["components"])
    (first, *others) = component_evidence(answer(components=told)).components or ()
    assert (first.key, len(others)) == ("n1/kube-apiserver", 5)


def test_a_node_that_told_nothing_has_none() -> None:
    assert component_evidence(answer()).components is None


@pytest.mark.parametrize("part", [b"{", b"[]", b'{"processes": 1}'])
def test_what_a_hostile_node_tells_is_unknown(part: bytes) -> None:
    (one,) = component_evidence(answer(components=part)).components or ()
    assert one.silent["flags"].cause == "invalid"
