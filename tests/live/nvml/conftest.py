"""The fake libnvidia-ml.so.1, built once, and what the real pynvml in a real child process reads of it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dcctl.inventory.probes.rules import NVML_LIBRARY
from dcctl.inventory.sources.nvml.source import NvmlSource
from tests.components import need

READINGS = Path(__file__).parents[2] / "data" / "nvml"
OLD = frozenset(("t4_few",))
"""Cases of an old driver."""

Source = Callable[..., NvmlSource]


def _build(folder: Path, *flags: str) -> Path:
    source = Path(__file__).with_name("fake_nvml.c")
    command = [need("cc", "gcc"), "-std=gnu11", "-Wall", "-Wextra", "-O1", "-fPIC", "-shared", *flags]
    subprocess.run([*command, "-o", folder / NVML_LIBRARY, source], check=True)
    return folder


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built library."""
    return _build(tmp_path_factory.mktemp("nvml"), "-Werror")


@pytest.fixture(scope="session")
def old_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a library without the functions that came after driver 470."""
    return _build(tmp_path_factory.mktemp("nvml470"), "-DOLD_DRIVER")


@pytest.fixture
def source(library: Path, old_library: Path, tmp_path: Path) -> Source:
    """`source("h100x8")`: NVML on a machine that gives the readings of tests/data/nvml/h100x8.tsv."""

    def make(case: str, deadline_s: float = 60.0, root: Path = tmp_path) -> NvmlSource:
        readings = READINGS / f"{case}.tsv"
        assert readings.exists()
        folder = old_library if case in OLD else library
        settings = {"LD_LIBRARY_PATH": str(folder), "FAKE_NVML_READINGS": str(readings)}
        return NvmlSource(deadline_s, {**os.environ, **settings}, root)

    return make
