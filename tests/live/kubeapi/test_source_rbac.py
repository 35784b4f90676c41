"""The ClusterRole allows what is asked, and what is asked is in the ClusterRole."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import yaml

from dcctl.inventory.sources.kubernetes.discovery import parse_discovery
from dcctl.inventory.sources.kubernetes.listed import ALL, CLAIMS, KUEUE, PODS, REPLICA_SETS
from dcctl.inventory.sources.kubernetes.source import rbac_yaml
from tests.kubeapi import ApiServer, kinds, objects
from tests.live.kubeapi.source import source

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_every_request_is_allowed_by_the_role_and_nothing_else_is(tmp_path: Path) -> None:
    with ApiServer(custom=kinds.ALL_CUSTOM) as server:
        server.load([objects.node(f"gpu{index}") for index in range(3)])
        assert source(server, tmp_path).collect().gaps == ()
        asked = {(seen.method, seen.path) for seen in server.requests}
    rules = yaml.safe_load(rbac_yaml())["rules"]
    paths = {("GET", path) for rule in rules for path in rule.get("nonResourceURLs", [])}
    assert {verb for rule in rules if "resources" in rule for verb in rule["verbs"]} == {"list"}
    allowed = {
        (group, plural)
        for rule in rules
        for group in rule.get("apiGroups", [])
        for plural in rule["resources"]
    }
    wanted = {resource_of(path) for method, path in asked - paths}
    assert wanted <= allowed
    assert {method for method, _ in asked} == {"GET"}
    assert {
        seen for seen in allowed - wanted if seen[0] in ("", "apps", "batch", "policy", "kueue.x-k8s.io")
    } == set()


def resource_of(path: str) -> tuple[str, str]:
    """(group, plural) of a list over all namespaces."""
    steps = path.strip("/").split("/")
    return ("", steps[2]) if steps[0] == "api" else (steps[1], steps[3])


def test_replica_sets_are_asked_for_their_metadata_only(tmp_path: Path) -> None:
    with ApiServer() as server:
        source(server, tmp_path).collect()
        (seen,) = server.seen(path="/apis/apps/v1/replicasets")
    accept = next(value for name, value in seen.headers.items() if name.lower() == "accept")
    assert "as=PartialObjectMetadataList" in accept


def test_the_role_names_each_resource_once() -> None:
    rules = yaml.safe_load(rbac_yaml())["rules"]
    rows = [
        (rule["apiGroups"][0], plural)
        for rule in rules
        if "resources" in rule
        for plural in rule["resources"]
    ]
    assert sorted(rows) == sorted({(each.group, each.plural) for each in ALL})


def test_a_type_that_is_not_installed_is_neither_asked_for_nor_a_gap(tmp_path: Path) -> None:
    with ApiServer() as server:
        assert source(server, tmp_path).collect().gaps == ()
        assert not server.seen(path="/apis/kueue.x-k8s.io")


AGGREGATED = b"""{"kind": "APIGroupDiscoveryList", "items": [
  {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [{"resource": "replicasets"}]}]},
  {"metadata": {"name": "resource.k8s.io"}, "versions": [{"version": "v1beta1", "resources": []},
    {"version": "v1beta2", "resources": [{"resource": "resourceclaims"}]}]},
  {"metadata": {"name": "kueue.x-k8s.io"}, "versions": [
    {"version": "v7", "resources": [{"resource": "workloads"}]}]}
]}"""


def test_the_newer_discovery_document_tells_resources_apart() -> None:
    served = parse_discovery(AGGREGATED)
    assert served.versions(PODS) == ("v1",)
    assert served.versions(REPLICA_SETS) == ("v1",)
    assert served.versions(CLAIMS) == ("v1beta2",)
    assert (served.versions(KUEUE), served.foreign(KUEUE)) == ((), ("v7",))


def test_the_token_is_never_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with ApiServer() as server, caplog.at_level(logging.DEBUG):
        source(server, tmp_path).collect()
    assert "admin-token" not in caplog.text
