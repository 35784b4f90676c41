"""What NVML failed to say, and why: nvmlReturn_t as gaps. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.model import Gap
from dcctl.inventory.probes.rules import (
    ABSENT,
    FUNCTION_NOT_FOUND,
    GPU_IS_LOST,
    LIBRARY_NOT_FOUND,
    RESET_REQUIRED,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.model import Cause
    from dcctl.inventory.sources.nvml.facts import NvmlDocument, NvmlError, NvmlGpu

# nvml.h: nvmlReturn_t.
NOT_SUPPORTED, NO_PERMISSION, TIMEOUT = 3, 4, 10
DRIVER_NOT_LOADED, VERSION_MISMATCH = 9, 18
NO_DRIVER = frozenset({DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND})
_CAUSES: dict[int, Cause] = {
    NOT_SUPPORTED: "unsupported",
    NO_PERMISSION: "denied",
    TIMEOUT: "timeout",
    DRIVER_NOT_LOADED: "missing",
    LIBRARY_NOT_FOUND: "missing",
    FUNCTION_NOT_FOUND: "unsupported",
}
_HINTS = {
    NO_PERMISSION: "ls -l /dev/nvidia*",
    DRIVER_NOT_LOADED: "modprobe nvidia",
    LIBRARY_NOT_FOUND: "ldconfig -p | grep libnvidia-ml",
    GPU_IS_LOST: "dmesg | grep -i xid",
    RESET_REQUIRED: "nvidia-smi --gpu-reset",
    VERSION_MISMATCH: "cat /proc/driver/nvidia/version",
}
_TEXTS = {
    GPU_IS_LOST: "the GPU has fallen off the bus or is otherwise inaccessible",
    RESET_REQUIRED: "the GPU needs a reset before it can be used again",
    VERSION_MISMATCH: "the library is not of the version of the loaded driver: reload the driver or reboot",
    NO_PERMISSION: "no permission to talk to the driver",
}
MAX_BOARDS = 1024
"""More is no machine, and is not believed: a count from elsewhere must not decide how much memory is used."""
_WHOLE_PERCENT = 100
_NAMED_CALLS = 4
"""So many readings are named in one gap; the rest are counted."""


def gaps_of(document: NvmlDocument, source: str, node: str, on_bus: int | None) -> tuple[Gap, ...]:
    """A gap for each failure of the machine, and one for each board and cause; see `nvml_parse.parse`."""
    gaps = [_machine_gap(error, source, node, on_bus) for error in document.errors if _counts(error, on_bus)]
    gaps += [gap for gpu in document.gpus for gap in _board_gaps(gpu, source, node)]
    gaps += [
        Gap(source, _subject(gpu, node), why, "invalid") for gpu in document.gpus for why in _absurd(gpu)
    ]
    if document.count is not None and not 0 <= document.count <= MAX_BOARDS:
        reason = f"NVML counts {document.count} boards, which is no machine"
        gaps.append(Gap(source, node, reason, "invalid"))
    elif document.timed_out:
        gaps.append(_hang_gap(document, source, node))
    elif not document.errors and (why := _unread(document, on_bus)):
        gaps.append(Gap(source, node, why, "missing", "nvidia-smi"))
    return tuple(replace(gap, node=node, part="devices") for gap in gaps)


def _counts(error: NvmlError, on_bus: int | None) -> bool:
    """A machine without NVIDIA boards needs no NVIDIA driver, and that is no gap."""
    return error.code not in NO_DRIVER or bool(on_bus)


def _machine_gap(error: NvmlError, source: str, node: str, on_bus: int | None) -> Gap:
    reason = f"NVML {error.call}: {text_of(error)}"
    if error.code in NO_DRIVER:
        what = "library" if error.code == LIBRARY_NOT_FOUND else "driver"
        reason = f"{on_bus} NVIDIA boards on the PCI bus, and no NVIDIA {what}"
    return Gap(source, node, reason, cause_of(error), _HINTS.get(error.code, ""))


def _unread(document: NvmlDocument, on_bus: int | None) -> str:
    """What was not said of boards that are there, although nothing failed."""
    count, read = document.count, len({gpu.index for gpu in document.gpus})
    if count:
        return f"{count - read} of {count} boards were not read" if read < count else ""
    return f"{on_bus} NVIDIA boards on the PCI bus, and NVML tells of none" if on_bus else ""


def _absurd(gpu: NvmlGpu) -> Iterable[str]:
    """Shares of more than the whole."""
    for what, percent in (("use", gpu.gpu_percent), ("use of the memory", gpu.memory_percent)):
        if percent is not None and believed_percent(percent) is None:
            yield f"{what} of {percent:,} %: not believed"


def believed_percent(percent: int | None) -> int | None:
    """The percentage; None for one that cannot be."""
    return percent if percent is not None and percent <= _WHOLE_PERCENT else None


def _board_gaps(gpu: NvmlGpu, source: str, node: str) -> Iterable[Gap]:
    """One gap for each cause, since a lost board fails in every reading alike."""
    by_code: dict[int, list[NvmlError]] = {}
    for error in gpu.errors:
        if error.code not in ABSENT:
            by_code.setdefault(error.code, []).append(error)
    for code, errors in by_code.items():
        reason = f"{_calls(errors)}: {text_of(errors[0])}"
        yield Gap(source, _subject(gpu, node), reason, _CAUSES.get(code, "failed"), _HINTS.get(code, ""))


def _hang_gap(document: NvmlDocument, source: str, node: str) -> Gap:
    if document.count is None:
        return Gap(
            source,
            node,
            "NVML did not come up before the deadline",
            "timeout",
            "dmesg | grep -i -e nvrm -e xid",
        )
    index = len(document.gpus)
    if index >= document.count:
        return Gap(source, node, "NVML did not end before the deadline", "timeout")
    reason = "NVML hung while this GPU was read"
    rest = document.count - index - 1
    if rest:
        reason += f"; {rest} more not read"
    return Gap(source, f"{node} GPU {index}", reason, "timeout", "dmesg | grep -i -e nvrm -e xid")


def _subject(gpu: NvmlGpu, node: str) -> str:
    return f"{node} GPU {gpu.index} ({gpu.uuid})" if gpu.uuid else f"{node} GPU {gpu.index}"


def cause_of(error: NvmlError) -> Cause:
    """Return why a call failed."""
    return _CAUSES.get(error.code, "failed")


def text_of(error: NvmlError) -> str:
    """Return a failure in words."""
    return _TEXTS.get(error.code) or error.text or f"NVML error {error.code}"


def _calls(errors: list[NvmlError]) -> str:
    names = [error.call for error in errors]
    more = f" and {len(names) - _NAMED_CALLS} more" if len(names) > _NAMED_CALLS else ""
    return ", ".join(names[:_NAMED_CALLS]) + more
