"""Who may log in: settings of sshd, keys, accounts. Pure."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from dcctl.inventory.evidence.hosts import Auditing, AuthorizedKey, HostAccount, HostKey
from dcctl.inventory.sources.ssh.audit.servers import check_settings
from dcctl.inventory.sources.ssh.audit.sshd_files import sshd_matches
from dcctl.inventory.sources.ssh.audit.told import Untold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.sources.ssh.audit.told import Reading

_KEY_LINE = re.compile(r"(\d{1,6}) ((?:SHA256|MD5):\S+) (.*)\(([A-Z0-9-]+)\)")
_FILE_LINE = re.compile(r"@@(\d{1,12})(?:\.\d*)?@@(/.+)")
_KEY_FILES = {".ssh/authorized_keys", ".ssh/authorized_keys2", "%h/.ssh/authorized_keys", "none"}
_IN_HOME = re.compile(r"/\.ssh/[^/]+\Z")
_FOLDER_LINE = re.compile(r"@(\d{1,20})@(/.+)")
_NO_MATTER = ("File system loop", "No such file or directory", "Too many levels of symbolic links")
_SEARCHED = re.compile(r"(?:/root|/home(?:/[^/]+){1,2})/?\Z")
_NO_LOGIN = ("/nologin", "/false", "/sync", "/halt", "/shutdown")


def sshd(reading: Reading) -> dict[str, tuple[str, ...]]:
    """Return the settings in `sshd -T`: several values where a keyword is told several times.

    Untold: the server that runs was given others when it was started. Where one of several was, they are told
    in part.
    """
    check_settings(reading)
    found: dict[str, tuple[str, ...]] = {}
    for line in reading.command("sshd").splitlines():
        keyword, _, value = line.partition(" ")
        if keyword.isalnum() and value:
            found[keyword.lower()] = (*found.get(keyword.lower(), ()), value)
    if "permitrootlogin" not in found:
        raise Untold("sshd -T told no settings", "invalid")
    return found


def host_keys(reading: Reading) -> tuple[HostKey, ...]:
    """Return the server's keys by the fingerprints that ssh-keygen would print."""
    found = []
    for path, told in sorted(reading.host.host_keys.items()):
        words = (told.out or "").split()
        if not path.endswith(".pub") or len(words) < 2:
            continue
        private = reading.host.host_keys.get(path.removesuffix(".pub"))
        mode, uid = (private.mode, private.uid) if private else (None, None)
        found.append(HostKey(path.removesuffix(".pub"), words[0], fingerprint(words[1]), mode, uid))
    return tuple(found)


def fingerprint(key: str) -> str:
    """Return the SHA-256 fingerprint of a public key in base64. ValueError: it is none."""
    digest = hashlib.sha256(base64.b64decode(key, validate=True)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def authorized_keys(reading: Reading) -> tuple[AuthorizedKey, ...]:
    """Return the keys below /root and /home; of others it is noted that nobody looked."""
    found, file, moment = [], "", 0
    homes = {one.home.rstrip("/"): one.name for one in accounts(reading)}
    lines = reading.command("authorized_keys", (0, 1)).splitlines()
    for line in lines:
        if path := _FILE_LINE.fullmatch(line):
            moment, file = int(path[1]), path[2] if _IN_HOME.search(path[2]) else ""
        elif (key := _KEY_LINE.fullmatch(line)) and file:
            user = homes.get(file.rpartition("/.ssh/")[0], file.split("/")[-3])
            found.append(AuthorizedKey(user, key[4], int(key[1]), key[2], key[3].strip(), file, moment))
    for doubt in (*_unsearched(lines), *_elsewhere(reading)):
        reading.only("authorized_keys", doubt)
    return tuple(found)


def _unsearched(lines: list[str]) -> Iterator[str]:
    """Folders that find did not enter: on other file systems, or refused."""
    devices = {row[2]: row[1] for line in lines if (row := _FOLDER_LINE.fullmatch(line))}
    for path, device in devices.items():
        start = "/" + path.split("/")[1]
        if device != devices.get(start, device):
            yield f"{path} is on another file system, and was not searched"
    for line in lines:
        if line.startswith("/usr/bin/find: ") and not any(words in line for words in _NO_MATTER):
            yield line.removeprefix("/usr/bin/find: ")


def _elsewhere(reading: Reading) -> Iterator[str]:
    """Homes and files that sshd takes keys from, and nobody searched."""
    away = [
        one.name
        for one in accounts(reading)
        if not _SEARCHED.match(one.home) and one.uid >= 1000 and not one.shell.endswith(_NO_LOGIN)
    ]
    if away:
        yield f"homes outside /root and /home were not searched: {', '.join(away[:5])}"
    try:
        settings = sshd(reading) if reading.ran("sshd") and reading.commands["sshd"].out else {}
        read = reading.ran("sshd_files") and reading.commands["sshd_files"].out
        matched = sshd_matches(reading) if read else ()
    except Untold as reason:
        yield f"where sshd takes keys from is not known: {reason.silence.reason}"
        return
    files = " ".join(settings.get("authorizedkeysfile", ())).split()
    files += [word for one in matched if one.keyword == "authorizedkeysfile" for word in one.value.split()]
    commands = [*settings.get("authorizedkeyscommand", ())]
    commands += [one.value for one in matched if one.keyword == "authorizedkeyscommand"]
    if set(files) - _KEY_FILES or set(commands) - {"none"}:
        yield "sshd also takes keys from elsewhere: AuthorizedKeysFile or -Command"


def accounts(reading: Reading) -> tuple[HostAccount, ...]:
    """Return the lines of /etc/passwd."""
    rows = [line.split(":") for line in reading.file("/etc/passwd").splitlines() if not line.startswith("#")]
    return tuple(
        HostAccount(row[0], int(row[2]), row[5], row[6])
        for row in rows
        if len(row) == 7 and row[2].isdecimal()
    )


def empty_passwords(reading: Reading) -> tuple[str, ...]:
    """Return the accounts without a password; grep ends with 1 where it finds none."""
    text = reading.command("empty_passwords", (0, 1))
    return tuple(line.split(":")[0] for line in text.splitlines() if "::" in line)


def auditing(reading: Reading) -> Auditing:
    """Return the state of the kernel's audit. `unsupported`: it has none."""
    told = reading.commands.get("auditctl")
    if told and "not in kernel" in (told.out or ""):
        raise Untold("the kernel was built without audit", "unsupported")
    enabled = re.search(r"^enabled\s+(\d)", reading.command("auditctl"), re.MULTILINE)
    try:
        settings = reading.command("auditd_conf")
    except Untold:
        settings = ""
    full = re.search(r"^\s*disk_full_action\s*=\s*(\w+)", settings, re.MULTILINE | re.IGNORECASE)
    return Auditing(int(enabled[1]) if enabled else None, full[1].upper() if full else None)
