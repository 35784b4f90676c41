"""Whether there is an NVML to ask at all: no process is started where there is none."""

import subprocess
import sys
from pathlib import Path

import pytest

from dcctl.inventory.probes.rules import NVML_LIBRARY
from dcctl.inventory.sources.nvml.source import find_library


def test_no_library_starts_no_process_and_is_no_gap(tmp_path: Path) -> None:
    (tmp_path / "sys/bus").mkdir(parents=True)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from dcctl.inventory.sources.nvml.source import NvmlSource\n"
        "started = []\n"
        "sys.addaudithook(lambda event, _: started.append(event) if event == 'subprocess.Popen' else None)\n"
        f"fleet = NvmlSource(5.0, {{}}, Path({str(tmp_path)!r})).collect()\n"
        "print(fleet.gaps, fleet.nodes[0].accelerators, started, 'pynvml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "() () [] False\n"


def _put(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / NVML_LIBRARY).touch()
    return folder


def test_nothing_is_found_on_an_empty_machine(tmp_path: Path) -> None:
    assert find_library({}, tmp_path) is None


def test_a_folder_of_the_environment_needs_no_help(tmp_path: Path) -> None:
    folder = _put(tmp_path / "opt/lib")
    assert find_library({"LD_LIBRARY_PATH": f":/nowhere:{folder}"}, tmp_path) == ""


@pytest.mark.parametrize("folder", ["usr/lib64", "lib", "usr/lib"])
def test_a_folder_of_the_loader_needs_no_help(tmp_path: Path, folder: str) -> None:
    _put(tmp_path / folder)
    assert find_library({}, tmp_path) == ""


def test_the_cache_of_the_loader_is_believed_by_whole_name(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    cache = tmp_path / "etc/ld.so.cache"
    cache.write_bytes(b"glibc-ld.so.cache1.1\0libnvidia-ml.so.1.old\0")
    assert find_library({}, tmp_path) is None
    cache.write_bytes(b"glibc-ld.so.cache1.1\0libnvidia-ml.so.1\0/opt/x/libnvidia-ml.so.1\0")
    assert find_library({}, tmp_path) == ""


@pytest.mark.parametrize(
    "path", ["usr/local/nvidia/lib64", "run/nvidia/driver/usr/lib/aarch64-linux-gnu", "usr/lib/wsl/lib"]
)
def test_a_folder_that_the_loader_does_not_know_is_given_to_it(tmp_path: Path, path: str) -> None:
    folder = _put(tmp_path / path)
    assert find_library({}, tmp_path) == str(folder)
