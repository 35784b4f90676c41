"""`dcctl assess history` against a server whose values cannot be, and after runs that broke off."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli

METRICS = ("DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_POWER_USAGE")
ENERGY = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
UNTIL = ("--range", "2d", "--until", "2025-06-01T00:00Z")
FIGURES = (
    "held_milli",
    "gpu_time_s",
    "busy_milli",
    "idle_milli",
    "idle_gpu_time_s",
    "energy_mj",
    "queue_milli",
)


class Store:
    """Speaks as much of the API as is asked for here: every series has one value, by the query."""

    def __init__(self) -> None:
        self.value, self.energy_mj, self.broken = "8", "0", ""
        self.asked: list[str] = []

    def names(self, path: str, match: str) -> list[str]:
        """The values of a label."""
        if "__name__" in path:
            return [*METRICS, *([ENERGY] if self.energy_mj != "0" else [])]
        return ["dcgm"] if "job" in path and 'exported_pod!=""' not in match else []

    def answer(self, path: str, params: dict[str, str]) -> tuple[int, object]:
        """Code and data."""
        query = params.get("query", "")
        self.asked.append(query or path)
        if "/label/" in path:
            return 200, self.names(path, params["match[]"])
        if self.broken and self.broken in query:
            return 422, None
        value = self.energy_mj if query.startswith("sum by (modelName) (increase") else self.value
        if "_range" not in path:
            labels = {"modelName": "H100", "hostname": "n1", "UUID": "GPU-1", "__name__": METRICS[0]}
            return 200, {"result": [{"metric": labels, "value": [float(params["time"]), value]}]}
        start, end, step = (int(params[key]) for key in ("start", "end", "step"))
        values = [[at, value] for at in range(start, end + 1, step)]
        return 200, {"result": [{"metric": {"modelName": "H100", "namespace": "a"}, "values": values}]}


@pytest.fixture
def store() -> Iterator[tuple[Store, str]]:
    """A server, and its URL."""
    one = Store()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            code, data = one.answer(parts.path, dict(parse_qsl(parts.query) + parse_qsl(body)))
            said = {"status": "success", "data": data} if code == 200 else {"status": "error", "error": "no"}
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        do_POST = do_GET  # noqa: N815 - the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield one, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def answer(cli: Cli, url: str, *words: str, code: int = 0) -> dict[str, Any]:
    done = cli("assess", "history", "--prometheus", url, *UNTIL, *words, "-o", "json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("value", ["NaN", "-5", "1e308", "+Inf"])
def test_what_cannot_be_is_unknown_and_a_gap_that_names_the_metric(
    cli: Cli, store: tuple[Store, str], value: str
) -> None:
    server, url = store
    server.value = value
    found = answer(cli, url, code=3)
    assert {found["summary"][key] for key in FIGURES} == {None}
    assert found["summary"]["covered_milli"] == 0
    assert found["details"]["idle"] == []
    assert all(row["held_milli"] is None and row["gpu_time_s"] is None for row in found["items"])
    gaps = {gap["subject"] for gap in found["gaps"]}
    for metric in METRICS:
        assert any(metric in subject for subject in gaps), metric


def test_two_energies_of_the_same_time_that_differ_are_told(cli: Cli, store: tuple[Store, str]) -> None:
    server, url = store
    power_mj = 8 * 2 * 86400 * 1000  # 8 W over two days
    for energy_mj, told in ((power_mj, False), (power_mj * 0.85, False), (power_mj * 0.7, True)):
        server.energy_mj = str(energy_mj)
        found = answer(cli, url, "--fresh", code=0)
        notes = [note["text"] for note in found["notes"] if note["label"] == "energy"]
        assert any("one of them is wrong" in text for text in notes) == told


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("history/*.json"))


def test_a_run_that_ended_is_asked_anew_and_one_that_broke_off_goes_on(
    cli: Cli, store: tuple[Store, str], tmp_path: Path
) -> None:
    server, url = store
    first = answer(cli, url)
    assert first["summary"]["queries"] == answer(cli, url)["summary"]["queries"] > 0
    assert not _files(tmp_path)
    server.broken = "sum_over_time(DCGM_FI_DEV_GPU_UTIL"  # how busy
    answer(cli, url, code=3)
    assert _files(tmp_path)
    server.broken = ""
    again = answer(cli, url)
    assert again["summary"]["queries"] + again["summary"]["kept"] == first["summary"]["queries"]
    assert again["summary"]["queries"] < again["summary"]["kept"]
    (note,) = [note for note in again["notes"] if note["label"] == "cache"]
    assert re.search(r"from the cache of \d\d:\d\d UTC", note["text"])
    assert note["command"].endswith("--fresh")
    assert not _files(tmp_path)


@pytest.mark.parametrize("torn", [b"", b'{"status":"success","da', b"[]", b'{"status":"x"}'])
def test_an_answer_that_was_torn_on_the_disk_is_as_if_it_were_not_there(
    cli: Cli, store: tuple[Store, str], tmp_path: Path, torn: bytes
) -> None:
    server, url = store
    server.broken = "sum_over_time(DCGM_FI_DEV_GPU_UTIL"
    whole = answer(cli, url, code=3)
    for file in _files(tmp_path):
        file.write_bytes(torn)
    server.broken = ""
    again = answer(cli, url)
    assert again["summary"]["gpu_time_s"] == whole["summary"]["gpu_time_s"]
    assert again["summary"]["accelerators"] == 8
