"""What is read of the condition of an NVML board: time held back, InfoROM, rows and pages that were replaced.

Used in the child process alone, like `readings`: any of these calls may never return.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import pynvml as nv

from dcctl.inventory.probes.rules import RECOVERY_ACTION, VIOLATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

Handle: TypeAlias = object
Row: TypeAlias = "dict[str, object]"


def field_value(handle: Handle, field: int, scope: int) -> int | None:
    """Return the value of a field id; None where the board does not tell it."""
    value = nv.nvmlDeviceGetFieldValues(handle, [(field, scope)])[0]
    if value.nvmlReturn != nv.NVML_SUCCESS:
        return None
    wide = value.valueType == nv.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG
    return int(value.value.ullVal if wide else value.value.uiVal)


def _violation(name: str, policy: int, handle: Handle) -> Row:
    """The time that a board was held back for one reason."""
    return {name: nv.nvmlDeviceGetViolationStatus(handle, policy).violationTime}


def _recovery(handle: Handle) -> Row:
    action = field_value(handle, RECOVERY_ACTION, 0)
    return {} if action is None else {"recovery_action": action}


def _inforom(handle: Handle) -> Row:
    try:
        nv.nvmlDeviceValidateInforom(handle)
    except nv.NVMLError as error:
        if error.value != nv.NVML_ERROR_CORRUPTED_INFOROM:
            raise
        return {"inforom_valid": False}
    return {"inforom_valid": True}


def _histogram(handle: Handle) -> Row:
    banks = nv.nvmlDeviceGetRowRemapperHistogram(handle)
    return {"remap_histogram": [banks.max, banks.high, banks.partial, banks.low, banks.none]}


def _retire_pending(handle: Handle) -> Row:
    return {"retire_pending": bool(nv.nvmlDeviceGetRetiredPagesPendingStatus(handle))}


CONDITION: tuple[tuple[str, Callable[[Handle], Row]], ...] = (
    *(
        (f"violation_{name}_ns", partial(_violation, f"violation_{name}_ns", policy))
        for name, policy in VIOLATIONS
    ),
    ("recovery_action", _recovery),
    ("inforom_valid", _inforom),
    ("remap_histogram", _histogram),
    ("retire_pending", _retire_pending),
)
