"""The part of the probe that looks for components, on a recorded /proc, as an old Python would run it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
import yaml

from dcctl.errors import UsageError
from dcctl.inventory.evidence.components import Encrypted
from dcctl.inventory.probes import components as probe
from dcctl.inventory.sources.components.configs import encryption

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "proc"
    folder.mkdir()
    monkeypatch.setattr(probe, "PROC", str(folder))
    return folder


def started(proc: Path, pid: int, *argv: str, network: str = "net:[1]", environ: str = "") -> Path:
    """A process, with a root of its own in which its files lie."""
    folder = proc / str(pid)
    (folder / "ns").mkdir(parents=True)
    (folder / "root").mkdir()
    (folder / "ns" / "net").symlink_to(network)
    (folder / "cmdline").write_bytes(b"\0".join(word.encode() for word in argv) + b"\0")
    (folder / "environ").write_text(environ, encoding="utf-8")
    return folder / "root"


def put(root: Path, path: str, text: str) -> Path:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def processes() -> list[dict[str, object]]:
    found = probe.read_components()["processes"]
    assert isinstance(found, list)
    return found


def test_components_are_found_among_all_processes(proc: Path) -> None:
    started(proc, 1, "/sbin/init")
    started(proc, 20, "/usr/bin/kubelet", "--v=2")
    started(proc, 3, "kube-apiserver", "--secure-port=6443")
    started(proc, 40, "sh", "-c", "kubelet")
    started(proc, 41)
    (proc / "meminfo").write_text("")
    assert [(one["pid"], one["argv"]) for one in processes()] == [
        (3, ["kube-apiserver", "--secure-port=6443"]),
        (20, ["/usr/bin/kubelet", "--v=2"]),
    ]


def test_a_cluster_inside_a_pod_is_not_this_node_s(proc: Path) -> None:
    started(proc, 1, "/sbin/init")
    started(proc, 20, "kube-apiserver", network="net:[2]")
    assert processes() == []


def test_files_are_those_that_the_process_sees(proc: Path, tmp_path: Path) -> None:
    root = started(proc, 5, "kubelet", "--config=/c.yaml", "--kubeconfig", "/k", "--tls-cert-file=/gone")
    put(root, "/c.yaml", "authentication: {x509: {clientCAFile: /ca.crt}}")
    put(root, "/k", "x").chmod(0o640)
    put(root, "/ca.crt", "x").chmod(0o644)
    (one,) = processes()
    assert one["texts"] == {"/c.yaml": {"out": "authentication: {x509: {clientCAFile: /ca.crt}}"}}
    modes = one["modes"]
    assert isinstance(modes, dict)
    owner = probe._owner(os.getuid(), os.getgid())
    assert modes["/k"] == {"mode": 0o640, "owner": owner, "folder": False}
    assert modes["/ca.crt"]["mode"] == 0o644
    assert modes["/gone"] == {"why": "No such file or directory", "cause": "missing"}


@pytest.mark.parametrize(
    "line",
    [
        "    - {name: k, secret: aHVzaA==}",
        '    - {"name": "k", "secret": "aHVzaA=="}',
        "      secret: aHVzaA==",
        "      secret: 'aHVzaA=='",
        '{"keys":[{"secret":"aHVzaA=="}]}',
        "      secret: >-\n        aHVzaA==",
        "      secret:\n        aHVzaA==",
        "      secret: |\n        - aHVzaA==",
        "      'secret': &x aHVzaA==\n      other: aHVzaA==",
    ],
)
def test_keys_never_leave_the_node(proc: Path, line: str) -> None:
    root = started(proc, 5, "kube-apiserver", "--encryption-provider-config=/e")
    put(root, "/e", f"resources: [secrets]\n{line}\n")
    (one,) = processes()
    assert "aHVzaA" not in str(one)
    assert "resources: [secrets]" in str(one)
    printed = subprocess.run(
        ["grep", "-oE", probe.ENCRYPTION_LINES, str(root / "e")], capture_output=True, text=True, check=True
    )
    assert printed.stdout == "resources: [secrets]\n"


_CONFIG = """\
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources:
      - secrets
      - configmaps
      # - events
      - pandas.awesome.bears.example
    providers:
      # - aescbc:
      - kms:
          apiVersion: v2
          name: identity
          endpoint: unix:///tmp/kms.sock
      - secretbox:
          keys:
            - name: key1
              secret: >-
                aHVzaA==
      - identity: {} # reads what was written before
  - resources: ['*.*']
    providers:
    - aescbc: {keys: [{name: k, secret: aHVzaA==}]}
"""


def test_providers_are_told_in_their_order_and_nothing_else(tmp_path: Path) -> None:
    """By grep, which sudo lets run, and by the probe where it may read the file itself."""
    file = tmp_path / "enc.yaml"
    file.write_text(_CONFIG)
    argv = ["grep", "-oE", probe.ENCRYPTION_LINES, str(file)]
    printed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert "aHVzaA" not in printed
    assert probe.without_keys(_CONFIG) == printed
    wanted = (
        Encrypted(
            ("secrets", "configmaps", "pandas.awesome.bears.example"), ("kms", "secretbox", "identity")
        ),
        Encrypted(("*.*",), ("aescbc",)),
    )
    assert encryption(printed, "enc.yaml") == wanted
    told = json.dumps(yaml.safe_load(_CONFIG))
    assert "aHVzaA" not in probe.without_keys(told)
    assert encryption(probe.without_keys(told), "enc.json") == wanted


def test_what_does_not_stand_in_lines_of_its_own_is_unknown() -> None:
    flow = "kind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{identity: {}}]}]\n"
    half = "kind: EncryptionConfiguration\nresources:\n- resources: [a/b]\n  providers:\n  - identity: {}\n"
    for text in (flow, half):
        with pytest.raises(UsageError):
            encryption(probe.without_keys(text), "enc.yaml")


def test_certificates_are_told_by_a_digest(proc: Path) -> None:
    root = started(proc, 5, "etcd", "--trusted-ca-file=/ca", environ="ETCD_NAME=a\0HOME=/root\0")
    put(root, "/ca", "certificate")
    (one,) = processes()
    digests = one["digests"]
    assert isinstance(digests, dict)
    assert digests["/ca"].startswith("03d66dd0")
    assert one["environ"] == ["ETCD_NAME=a"]
    assert "certificate" not in str(one)


def test_drop_ins_are_told_in_their_order(proc: Path) -> None:
    root = started(proc, 5, "kubelet", "--config-dir=/d")
    for name in ("20.conf", "10.conf", "readme"):
        put(root, f"/d/{name}", name)
    (one,) = processes()
    assert one["drop_ins"] == ["/d/10.conf", "/d/20.conf"]
    assert one["texts"] == {"/d/10.conf": {"out": "10.conf"}, "/d/20.conf": {"out": "20.conf"}}


def test_a_file_without_an_end_is_cut_off(proc: Path) -> None:
    root = started(proc, 5, "kubelet", "--config=/c")
    put(root, "/c", "x" * (probe.TEXT_BYTES + 1))
    (one,) = processes()
    assert one["texts"] == {"/c": {"why": "more than 256 KiB", "cause": "truncated"}}


def test_commands_are_fixed_and_by_full_path() -> None:
    for name, argv, root, deadline_s, _where, why in probe.COMPONENT_COMMANDS:
        assert name
        assert why
        assert argv[0].startswith("/usr/bin/")
        assert isinstance(root, bool)
        assert 0 < deadline_s <= 10


def test_the_part_is_python_3_6() -> None:
    source = files("dcctl.inventory.probes").joinpath("components.py").read_text("utf-8")
    ast.parse(source, feature_version=(3, 6))
