"""Client CPU per host over SSH, interpreter included: dcctl, OpenSSH, clush and Ansible in one run.

Every host is a real sshd on a loopback port; its own work, on the same cores here, is not counted.
Run: python tests/bench/bench_ssh.py [HOSTS]
"""

from __future__ import annotations

import base64
import hmac
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.bench.cpu import Cost, once, python  # noqa: E402 - the path comes first
from tests.live.ssh.hosts import Hosts  # noqa: E402 - the path comes first

FANOUT = "32"
KNOWN_LINES = 10_000
BUDGET_MS = 10.0
COMMAND = "uname -r"
INVENTORY = """
import sys
from dcctl.inventory.sources.ssh.source import SshSource, Target
from dcctl.inventory.sources.ssh.run import Overrides
fleet = SshSource([Target(n) for n in sys.argv[2:]], fanout=32, overrides=Overrides(sys.argv[1])).collect()
sys.exit(len(fleet.nodes) != len(sys.argv) - 2)
"""
ONE_COMMAND = """
import sys
from dcctl.inventory.sources.ssh.run import Overrides, Reply, Script, Session, Target
with Session(Overrides(sys.argv[1]), fanout=32) as session:
    answers = list(session.run([Target(n) for n in sys.argv[2:]], Script("uname -r")))
sys.exit(not all(isinstance(a.result, Reply) and a.result.status == 0 for a in answers))
"""


def _noise(count: int, *, hashed: bool) -> str:
    """Lines of other hosts."""
    lines = []
    for number in range(count):
        name, salt = f"other{number}", os.urandom(20)
        if hashed:
            parts = (salt, hmac.digest(salt, name.encode(), "sha1"))
            name = "|1|" + "|".join(base64.b64encode(part).decode() for part in parts)
        blob = b"\0\0\0\x0bssh-ed25519\0\0\0 " + os.urandom(32)
        lines.append(f"{name} ssh-ed25519 {base64.b64encode(blob).decode()}\n")
    return "".join(lines)


def _crowd(hosts: Hosts, *, hashed: bool) -> None:
    """Make known_hosts long, with the lines of the hosts at its end."""
    own = "".join(server.known_hosts() for server in hosts.servers.values())
    hosts.known_hosts.write_text(_noise(KNOWN_LINES - len(hosts.names), hashed=hashed) + own)
    if hashed:
        command = ["ssh-keygen", "-q", "-H", "-f", str(hosts.known_hosts)]
        subprocess.run(command, check=True, capture_output=True)


def _openssh(hosts: Hosts, *options: str) -> list[str]:
    ssh = f"ssh -n -F {hosts.ssh_config} {' '.join(options)} @ {COMMAND}"
    return ["sh", "-c", f"printf '%s\\n' {' '.join(hosts.names)} | xargs -P{FANOUT} -I@ {ssh}"]


def _clush(hosts: Hosts) -> list[str]:
    options = ["-q", "-f", FANOUT, "-o", f"-F {hosts.ssh_config}", "-w", ",".join(hosts.names)]
    return [str(Path(sys.executable).with_name("clush")), *options, COMMAND]


def _ansible(hosts: Hosts, program: str) -> list[str]:
    inventory = hosts.folder / "inventory"
    inventory.write_text("\n".join(hosts.names) + "\n")
    options = f"--ssh-common-args=-F {hosts.ssh_config} -o ControlMaster=no"
    return [program, "all", "-i", str(inventory), "-f", FANOUT, options, "-m", "raw", "-a", COMMAND]


def find_ansible(folder: Path) -> str | None:
    """Return the program: the machine's, else one from a throw-away environment; None without a registry."""
    found = shutil.which("ansible")
    if found:
        return found
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    venv = folder / "ansible"
    steps = (python("-m", "venv", str(venv)), [str(venv / "bin/pip"), "install", "-q", "ansible-core"])
    for step in steps:
        if subprocess.run(step, check=False, timeout=300, **quiet).returncode:  # type: ignore[call-overload]
            return None
    return str(venv / "bin" / "ansible")


def _methods(hosts: Hosts, ansible: str | None) -> dict[str, list[str]]:
    ours = [str(hosts.ssh_config), *hosts.names]
    rows = {
        "dcctl, the whole inventory": python("-c", INVENTORY, *ours),
        "dcctl, one command": python("-c", ONE_COMMAND, *ours),
        "OpenSSH, xargs -P32": _openssh(hosts),
        "OpenSSH, KexAlgorithms curve25519": _openssh(hosts, "-o KexAlgorithms=curve25519-sha256"),
        "clush -f32": _clush(hosts),
    }
    if ansible is not None:
        rows["ansible -m raw -f32"] = _ansible(hosts, ansible)
    return rows


def _row(name: str, cost: Cost, count: int, base: float) -> float:
    """Print and return milliseconds of CPU per host."""
    per_host = cost.cpu_s * 1000 / count
    note = "" if cost.returncode == 0 else f"  FAILED with {cost.returncode}"
    print(f"{name:44} {per_host:9.1f} {per_host / (base or per_host):7.1f}{note}", flush=True)
    return per_host if cost.returncode == 0 else float("inf")


def run(count: int, folder: Path) -> int:
    """Print the table; 1 when dcctl needs more than its budget."""
    ansible = find_ansible(folder)
    os.environ.update(HOME=str(folder), ANSIBLE_HOME=str(folder / "ansible-home"), PYTHONPATH=str(ROOT))
    os.environ.pop("SSH_AUTH_SOCK", None)
    with Hosts(folder / "hosts", count, namespaces=False) as hosts:
        print(f"{f'{count} hosts, 32 at once':44} {'ms/host':>9} {'ratio':>7}")
        rows, base, worst = _methods(hosts, ansible), 0.0, 0.0
        for name, command in rows.items():
            spent = _row(name, once(command), count, base)
            base = base or spent
            worst = max(worst, spent) if name.startswith("dcctl") else worst
        for hashed in (False, True):
            _crowd(hosts, hashed=hashed)
            kind = "hashed " if hashed else ""
            for name in ("dcctl, one command", "OpenSSH, KexAlgorithms curve25519"):
                spent = _row(
                    f"{name[:18].split(',')[0]}, {KNOWN_LINES} {kind}known hosts",
                    once(rows[name]),
                    count,
                    base,
                )
                worst = max(worst, spent) if name.startswith("dcctl") else worst
    if ansible is None:
        print("ansible: missing (not installed, and ansible-core could not be installed)")
    print(f"budget: {BUDGET_MS:g} ms per host; dcctl needs at most {worst:.1f}")
    return int(worst > BUDGET_MS)


def main() -> int:
    """Measure in a folder that is removed afterwards."""
    if not shutil.which("sshd", path="/usr/sbin:/usr/bin"):
        print("openssh-server is not installed: nothing measured")
        return 0
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "hosts").mkdir()
        return run(count, folder)


if __name__ == "__main__":
    sys.exit(main())
