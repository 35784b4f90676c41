"""Part of the node probe: calls NVML by ctypes. Python 3.6 and its standard library alone.

Constants and structures: nvml.h. Type hints are text, because the Python of a node may not know them.
"""

import ctypes

from dcctl.inventory.probes.rules import ABSENT, FUNCTION_NOT_FOUND, LOST

U32, U64 = ctypes.c_uint, ctypes.c_ulonglong


class PciInfo(ctypes.Structure):
    """nvmlPciInfo_t."""

    _fields_ = [("legacy", ctypes.c_char * 16), ("numbers", U32 * 5), ("address", ctypes.c_char * 32)]


class Memory(ctypes.Structure):
    """nvmlMemory_t."""

    _fields_ = [("total", U64), ("free", U64), ("used", U64)]


class MemoryV2(ctypes.Structure):
    """nvmlMemory_v2_t."""

    _fields_ = [("version", U32), ("total", U64), ("reserved", U64), ("free", U64), ("used", U64)]


class Temperature(ctypes.Structure):
    """nvmlTemperature_v1_t."""

    _fields_ = [("version", U32), ("sensor", U32), ("celsius", ctypes.c_int)]


class ProcessInfo(ctypes.Structure):
    """nvmlProcessInfo_v2_t."""

    _fields_ = [("pid", U32), ("memory", U64), ("gpu_instance", U32), ("compute_instance", U32)]


class FieldValue(ctypes.Structure):
    """nvmlFieldValue_t."""

    _fields_ = [
        ("field", U32),
        ("scope", U32),
        ("timestamp", ctypes.c_longlong),
        ("latency", ctypes.c_longlong),
        ("kind", U32),
        ("result", U32),
        ("value", U64),
    ]


class ViolationTime(ctypes.Structure):
    """nvmlViolationTime_t."""

    _fields_ = [("reference", U64), ("violation", U64)]


class SliceAttributes(ctypes.Structure):
    """nvmlDeviceAttributes_t."""

    _fields_ = [("counts", U32 * 8), ("memory_mib", U64)]


class FabricInfo(ctypes.Structure):
    """nvmlGpuFabricInfo_t."""

    _fields_ = [("cluster", ctypes.c_ubyte * 16), ("status", U32), ("clique", U32), ("state", ctypes.c_ubyte)]


class FabricInfoV2(ctypes.Structure):
    """nvmlGpuFabricInfo_v2_t."""

    _fields_ = [
        ("version", U32),
        ("cluster", ctypes.c_ubyte * 16),
        ("status", U32),
        ("clique", U32),
        ("state", ctypes.c_ubyte),
        ("health", U32),
    ]


def version(kind: "type[ctypes.Structure]", number: int) -> int:
    """Return what nvml.h calls NVML_STRUCT_VERSION."""
    return ctypes.sizeof(kind) | number << 24


class NvmlLostError(Exception):
    """The board is gone: nothing more can be asked of it."""


class Nvml:
    """The library, with every failure kept as data in `errors`."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library
        self.errors = []  # type: list[dict[str, object]]

    def note(self, label: str, code: int, text: str) -> None:
        """Keep a failure."""
        self.errors.append({"call": label, "code": code, "text": text})

    def raw(self, symbol: str, *arguments: object) -> int:
        """Return NVML's code."""
        try:
            return int(getattr(self.library, "nvml" + symbol)(*arguments))
        except AttributeError:
            return FUNCTION_NOT_FOUND

    def call(self, label: str, symbol: str, *arguments: object) -> int:
        """Return 0 or NVML's code; what is not merely absent is noted. NvmlLostError: the board is lost."""
        code = self.raw(symbol, *arguments)
        if code and code not in ABSENT:
            self.note(label, code, self.text(code))
            if code in LOST:
                raise NvmlLostError(label)
        return code

    def text(self, code: int) -> str:
        """Return NVML's words for a code."""
        try:
            self.library.nvmlErrorString.restype = ctypes.c_char_p
            return (self.library.nvmlErrorString(code) or b"").decode("utf-8", "replace")
        except AttributeError:
            return ""

    def number(
        self, label: str, symbol: str, kind: "type[ctypes.c_uint | ctypes.c_ulonglong]", *arguments: object
    ) -> "int | None":
        """Return a number that NVML writes to its last argument."""
        value = kind()
        return None if self.call(label, symbol, *arguments, ctypes.byref(value)) else value.value

    def string(self, label: str, symbol: str, *arguments: object) -> "str | None":
        """Return a text that NVML writes into a buffer."""
        buffer = ctypes.create_string_buffer(128)
        failed = self.call(label, symbol, *arguments, buffer, U32(128))
        return None if failed else buffer.value.decode("utf-8", "replace")

    def field(self, handle: ctypes.c_void_p, field: int, scope: int = 0) -> "int | None":
        """Return the value of a field id; the answer may be 32 or 64 bits wide, low byte first."""
        value = FieldValue(field=field, scope=scope)
        failed = self.raw("DeviceGetFieldValues", handle, 1, ctypes.byref(value))
        if failed or value.result:
            return None
        wide = int(value.value)
        return wide if value.kind == 3 else wide & 0xFFFFFFFF
