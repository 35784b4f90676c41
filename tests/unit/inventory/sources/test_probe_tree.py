"""The node probe and the local source, two readers written apart, read the same trees alike."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import msgspec
import psutil
import pytest
from msgspec.structs import replace

from dcctl.inventory.probes import rules
from dcctl.inventory.probes.bundle import node_probe
from dcctl.inventory.sources.local.source import LocalSource
from dcctl.inventory.sources.machine.facts import Facts
from dcctl.inventory.sources.ssh.reply import read_reply
from dcctl.inventory.sources.ssh.run import Reply

DATA = Path(__file__).parents[3] / "data" / "local"
TOGETHER = ("nvml", "unread", "mounts")
"""NVML is another source here, and no file system of the tree can be measured."""


def _grow(tree: Path, root: Path) -> None:
    """Make the files and links that a .tree file lists."""
    for line in tree.read_text().splitlines():
        if line.startswith("#"):
            continue
        path, tab, contents = line.partition("\t")
        path, _, target = path.partition(" -> ")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if tab:
            (root / path).write_bytes(contents.encode().decode("unicode_escape").encode())
        else:
            (root / path).symlink_to(target)


def _by_probe(root: Path) -> Facts:
    program = node_probe().replace(b'ROOT = ""', f'ROOT = "{root}"'.encode())
    done = subprocess.run(["python3", "-IBS", "-"], input=program, capture_output=True, check=True)
    return read_reply(Reply(done.stdout, done.stderr.decode(), 0))[0]


@pytest.mark.parametrize("case", ["hgx", "container"])
def test_both_read_the_same(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _grow(DATA / f"{case}.tree", tmp_path)
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))
    local, probe = LocalSource(tmp_path).read(), _by_probe(tmp_path)
    assert local.cpu is not None
    if case == "container":  # without a topology psutil looks at the machine of the test instead
        local = replace(local, cpu=replace(local.cpu, cores=None))
    for name in Facts.__struct_fields__:
        if name not in TOGETHER:
            assert msgspec.to_builtins(getattr(probe, name)) == msgspec.to_builtins(getattr(local, name)), (
                name
            )
    assert [(row.path, row.device, row.fstype) for row in probe.mounts or ()] == [
        (row.path, row.device, row.fstype) for row in local.mounts or ()
    ]


def test_a_mount_that_cannot_be_measured_is_unread(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mounts").write_text("filer:/x /nowhere/x nfs4 rw 0 0\n/dev/sda1 / ext4 rw 0 0\n")
    facts = _by_probe(tmp_path)
    assert [(row.subject, row.cause) for row in facts.unread] == [("mount /nowhere/x", "failed")]
    assert facts.mounts is not None
    assert [row.size_bytes is None for row in facts.mounts] == [True, False]


def test_a_file_server_that_hangs_is_unread_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mounts").write_text("filer:/x /x nfs4 rw 0 0\n/dev/sda1 / ext4 rw 0 0\n")
    program = node_probe().replace(b'ROOT = ""', f'ROOT = "{tmp_path}"'.encode())
    program = program.replace(b"MOUNT_DEADLINE_S = 3.0", b"MOUNT_DEADLINE_S = 0.3")
    hang = b'real = os.statvfs\nos.statvfs = lambda path: time.sleep(60) if path == "/x" else real(path)\n'
    program = program.replace(b'if __name__ == "__main__":', hang + b'if __name__ == "__main__":')
    done = subprocess.run(["python3", "-IBS", "-"], input=program, capture_output=True, check=True)
    facts = read_reply(Reply(done.stdout, done.stderr.decode(), 0))[0]
    assert [(row.subject, row.cause) for row in facts.unread] == [("mount /x", "timeout")]
    assert facts.mounts is not None
    assert facts.mounts[1].size_bytes is not None


def test_the_probe_is_python_3_6_and_its_shell_part_is_no_string_escape() -> None:
    """What RHEL 8 has. Two programs in one text: a quote or an escape in one would change the other."""
    text = node_probe().decode()
    ast.parse(text, feature_version=(3, 6))
    shell = text.split("'''")[1]
    assert "\\" not in shell
    assert shell.rstrip().endswith("\nexit")


def test_the_shell_part_looks_for_the_same() -> None:
    shell = node_probe().decode().split("'''")[1]
    words = set(re.findall(r"[\w/*,-]+", shell))
    assert words >= {name for name in (*rules.NIC_FILES, *rules.DMI_FILES) if name != "uevent"}
    assert words >= {f"{start}*" for start in (*rules.NOT_DISKS, *rules.ACCELERATOR_CLASSES)}
    assert words >= {f"*,{vendor}" for vendor in rules.LISTED_VENDORS}
