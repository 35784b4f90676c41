"""What an NVML document says of each board for an audit, and why it does not say the rest. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.boards import Board, BoardLink
from dcctl.inventory.probes.rules import LOST, VIOLATIONS
from dcctl.inventory.sources.nvml.gaps import MAX_BOARDS, cause_of, text_of
from dcctl.inventory.sources.nvml.parse import VGPU_GUEST, nvlink_domain, pci_address, throttle_reasons

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcctl.inventory.sources.nvml.facts import NvmlDocument, NvmlError, NvmlGpu, NvmlLink

COMPUTE_MODES: Final = {0: "default", 1: "exclusive_thread", 2: "prohibited", 3: "exclusive_process"}
RECOVERIES: Final = {
    0: "none",
    1: "gpu_reset",
    2: "node_reboot",
    3: "drain_p2p",
    4: "drain_and_reset",
    5: "recover_imex_domain",
    6: "bus_reset",
    7: "system_reboot",
}
"""nvml.h: nvmlComputeMode_t, nvmlDeviceGpuRecoveryAction_t."""
FABRIC_STATES: Final = {1: "not_started", 2: "in_progress", 3: "completed"}
_DEGRADED, _DEGRADED_MASK = 1, 0x3
_MBPS = 8_000_000
_UNSUPPORTED = Silence("the board or its driver does not tell it", "unsupported")
_FROM: Final = {
    "ecc_uncorrected": "ecc_volatile_uncorrected",
    "ecc_corrected": "ecc_aggregate_corrected",
    "ecc_pending": "ecc_enabled",
    "remap_pending": "remapped rows",
    "remap_failed": "remapped rows",
    "remapped_uncorrected": "remapped rows",
    "remapped_corrected": "remapped rows",
    "throttle": "throttle_mask",
    "violations_ns": "violation_thermal_ns",
    "busy_milli": "utilization",
    "slot": "pci_address",
    "power_cap_mw": "power_limit_mw",
    "power_default_cap_mw": "power_default_limit_mw",
    "app_sm_clock_hz": "app_sm_clock_mhz",
    "default_sm_clock_hz": "default_sm_clock_mhz",
    "mig_enabled": "mig",
    "mig_pending": "mig",
    "fabric_state": "fabric",
}
"""Field of a board -> what NVML was asked, where the two have different names."""


def boards_of(document: NvmlDocument, node: str, slots: Sequence[str] = ()) -> tuple[Board, ...]:
    """Return the boards that NVML counts, each silent about what failed, hung, or is not supported.

    `slots`: the boards on the PCI bus in order of address, as NVML counts them; one that told no address has
    its own from there. None where NVML did not come up: nobody knows of any.
    """
    count = document.count or 0
    if not 0 <= count <= MAX_BOARDS:
        return ()
    read = {gpu.index: gpu for gpu in document.gpus}
    known = slots if len(slots) == count else ()
    return tuple(
        _board(read.get(index), index, node, known[index] if known else None, _unread(document))
        for index in range(count)
    )


def _unread(document: NvmlDocument) -> Silence:
    """Why a board that was counted was not read."""
    if document.timed_out:
        return Silence("NVML hung while this board, or one before it, was read", "timeout")
    return Silence("the board was not read", "failed")


def unanswered(document: NvmlDocument, boards: Sequence[Board]) -> dict[str, str]:
    """Return the boards that hung, are lost or were not read, by name, and why."""
    read = {gpu.index: gpu for gpu in document.gpus}
    found = {}
    for board in boards:
        gpu = read.get(board.index)
        if gpu is None:
            hung = document.timed_out and board.index == len(read)
            found[board.name] = "NVML hung while it was read" if hung else "was not read"
        elif (lost := _lost(gpu)) is not None:
            found[board.name] = text_of(lost)
    return found


def _lost(gpu: NvmlGpu) -> NvmlError | None:
    """The failure after which nothing more could be asked of a board."""
    return next((error for error in gpu.errors if error.code in LOST or error.call == "handle"), None)


def _board(gpu: NvmlGpu | None, index: int, node: str, slot: str | None, unread: Silence) -> Board:
    if gpu is None:
        silent = {name: unread for name in Board.__struct_fields__ if name not in _ALWAYS}
        return Board(node=node, index=index, slot=slot, silent=silent)
    values = _values(gpu)
    address = pci_address(gpu.pci_address) or slot
    silent = _silent(gpu, values)
    return Board(node=node, index=index, uuid=gpu.uuid, slot=address, silent=silent, **values)  # type: ignore[arg-type]


_ALWAYS = frozenset(("node", "index", "slot", "uuid", "vendor", "guest", "silent", "aer", "model"))


def _silent(gpu: NvmlGpu, values: Mapping[str, object]) -> dict[str, Silence]:
    """Why a value is not there: its call failed, the board was lost before, or it has no such thing."""
    failed = {error.call: error for error in gpu.errors}
    found = {}
    for name, value in values.items():
        if value is None:
            error = failed.get(_FROM.get(name, name)) or _lost(gpu)
            found[name] = Silence(text_of(error), cause_of(error)) if error else _UNSUPPORTED
    return found


def _values(gpu: NvmlGpu) -> dict[str, object]:
    """The fields of a board but for its names, as they were read."""
    same = (
        *("performance_state", "ecc_enabled", "ecc_pending", "ecc_dram_uncorrected", "ecc_sram_uncorrected"),
        *("remapped_corrected", "remapped_uncorrected", "remap_pending", "remap_failed", "retired_pages"),
        *("retire_pending", "temperature_c", "memory_temperature_c", "slowdown_c", "memory_max_c"),
        *("pcie_generation", "pcie_width", "pcie_max_generation", "pcie_max_width", "pcie_replays"),
        *("fabric_state", "fabric_status", "persistence", "mig_enabled", "mig_pending", "inforom_valid"),
        *("vbios", "gsp"),
    )
    percent = gpu.gpu_percent
    return {name: getattr(gpu, name) for name in same} | {
        "model": gpu.name,
        "guest": gpu.virtualization == VGPU_GUEST,
        "busy_milli": None if percent is None else percent * 10,
        "ecc_uncorrected": gpu.ecc_volatile_uncorrected,
        "ecc_corrected": gpu.ecc_aggregate_corrected,
        "remap_histogram": gpu.remap_histogram or None,
        "throttle": throttle_reasons(gpu.throttle_mask),
        "violations_ns": _violations(gpu),
        "nvlinks": None if _links_unread(gpu) else tuple(map(_link, gpu.nvlinks)),
        "fabric_degraded": _degraded(gpu.fabric_health),
        "nvlink_domain": nvlink_domain(gpu),
        "power_cap_mw": gpu.power_limit_mw,
        "power_default_cap_mw": gpu.power_default_limit_mw,
        "app_sm_clock_hz": _hertz(gpu.app_sm_clock_mhz),
        "default_sm_clock_hz": _hertz(gpu.default_sm_clock_mhz),
        "compute_mode": _word(COMPUTE_MODES, gpu.compute_mode),
        "recovery_action": _word(RECOVERIES, gpu.recovery_action),
    }


def _links_unread(gpu: NvmlGpu) -> bool:
    """True where no link was told because nobody could: that is no board without links."""
    return _lost(gpu) is not None or any(error.call == "nvlinks" for error in gpu.errors)


def _violations(gpu: NvmlGpu) -> dict[str, int] | None:
    found = {name: getattr(gpu, f"violation_{name}_ns") for name, _ in VIOLATIONS}
    return {name: value for name, value in found.items() if value is not None} or None


def _hertz(mhz: int | None) -> int | None:
    return None if mhz is None else mhz * 1_000_000


def _word(words: Mapping[int, str], number: int | None) -> str | None:
    """The word for a number; one that nvml.h does not name yet is told as it is."""
    return None if number is None else words.get(number, f"number {number}")


def _degraded(mask: int | None) -> bool | None:
    return None if mask is None else mask & _DEGRADED_MASK == _DEGRADED


def _link(link: NvmlLink) -> BoardLink:
    return BoardLink(
        number=link.index,
        up=link.active,
        speed_bps=None if link.speed_mbps is None else link.speed_mbps * _MBPS,
        crc=link.crc,
        replays=link.replays,
        recoveries=link.recoveries,
    )


def fabric_states(boards: Sequence[Board]) -> dict[str, int] | None:
    """Return how many boards are in which state of the fabric; None where one that has a fabric is silent."""
    found: dict[str, int] = {}
    for board in boards:
        if board.fabric_state is None:
            silence = board.silent.get("fabric_state")
            if silence is None or silence.cause != "unsupported":
                return None
            continue
        word = FABRIC_STATES.get(board.fabric_state)
        if word == "completed":
            word = "failed" if board.fabric_status else "degraded" if board.fabric_degraded else word
        if word is not None:
            found[word] = found.get(word, 0) + 1
    return found
