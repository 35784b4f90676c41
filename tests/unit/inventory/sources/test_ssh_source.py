"""What an answer over SSH says of the boards of a node, and what it fails to say."""

from __future__ import annotations

import msgspec
import pytest

from dcctl.inventory.sources.machine.facts import Facts, PciFacts
from dcctl.inventory.sources.nvml.facts import NvmlDocument, NvmlError
from dcctl.inventory.sources.ssh.run import Answer, Reply, Target
from dcctl.inventory.sources.ssh.source import parse

BOARDS = tuple(PciFacts(f"0000:0{index}:00.0", "0x10de", "0x2330", "0x030200") for index in range(8))
LINES = "pci.looked=1\n" + "\n".join(
    f"pci.0000:0{index}:00.0.{key}={value}"
    for index in range(8)
    for key, value in (("vendor", "0x10de"), ("device", "0x2330"), ("class", "0x030200"))
)


def _answer(kind: str, document: bytes) -> Answer:
    reply = Reply(f"@@dcctl {kind}\n".encode() + document + b"\n@@dcctl end\n", "", 0)
    return Answer(Target("gpu1"), reply)


@pytest.mark.parametrize(
    "nvml",
    [
        None,
        NvmlDocument(),
        NvmlDocument(count=0),
        NvmlDocument(timed_out=True),
        NvmlDocument(errors=(NvmlError("init", 12, "Library not found"),)),
        NvmlDocument(errors=(NvmlError("init", 9, "Driver not loaded"),)),
    ],
    ids=["no document", "empty", "none counted", "hung", "no library", "no driver"],
)
def test_boards_that_nvml_could_not_read_are_unknown(nvml: NvmlDocument | None) -> None:
    node, gaps = parse(_answer("python", msgspec.json.encode(Facts(pci=BOARDS, nvml=nvml))))
    assert node is not None
    assert node.accelerators is None
    assert node.accelerator_counts["pci"] == 8
    assert [(gap.part, gap.node) for gap in gaps] == [("devices", "gpu1")]


def test_boards_that_the_shell_probe_sees_are_unknown() -> None:
    node, gaps = parse(_answer("sh", LINES.encode()))
    assert node is not None
    assert (node.accelerators, node.accelerator_counts) == (None, {"pci": 8})
    assert [(gap.part, gap.cause) for gap in gaps] == [("devices", "missing")]


def test_a_node_without_boards_lacks_none() -> None:
    node, gaps = parse(_answer("python", msgspec.json.encode(Facts(pci=()))))
    assert node is not None
    assert (node.accelerators, gaps) == ((), ())
    _, gaps = parse(_answer("sh", b"pci.looked=1"))
    assert [gap.part for gap in gaps] == [""]
