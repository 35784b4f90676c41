"""Real servers of power readings on loopback, in temporary folders, stopped by their process ids."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from tests.components import missing, need
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

READY_S = 20.0
NUT_LIBRARY = Path("/lib/nut")
REDFISH = ROOT / "tests" / "data" / "redfish"


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port of loopback that nobody used a moment ago."""
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(
    command: list[str], ready: Callable[[], bool], environ: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A program that runs as long as the block. Its output is told when it does not get ready."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(environ or {})},
    )
    try:
        until = time.monotonic() + READY_S
        while not ready():
            if child.poll() is not None or time.monotonic() > until:
                child.kill()
                raise AssertionError(f"{command[0]} is not ready: {child.communicate()[0].decode()}")
            time.sleep(0.05)
        yield
    finally:
        child.terminate()
        try:
            child.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


def answers(port: int) -> bool:
    """Whether anybody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def upsd(
    folder: Path, devices: Mapping[str, Mapping[str, str]], silent: tuple[str, ...] = ()
) -> Iterator[int]:
    """NUT's upsd, and a dummy-ups driver for each device; `silent` ones have no driver. Yields the port."""
    if not (NUT_LIBRARY / "dummy-ups").exists():
        missing("dummy-ups", "not installed (Debian package nut-server)")
    port = free_port()
    names = (*devices, *silent)
    ups = "".join(f"[{name}]\ndriver = dummy-ups\nport = {name}.dev\nmode = dummy-once\n" for name in names)
    _private(folder / "ups.conf", ups)
    _private(folder / "upsd.conf", f"LISTEN 127.0.0.1 {port}\n")
    _private(folder / "upsd.users", "")
    paths = ("NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH", "NUT_PIDPATH")
    environ = dict.fromkeys(paths, str(folder))
    user = ["-u", "root"] if os.geteuid() == 0 else []
    server = [str(NUT_LIBRARY / "upsd"), *user, "-F"]
    with _drivers(folder, devices, user, environ), started(server, lambda: _all_told(port, devices), environ):
        yield port


def _all_told(port: int, devices: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether upsd has heard of every device what it is to say."""
    if not answers(port):
        return False
    with socket.create_connection(("127.0.0.1", port), 5) as stream, stream.makefile("rwb") as file:
        for name, variables in devices.items():
            for key in variables:
                file.write(f"GET VAR {name} {key}\n".encode())
                file.flush()
                if not file.readline().startswith(b"VAR "):
                    return False
    return True


@contextmanager
def _drivers(
    folder: Path, devices: Mapping[str, Mapping[str, str]], user: list[str], environ: Mapping[str, str]
) -> Iterator[None]:
    if not devices:
        yield
        return
    (name, variables), *others = devices.items()
    _private(folder / f"{name}.dev", "".join(f"{key}: {value}\n" for key, value in variables.items()))
    command = [str(NUT_LIBRARY / "dummy-ups"), "-a", name, *user, "-F"]
    with (
        started(command, (folder / f"dummy-ups-{name}").exists, environ),
        _drivers(folder, dict(others), user, environ),
    ):
        yield


def _private(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


_PERSIST = """
import sys
ROWS = {rows!r}
ORDER = sorted(ROWS, key=lambda oid: [int(part) for part in oid.strip(".").split(".")])
def said():
    return sys.stdin.readline().strip()
while True:
    word = said()
    if not word:
        break
    if word == "PING":
        print("PONG", flush=True)
        continue
    oid = said()
    if word == "getnext":
        key = [int(part) for part in oid.strip(".").split(".")]
        oid = next((one for one in ORDER if [int(p) for p in one.strip(".").split(".")] > key), None)
    if oid in ROWS:
        print(oid, "gauge", ROWS[oid], sep="\\n", flush=True)
    else:
        print("NONE", flush=True)
"""


@contextmanager
def snmpd(folder: Path, object_id: str, rows: Mapping[str, int], access: str) -> Iterator[int]:
    """net-snmp's snmpd that is a PDU: `rows` by OID through pass_persist. Yields the UDP port."""
    program = need("snmpd", "snmpd")
    need("snmpbulkwalk", "snmp")
    port = free_port(socket.SOCK_DGRAM)
    script = folder / "persist.py"
    script.write_text(_PERSIST.format(rows=dict(rows)))
    enterprise = ".".join(object_id.split(".")[:8])
    _private(
        folder / "snmpd.conf",
        f"{access}\nsysobjectid {object_id}\npass_persist {enterprise} {sys.executable} -u {script}\n",
    )
    environ = {"SNMP_PERSISTENT_DIR": str(folder / "state"), "MIBS": ""}
    (folder / "state").mkdir()
    command = [program, "-f", "-Lo", "-C", "-c", str(folder / "snmpd.conf"), "-p", str(folder / "pid")]
    with started([*command, f"udp:127.0.0.1:{port}"], (folder / "pid").exists, environ):
        yield port


@contextmanager
def sushy(tree: str, certificate: Path | None = None) -> Iterator[str]:
    """sushy-tools' static Redfish server over a recorded tree. Yields its URL.

    With a certificate, whose key lies in the same file, it speaks TLS.
    """
    program = Path(sys.executable).parent / "sushy-static"
    command = str(program) if program.exists() else need("sushy-static", "none; pip install sushy-tools")
    port = free_port()
    words = [command, "-i", "127.0.0.1", "-p", str(port), "-m", str(REDFISH / tree)]
    if certificate is not None:
        words += ["-c", str(certificate), "-k", str(certificate)]
    with started(words, lambda: answers(port)):
        yield f"http{'s' if certificate else ''}://127.0.0.1:{port}"


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signed itself, and its key, in one file."""
    program, key, file = need("openssl", "openssl"), folder / "key.pem", folder / "bmc.pem"
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bmc"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file


class Bmc(BaseHTTPRequestHandler):
    """A BMC with accounts: a recorded tree behind basic authentication or a session."""

    tree = "power"
    user, password = "ops", "s3cret word"
    token = "0123456789abcdef"
    broken: Mapping[str, tuple[int, bytes]] = {}
    """Paths that answer with this instead."""
    seen: list[tuple[str, str]]
    """(method, path) of all requests."""

    def do_GET(self) -> None:
        self.seen.append(("GET", self.path))
        basic = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        told = self.headers.get("Authorization") == f"Basic {basic}"
        if not told and self.headers.get("X-Auth-Token") != self.token:
            self._say(401, b'{"error": {}}')
            return
        if self.path in self.broken:
            self._say(*self.broken[self.path])
            return
        file = REDFISH / self.tree / self.path.removeprefix("/redfish/v1").strip("/") / "index.json"
        self._say(200, file.read_bytes()) if file.exists() else self._say(404, b"{}")

    def do_POST(self) -> None:
        self.seen.append(("POST", self.path))
        said = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        right = self.user in said and self.password in said
        where = {"X-Auth-Token": self.token, "Location": f"{self.path}/1"} if right else {}
        self._say(201 if right else 401, b"{}", where)

    def do_DELETE(self) -> None:
        self.seen.append(("DELETE", self.path))
        self._say(204, b"")

    def _say(self, code: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def bmc(**changed: object) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A `Bmc` with some things changed. Yields its URL and what it was asked."""
    seen: list[tuple[str, str]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Changed", (Bmc,), {**changed, "seen": seen}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
