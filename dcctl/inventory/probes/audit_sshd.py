"""Part of the audit's probe: with which options the SSH servers of a host were started."""

import os

from dcctl.inventory.probes.audit import AUDIT_ROOT, FILE_BYTES, UNPRINTABLE, Part, file_text

SERVER = "sshd"


def command_line(pid: str) -> str:
    """Return the command line of a process with blanks between its words; nothing where it is gone."""
    try:
        with open(AUDIT_ROOT + "/proc/" + pid + "/cmdline", "rb") as file:
            data = file.read(FILE_BYTES)
    except OSError:
        return ""
    return UNPRINTABLE.sub("", data.replace(b"\0", b" ").decode("utf-8", "replace")).strip()


def of_the_host(pid: str) -> bool:
    """Tell whether a process is of no container: it has one number only, and our network."""
    if network(pid) not in ("", network("self")):
        return False
    status = str(file_text("/proc/" + pid + "/status").get("out", ""))
    rows = [line.split() for line in status.split("\n") if line.startswith("NSpid:")]
    return not rows or len(rows[0]) <= 2


def network(pid: str) -> str:
    """Return the network namespace of a process; nothing where we may not know it: as good as ours."""
    try:
        return os.readlink(AUDIT_ROOT + "/proc/" + pid + "/ns/net")
    except OSError:
        return ""


def read_sshd() -> "dict[str, object]":
    """Return the command lines of all that is called sshd: servers, and what they started."""
    try:
        pids = sorted(one for one in os.listdir(AUDIT_ROOT + "/proc") if one.isdigit())
    except OSError:
        return {"started": []}
    named = [pid for pid in pids if str(file_text("/proc/" + pid + "/comm").get("out", "")).strip() == SERVER]
    return {"started": [words for pid in named if of_the_host(pid) for words in [command_line(pid)] if words]}


SSHD = Part("sshd", (), read_sshd)
