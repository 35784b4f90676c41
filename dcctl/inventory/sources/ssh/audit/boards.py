"""The part `boards` of an answer as boards, their node, and its ports of the fabric. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct, field

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.boards import Board, GpuNode, Service
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.model import Cause  # noqa: TC001  # msgspec reads it
from dcctl.inventory.sources.machine.devices import parse_pci
from dcctl.inventory.sources.machine.figures import number
from dcctl.inventory.sources.machine.vendors import on_bus
from dcctl.inventory.sources.nvml.evidence import boards_of, fabric_states, unanswered
from dcctl.inventory.sources.ssh.audit.logs import read_log
from dcctl.inventory.sources.ssh.audit.ports import PortRow, far_ends, port_of
from dcctl.inventory.sources.ssh.audit.told import Told, Untold, out_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dcctl.inventory.evidence.fabric import FabricPort
    from dcctl.inventory.sources.ssh.audit.gather import NodeAnswer
    from dcctl.inventory.sources.ssh.audit.logs import Logged

_AER: Final = {
    "aer_dev_correctable": ("correctable", "TOTAL_ERR_COR"),
    "aer_dev_nonfatal": ("nonfatal", "TOTAL_ERR_NONFATAL"),
    "aer_dev_fatal": ("fatal", "TOTAL_ERR_FATAL"),
}
_DMA_BUF_KERNEL: Final = (5, 12)
"""Since then the kernel hands memory of boards to RDMA by dma-buf; the driver's open modules do."""
_NO_ENTRIES: Final = "-- No entries --"
_VERSIONS: Final = {
    "ofed": r"^(.+?):?\s*$",
    "fabricmanager": r"version is\s*:\s*(\S+)",
    "container-toolkit": r"version\s+v?(\S+)",
    "containerd": r"^\S+ \S+ v?(\S+)",
}
"""What each command of that name prints before and after its version."""


class BoardDocument(Struct, frozen=True):
    """The part `boards`. With `why` it was not told at all."""

    why: str = ""
    cause: Cause = "failed"
    taken_at_s: int | None = None
    uptime_s: int | None = None
    modules: tuple[str, ...] | None = None
    driver: str | None = None
    kernel: str | None = None
    cmdline: str | None = None
    microcode: str | None = None
    bios: str | None = None
    nccl: str | None = None
    daemons: tuple[str, ...] = ()
    switches: tuple[str, ...] | None = None
    aer: dict[str, dict[str, str]] = field(default_factory=dict)
    rdma: tuple[PortRow, ...] = ()

    @property
    def booted_at_s(self) -> int | None:
        """Unix time."""
        return None if self.taken_at_s is None or self.uptime_s is None else self.taken_at_s - self.uptime_s


def board_evidence(answer: NodeAnswer) -> Evidence:
    """Return the boards, the node and the ports of an answer; nothing of a node without boards and ports."""
    if answer.silence is not None:
        return Evidence(gpu_nodes=(_mute(answer.node, answer.silence),))
    raw = answer.parts.get("boards")
    try:
        document = msgspec.json.decode(raw, type=BoardDocument) if raw else BoardDocument(why="was not asked")
    except msgspec.DecodeError as error:
        document = BoardDocument(why=f"it makes no sense: {error}", cause="invalid")
    if document.why:
        return Evidence(gpu_nodes=(_mute(answer.node, Silence(document.why, document.cause)),))
    boards = _boards(answer, document)
    ports = _ports(answer, document)
    anything = parse_pci(answer.facts.pci or ()) or boards or ports
    nodes = (_node(answer, document, boards, ports),) if anything else ()
    return Evidence(boards=boards, gpu_nodes=nodes, ports=ports)


def _mute(node: str, silence: Silence) -> GpuNode:
    """A node that told nothing."""
    named = {"node", "vendor", "model", "silent", "names"}
    fields = (name for name in GpuNode.__struct_fields__ if name not in named)
    return GpuNode(node=node, silent=dict.fromkeys(fields, silence))


def _boards(answer: NodeAnswer, document: BoardDocument) -> tuple[Board, ...]:
    """NVIDIA's boards by NVML, with the errors that their PCI ports reported; other vendors' by the bus."""
    functions = parse_pci(answer.facts.pci or ())
    own = [one.pcie.address for one in functions if one.vendor == "nvidia" and one.pcie]
    slots = [address for address in own if address]
    nvml = answer.facts.nvml
    found = () if nvml is None else boards_of(nvml, answer.node, slots)
    others = tuple(
        Board(node=answer.node, slot=one.pcie.address, index=one.index, vendor=one.vendor)
        for one in functions
        if one.vendor != "nvidia" and one.pcie
    )
    return tuple(msgspec.structs.replace(board, aer=_aer(document, board.slot)) for board in found) + others


def _aer(document: BoardDocument, slot: str | None) -> dict[str, int] | None:
    """The totals of the errors of a PCI port; None where the kernel counts none."""
    found = {}
    for name, text in document.aer.get(slot or "", {}).items():
        kind, total = _AER.get(name, (name, ""))
        counted = re.search(rf"^{total} (\d{{1,18}})$", text, re.MULTILINE) if total else None
        if counted:
            found[kind] = int(counted[1])
    return found or None


def _ports(answer: NodeAnswer, document: BoardDocument) -> tuple[FabricPort, ...]:
    try:
        ends = far_ends(_said(answer.commands, "lldp"))
    except Untold:
        ends = {}
    return tuple(port_of(row, answer.node, ends) for row in document.rdma)


def _node(
    answer: NodeAnswer, document: BoardDocument, boards: Sequence[Board], ports: Sequence[FabricPort]
) -> GpuNode:
    nvml, functions = answer.facts.nvml, parse_pci(answer.facts.pci or ())
    vendors = sorted({one.vendor for one in functions} | {one.vendor for one in boards})
    nvidia = "nvidia" in vendors or not vendors
    models = sorted({board.model for board in boards if board.model})
    told, silent = _told(answer, document)
    counts = {} if answer.facts.pci is None else {"pci": len(functions)}
    if nvml is not None and nvml.count is not None:
        counts["nvml"] = nvml.count
    elif nvidia and on_bus(answer.facts.pci):
        silent["unanswered"] = silent["fabric_states"] = Silence("NVML did not come up", "failed")
    up = nvml is not None and nvml.count is not None
    return GpuNode(
        node=answer.node,
        vendor="nvidia" if nvidia else vendors[0],
        model=" + ".join(models) or None,
        counts=counts or None,
        unanswered=_unanswered(answer, boards),
        switches=None if document.switches is None else len(document.switches),
        fabric_states=fabric_states(boards) if up or not boards else None,
        multi_node=any(board.nvlink_domain for board in boards) if up else None,
        modules=document.modules,
        dma_buf=_dma_buf(document),
        rdma=bool(ports),
        versions=_versions(answer, document),
        names={board.slot: board.uuid for board in boards if board.slot and board.uuid},
        silent=silent,
        **told,
    )


def _unanswered(answer: NodeAnswer, boards: Sequence[Board]) -> dict[str, str] | None:
    nvml = answer.facts.nvml
    if nvml is None:
        return None
    if nvml.count is None:
        return {"NVML": "NVML did not come up before its deadline"} if nvml.timed_out else None
    return unanswered(nvml, [board for board in boards if board.vendor == "nvidia"])


def _told(answer: NodeAnswer, document: BoardDocument) -> tuple[dict[str, Any], dict[str, Silence]]:
    """What the commands told, by field, and why the rest was not."""
    readers: dict[str, Callable[[], object]] = {
        "services": lambda: _services(_said(answer.commands, "gpu_units", (0, 1, 4)), document),
        "xids": lambda: _log(answer, document).xids,
        "fallen": lambda: _log(answer, document).fallen,
        "acs_redirects": lambda: acs_redirects(_said(answer.commands, "bridges")),
    }
    found: dict[str, Any] = {}
    silent: dict[str, Silence] = {}
    for name, reader in readers.items():
        try:
            found[name] = reader()
        except Untold as reason:
            silent[name] = reason.silence
    return found, silent


def _said(commands: Mapping[str, Told], name: str, ok: tuple[int, ...] = (0,)) -> str:
    told = commands.get(name)
    if told is None:
        raise Untold(f"{name} was not run there", "missing")
    return out_of(told, name, ok)


def _log(answer: NodeAnswer, document: BoardDocument) -> Logged:
    """The log by the journal; by dmesg where the journal has nothing of it, or is none."""
    try:
        text = _said(answer.commands, "gpu_log", (0, 1))
    except Untold:
        text = ""
    if text and _NO_ENTRIES not in text and answer.commands["gpu_log"].status == 0:
        return read_log(text)
    try:
        return read_log(_said(answer.commands, "gpu_dmesg"), document.booted_at_s)
    except Untold:
        if _NO_ENTRIES in text:
            return read_log("")
        raise


def _services(text: str, document: BoardDocument) -> dict[str, Service]:
    """The units of `systemctl show`, and programs that run in a container without a unit here."""
    found, booted = {}, document.booted_at_s
    for block in text.strip().split("\n\n"):
        told = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        since_us = number(told.get("StateChangeTimestampMonotonic")) or None  # 0: it never changed
        since_s = None if booted is None or since_us is None else booted + since_us // 1_000_000
        if name := told.get("Id", "").removesuffix(".service"):
            found[name] = Service(told.get("LoadState", ""), told.get("ActiveState", ""), since_s)
    for name in document.daemons:
        if name not in found or found[name].active != "active":
            found[name] = Service("process", "active")
    return found


def acs_redirects(text: str) -> tuple[str, ...]:
    """Return the bridges of `lspci -Dvv` that redirect peer traffic. Untold: lspci was not root."""
    found, here = [], ""
    if "<access denied>" in text:
        raise Untold("lspci reads the ACS of bridges as root alone", "denied")
    for line in text.splitlines():
        if line[:1].strip():
            here = line.partition(" ")[0]
        elif "ACSCtl:" in line and re.search(r"(ReqRedir|CmpltRedir)\+", line):
            found.append(here)
    return tuple(found)


def _dma_buf(document: BoardDocument) -> bool | None:
    """Whether memory of boards is handed on by dma-buf: open kernel modules, and a kernel that can."""
    if document.driver is None or document.kernel is None:
        return None
    kernel = re.match(r"(\d{1,3})\.(\d{1,3})", document.kernel)
    newer = kernel is not None and (int(kernel[1]), int(kernel[2])) >= _DMA_BUF_KERNEL
    return newer and "Open Kernel Module" in document.driver


def _versions(answer: NodeAnswer, document: BoardDocument) -> dict[str, str]:
    nvml = answer.facts.nvml
    found = {
        "driver": nvml.driver if nvml else None,
        "kernel": document.kernel,
        "cmdline": _alike(document.cmdline, answer.node),
        "microcode": document.microcode,
        "bios": document.bios,
        "nccl": document.nccl,
    }
    for name, pattern in _VERSIONS.items():
        try:
            told = re.search(pattern, _said(answer.commands, name), re.MULTILINE)
        except Untold:
            continue
        found[name] = told[1] if told else None
    return {name: value for name, value in found.items() if value}


_OWN: Final = (
    *("root=", "BOOT_IMAGE=", "initrd=", "ip=", "rd.", "resume=", "BOOTIF=", "ds=", "systemd.hostname="),
    *("hostname=", "nfsroot=", "nfsaddrs=", "netroot=", "ifname=", "systemd.machine_id=", "coreos.inst."),
    *("ignition.config.url=", "inst.ks=", "cloud-config-url="),
)
"""Words of a kernel's command line that differ from node to node, most of all where nodes boot by network."""
_SECRET: Final = re.compile(r"(pass|token|secret|key|auth)[^=]*=", re.IGNORECASE)


def _alike(cmdline: str | None, node: str) -> str | None:
    """A command line without what names one machine (its root, its name, its address), and no secrets."""
    name = re.compile(rf"=.*(?<![A-Za-z0-9]){re.escape(node.partition('.')[0])}(?![A-Za-z0-9])")
    words = [
        word
        for word in (cmdline or "").split()
        if not (word.startswith(_OWN) or _SECRET.search(word) or name.search(word))
    ]
    return " ".join(words) or None
