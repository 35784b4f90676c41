"""Command lines: which component, which flags, and nothing that is a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dcctl.audit.facts.parameters import PARAMETERS
from dcctl.inventory.probes import components as probe
from dcctl.inventory.sources.components.flags import (
    KEPT,
    PORT_FLAGS,
    command_of,
    given,
    of_environment,
    parse_flags,
    port_of,
    version_of,
)


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/usr/bin/kubelet", "--v=2"], "kubelet"),
        (["kube-apiserver"], "kube-apiserver"),
        (["/hyperkube", "kube-proxy", "--v=2"], "kube-proxy"),
        (["/hyperkube", "/usr/bin/kubelet"], "kubelet"),
        (["sh", "kubelet"], None),
        (["/bin/sh", "-c", "exec kube-apiserver"], None),
        (["kubectl", "get", "pods"], None),
        (["grep", "etcd"], None),
        ([], None),
    ],
)
def test_a_component_is_told_by_its_binary(argv: list[str], name: str | None) -> None:
    found = command_of(argv)
    assert (found[0] if found else None) == name


def test_arguments_are_what_comes_after_the_name() -> None:
    assert command_of(["/hyperkube", "kubelet", "--a=1", "--b"]) == ("kubelet", ("--a=1", "--b"))
    assert command_of(["kubelet", "--a=1"]) == ("kubelet", ("--a=1",))


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [
        (["--a=1"], {"a": ("1",)}),
        (["--a", "1", "--b=2"], {"a": ("1",), "b": ("2",)}),
        (["--a", "--b=2"], {"a": ("true",), "b": ("2",)}),
        (["--a"], {"a": ("true",)}),
        (["-a=1"], {"a": ("1",)}),
        (["--a="], {"a": ("",)}),
        (["--a=x=y"], {"a": ("x=y",)}),
        (["--anonymous_auth=false"], {"anonymous-auth": ("false",)}),
        (["--a=1", "--a=2"], {"a": ("1", "2")}),
        (["--a", "1", "--a", "2"], {"a": ("1", "2")}),
        (["word"], {}),
        (["--"], {}),
        (["--a", "1", "word", "--b"], {"a": ("1",), "b": ("true",)}),
    ],
)
def test_flags_are_read_as_the_components_read_them(
    arguments: list[str], flags: dict[str, tuple[str, ...]]
) -> None:
    assert given(arguments) == flags


def test_no_secret_is_kept() -> None:
    told = parse_flags(
        [
            *("--initial-cluster-token=hush", "--discovery-token", "hush", "--oidc-client-secret=hush"),
            *("--etcd-servers", "https://root:hush@10.0.0.1:2379", "--listen-client-urls"),
            *("https://root:hush@10.0.0.1:2379,https://me@b", "--profiling=false", "--new-flag=hush"),
        ]
    ) | of_environment(["ETCD_INITIAL_CLUSTER_TOKEN=hush", "ETCD_DISCOVERY_PROXY=http://me:hush@p"])
    assert "hush" not in str(told)
    assert told["listen-client-urls"] == ("https://10.0.0.1:2379,https://b",)
    assert (told["profiling"], told["oidc-client-secret"], told["new-flag"]) == (("false",), ("-",), ("-",))


def test_what_checks_look_at_is_kept() -> None:
    """A flag that a check asks for by name, in its code or in the table of settings."""
    rows = [row for rows in PARAMETERS.values() for row in rows]
    asked = {row.flag for row in rows if ":" not in row.flag} | {row.unless for row in rows if row.unless}
    asked |= {*probe.COMPONENT_TEXTS, *probe.COMPONENT_PATHS, *probe.CERTIFICATES, *PORT_FLAGS, "config-dir"}
    for file in Path("dcctl/audit").rglob("*.py"):
        code = file.read_text("utf-8")
        asked |= set(re.findall(r'(?:given\(\w+|Parameter\(\s*[\w.]+), "([a-z-]+)"', code))
        asked |= set(re.findall(r'flags\.get\("([a-z-]+)"', code))
    for fixture in Path("tests/data/audit").glob("*.yaml"):
        for found in re.findall(r"flags: \{([^}]*)\}", fixture.read_text("utf-8")):
            asked |= set(re.findall(r"([a-z]+(?:-[a-z]+)+):", found))
    assert asked - KEPT == set()


def test_etcd_takes_flags_from_its_environment() -> None:
    assert of_environment(["ETCD_CERT_FILE=/a", "PATH=/bin", "ETCD_AUTO_TLS=true"]) == {
        "cert-file": ("/a",),
        "auto-tls": ("true",),
    }


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v1.31.4", "1.31.4"),
        ("v1.31.4-eks-2d5f260", "1.31.4"),
        ("v1.30.1+k3s1", "1.30.1"),
        ("Kubernetes v1.36.3\n", "1.36.3"),
        ("3.6.8-0", "3.6.8"),
        ("latest", None),
        ("", None),
    ],
)
def test_versions_are_read_without_what_a_maker_adds(text: str, version: str | None) -> None:
    assert version_of(text) == version


def test_a_port_tells_two_of_a_kind_apart() -> None:
    assert port_of({"secure-port": ("6443",)}) == "6443"
    assert port_of({"listen-client-urls": ("https://127.0.0.1:2379,https://[::1]:2379",)}) == "2379"
    assert port_of({}) == ""
