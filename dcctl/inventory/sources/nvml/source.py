"""The NVIDIA boards of this machine by NVML, read in a child process that is killed at a deadline."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dcctl.inventory.model import Fleet, Node, System
from dcctl.inventory.probes.rules import LIBRARY_NOT_FOUND, NVML_FOLDERS, NVML_LIBRARY
from dcctl.inventory.sources.machine.deadline import run_child
from dcctl.inventory.sources.machine.pci import read_pci
from dcctl.inventory.sources.machine.vendors import on_bus
from dcctl.inventory.sources.nvml.facts import NvmlDocument, NvmlError
from dcctl.inventory.sources.nvml.lines import document_of
from dcctl.inventory.sources.nvml.parse import cuda_version, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NvmlSource", "find_library", "parse"]

# Where ld.so looks without a word from ld.so.cache.
_LOADER_DIRECTORIES = ("lib64", "usr/lib64", "lib", "usr/lib")
_PACKAGE_ROOT = str(Path(__file__).parents[4])


class NvmlSource:
    """NVML on this machine. One without library, driver or board is a normal case, and starts no process."""

    kind = "nvml"
    name = "nvml"

    def __init__(
        self, deadline_s: float = 10.0, environment: Mapping[str, str] | None = None, root: Path = Path("/")
    ) -> None:
        """`deadline_s` is for the whole reading; `environment` is the child's (None: this process's)."""
        self.deadline_s = deadline_s
        self.environment = dict(os.environ if environment is None else environment)
        self.root = root

    def collect(self) -> Fleet:
        """One node of this machine's name, with the accelerators that NVML knows; never raises."""
        node = socket.gethostname()
        document = self.read()
        reading = parse(document, self.name, node, on_bus(read_pci(self.root)))
        system = System(driver=document.driver, cuda=cuda_version(document.cuda)) if document.driver else None
        found = Node(
            name=node,
            sources=(self.name,),
            system=system,
            accelerators=reading.accelerators,
            accelerator_counts=reading.counts,
        )
        return Fleet(nodes=(found,), gaps=reading.gaps)

    def read(self) -> NvmlDocument:
        """What NVML said before the deadline, and how it ended if it did not end well."""
        directory = find_library(self.environment, self.root)
        if directory is None:
            missing = NvmlError("load", LIBRARY_NOT_FOUND, f"{NVML_LIBRARY} was not found")
            return NvmlDocument(errors=(missing,))
        command = [sys.executable, "-P", "-m", "dcctl.inventory.sources.nvml.child", str(self.deadline_s + 1)]
        return document_of(run_child(command, self._child_environment(directory), self.deadline_s))

    def _child_environment(self, directory: str) -> dict[str, str]:
        """The child finds this very dcctl, and the library also where the loader would not look."""
        added = {"PYTHONPATH": _PACKAGE_ROOT, "LD_LIBRARY_PATH": directory}
        old = {name: self.environment.get(name, "") for name in added}
        paths = {name: ":".join(filter(None, (old[name], path))) for name, path in added.items()}
        return {**self.environment, **{name: path for name, path in paths.items() if path}}


def find_library(environment: Mapping[str, str], root: Path = Path("/")) -> str | None:
    """Where libnvidia-ml.so.1 is: a directory to add to LD_LIBRARY_PATH, "" when the loader finds it.

    None when it is nowhere. Only looks at files: loading the library would already talk to the driver.
    """
    listed = [path for path in environment.get("LD_LIBRARY_PATH", "").split(":") if path]
    if any(Path(path, NVML_LIBRARY).exists() for path in listed) or _in_cache(root):
        return ""
    if any((root / path / NVML_LIBRARY).exists() for path in _LOADER_DIRECTORIES):
        return ""
    found = (root / path for path in NVML_FOLDERS)
    return next((str(path) for path in found if (path / NVML_LIBRARY).exists()), None)


def _in_cache(root: Path) -> bool:
    try:
        return f"{NVML_LIBRARY}\0".encode() in (root / "etc/ld.so.cache").read_bytes()
    except OSError:
        return False
