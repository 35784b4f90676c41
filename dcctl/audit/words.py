"""What fields of evidence are called in sentences, where their names are none."""

from __future__ import annotations

from typing import Final

_WORDS: Final = {
    "apis": "which APIs it serves",
    "bandwidths": "any record of an all-reduce",
    "bmc": "what its BMC has logged",
    "carrier_changes": "how often its carrier was lost",
    "confinement": "whether SELinux or AppArmor enforces",
    "control_plane": "who runs the control plane",
    "copies": "which copies there are",
    "counts": "how many boards it has",
    "diagnostics": "any record of dcgmi diag",
    "drilled_at_s": "when a restore was last tried",
    "ecc_corrected": "how many errors ECC corrected",
    "ecc_enabled": "whether ECC is on",
    "ecc_pending": "whether ECC is on after the next restart",
    "ecc_uncorrected": "how many errors ECC could not correct",
    "ends_at_s": "when it ends",
    "fabric_states": "whether its boards have joined the fabric",
    "fallen": "whether boards fell off the bus",
    "files": "the modes of its files",
    "flags": "how it was started",
    "flaws": "whether the history is whole",
    "held": "who holds it",
    "imports": "what it imports",
    "integrity": "when its files were last checked",
    "kind": "what kind of file it is",
    "layer": "whether it is InfiniBand or Ethernet",
    "leftovers": "what work left behind",
    "listeners": "who listens on which port",
    "made_at_s": "when it was made",
    "modules": "which kernel modules are loaded",
    "nvlinks": "how its NVLinks are",
    "payloads": "what it carries",
    "pcie_max_width": "how many lanes its PCIe link may have",
    "pcie_width": "how many lanes its PCIe link has",
    "persistence": "whether persistence mode is on",
    "personal": "whether it is of persons",
    "phase": "whether it is bound",
    "power_cap_mw": "its power cap",
    "rdma": "whether it has InfiniBand or RoCE",
    "ready": "whether it is ready",
    "remap_failed": "whether a row could not be remapped",
    "remap_pending": "whether a row waits to be remapped",
    "remapped_uncorrected": "how many rows were remapped",
    "rules": "what the audit itself may do",
    "services": "which services run",
    "shapes": "what its pods are like",
    "sshd": "how its SSH server is set",
    "stuck": "which processes hang",
    "switches": "how many NVSwitches it has",
    "temperature_c": "how warm it is",
    "throttle": "what holds its clocks back",
    "tuning": "how processor and memory are set up",
    "updates": "which updates wait",
    "upgrades": "how it gets its updates",
    "xids": "which XIDs the driver has logged",
}
"""By name of the field; what is not here is called by its name."""


def in_words(field: str) -> str:
    """Return what follows `nobody told`."""
    return _WORDS.get(field, f"its {field.replace('_', ' ')}")
