"""Who may log in and become root: settings of sshd, keys, accounts, sudoers. Pure."""

from __future__ import annotations

import base64
import getopt
import hashlib
import re
from typing import TYPE_CHECKING

from dcctl.inventory.evidence.hosts import Auditing, AuthorizedKey, Grant, HostAccount, HostKey, Match
from dcctl.inventory.sources.ssh.audit.told import Untold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.sources.ssh.audit.told import Reading

_KEY_LINE = re.compile(r"(\d{1,6}) ((?:SHA256|MD5):\S+) (.*)\(([A-Z0-9-]+)\)")
_FILE_LINE = re.compile(r"@@(\d{1,12})(?:\.\d*)?@@(/.+)")
_KEY_FILES = {".ssh/authorized_keys", ".ssh/authorized_keys2", "%h/.ssh/authorized_keys"}
_SEARCHED = ("/root", "/home/")
_TITLE = re.compile(r"sshd: (/.+?) \[listener\].*")
_OPTIONS = "C:E:b:c:f:g:h:k:o:p:u:46DGQRTVdeiqrt"
_NO_SERVER = {"-G", "-Q", "-R", "-T", "-V", "-i", "-t"}
"""They print something and end, or are about one connection."""
_USUAL_SERVERS = {"/usr/sbin/sshd", "/sbin/sshd", "/usr/bin/sshd"}
_USUAL_FILE = "/etc/ssh/sshd_config"
_NO_LOGIN = ("/nologin", "/false", "/sync", "/halt", "/shutdown")


def sshd(reading: Reading) -> dict[str, tuple[str, ...]]:
    """Return the settings in `sshd -T`: several values where a keyword is told several times.

    Untold: the server that runs was given others when it was started. Where one of several was, they are told
    in part.
    """
    _check_settings(reading)
    found: dict[str, tuple[str, ...]] = {}
    for line in reading.command("sshd").splitlines():
        keyword, _, value = line.partition(" ")
        if keyword.isalnum() and value:
            found[keyword.lower()] = (*found.get(keyword.lower(), ()), value)
    if "permitrootlogin" not in found:
        raise Untold("sshd -T told no settings", "invalid")
    return found


def _check_settings(reading: Reading) -> None:
    """Untold: all servers that run have other settings. Of one of several it is noted."""
    servers = [why for one in reading.host.servers if (why := _started_with(one)) is not None]
    others = [why for why in servers if why]
    if others and len(others) == len(servers):
        raise Untold(f"{others[0]}; sshd -T tells the settings of /etc/ssh/sshd_config", "unsupported")
    if others:
        reading.only("sshd", f"of {len(servers)} servers one is another: {others[0]}", "unsupported")


def _started_with(line: str) -> str | None:
    """Say what makes a server's settings other than those of `sshd -T`; empty: nothing. None: it is none.

    A server has its command line as its title since OpenSSH 8.2: `sshd: /usr/sbin/sshd -D [listener] 0 of …`.
    """
    title = _TITLE.fullmatch(line)
    words = (title[1] if title else line).split()
    if not words or not words[0].endswith("/sshd"):
        return None
    try:
        told, _ = getopt.getopt(words[1:], _OPTIONS)
    except getopt.GetoptError as error:
        return f"sshd runs with options that are not known: {error}"
    if {name for name, _ in told} & _NO_SERVER:
        return None
    if words[0] not in _USUAL_SERVERS:
        return f"the server that runs is {words[0]}"
    other = [f"{name} {value}" for name, value in told if name in {"-f", "-o"} and value != _USUAL_FILE]
    return f"sshd runs with {' '.join(other)}" if other else ""


def sshd_matches(reading: Reading) -> tuple[Match, ...]:
    """Return the settings below Match, by whom they are for; a file ends its last one. Untold: as `sshd`."""
    _check_settings(reading)
    found, criteria, last = [], "", ""
    for path, line in _grepped(reading.command("sshd_files", (0, 2))):
        parts = re.match(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*\S)", line)
        if path != last:
            criteria, last = "", path
        if not parts:
            continue
        keyword, value = parts[1].lower(), parts[2]
        if keyword == "match":
            criteria = " ".join(value.split())
        elif criteria:
            found.append(Match(criteria, keyword, value))
    return tuple(found)


def _grepped(text: str) -> Iterator[tuple[str, str]]:
    """(file, line) of the output of `grep -r`."""
    for row in text.splitlines():
        path, colon, line = row.partition(":")
        if colon and path.startswith("/"):
            yield path, line


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
    for line in reading.command("authorized_keys", (0, 1)).splitlines():
        if path := _FILE_LINE.fullmatch(line):
            moment, file = int(path[1]), path[2]
        elif (key := _KEY_LINE.fullmatch(line)) and file:
            user = homes.get(file.rpartition("/.ssh/")[0], file.split("/")[-3])
            found.append(AuthorizedKey(user, key[4], int(key[1]), key[2], key[3].strip(), file, moment))
    _note_other_keys(reading)
    return tuple(found)


def _note_other_keys(reading: Reading) -> None:
    away = [
        one.name
        for one in accounts(reading)
        if not one.home.startswith(_SEARCHED) and one.uid >= 1000 and not one.shell.endswith(_NO_LOGIN)
    ]
    if away:
        reading.only(
            "authorized_keys", f"homes outside /root and /home were not searched: {', '.join(away[:5])}"
        )
    try:
        settings = sshd(reading) if reading.ran("sshd") and reading.commands["sshd"].out else {}
    except Untold as reason:
        reading.only("authorized_keys", f"where sshd takes keys from is not known: {reason.silence.reason}")
        return
    files = " ".join(settings.get("authorizedkeysfile", ())).split()
    if set(files) - _KEY_FILES or settings.get("authorizedkeyscommand", ("none",)) != ("none",):
        reading.only("authorized_keys", "sshd also takes keys from elsewhere: AuthorizedKeysFile or -Command")


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


def nopasswd(reading: Reading) -> tuple[Grant, ...]:
    """Return what sudoers allows without a password; nothing where there is no sudo."""
    if not reading.ran("sudoers"):
        return ()
    lines = [row for row in _grepped(reading.command("sudoers", (0, 2))) if _is_read(row[0])]
    return tuple(_grants(_joined(lines)))


def _is_read(path: str) -> bool:
    """Sudo passes over files of its folder with a dot in their names, and over those that end in ~."""
    name = path.rpartition("/")[2]
    return "/sudoers.d/" not in path or not ("." in name or name.endswith("~"))


def _joined(rows: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Join lines that a backslash continues; comments are dropped."""
    begun = ""
    for path, line in rows:
        begun += line
        if begun.endswith("\\"):
            begun = begun[:-1] + " "
            continue
        text, begun = begun.strip(), ""
        if text and not re.match(r"#(?!\d)|@include", text):
            yield path, text


def _grants(lines: Iterator[tuple[str, str]]) -> Iterator[Grant]:
    aliases: dict[str, str] = {}
    for path, line in lines:
        if alias := re.match(r"Cmnd_Alias\s+(\w+)\s*=\s*(.*)", line):
            aliases[alias[1]] = alias[2]
        elif re.match(r"Defaults\S*\s.*!\s*authenticate", line):
            yield Grant(line.split()[0].removeprefix("Defaults").lstrip(":") or "ALL", "ALL", path)
        elif found := re.match(r"(\S+|\"[^\"]+\")\s.*?=.*?\bNOPASSWD\s*:\s*(.*)", line):
            commands = re.split(r"\bPASSWD\s*:", re.sub(r"\bNOPASSWD\s*:\s*", "", found[2]))[0]
            words = [aliases.get(word.strip(), word.strip()) for word in re.split(r"(?<!\\),", commands)]
            yield Grant(found[1].strip('"'), ", ".join(word for word in words if word), path)


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
