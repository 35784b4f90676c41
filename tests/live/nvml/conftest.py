"""The fake libnvidia-ml.so.1, built once, and what the real pynvml in a real child process reads of it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dcctl.inventory.sources.nvml import LIBRARY, NvmlSource
from tests.components import need

READINGS = Path(__file__).parents[2] / "data" / "nvml"

Source = Callable[..., NvmlSource]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built library."""
    folder = tmp_path_factory.mktemp("nvml")
    source = Path(__file__).with_name("fake_nvml.c")
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared"]
    subprocess.run([need("cc", "gcc"), *flags, "-o", folder / LIBRARY, source], check=True)
    return folder


@pytest.fixture
def source(library: Path, tmp_path: Path) -> Source:
    """`source("h100x8")`: NVML on a machine that gives the readings of tests/data/nvml/h100x8.tsv."""

    def make(case: str, deadline_s: float = 60.0, root: Path = tmp_path) -> NvmlSource:
        readings = READINGS / f"{case}.tsv"
        assert readings.exists()
        settings = {"LD_LIBRARY_PATH": str(library), "FAKE_NVML_READINGS": str(readings)}
        return NvmlSource(deadline_s, {**os.environ, **settings}, root)

    return make
