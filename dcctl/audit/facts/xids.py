"""What the numbers that NVIDIA's driver logs mean.

Fatal: those that AzureHPC's node health checks take a node out for, and of NVIDIA's catalogue of XIDs
(docs.nvidia.com/deploy/xid-errors) those that ask for a reset or a reboot. By the user: what a program does
to itself, or a scheduler to a program.
"""

from __future__ import annotations

from typing import Final

FATAL: Final[dict[int, str]] = {
    46: "the GPU stopped processing",
    48: "double-bit ECC error",
    56: "display engine error",
    57: "error while video memory was set up",
    58: "unstable video memory",
    62: "internal micro-controller halted",
    63: "a row or page was marked to be replaced: a reset is due",
    64: "a row or page could not be replaced",
    65: "video processor error",
    68: "video decoder error",
    69: "graphics engine class error",
    73: "video encoder error",
    74: "NVLink error",
    79: "fallen off the bus",
    80: "corrupted data sent to the GPU",
    81: "VGA subsystem error",
    92: "high rate of single-bit ECC errors",
    95: "ECC error that was not contained",
    119: "the GPU system processor does not answer",
    120: "error of the GPU system processor",
    140: "ECC error that was not recovered",
}
BY_THE_USER: Final[frozenset[int]] = frozenset((8, 13, 31, 32, 43, 45))
"""Channel time-out, graphics exception, page fault, corrupted push buffer, stopped, cleaned up."""
OFF_THE_BUS: Final = 79
